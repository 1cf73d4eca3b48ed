"""What is inside an arm that is not taken is skipped, though it uses what failed outside the loop."""

from witness import attempt

from intermodal import for_each, pipeline, task, when


@task
def bad(me: str) -> int:
    with attempt(me):
        raise ValueError("bad")


@task
def item(me: str, n: int, value: int = 0) -> int:
    with attempt(me, [n]) as seen:
        return seen(n + value)


@pipeline
def failed_upstream_of_an_arm():
    failed = bad.with_options(id="bad")("bad")
    with for_each([0, 1]) as n:
        with when(n > 5) as large:
            item.with_options(id="large")("large", n, failed)
        with large.otherwise():
            item.with_options(id="small")("small", n)
