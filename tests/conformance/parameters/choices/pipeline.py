"""A parameter with a closed set of values."""

from typing import Literal

from witness import attempt

from intermodal import pipeline, task


@task
def report(mode: str) -> str:
    with attempt("report") as seen:
        return seen(mode.upper())


@pipeline
def choices(mode: Literal["fast", "exact"] = "fast"):
    report(mode)
