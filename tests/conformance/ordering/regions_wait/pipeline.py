"""A branch, a loop and a group wait for a task whose output they do not use."""

from witness import attempt

from intermodal import for_each, group, pipeline, task, when


@task
def step(me: str) -> str:
    with attempt(me) as seen:
        return seen(me)


@task
def item(me: str, n: int) -> int:
    with attempt(me, [n]) as seen:
        return seen(n)


@pipeline
def regions_wait(large: bool = True):
    first = step.with_options(id="first")("first")
    with when(large, after=[first]):
        step.with_options(id="chosen")("chosen")
    with for_each([0, 1], after=[first]) as n:
        item.with_options(id="item")("item", n)
    with group(
        "rest", display_name="The rest", docs="What is left to do.", after=[first]
    ):
        step.with_options(id="grouped")("grouped")
