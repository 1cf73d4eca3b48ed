"""A second call with equal inputs takes the result of the first."""

from witness import attempt

from intermodal import Cache, pipeline, task


@task
def total(me: str, values: list[int]) -> int:
    with attempt(me) as seen:
        return seen(sum(values))


@task
def slow(n: int) -> int:
    with attempt({4: "one", 5: "other"}[n]) as seen:
        return seen(n * 10)


@pipeline
def second_call():
    fresh = slow.with_options(cache=Cache())
    one = fresh.with_options(id="one")(4)
    two = fresh.with_options(id="two", after=one)(4)
    other = fresh.with_options(id="other", after=one)(5)
    total.with_options(id="sum")("sum", [one, two, other])
