"""A TypedDict gives several outputs too; here they are unpacked in order."""

from typing import TypedDict

from witness import attempt

from intermodal import pipeline, task


class Bounds(TypedDict):
    first: str
    last: str


@task
def bounds(words: list[str]) -> Bounds:
    with attempt("bounds") as seen:
        return {
            "first": seen(min(words), "first"),
            "last": seen(max(words), "last"),
        }


@task
def join(a: str, b: str) -> str:
    with attempt("join") as seen:
        return seen(f"{a}..{b}")


@pipeline
def typed_dict(words: list[str] = ["pear", "apple", "quince"]):
    first, last = bounds(words)
    join(first, last)
