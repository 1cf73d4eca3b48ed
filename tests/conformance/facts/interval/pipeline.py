"""The data interval of a run that nobody scheduled is empty or past."""

from datetime import datetime

from witness import attempt

from intermodal import pipeline, run, task


@task
def ordered(start: datetime, end: datetime) -> bool:
    with attempt("ordered") as seen:
        return seen(start <= end)


@pipeline
def interval():
    ordered(run.data_interval_start, run.data_interval_end)
