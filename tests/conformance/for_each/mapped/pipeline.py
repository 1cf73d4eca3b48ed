"""`task.map` runs a task over a list, with the rest of its arguments fixed."""

from witness import attempt

from intermodal import pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def add(n: int, base: int) -> int:
    with attempt("add", [n]) as seen:
        return seen(n + base)


@pipeline
def mapped(base: int = 10):
    sums = add.map(numbers.with_options(id="list")("list", 3), base=base)
    total.with_options(id="sum")("sum", sums)
