"""A task that runs over its time is ended, and counts as failed."""

import time

from witness import attempt

from intermodal import pipeline, task


@task(timeout="2s")
def hanging() -> int:
    with attempt("hanging") as seen:
        for _ in range(100):
            time.sleep(0.1)
        return seen(1)


@task
def use(n: int) -> int:
    with attempt("use") as seen:
        return seen(n)


@task(timeout="2m")
def quick() -> int:
    with attempt("quick") as seen:
        return seen(2)


@pipeline
def hanging_task():
    done = quick()
    use(hanging.with_options(after=[done])())
