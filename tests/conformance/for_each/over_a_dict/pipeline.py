"""A loop over a dict goes by its keys and values."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def sizes() -> dict[str, int]:
    with attempt("sizes") as seen:
        return seen({"a": 3, "b": 5})


@task
def line(me: str, key: str, value: int) -> str:
    with attempt(me, ["ab".index(key)]) as seen:
        return seen(f"{key}={value}")


@pipeline
def over_a_dict():
    with for_each(sizes()) as entry:
        line.with_options(id="line")("line", entry[0], entry[1])
