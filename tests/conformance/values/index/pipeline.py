"""Items of a map and of a list are passed on without a task in between."""

from witness import attempt

from intermodal import pipeline, task


@task
def give() -> dict[str, list[int]]:
    with attempt("give") as seen:
        return seen({"a": [1, 2], "b": [3]})


@task
def report(items: list[int], one: int) -> int:
    with attempt("report") as seen:
        return seen(sum(items) * one)


@pipeline
def index():
    given = give()
    report(given["a"], given["b"][0])
