"""Whether a file that is given back as an Airflow file is, to Airflow, the one that was read."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from corpus.compiling import FileResult
from corpus.truth import Batch, load
from intermodal_backends.engines.serialized import differences

# What a file takes from the clock or makes up while it is loaded: other at every loading.
MADE_UP = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
)


def uneven(
    batch: Batch, truth: Mapping[str, Any], results: Iterable[FileResult]
) -> dict[str, list[str]]:
    """By path of each file that Airflow loads and the reader reads: what is not as it was when given back."""
    given = {
        r.path: r
        for r in results
        if truth["files"][r.path]["dags"] and not truth["files"][r.path]["errors"]
    }
    with tempfile.TemporaryDirectory() as folder:
        places: dict[tuple[str, str], list[Path]] = {}
        for path, result in given.items():
            for dag_id, files in result.emitted.items():
                place = Path(folder) / f"dag_{len(places)}"
                places[path, dag_id] = _written(place, files, (batch.folder / path).parent)
        (Path(folder) / "work").mkdir()
        paths = [path for paths in places.values() for path in paths]
        loaded = load(batch, paths, Path(folder) / "work", facts=False)["files"]
    return {
        path: [
            f"{dag_id}: {problem}"
            for dag_id, wanted in truth["files"][path]["dags"].items()
            if (
                problem := _problem(
                    dag_id, wanted["serialized"], _back(loaded, places, path, dag_id)
                )
            )
        ]
        for path in given
    }


def _back(
    loaded: Mapping[str, Any], places: Mapping[tuple[str, str], list[Path]], path: str, dag_id: str
) -> list[Mapping[str, Any]]:
    return [loaded[str(place)] for place in places.get((path, dag_id), ())]


def _written(place: Path, files: Mapping[str, str], beside: Path) -> list[Path]:
    """Write files, with links to what lay beside the original."""
    made = []
    for name, text in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.suffix == ".py":
            made.append(path)
    for other in beside.iterdir():
        for folder in {path.parent for path in made}:
            if not (folder / other.name).exists():
                (folder / other.name).symlink_to(other, target_is_directory=other.is_dir())
    return made


def _problem(dag_id: str, wanted: Any, back: list[Mapping[str, Any]]) -> str:
    """The first difference of what came back, or nothing."""
    if not back:
        return "is not given back"
    dags = {name: dag for one in back for name, dag in one["dags"].items()}
    if dag_id not in dags:
        errors = [error for one in back for error in one["errors"]]
        return f"does not load: {errors[0].strip().splitlines()[-1] if errors else 'no DAG'}"
    found = dags[dag_id]["serialized"]
    if isinstance(wanted, str) or isinstance(found, str):
        return "" if isinstance(wanted, str) else f"cannot be stored: {found}"
    for difference in differences({"dag": _in_order(wanted)}, {"dag": _in_order(found)}):
        if MADE_UP.sub("", str(difference.before)) != MADE_UP.sub("", str(difference.after)):
            return str(difference)
    return ""


def _in_order(value: Any) -> Any:
    """The same with its keys sorted: lists whose order does not count are ordered by their text."""
    return json.loads(json.dumps(value, sort_keys=True))
