"""A list that one of two ways gives is gone over."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task, when


@task
def flag(me: str, value: bool) -> bool:
    with attempt(me) as seen:
        return seen(value)


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def square(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n * n)


@pipeline
def merged_then_mapped():
    on = flag.with_options(id="decide")("decide", False)
    with when(on) as way:
        many = numbers.with_options(id="many")("many", 9)
    with way.otherwise():
        few = numbers.with_options(id="few")("few", 3)
    with for_each(way.merge(many, few)) as n:
        squares = square.with_options(id="each")("each", n)
    total.with_options(id="sum")("sum", collect(squares))
