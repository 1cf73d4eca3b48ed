"""Tasks take slots of a pool, by their priority."""

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline(max_active_tasks=4, max_active_runs=1)
def pool_and_priority():
    give.with_options(id="a", pool="default_pool", pool_slots=2, priority=5)("a", 1)
    give.with_options(id="b", pool="default_pool", priority=1)("b", 2)
