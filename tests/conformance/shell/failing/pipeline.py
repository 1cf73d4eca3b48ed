"""A command that ends with an error fails its task, and what waits for it does not run."""

from witness import attempt

from intermodal import pipeline, shell, task


@task
def never(text: str) -> str:
    with attempt("never") as seen:
        return seen(text)


@task
def sibling() -> int:
    with attempt("sibling") as seen:
        return seen(1)


@pipeline
def failing():
    done = sibling()
    broken = shell(
        'python3 "$WITNESS" start broken; python3 "$WITNESS" fail broken; exit 4',
        id="broken",
        returns=str,
        after=[done],
    )
    never(broken)
