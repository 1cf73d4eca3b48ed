"""An exit task runs after everything and is told that all went well."""

from witness import attempt

from intermodal import on_exit, pipeline, run, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def tidy(me: str, state: str) -> str:
    with attempt(me) as seen:
        return seen(state)


@pipeline
def after_success():
    give.with_options(id="b")("b", give.with_options(id="a")("a", 1))
    on_exit(tidy, "tidy", state=run.state)
