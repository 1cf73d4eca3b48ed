"""Two cron expressions start the same pipeline."""

from witness import attempt

from intermodal import Cron, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline(schedule=[Cron("0 6 * * 1-5"), Cron("30 9 * * 6")])
def several():
    give.with_options(id="one")("one", 1)
