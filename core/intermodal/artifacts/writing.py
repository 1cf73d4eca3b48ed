"""Putting a value into a file: the first serialiser that can hold it does."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from intermodal.artifacts import problems
from intermodal.artifacts.model import ArtifactKey
from intermodal.artifacts.serialisers import CannotSerialise, Serialiser
from intermodal.findings import Finding, FindingsError


class Written(NamedTuple):
    """What a serialiser made of a value."""

    path: Path
    serialiser: Serialiser
    extension: str
    metadata: dict[str, Any]


def write_value(
    value: Any, folder: Path, candidates: Iterable[Serialiser], key: ArtifactKey
) -> tuple[Written, list[Finding]]:
    """Write a value into a folder, with a PORT403 if only a pickle could hold it.

    Raises:
        FindingsError: PORT402, none of the serialisers can hold it.
    """
    path = folder / "content.new"
    reasons: list[str] = []
    for serialiser in candidates:
        try:
            serialiser.write(value, path)
        except CannotSerialise as refusal:
            reasons.append(str(refusal))
            _remove(path)
        except ImportError as problem:
            name = problem.name or str(problem)
            why = f"its serialiser `{serialiser.name}` needs the package `{name}`"
            next_step = f"install `{name}` where the task runs"
            raise FindingsError([problems.no_serialiser(key, value, why, next_step)]) from problem
        else:
            why = "; ".join(reasons) or "no serialiser is registered for this type"
            return _written(value, path, serialiser), _warnings(key, value, serialiser, why)
    why = "; ".join(reasons) or "no serialiser takes it"
    next_step = "return a type that has a serialiser, or register one"
    raise FindingsError([problems.no_serialiser(key, value, why, next_step)])


def _written(value: Any, path: Path, serialiser: Serialiser) -> Written:
    extension_of = getattr(serialiser, "extension_of", None)
    describe = getattr(serialiser, "describe", None)
    return Written(
        path,
        serialiser,
        extension_of(value) if extension_of else serialiser.extension,
        describe(value) if describe else {},
    )


def _warnings(key: ArtifactKey, value: Any, serialiser: Serialiser, why: str) -> list[Finding]:
    if not getattr(serialiser, "unsafe", False):
        return []
    return [problems.pickled(key, value, serialiser.name, why)]


def _remove(path: Path) -> None:
    """Clear what a serialiser left behind before it gave up."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
