"""Each instance of a loop uses all that an earlier loop has collected."""

from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def item(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n * 10)


@task
def share(me: str, n: int, values: list[int]) -> float:
    with attempt(me, [n]) as seen:
        return seen(values[n] / sum(values))


@pipeline
def collected_in_a_later_loop():
    with for_each([0, 1, 2], max_parallel=2) as n:
        made = item.with_options(id="item")("item", n)
    with for_each([0, 1]) as n:
        share.with_options(id="share")("share", n, collect(made))
