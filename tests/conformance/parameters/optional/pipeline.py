"""A parameter that may be null, and one that is."""

from witness import attempt

from intermodal import pipeline, task


@task
def report(limit: int | None, label: str | None) -> str:
    with attempt("report") as seen:
        return seen(f"{limit!r} {label!r}")


@pipeline
def optional(limit: int | None = None, label: str | None = "x"):
    report(limit, label)
