"""Each loop waits for the one before it."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def square(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n * n)


@task
def odd_breaks(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        if n % 2:
            raise ValueError(f"{n} is odd")
        return seen(n)


@pipeline
def three_loops():
    with for_each([0, 1]) as i:
        a = square.with_options(id="a")("a", i)
    with for_each(collect(a)) as j:
        b = odd_breaks.with_options(id="b")("b", j)
    with for_each(collect(b)) as k:
        square.with_options(id="c")("c", k)
    give.with_options(id="beside")("beside", 1)
