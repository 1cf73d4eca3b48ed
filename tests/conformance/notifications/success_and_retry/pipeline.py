"""Somebody is told of a success, and of an attempt that will be repeated."""

from witness import attempt, fail_first

from intermodal import Notification, Retry, pipeline, task


@task
def flaky() -> int:
    with attempt("flaky") as seen:
        fail_first(1, "flaky")
        return seen(1)


@pipeline
def success_and_retry():
    flaky.with_options(
        retry=Retry(1),
        notifications=[
            Notification("retry", "webhook:HOOK"),
            Notification("success", "webhook:HOOK", message='it\'s "done" {{ ds }}'),
            Notification("failure", "webhook:HOOK"),
        ],
    )()
