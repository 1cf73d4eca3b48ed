"""Somebody is told how the whole pipeline ended."""

from witness import attempt

from intermodal import Notification, pipeline, task


@task
def broken(me: str) -> int:
    with attempt(me):
        raise ValueError(me)


@pipeline(
    notifications=[
        Notification("failure", "webhook:HOOK"),
        Notification("success", "webhook:HOOK", message="all is well"),
    ]
)
def told():
    broken.with_options(id="bad")("bad")
