"""What Airflow's classes are, by name: the name stays where modules move between versions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Kind(Enum):
    """What a class does, as far as tasks around it can tell."""

    PYTHON = "python"
    BRANCH = "branch"
    SHORT_CIRCUIT = "short circuit"
    SENSOR = "sensor"
    OTHER = "other"


KINDS: Mapping[str, Kind] = {
    "PythonOperator": Kind.PYTHON,
    "_PythonDecoratedOperator": Kind.PYTHON,
    "PythonVirtualenvOperator": Kind.PYTHON,
    "_PythonVirtualenvDecoratedOperator": Kind.PYTHON,
    "ExternalPythonOperator": Kind.PYTHON,
    "_PythonExternalDecoratedOperator": Kind.PYTHON,
    "_BranchPythonDecoratedOperator": Kind.BRANCH,
    "_BranchPythonVirtualenvDecoratedOperator": Kind.BRANCH,
    "_BranchExternalPythonDecoratedOperator": Kind.BRANCH,
    "LatestOnlyOperator": Kind.OTHER,
    "ShortCircuitOperator": Kind.SHORT_CIRCUIT,
    "_ShortCircuitDecoratedOperator": Kind.SHORT_CIRCUIT,
    "DecoratedSensorOperator": Kind.SENSOR,
    "BaseSensorOperator": Kind.SENSOR,
    "BaseBranchOperator": Kind.BRANCH,
    "BranchMixIn": Kind.BRANCH,
}


def name_of(class_path: str) -> str:
    """The last part of a path."""
    return class_path.rpartition(".")[2]


def kind_of_own(name: str, bases: Mapping[str, list[str]]) -> Kind:
    """What a class of the user's own is: by its name, else by those it derives from."""
    seen: set[str] = set()
    stack = [name]
    while stack:
        current = stack.pop(0)
        if current in seen:
            continue
        seen.add(current)
        kind = kind_of(current)
        if kind not in (Kind.OTHER, Kind.PYTHON):
            return kind
        stack += bases.get(current, [])
    return Kind.OTHER


def kind_of(class_path: str) -> Kind:
    """What a class is; by its name where the table has none."""
    name = name_of(class_path)
    if name in KINDS:
        return KINDS[name]
    if name.startswith("Branch") and name.endswith("Operator"):
        return Kind.BRANCH
    if "ShortCircuit" in name:
        return Kind.SHORT_CIRCUIT
    return Kind.SENSOR if name.endswith(("Sensor", "SensorAsync")) else Kind.OTHER


def is_made_by_decorator(class_path: str) -> bool:
    """Whether a decorator made the class: then the arguments are those of its function."""
    name = name_of(class_path)
    return name.startswith("_") or name == "DecoratedSensorOperator"
