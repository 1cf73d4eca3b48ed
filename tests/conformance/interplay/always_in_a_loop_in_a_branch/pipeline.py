"""A task that always runs, in a loop of an arm that is taken."""

from witness import attempt

from intermodal import Join, for_each, pipeline, task, when


@task
def item(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        if me == "bad":
            raise ValueError("bad")
        return seen(n)


@pipeline
def always_in_a_loop_in_a_branch(large: bool = True):
    with when(large):
        with for_each([0, 1]) as n:
            bad = item.with_options(id="bad")("bad", n)
            item.with_options(id="always", after=[bad], join=Join.ALWAYS)("always", n)
