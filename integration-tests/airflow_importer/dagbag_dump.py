"""Runs inside an Airflow environment: what its DagBag makes of each file, as JSON.

Usage: python dagbag_dump.py OUTPUT [FOLDER...]; without folders, all `example_dags` of the environment.
"""

import inspect
import json
import logging
import sys
import sysconfig
from pathlib import Path


def operator_of(task):
    kind = getattr(task, "operator_class", type(task))
    return f"{kind.__module__}.{kind.__qualname__}"


def facts(task):
    return {
        "operator": operator_of(task),
        "downstream": sorted(task.downstream_task_ids),
        "trigger_rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
        "mapped": type(task).__name__.endswith("MappedOperator"),
    }


def main():
    logging.disable(logging.CRITICAL)
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    known = inspect.signature(DagBag.__init__).parameters
    extra = {"include_examples": False} if "include_examples" in known else {}
    site = Path(sysconfig.get_paths()["purelib"])
    folders = [Path(one) for one in sys.argv[2:]] or sorted(
        path for path in (site / "airflow").rglob("example_dags") if path.is_dir()
    )
    found = {}
    for path in sorted({path for folder in folders for path in folder.rglob("*.py")}):
        bag = DagBag(dag_folder=str(path), **extra)
        found[str(path)] = {
            "errors": [str(problem)[-300:] for problem in bag.import_errors.values()],
            "dags": {
                name: {task.task_id: facts(task) for task in dag.tasks}
                for name, dag in bag.dags.items()
            },
        }
    Path(sys.argv[1]).write_text(json.dumps(found, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
