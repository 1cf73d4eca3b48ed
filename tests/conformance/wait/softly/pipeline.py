"""When the time has passed the task is skipped, if it was told so."""

from witness import attempt

from intermodal import pipeline, task, wait_until


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def never() -> bool:
    return False


@pipeline
def softly():
    done = wait_until(never, every="1s", timeout="2s", soft_fail=True)
    give.with_options(id="after", after=done)("after", 1)
    give.with_options(id="beside")("beside", 2)
