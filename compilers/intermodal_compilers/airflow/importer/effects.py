"""Code that is not read: what it may do to tasks and DAGs, told where it is called."""

from __future__ import annotations

import ast
import sys
from typing import Any

from intermodal_compilers.airflow.importer.graph import NODES, Dag, EdgeLabel, Group, TaskNode, XCom
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    Function,
    Native,
    Scope,
    Symbolic,
    Unknown,
    UserClass,
)

# Packages whose functions make no tasks, whatever they are given.
HARMLESS = frozenset(
    {
        "airflow", "attr", "attrs", "boto3", "botocore", "croniter", "dateutil", "google", "jinja2",
        "kubernetes", "loguru", "numpy", "pandas", "pendulum", "pydantic", "pytest", "pytz", "requests",
        "six", "slugify", "sqlalchemy", "structlog", "toml", "tomli", "typing_extensions", "yaml",
    }
)  # fmt: skip


def is_harmless(path: str) -> bool:
    """Whether what a path names makes no tasks."""
    root = path.partition(".")[0].partition("(")[0]
    return root in HARMLESS or root == "builtins" or root in sys.stdlib_module_names


def unread_call(
    machine: Machine, path: str, why: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> None:
    """Tell of a call of code that is not read, if it may change a DAG.

    It may do anything with tasks and DAGs that it is given, and it may make tasks where a DAG is open: a
    function may anywhere, what is no plain function only where its result is not used.
    """
    if path.startswith(RUNNING) and any(isinstance(value, RUN) for value in _flat(arguments)):
        _told(machine, "the functions given to it are not followed", node, scope)
        return
    if path and is_harmless(path):
        return
    names = [*arguments.positional, *arguments.named.values()]
    if machine.main is not None and any(value is machine.main.names for value in names):
        what = f"whether `{scope.module.source(node)[:80]}` makes DAGs is not known"
        told = "give the folder of that module with `--root`, or read what it writes"
        machine.hole("PORT809", what, scope.module.span(node), why, told)
    touched = [value for value in _flat(arguments) if isinstance(value, TOUCHED)]
    dags = {id(dag): dag for value in touched for dag in _dags(value)}
    if machine.dag is not None:
        alone = node is machine.statement
        last = path.rpartition(".")[2]
        plain = bool(last) and "(" not in path and not last[:1].isupper()
        if not touched and not (plain or alone):
            return
        dags[id(machine.dag)] = machine.dag
    if not dags and not touched:
        return
    source = scope.module.source(node)[:80]
    machine.hole("PORT804", f"what `{source}` does is not known", scope.module.span(node), why)
    for dag in dags.values():
        dag.holes.append(f"what `{source}` does: {why}")


# What runs functions that it is given, elsewhere or later.
RUNNING = ("concurrent.", "multiprocessing.", "threading.", "asyncio.")
RUN = (Function, Bound, Native)


def _told(machine: Machine, why: str, node: ast.AST, scope: Scope) -> None:
    source, span = scope.module.source(node)[:80], scope.module.span(node)
    if machine.dag is None:
        machine.hole("PORT809", f"whether `{source}` makes DAGs is not known", span, why)
        return
    machine.hole("PORT804", f"what `{source}` does is not known", span, why)
    machine.dag.holes.append(f"what `{source}` does: {why}")


TOUCHED = (Dag, Group, TaskNode, XCom)


def _flat(arguments: Arguments) -> list[Any]:
    found: list[Any] = []
    for value in (*arguments.positional, *arguments.named.values()):
        if isinstance(value, list | tuple):
            found.extend(value)
        elif isinstance(value, dict):
            found.extend(value.values())
        else:
            found.append(value)
    return found


def _dags(value: Any) -> list[Dag]:
    if isinstance(value, Dag):
        return [value]
    if isinstance(value, Group):
        return [value.dag]
    return [task.dag for task in value.roots() if task.dag is not None]


def has_unread_base(kind: UserClass) -> bool:
    """Whether a class derives from one that is not read and could make tasks."""
    unread = any(isinstance(b, Unknown | Symbolic) for known in kind.lineage() for b in known.bases)
    return unread or any(not is_harmless(base.path) for base in kind.externals())


def uncertain_edge(machine: Machine, sides: tuple[Any, ...], node: ast.AST, scope: Scope) -> None:
    """Tell of an edge that may not be there; a task that may not be there says so itself."""
    if not machine.uncertain:
        return
    why = machine.uncertain[-1]
    source = scope.module.source(node)[:80]
    machine.hole("PORT804", f"whether `{source}` counts {why}", scope.module.span(node))
    tasks = [_tasks_of(side) for side in sides]
    if all(any(not task.holes for task in many) for many in tasks):
        for dag in {id(t.dag): t.dag for many in tasks for t in many if t.dag}.values():
            dag.holes.append(f"whether `{source}` counts {why}")


def _tasks_of(side: Any) -> list[TaskNode]:
    many = side if isinstance(side, list | tuple | set) else [side]
    nodes = [one for one in many if isinstance(one, NODES) and not isinstance(one, EdgeLabel)]
    return [task for one in nodes for task in one.roots()]


def unread_text(machine: Machine, name: str, node: ast.AST, scope: Scope) -> None:
    """Tell of `exec` and `eval`: code as text is not read."""
    source = scope.module.source(node)[:80]
    machine.hole(
        "PORT804",
        f"what `{source}` does is not known",
        scope.module.span(node),
        why=f"text given to `{name}` is not read as code",
        next="write the code itself",
    )
    if machine.dag is not None:
        machine.dag.holes.append(f"what `{source}` does: code given as text is not read")
