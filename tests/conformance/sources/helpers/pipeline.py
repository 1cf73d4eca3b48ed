"""A task takes constants, helper functions and classes of its module along."""

import math
from collections import Counter as Tally
from dataclasses import dataclass

from witness import attempt

from intermodal import pipeline, task

SCALE = 10
TABLE = {"x": 1}
TABLE["y"] = 2


@dataclass
class Point:
    x: float
    y: float

    def norm(self) -> float:
        return math.hypot(self.x, self.y)


def scaled(value: float) -> float:
    return value * SCALE


@task
def plain(a: float) -> float:
    """Is a task, and a helper of `measure` too."""
    with attempt("plain") as seen:
        return seen(a + 1)


@task
def measure(a: float, b: float) -> str:
    text = """
    indented
"""
    with attempt("measure") as seen:
        letters = Tally("hello")["l"]
        return seen(f"{scaled(Point(a, b).norm())} {TABLE} {letters} {len(text)}")


@pipeline
def helpers():
    plain(1.0)
    measure(3.0, 4.0)
