"""An argument that is not passed keeps the function's own default."""

from witness import attempt

from intermodal import pipeline, task


@task
def report(
    n: int,
    label: str = "default",
    scale: float = 1.5,
    flag: bool = False,
) -> str:
    with attempt("report") as seen:
        return seen(f"{n} {label} {scale} {flag}")


@pipeline
def defaults():
    report(2, flag=True)
