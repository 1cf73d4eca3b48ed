"""A condition looks inside metrics, which are an artifact."""

from witness import attempt

from intermodal import Metrics, pipeline, task, when


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def measure() -> Metrics:
    with attempt("measure"):
        return Metrics({"f1": 0.95})


@pipeline
def on_metrics(floor: float = 0.9):
    scores = measure()
    with when(scores["f1"] >= floor) as good:
        give.with_options(id="promote")("promote", 1)
    with good.otherwise():
        give.with_options(id="keep")("keep", 2)
