"""A pipeline with a schedule can be started by hand as well."""

from witness import attempt

from intermodal import Cron, Schedule, pipeline, task


@task
def give() -> int:
    with attempt("give") as seen:
        return seen(7)


@pipeline(
    schedule=Schedule(Cron("0 6 * * *"), start="2026-01-01T00:00:00Z", catch_up=True)
)
def catch_up():
    give()
