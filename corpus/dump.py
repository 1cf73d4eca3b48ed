"""Runs inside an Airflow environment: what its DagBag makes of files, as JSON.

Usage: python dump.py REQUEST OUTPUT; the request is JSON: `{"files": [PATH, ...], "facts": BOOL}`. A file's
result is `{"errors": [TEXT], "dags": {ID: {"settings": {...}, "tasks": {ID: {...}}, "serialized": {...}}}}`;
times are in seconds. Without facts, a DAG has its serialized form only.
"""

import datetime as dt
import inspect
import json
import logging
import os
import sys
import warnings
from pathlib import Path

# Settings that every operator has; compared whether or not the file gives them.
SETTINGS = (
    "retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay", "depends_on_past",
    "wait_for_downstream", "pool", "pool_slots", "queue", "owner", "priority_weight", "weight_rule",
    "execution_timeout", "max_active_tis_per_dag", "max_active_tis_per_dagrun", "do_xcom_push",
    "email", "email_on_failure", "email_on_retry", "run_as_user", "map_index_template",
)  # fmt: skip
OF_DAG = (
    "start_date", "end_date", "catchup", "max_active_runs", "max_active_tasks", "tags", "description",
    "dagrun_timeout", "schedule_interval", "schedule", "is_paused_upon_creation", "dag_display_name", "doc_md",
    "render_template_as_native_obj", "fail_fast", "fail_stop", "template_searchpath",
)  # fmt: skip


def encoded(value, depth=0):
    """A value as JSON data; what is none is named by its type."""
    if value is None or isinstance(value, bool | int | float | str):
        return getattr(value, "value", value) if not isinstance(value, bool) else value
    if isinstance(value, dt.timedelta):
        return {"__timedelta__": value.total_seconds()}
    if isinstance(value, dt.datetime):
        return {"__datetime__": value.timestamp()}
    if depth < 12:
        if isinstance(value, list | tuple):
            return [encoded(one, depth + 1) for one in value]
        if isinstance(value, set | frozenset) and all(isinstance(one, str) for one in value):
            return sorted(value)
        if isinstance(value, dict):
            return {str(key): encoded(one, depth + 1) for key, one in value.items()}
    return {"__other__": type(value).__name__}


def known(owner, names):
    """Those of the attributes that can be read."""
    found = {}
    for name in names:
        try:
            found[name] = encoded(getattr(owner, name))
        except Exception:  # a property may raise anything
            continue
    return found


def facts(task):
    """What a task is, whom it leads to, and its settings; templated fields are among them."""
    kind = getattr(task, "operator_class", type(task))
    mapped = type(task).__name__.endswith("MappedOperator")
    fields = {} if mapped else known(task, task.template_fields)
    if mapped:
        fields = {
            k: encoded(v) for k, v in task.partial_kwargs.items() if k in task.template_fields
        }
    group = task.task_group.group_id if task.task_group else None
    return {
        "operator": f"{kind.__module__}.{kind.__qualname__}",
        "downstream": sorted(task.downstream_task_ids),
        "trigger_rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
        "mapped": mapped,
        "setup": bool(task.is_setup),
        "teardown": bool(task.is_teardown),
        "group": group,
        "settings": known(task, SETTINGS),
        "fields": fields,
    }


def facts_of_dag(dag):
    """A DAG's settings and its tasks."""
    tasks = {task.task_id: facts(task) for task in dag.tasks}
    return {"settings": known(dag, OF_DAG), "tasks": tasks}


def serialized(dag):
    """The form that Airflow stores; a text where it cannot."""
    try:
        from airflow.serialization.serialized_objects import DagSerialization as Form
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as Form
    try:
        return json.loads(json.dumps(Form.to_dict(dag), default=repr))["dag"]
    except Exception as problem:
        return repr(problem)[-400:]


def loaded(path, kind, extra, with_facts):
    """What the DagBag makes of one file; the environment is as before afterwards."""
    before = dict(os.environ)
    try:
        bag = kind(dag_folder=str(path), **extra)
        errors = [str(problem)[-400:] for problem in bag.import_errors.values()]
        dags = {
            name: {"serialized": serialized(dag)} | (facts_of_dag(dag) if with_facts else {})
            for name, dag in bag.dags.items()
        }
    except (Exception, SystemExit) as problem:
        return {"errors": [repr(problem)[-400:]], "dags": {}}
    finally:
        os.environ.clear()
        os.environ.update(before)
    return {"errors": errors, "dags": dags}


def defaults():
    """The settings of a task for which a file gives none."""
    try:
        from airflow.providers.standard.operators.empty import EmptyOperator
    except ImportError:
        from airflow.operators.empty import EmptyOperator
    return known(EmptyOperator(task_id="plain"), SETTINGS)


def main():
    """Load the files of the request, each on its own."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    takes = inspect.signature(DagBag.__init__).parameters
    extra = {"include_examples": False} if "include_examples" in takes else {}
    request = json.loads(Path(sys.argv[1]).read_text())
    files = {path: loaded(path, DagBag, extra, request["facts"]) for path in request["files"]}
    Path(sys.argv[2]).write_text(json.dumps({"defaults": defaults(), "files": files}))


if __name__ == "__main__":
    main()
