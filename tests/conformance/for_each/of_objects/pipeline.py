"""Items are objects, and tasks take fields of them."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def item(me: str, n: int, value: int) -> int:
    """The instance of item `n`, with a value of its own."""
    with attempt(me, [n]) as seen:
        return seen(value)


@task
def rows() -> list[dict[str, int]]:
    with attempt("rows") as seen:
        return seen([{"at": 0, "size": 7}, {"at": 1, "size": 9}])


@pipeline
def of_objects():
    with for_each(rows()) as row:
        item.with_options(id="size")("size", row["at"], row["size"])
