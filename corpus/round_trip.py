"""Whether a file that is given back as an Airflow file is, to Airflow, the one that was read."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from corpus.compiling import FileResult
from corpus.fetch import Source
from corpus.truth import load

# Where the file lies, and what Airflow counts itself.
PLACE = frozenset(
    {"fileloc", "relative_fileloc", "_processor_dags_folder", "has_on_success_callback"}
)
# DagBag gives a module a name made of its path.
MODULE = re.compile(r"unusual_prefix_[0-9a-f]+_\w+")


def uneven(
    one: Source, truth: Mapping[str, Any], results: Iterable[FileResult]
) -> dict[str, list[str]]:
    """By path of each file that Airflow loads and that was given back: what is not as it was."""
    given = {
        r.path: r
        for r in results
        if truth["files"][r.path]["dags"] and not truth["files"][r.path]["errors"]
    }
    found: dict[str, list[str]] = {path: [] for path in given}
    with tempfile.TemporaryDirectory() as folder:
        places: dict[tuple[str, str], list[Path]] = {}
        for path, result in given.items():
            for dag_id, files in result.emitted.items():
                place = Path(folder) / f"dag_{len(places)}"
                places[path, dag_id] = _written(place, files)
        (Path(folder) / "work").mkdir()
        paths = [path for paths in places.values() for path in paths]
        loaded = load(one, paths, Path(folder) / "work", facts=False)["files"]
    for path in given:
        for dag_id, wanted in truth["files"][path]["dags"].items():
            back = [loaded[str(p)] for p in places.get((path, dag_id), ())]
            if problem := _problem(dag_id, wanted["serialized"], back):
                found[path].append(f"{dag_id}: {problem}")
    return found


def _written(place: Path, files: Mapping[str, str]) -> list[Path]:
    made = []
    for name, text in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.suffix == ".py":
            made.append(path)
    return made


def _problem(dag_id: str, wanted: Any, back: list[Mapping[str, Any]]) -> str:
    """The first difference of what came back, or nothing."""
    if not back:
        return "is not given back"
    dags = {name: dag for one in back for name, dag in one["dags"].items()}
    if dag_id not in dags:
        errors = [error for one in back for error in one["errors"]]
        return f"does not load: {errors[0].strip().splitlines()[-1] if errors else 'no DAG'}"
    return difference(plain(wanted), plain(dags[dag_id]["serialized"]))


def plain(value: Any) -> Any:
    """A serialized form without what differs from place to place."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if key not in PLACE}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return MODULE.sub("module", value) if isinstance(value, str) else value


def difference(mine: Any, theirs: Any, where: str = "") -> str:
    """The first place where two values are not equal, or nothing."""
    if mine == theirs:
        return ""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in sorted(mine.keys() | theirs.keys()):
            if found := difference(mine.get(key), theirs.get(key), f"{where}.{key}"):
                return found
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            if found := difference(one, other, f"{where}[{number}]"):
                return found
    return f"{where.lstrip('.')} is {theirs!r}, was {mine!r}"[:400]
