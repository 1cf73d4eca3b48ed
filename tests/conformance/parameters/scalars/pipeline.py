"""Every scalar type with its default."""

from witness import attempt

from intermodal import pipeline, task


@task
def report(text: str, count: int, share: float, flag: bool) -> str:
    with attempt("report") as seen:
        return seen(f"{text!r} {count!r} {share!r} {flag!r}")


@pipeline
def scalars(
    text: str = "plain",
    count: int = 3,
    share: float = 0.5,
    flag: bool = True,
):
    report(text, count, share, flag)
