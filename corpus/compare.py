"""What the reader says of a file beside what Airflow loads of it: exact, short of it, or wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from intermodal.findings import Severity
from intermodal_compilers.airflow.importer import ReadDag, ReadFile, ReadTask
from intermodal_compilers.airflow.importer.model import ReadArgument

NO_VALUE = object()
# Names under which an attribute of a DAG is given, where that is another.
DAG_NAMES = {"schedule": "schedule_interval"}
# Of what the file gives, Airflow makes something else: it fills in, parses, splits or formats.
CHANGED = frozenset({"doc_md", "start_date", "end_date"})
TEMPLATE_FILE = re.compile(r"^[^\n]+\.\w+$")


@dataclass(slots=True)
class Compared:
    """One file's comparison, or the sum of many.

    Attributes:
        dags: How many Airflow loads.
        exact: How many of them have the same task ids and edges.
        tasks: How many tasks Airflow loads.
        holes: How many of them the reader has not, or has with a structural hole.
        wrong: What Airflow has not, and the reader gives without a finding; a line each, by task.
        short: DAGs that are not exact, a line each.
    """

    dags: int = 0
    exact: int = 0
    tasks: int = 0
    holes: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    short: list[str] = field(default_factory=list)

    def add(self, other: Compared) -> None:
        """Take another's figures in."""
        self.dags += other.dags
        self.exact += other.exact
        self.tasks += other.tasks
        self.holes += other.holes
        self.wrong += other.wrong
        self.short += other.short


def compare(read: ReadFile, loaded: Mapping[str, Any], defaults: Mapping[str, Any]) -> Compared:
    """One file, as it was read and as Airflow loaded it.

    Args:
        read: What the reader gives.
        loaded: What the DagBag made of it, see dump.py; its `errors` are empty.
        defaults: Settings of a task that is given none.
    """
    found = Compared()
    told = any(f.severity is not Severity.NOTE or _assumes(f.what) for f in read.findings)
    mine = {dag.id: dag for dag in read.dags}
    for dag_id, theirs in loaded["dags"].items():
        dag = mine.pop(dag_id, None)
        tasks = theirs["tasks"]
        found.dags += 1
        found.tasks += len(tasks)
        if dag is None:
            found.holes += len(tasks)
            found.short.append(f"{read.path}: {dag_id}: not read")
            if not told and not any(f"`{dag_id}`" in f.what for f in read.findings):
                found.wrong.append((f"{read.path}:{dag_id}", "not read, and nothing was said"))
            continue
        found.holes += sum(1 for name in tasks if name not in dag.tasks or dag.tasks[name].holes)
        same = {t.id: sorted(t.downstream) for t in dag.tasks.values()}
        if same == {name: task["downstream"] for name, task in tasks.items()}:
            found.exact += 1
        else:
            found.short.append(f"{read.path}: {dag_id}: {_first_difference(same, tasks)}")
        found.wrong += [
            (f"{read.path}:{dag_id}.{where}", what)
            for where, what in _wrong(dag, theirs, defaults, told=told)
        ]
    # A package taken as installed, with a note, may not be in this environment.
    assumed = any("installed" in f.what for f in read.findings if f.code == "PORT802")
    for dag in mine.values():
        if not told and not assumed and not dag.holes:
            found.wrong += [
                (f"{read.path}:{dag.id}.{name}", "Airflow has no such DAG")
                for name in dag.tasks or [""]
            ]
    return found


def _assumes(what: str) -> bool:
    """Whether a note says that something besides Airflow is taken as installed: tasks may hang on it."""
    return what.endswith("is taken as installed") and not what.startswith("`airflow.")


def _first_difference(mine: Mapping[str, list[str]], theirs: Mapping[str, Any]) -> str:
    for name in sorted(mine.keys() | theirs.keys()):
        if name not in mine:
            return f"no task {name}"
        if name not in theirs:
            return f"task {name}, which Airflow has not"
        if mine[name] != theirs[name]["downstream"]:
            return f"{name} leads to {mine[name]}, in Airflow to {theirs[name]['downstream']}"
    return "?"


def _wrong(
    dag: ReadDag, theirs: Mapping[str, Any], defaults: Mapping[str, Any], *, told: bool
) -> Iterator[tuple[str, str]]:
    if dag.holes:
        return
    for name, value in theirs["settings"].items():
        given = _given(dag.arguments, *(k for k in (name, _other_name(name)) if k))
        # An object that Airflow makes of what is given is not compared; one made of nothing is wrong.
        none = name.startswith("schedule") and given is None and value is not None
        if none or (given is not NO_VALUE and name not in CHANGED and _differs(given, value)):
            yield "", f"{name} is {given!r}, in Airflow {value!r}"
    for task in dag.tasks.values():
        if task.holes:
            continue
        other = theirs["tasks"].get(task.id)
        if other is None:
            if not told:
                yield task.id, "Airflow has no such task"
            continue
        for what in _wrong_task(task, other, defaults, told=told):
            yield task.id, what


def _other_name(name: str) -> str:
    return next((key for key, one in DAG_NAMES.items() if one == name), "")


def _wrong_task(
    task: ReadTask, other: Mapping[str, Any], defaults: Mapping[str, Any], *, told: bool
) -> Iterator[str]:
    plain = {
        "operator": (task.operator.rpartition(".")[2], other["operator"].rpartition(".")[2]),
        "trigger_rule": (task.trigger_rule, other["trigger_rule"]),
        "mapped": (task.mapped, other["mapped"]),
        "setup": (task.setup, other["setup"]),
        "teardown": (task.teardown, other["teardown"]),
        "group": (task.group[-1] if task.group else None, other["group"]),
    }
    for name, (mine, theirs) in plain.items():
        if mine != theirs:
            yield f"{name} is {mine!r}, in Airflow {theirs!r}"
    edges = sorted(task.downstream)
    if edges != other["downstream"] and not told:
        yield f"leads to {edges}, in Airflow to {other['downstream']}"
    for name, value in other["settings"].items():
        given = _given(task.arguments, name)
        if given is NO_VALUE and name not in task.arguments:
            given = defaults.get(name, NO_VALUE)
            # Other classes have settings of their own, which the file leaves to them.
            own = ".standard." not in task.operator
            if given is NO_VALUE or own or given == value:
                continue
            yield f"{name} is not given, in Airflow {value!r}"
        elif given is not NO_VALUE and _differs(given, value):
            yield f"{name} is {given!r}, in Airflow {value!r}"
    for name, value in other["fields"].items():
        given = _given(task.arguments, name)
        if given is not NO_VALUE and _differs(given, value):
            yield f"{name} is {given!r}, in Airflow {value!r}"


def _given(arguments: Mapping[str, ReadArgument], *names: str) -> Any:
    """The plain value that an argument has, if it has one."""
    for name in names:
        if name in arguments:
            return _plain(arguments[name].value)
    return NO_VALUE


def _plain(value: Any) -> Any:
    """As dump.py encodes it, or NO_VALUE where it is no plain data."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, timedelta):
        return {"__timedelta__": value.total_seconds()}
    if isinstance(value, datetime):
        whole = value if value.tzinfo else value.replace(tzinfo=UTC)
        return {"__datetime__": whole.timestamp()}
    if isinstance(value, frozenset) and all(isinstance(one, str) for one in value):
        return sorted(value)
    if isinstance(value, tuple | list):
        many = [_plain(one) for one in value]
        return NO_VALUE if any(one is NO_VALUE for one in many) else many
    if isinstance(value, dict):
        if not all(isinstance(key, str | int) for key in value):
            return NO_VALUE
        named = {str(key): _plain(one) for key, one in value.items()}
        return NO_VALUE if any(one is NO_VALUE for one in named.values()) else named
    return NO_VALUE


def _differs(mine: Any, theirs: Any) -> bool:
    """Whether Airflow has something else than what was given, and not what its class makes of that."""
    if mine == theirs or "__other__" in repr(theirs):
        return False
    if isinstance(theirs, dict) and "__timedelta__" in theirs and isinstance(mine, int | float):
        return bool(float(mine) != theirs["__timedelta__"])
    if isinstance(theirs, str):
        # A number that the class turns into text; a template's file, which is read when it is loaded.
        return str(mine) != theirs and not (TEMPLATE_FILE.search(str(mine)) and "\n" in theirs)
    if isinstance(mine, list) and isinstance(theirs, list):
        return sorted(map(repr, mine)) != sorted(map(repr, theirs))
    return True
