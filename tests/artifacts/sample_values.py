"""Values for tests, also of what another process has to give the same bytes for."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from pydantic import BaseModel
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer

FEATURES = np.arange(40.0).reshape(20, 2) % 7
LABELS = np.arange(20) % 2


class Point(BaseModel):
    x: int
    when: datetime | None = None


@dataclasses.dataclass
class Split:
    share: float
    names: list[str]


def frame() -> pd.DataFrame:
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["g", "n"])
    columns = {
        "i": [1, 2, 3, 4],
        "f": [0.5, None, float("inf"), -0.0],
        "s": ["x", None, "ü", ""],
        "t": pd.to_datetime(["2026-01-01", None, "2026-03-29", "2026-10-25"]).tz_localize("UTC"),
        "c": pd.Categorical(["u", "v", "u", "u"]),
    }
    return pd.DataFrame(columns, index=index)


def forest() -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=3, random_state=0).fit(FEATURES, LABELS)


def same_each_time() -> dict[str, Any]:
    return {
        "json": {"b": 1, "a": {"z", "y", "x", "w"}},
        "frame": frame(),
        "polars": pl.DataFrame({"a": ["x", "y"]}),
        "arrow": pa.table({"a": [1]}),
        "array": np.arange(3),
        "records": np.zeros(2, np.dtype([("a", "u1"), ("b", "f8")], align=True)),
        "skops": forest(),
        "joblib": FunctionTransformer(np.clip),
        "pickle": Split(0.1, [object]),
        "pydantic": Point(x=1),
    }
