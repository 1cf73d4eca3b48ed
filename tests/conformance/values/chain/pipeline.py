"""Each JSON type passes from task to task as itself."""

from typing import Any

from witness import attempt

from intermodal import pipeline, task


@task
def number() -> int:
    with attempt("number") as seen:
        return seen(41)


@task
def share(n: int) -> float:
    with attempt("share") as seen:
        return seen(n + 1.5)


@task
def flags(n: int, x: float) -> list[bool]:
    with attempt("flags") as seen:
        return seen([isinstance(n, int), isinstance(x, float), x > n])


@task
def summary(n: int, x: float, all_flags: list[bool]) -> dict[str, Any]:
    with attempt("summary") as seen:
        return seen(
            {
                "n": n,
                "x": x,
                "flags": all_flags,
                "none": None,
                "text": "ä",
            }
        )


@task
def final(report: dict[str, Any]) -> str:
    with attempt("final") as seen:
        return seen(repr(sorted(report.items())))


@pipeline
def chain():
    n = number()
    x = share(n)
    final(summary(n, x, flags(n, x)))
