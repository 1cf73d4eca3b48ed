"""A pipeline with a schedule can be started by hand as well."""

from witness import attempt

from intermodal import Cron, pipeline, task


@task
def give() -> int:
    with attempt("give") as seen:
        return seen(7)


@pipeline(schedule=Cron("30 6 * * 1-5", timezone="Europe/Paris"))
def cron_zone():
    give()
