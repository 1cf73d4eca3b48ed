"""A condition looks inside what a task gives."""

from witness import attempt

from intermodal import pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def measure() -> dict[str, float]:
    with attempt("measure") as seen:
        return seen({"f1": 0.95, "counts": 3.0})


@pipeline
def on_a_field(floor: float = 0.9):
    scores = measure()
    with when(scores["f1"] >= floor) as good:
        give.with_options(id="promote")("promote", 1)
    with good.otherwise():
        give.with_options(id="keep")("keep", 2)
    with when(scores["counts"] > 3.0):
        give.with_options(id="many")("many", 3)
