"""All combinations of two lists."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def pair(me: str, n: int, letter: str) -> str:
    with attempt(me, [n * 2 + "ab".index(letter)]) as seen:
        return seen(f"{letter}{n}")


@pipeline
def product():
    with for_each([0, 1], ["a", "b"], combine="product") as (n, letter):
        pair.with_options(id="pair")("pair", n, letter)
