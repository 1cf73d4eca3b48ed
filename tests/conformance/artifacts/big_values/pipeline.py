"""A value over 32 KiB travels too; nobody sees a difference."""

from witness import attempt

from intermodal import pipeline, task


@task
def make(size: int) -> list[int]:
    with attempt("make") as seen:
        return seen(list(range(size)))


@task
def raw() -> bytes:
    with attempt("raw"):
        return b"x"


@task
def total(numbers: list[int], content: bytes) -> int:
    with attempt("total") as seen:
        return seen(sum(numbers) + len(content))


@pipeline
def big_values(size: int = 9000):
    total(make(size), raw())
