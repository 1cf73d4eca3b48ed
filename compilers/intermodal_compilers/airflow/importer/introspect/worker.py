"""Loads DAG files in the Airflow that it is started with, and tells what they make, as JSON.

Started as a script with the user's own Python: standard library and Airflow only, and no syntax that
Python 3.7 lacks. Each file is loaded in a fork of its own, whose process group is killed at its end.

    python worker.py ORDER.json ANSWERS.jsonl

An order is `{"files": [...], "python_path": [...], "seconds": 60}`; there is a line for each file:
`{"file", "version", "problems": [...], "dags": [...]}`.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import sys
import time
import traceback
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.02
DEEPEST = 12

# Arguments that name secrets, as Airflow itself hides them.
SENSITIVE = re.compile(
    r"password|passwd|passphrase|secret|token|api_?key|apikey|access_key|private_key|authorization"
    r"|credential|keyfile",
    re.IGNORECASE,
)

# What operators add to what they were made with.
ADDED = ("kwargs_to_upstream", "dag", "task_group", "default_args", "task_id", "trigger_rule")

# Settings of a DAG that are compared, and those that a DAG which was not read is made with.
DAG_SETTINGS = (
    "start_date",
    "schedule",
    "schedule_interval",
    "catchup",
    "max_active_runs",
    "description",
    "tags",
    "render_template_as_native_obj",
)


def main() -> None:
    """Answer the whole order."""
    order = json.loads(Path(sys.argv[1]).read_text())
    sys.path[:0] = order["python_path"]
    # Whatever is printed while files are loaded goes to standard error.
    os.dup2(2, 1)
    bag_class = _dag_bag()
    child: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: _end(child))
    answers = Path(sys.argv[2])
    answers.touch()
    for file in order["files"]:
        _load_in_fork(bag_class, file, answers, order["seconds"], child)


def _dag_bag() -> Any:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models import DagBag  # before Airflow 3.2
    return DagBag


def _end(child: list[int]) -> None:
    for pid in child:
        _kill_group(pid)
    os._exit(1)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # all of it has ended


def _load_in_fork(
    bag_class: Any, file: str, answers: Path, seconds: float, child: list[int]
) -> None:
    before = answers.stat().st_size
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        _answer_and_exit(bag_class, file, answers)
    child[:] = [pid]
    deadline = time.monotonic() + seconds
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            _kill_group(pid)
            os.waitpid(pid, 0)
            break
        time.sleep(POLL_SECONDS)
    _kill_group(pid)
    child[:] = []
    if answers.stat().st_size == before:
        late = time.monotonic() > deadline
        why = f"it took more than {seconds:g} s" if late else "the process died"
        _write(answers, {"file": file, "version": "", "problems": [why], "dags": []})


def _answer_and_exit(bag_class: Any, file: str, answers: Path) -> None:
    try:
        _write(answers, loaded(bag_class, file))
    except BaseException:
        problem = traceback.format_exc(limit=-3)
        _write(answers, {"file": file, "version": "", "problems": [problem], "dags": []})
    finally:
        os._exit(0)


def _write(answers: Path, answer: dict[str, Any]) -> None:
    with answers.open("a") as opened:
        opened.write(json.dumps(answer) + "\n")


def loaded(bag_class: Any, file: str) -> dict[str, Any]:
    """What Airflow finds in a file."""
    import airflow

    bag = bag_class(dag_folder=file)
    problems = [str(problem).strip() for problem in bag.import_errors.values()]
    dags = [_dag(dag, file) for dag in bag.dags.values()]
    return {"file": file, "version": airflow.__version__, "problems": problems, "dags": dags}


def _dag(dag: Any, file: str) -> dict[str, Any]:
    settings = {}
    for name in DAG_SETTINGS:
        value = getattr(dag, name, None)
        told = _value(sorted(value) if isinstance(value, set) else value, file)
        if "other" not in told and value is not None:
            settings[name] = told
    return {
        "id": dag.dag_id,
        "settings": settings,
        "tasks": {task.task_id: _task(task, file) for task in dag.tasks},
    }


def _task(task: Any, file: str) -> dict[str, Any]:
    mapped = type(task).__name__ in ("MappedOperator", "DecoratedMappedOperator")
    kind = task.operator_class if mapped else type(task)
    rule = getattr(task, "trigger_rule", "all_success")
    return {
        "operator": _path(kind, file),
        "bases": [_path(base, file) for base in getattr(kind, "__mro__", (kind,))[1:-1]],
        "downstream": sorted(task.downstream_task_ids),
        "trigger_rule": str(getattr(rule, "value", rule)),
        "mapped": mapped,
        "setup": bool(getattr(task, "is_setup", False)),
        "teardown": bool(getattr(task, "is_teardown", False)),
        "group": _groups(task),
        "arguments": _arguments(task, mapped, file),
    }


def _path(kind: Any, file: str) -> str:
    if isinstance(kind, dict):  # a class that only its serialised form is left of
        return str(kind.get("_task_module")) + "." + str(kind.get("_task_type"))
    return _module(kind.__module__, file) + "." + str(kind.__qualname__)


def _module(name: str, file: str) -> str:
    """A module's name; Airflow gives DAG files names of its own."""
    made_up = name.startswith("unusual_prefix_") or name == "__main__"
    return Path(file).stem if made_up else name


def _groups(task: Any) -> list[str]:
    found: list[str] = []
    group = getattr(task, "task_group", None)
    while group is not None and group.group_id:
        found.append(group.group_id)
        group = getattr(group, "parent_group", None) or getattr(group, "task_group", None)
    return found[::-1]


def _arguments(task: Any, mapped: bool, file: str) -> dict[str, dict[str, Any]]:
    """What the task was made with, by name: `{"json": ...}` or another form of `_value`, and `origin`."""
    given = task.partial_kwargs if mapped else getattr(task, "_BaseOperator__init_kwargs", {})
    found = {
        name: dict(_named(name, value, file), origin="call")
        for name, value in given.items()
        if name not in ADDED
    }
    if mapped:
        expanded = _expanded(task)
        if isinstance(expanded, dict):
            for name, value in expanded.items():
                found[name] = dict(_named(name, value, file), origin="expand")
        elif expanded is not None:
            found["expand_kwargs:0"] = dict(_value(expanded, file), origin="expand")
    return found


def _expanded(task: Any) -> Any:
    """What a mapped task goes over: a dict of lists, or something that gives a list of dicts."""
    for name in ("op_kwargs_expand_input", "expand_input", "mapped_kwargs"):
        value = getattr(task, name, None)
        value = getattr(value, "value", value)
        if value:
            return value
    return None


def _named(name: str, value: Any, file: str) -> dict[str, Any]:
    if SENSITIVE.search(name):
        return {"other": "a value that may be secret"}
    return _value(value, file)


def _value(value: Any, file: str) -> dict[str, Any]:
    """A value in the one form that fits: `json`, `output`, `seconds`, `moment`, `function`, `other`."""
    if _is_json(value):
        return {"json": value} if not _is_masked(value) else {"other": "a value that is secret"}
    if isinstance(value, timedelta):
        return {"seconds": value.total_seconds()}
    if isinstance(value, datetime):
        return {"moment": value.isoformat(), "zone": str(getattr(value.tzinfo, "name", "") or "")}
    output = _output(value)
    if output is not None:
        return {"output": output}
    code = getattr(value, "__code__", None)
    if code is not None:
        return {
            "function": {
                "name": value.__qualname__,
                "module": _module(value.__module__, file),
                "file": code.co_filename,
                "line": _line_of_definition(code),
            }
        }
    if isinstance(value, (list, tuple)):
        return {"items": [_value(item, file) for item in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"entries": {key: _named(key, item, file) for key, item in value.items()}}
    return {"other": type(value).__module__ + "." + type(value).__qualname__}


def _line_of_definition(code: Any) -> int:
    """The line of `def`: a decorated function's code starts at its first decorator."""
    try:
        lines = Path(code.co_filename).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return int(code.co_firstlineno)
    number = int(code.co_firstlineno)
    while number <= len(lines):
        if re.match(r"\s*(async\s+)?def\s", lines[number - 1]):
            return number
        number += 1
    return int(code.co_firstlineno)


def _is_json(value: Any, depth: int = 0) -> bool:
    if depth > DEEPEST:
        return False
    if value is None or type(value) in (bool, int, str):
        return True
    if type(value) is float:
        return math.isfinite(value)
    if type(value) in (list, tuple):
        return all(_is_json(item, depth + 1) for item in value)
    if type(value) is dict:
        return all(
            type(key) is str and not SENSITIVE.search(key) and _is_json(item, depth + 1)
            for key, item in value.items()
        )
    return False


def _is_masked(value: Any) -> bool:
    """Whether Airflow would hide the value in its logs: it holds the text of a secret."""
    try:
        from airflow._shared.secrets_masker import redact
    except ImportError:
        try:
            from airflow.sdk.execution_time.secrets_masker import redact
        except ImportError:
            try:
                from airflow.utils.log.secrets_masker import redact
            except ImportError:  # before Airflow 2.1
                return False
    return bool(redact(value) != value)


def _output(value: Any) -> list[str] | None:
    """Task and key of an XComArg that is nothing but one output."""
    if type(value).__name__ not in ("XComArg", "PlainXComArg"):
        return None
    return [value.operator.task_id, value.key]


if __name__ == "__main__":
    main()
