"""A task fails in a loop in a branch; the exit task is told."""

from witness import attempt

from intermodal import collect, for_each, on_exit, pipeline, run, task, when


@task
def give(me: str, value: int) -> int:
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
def odd_breaks(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        if n % 2:
            raise ValueError(f"{n} is odd")
        return seen(n)


@task
def tidy(me: str, state: str) -> str:
    with attempt(me) as seen:
        return seen(state)


@pipeline
def loop_in_branch_with_exit():
    n = give.with_options(id="first")("first", 5)
    with when(n > 1) as way:
        with for_each(numbers.with_options(id="list")("list", 3)) as i:
            values = odd_breaks.with_options(id="each")("each", i)
        total.with_options(id="sum")("sum", collect(values))
    with way.otherwise():
        give.with_options(id="other")("other", 1)
    give.with_options(id="after", after=way)("after", 2)
    on_exit(tidy, "tidy", state=run.state)
