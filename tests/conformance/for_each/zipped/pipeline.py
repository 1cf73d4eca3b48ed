"""Two lists side by side, as far as the shorter one goes."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def numbers(me: str, count: int) -> list[int]:
    with attempt(me) as seen:
        return seen(list(range(count)))


@task
def pair(me: str, n: int, letter: str) -> str:
    with attempt(me, [n]) as seen:
        return seen(f"{letter}{n}")


@pipeline
def zipped():
    with for_each(numbers.with_options(id="list")("list", 3), ["a", "b"]) as (
        n,
        letter,
    ):
        pair.with_options(id="pair")("pair", n, letter)
