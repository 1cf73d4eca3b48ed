"""Tasks that say nothing have the pipeline's policies; one that does has its own."""

import os

from witness import attempt, fail_first

from intermodal import Retry, TaskDefaults, Tracking, pipeline, task


@task
def inherits() -> str:
    with attempt("inherits") as seen:
        fail_first(1, "inherits")
        return seen(os.environ["GREETING"])


@task(retry=Retry(0), environment={"GREETING": "own"})
def own() -> str:
    with attempt("own") as seen:
        seen(os.environ["GREETING"], "greeting")
        raise ValueError("once is enough")


@pipeline(
    defaults=TaskDefaults(
        retry=Retry(1), timeout="1m", environment={"GREETING": "shared"}
    ),
    tracking=Tracking(experiment="defaults", tags={"team": "data"}),
)
def defaults():
    inherits()
    own()
