"""Train a classifier, compare it with the version in use, and put it into use if it is not worse.

    port run examples/promotion/pipeline.py -p trees=100 --tracking sqlite:////tmp/mlflow.db

Each run registers a version of the model. The alias `champion` moves to it when the condition in the
pipeline holds: on the first run there is nothing to compare with, so it does. The same pipeline runs
on every target; where nothing is tracked, it trains and compares, and registers nothing.
"""

from typing import NamedTuple

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split

from intermodal import Metrics, Retry, pipeline, task, tracking, when

TARGET = "benign"


class Split(NamedTuple):
    """The rows to learn from, and those to judge by."""

    train: pd.DataFrame
    test: pd.DataFrame


@task
def load() -> Split:
    """Split the data that scikit-learn ships; the same rows for judging in every run."""
    rows = load_breast_cancer(as_frame=True).frame.rename(columns={"target": TARGET})
    train_rows, test_rows = train_test_split(
        rows, test_size=0.3, random_state=7, stratify=rows[TARGET]
    )
    return Split(train_rows.reset_index(drop=True), test_rows.reset_index(drop=True))


@task
def train(rows: pd.DataFrame, trees: int, depth: int) -> RandomForestClassifier:
    """Fit a random forest."""
    model = RandomForestClassifier(n_estimators=trees, max_depth=depth, random_state=7)
    return model.fit(rows.drop(columns=TARGET), rows[TARGET])


@task(retry=Retry(2, delay="5s"))
def compare(model: RandomForestClassifier, rows: pd.DataFrame, name: str) -> Metrics:
    """Judge the new model, and the one in use, on the same rows."""
    features = rows.drop(columns=TARGET)
    f1 = f1_score(rows[TARGET], model.predict(features))
    champion = tracking.model_version(name)
    if champion is None:
        return Metrics(f1=f1, gain=f1)
    in_use = tracking.load_model(champion)
    before = f1_score(rows[TARGET], in_use.predict(features))
    return Metrics(f1=f1, f1_in_use=before, gain=f1 - before)


@task
def register(model: RandomForestClassifier, scores: Metrics, name: str) -> str:
    """Register the model with its scores; what comes back stands for the version."""
    return tracking.register_model(name, model, metrics={"f1": scores["f1"]})


@task(retry=Retry(2, delay="5s"))
def promote(version: str, name: str) -> None:
    """Put the version into use."""
    tracking.promote(name, version, alias="champion")


@pipeline
def promotion(trees: int = 50, depth: int = 6, margin: float = 0.0, name: str = "benign"):
    """Train a model, and promote it if it is at least as good as the one in use, by a margin."""
    rows = load()
    model = train(rows.train, trees=trees, depth=depth)
    scores = compare(model, rows.test, name=name)
    version = register(model, scores, name=name)
    with when(scores["gain"] >= margin):
        promote(version, name=name)
