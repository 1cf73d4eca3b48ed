"""Tasks with the same key take the same result, whatever their inputs."""

from witness import attempt

from intermodal import Cache, pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def explicit_key():
    n = give.with_options(id="value", cache=Cache(key="v1"))("value", 3)
    give.with_options(id="after")("after", n)
