"""All tasks of a run are told the same of it."""

from datetime import datetime

from witness import attempt

from intermodal import pipeline, run, task


@task
def known(me: str, run_id: str, pipeline: str, date: datetime) -> list[str]:
    with attempt(me) as seen:
        seen([pipeline, str(bool(run_id)), str(date.tzinfo is not None)])
        return [run_id, pipeline, date.isoformat()]


@task
def compare(me: str, one: list[str], two: list[str]) -> bool:
    with attempt(me) as seen:
        same = datetime.fromisoformat(one[2]) == datetime.fromisoformat(two[2])
        return seen(one[:2] == two[:2] and same)


@pipeline
def told():
    one = known.with_options(id="one")("one", run.id, run.pipeline, run.logical_date)
    compare.with_options(id="two")("two", one, [run.id, run.pipeline, run.logical_date])
