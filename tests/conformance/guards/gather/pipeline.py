"""After a skip the rule `none_failed` goes on with what there is."""

import json
from typing import Any

from witness import attempt

from intermodal import Join, default, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def show(me: str, value: Any) -> str:
    with attempt(me) as seen:
        return seen(json.dumps(value))


@pipeline
def gather(on: bool = False):
    a = give.with_options(id="a", guard=on)("a", 1)
    b = give.with_options(id="b")("b", 2)
    show.with_options(id="both", join=Join.NONE_FAILED)("both", [default(a, None), b])
