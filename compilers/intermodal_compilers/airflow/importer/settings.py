"""What the user tells the reader: where local modules lie, and values of Variables and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from intermodal.frozen import Frozen


class Inputs(Frozen):
    """Settings of a reading.

    Attributes:
        root: The folder under which imports are followed; the folder of each file where it is None.
        variables: Airflow Variables by name.
        environment: Environment variables by name.
        steps: How many expressions and statements may be evaluated for one file.
        depth: How deep calls may nest.
        debug: Let faults of the reader itself out, with their traceback.
    """

    root: Path | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    steps: int = 150_000
    depth: int = 40
    debug: bool = False
