"""A decision on a value that does not exist yet."""

from intermodal import pipeline, task


@task
def give() -> int:
    return 7


@pipeline
def if_on_a_handle():
    if give() > 3:
        give()
