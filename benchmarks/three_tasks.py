"""Three tasks in a row."""

from intermodal import pipeline, task


@task
def load(n: int) -> list[int]:
    return list(range(n))


@task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@task
def report(value: int) -> str:
    return f"total {value}"


@pipeline
def three_tasks(n: int = 10):
    report(total(load(n)))
