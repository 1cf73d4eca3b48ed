"""Load DAG files in a real Airflow and print their serialized DAGs; started by `engines.serialized`.

Usage: python -m ...airflow_serialized REQUEST ANSWER: JSON files. The request is a list of file paths; the answer
gives for each path `{"errors": [text, ...], "dags": {id: serialized DAG}}`.
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer one request."""
    logging.disable(logging.CRITICAL)
    paths = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answer = {path: load(path) for path in paths}
    Path(sys.argv[2]).write_text(json.dumps(answer, default=str), encoding="utf-8")


def load(path: str) -> dict[str, Any]:
    """What DagBag makes of a file."""
    sys.path.insert(0, str(Path(path).parent))
    try:
        bag = _bag(path)
    finally:
        sys.path.pop(0)
    errors = [str(problem).strip()[-2000:] for problem in bag.import_errors.values()]
    dags: dict[str, Any] = {}
    for name, dag in sorted(bag.dags.items()):
        try:
            dags[name] = _serialized(dag)
        except Exception as problem:  # whatever it is, it is what the scheduler would show
            errors.append(f"{name}: {type(problem).__name__}: {problem}")
    return {"errors": errors, "dags": dags}


def _bag(path: str) -> Any:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    known = inspect.signature(DagBag.__init__).parameters
    more = {"include_examples": False} if "include_examples" in known else {}
    return DagBag(dag_folder=path, **more)


def _serialized(dag: Any) -> Any:
    try:
        from airflow.serialization.serialized_objects import DagSerialization as Serialization
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as Serialization
    # Through JSON, as it goes into the database.
    return json.loads(json.dumps(Serialization.to_dict(dag), default=str))


if __name__ == "__main__":
    main()
