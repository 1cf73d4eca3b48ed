"""An image and packages for all tasks."""

from witness import attempt

from intermodal import pipeline, task


@task
def work() -> int:
    with attempt("work") as seen:
        return seen(1)


@pipeline(image="python:3.11-slim", packages=["pandas"])
def image():
    work()
