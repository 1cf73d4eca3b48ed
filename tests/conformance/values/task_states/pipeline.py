"""A task is told how others ended."""

import json
from typing import Any

from witness import attempt

from intermodal import Join, pipeline, state_of, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def show(me: str, value: Any) -> str:
    with attempt(me) as seen:
        return seen(json.dumps(value))


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@pipeline
def task_states(on: bool = False):
    good = give.with_options(id="good")("good", 1)
    bad = broken.with_options(id="bad")("bad")
    skipped = give.with_options(id="skipped", guard=on)("skipped", 2)
    stopped = give.with_options(id="stopped")("stopped", bad)
    states = [state_of(good), state_of(bad), state_of(skipped), state_of(stopped)]
    show.with_options(id="report", join=Join.ALL_DONE)("report", states)
