"""What waits goes on as soon as the check gives true."""

import os
from pathlib import Path

from witness import attempt

from intermodal import pipeline, task, wait_until


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


def polls(name: str) -> int:
    """How often this was called in this run, the present call included."""
    file = Path(os.environ["INTERMODAL_EVENTS"]).with_name(f"{name}.polls")
    with file.open("a") as log:
        log.write("x")
    return file.stat().st_size


@task
def ready(wanted: int) -> bool:
    if polls("ready") < wanted:
        return False
    with attempt("ready"):
        return True


@pipeline
def at_once():
    done = wait_until(ready, 1, every="1s", timeout="1m")
    give.with_options(id="after", after=done)("after", 1)
