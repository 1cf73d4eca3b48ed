"""A task that uses the runtime and gives something else than it declares fails."""

from witness import attempt

from intermodal import Metrics, pipeline, task


@task
def scores() -> Metrics:
    with attempt("scores"):
        return ["no", "metrics"]


@task
def use(values: Metrics) -> float:
    with attempt("use") as seen:
        return seen(values["x"])


@pipeline
def wrong_type():
    use(scores())
