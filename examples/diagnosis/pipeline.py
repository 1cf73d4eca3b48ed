"""Train a diagnosis classifier on scikit-learn's breast-cancer data, and register it."""

from typing import NamedTuple

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import train_test_split

from intermodal import Cron, Metrics, Retry, pipeline, task, tracking

TARGET = "benign"


class Split(NamedTuple):
    """The rows to learn from, and those to judge by."""

    train: pd.DataFrame
    test: pd.DataFrame


@task
def load() -> pd.DataFrame:
    """Load the data that scikit-learn ships: 569 rows, 30 features."""
    data = load_breast_cancer(as_frame=True)
    return data.frame.rename(columns={"target": TARGET})


@task
def validate(rows: pd.DataFrame) -> pd.DataFrame:
    """Stop on missing values, on an unknown label or on too few rows."""
    if rows.isna().any().any():
        raise ValueError("the data has missing values")
    if set(rows[TARGET].unique()) != {0, 1}:
        raise ValueError(f"`{TARGET}` must be 0 or 1")
    if len(rows) < 100:
        raise ValueError(f"{len(rows)} rows are too few")
    return rows


@task
def split(rows: pd.DataFrame, share: float = 0.25) -> Split:
    """Put a share of the rows aside, with both labels in the same proportion."""
    train_rows, test_rows = train_test_split(
        rows, test_size=share, random_state=7, stratify=rows[TARGET]
    )
    return Split(train_rows.reset_index(drop=True), test_rows.reset_index(drop=True))


@task(retry=Retry(2, delay="5s", factor=2), timeout="20m")
def train(rows: pd.DataFrame, trees: int) -> RandomForestClassifier:
    """Fit a random forest."""
    model = RandomForestClassifier(n_estimators=trees, oob_score=True, random_state=7)
    model.fit(rows.drop(columns=TARGET), rows[TARGET])
    tracking.log_metric("oob_score", model.oob_score_)
    return model


@task
def evaluate(model: RandomForestClassifier, rows: pd.DataFrame) -> Metrics:
    """Judge the model on rows it has not seen."""
    features = rows.drop(columns=TARGET)
    predicted = model.predict(features)
    likelihood = model.predict_proba(features)[:, 1]
    return Metrics(
        accuracy=accuracy_score(rows[TARGET], predicted),
        f1=f1_score(rows[TARGET], predicted),
        roc_auc=roc_auc_score(rows[TARGET], likelihood),
    )


@task
def register(model: RandomForestClassifier, scores: Metrics, name: str) -> str:
    """Register the model under its name."""
    tracking.register_model(name, model)
    return f"{name}: accuracy {scores['accuracy']:.3f}"


@pipeline(
    schedule=Cron("0 6 * * *", timezone="Europe/Paris"),
    owners=["ml-platform"],
    labels={"team": "diagnosis"},
)
def diagnosis(trees: int = 200, share: float = 0.25):
    """Train a diagnosis classifier and register it."""
    rows = validate(load())
    parts = split(rows, share=share)
    model = train(parts.train, trees=trees)
    scores = evaluate(model, parts.test)
    return register(model, scores, name="diagnosis")
