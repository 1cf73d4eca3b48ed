"""The same three tasks, written for the kfp SDK."""

from kfp import dsl


@dsl.component(base_image="python:3.12-slim")
def load(n: int) -> list:
    return list(range(n))


@dsl.component(base_image="python:3.12-slim")
def total(numbers: list) -> int:
    return sum(numbers)


@dsl.component(base_image="python:3.12-slim")
def report(value: int) -> str:
    return f"total {value}"


@dsl.pipeline(name="three-tasks")
def three_tasks(n: int = 10):
    report(value=total(numbers=load(n=n).output).output)
