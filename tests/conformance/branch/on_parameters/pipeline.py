"""A branch needs no task before it: parameters decide."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def on_parameters(mode: str = "full", deep: bool = False):
    with when(mode == "full") as way:
        give.with_options(id="full")("full", 1)
    with way.otherwise():
        give.with_options(id="quick")("quick", 2)
    with when(deep) as other:
        give.with_options(id="deep")("deep", 3)
    with other.otherwise():
        give.with_options(id="shallow")("shallow", 4)
