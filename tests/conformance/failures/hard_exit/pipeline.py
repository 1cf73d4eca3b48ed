"""A process that ends without a word is a failed attempt."""

from witness import attempt, exit_hard

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def leaves() -> int:
    with attempt("leaves"):
        exit_hard(3)
        return 1


@pipeline
def hard_exit():
    n = leaves()
    give.with_options(id="after")("after", n)
    give.with_options(id="beside")("beside", 1)
