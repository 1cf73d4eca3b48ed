"""When the time has passed the task fails."""

from witness import attempt, starts, write

from intermodal import pipeline, task, wait_until


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def never() -> bool:
    if starts("never") == 0:
        write("start", "never")
    return False


@pipeline
def in_vain():
    done = wait_until(never, every="1s", timeout="2s")
    give.with_options(id="after", after=done)("after", 1)
