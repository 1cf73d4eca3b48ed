"""What one task gives is not what the next one takes."""

from intermodal import pipeline, task


@task
def give() -> str:
    return "7"


@task
def take(n: int) -> int:
    return n


@pipeline
def types():
    take(give())
