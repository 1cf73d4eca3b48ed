"""Data frames and arrays; several artifacts from one task, and metrics that are read by name."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from witness import attempt

from intermodal import Metrics, pipeline, task


class Parts(NamedTuple):
    even: pd.DataFrame
    odd: pd.DataFrame
    weights: np.ndarray


@task
def split(rows: int) -> Parts:
    with attempt("split"):
        frame = pd.DataFrame(
            {
                "n": range(rows),
                "text": [f"row {n}" for n in range(rows)],
            }
        )
        return Parts(
            frame[frame.n % 2 == 0],
            frame[frame.n % 2 == 1],
            np.linspace(0.0, 1.0, 5),
        )


@task
def measure(even: pd.DataFrame, odd: pd.DataFrame, weights: np.ndarray) -> Metrics:
    with attempt("measure"):
        return Metrics(
            even=float(even.n.sum()),
            odd=float(odd.n.sum()),
            weight=float(weights.sum()),
        )


@task
def report(scores: Metrics, index: int) -> str:
    with attempt("report") as seen:
        return seen(f"{scores['even']} {scores['odd']} {scores['weight']} {index}")


@pipeline
def frames(rows: int = 7):
    parts = split(rows)
    report(measure(parts.even, parts.odd, parts.weights), rows)
