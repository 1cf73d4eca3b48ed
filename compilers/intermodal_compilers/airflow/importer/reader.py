"""Reading files: which ones, one after the other, none stopping the others."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from intermodal.findings import Finding, Span, error, warning
from intermodal_compilers.airflow.importer.attributes import attribute
from intermodal_compilers.airflow.importer.expressions import EXPRESSIONS
from intermodal_compilers.airflow.importer.flow import rest_of
from intermodal_compilers.airflow.importer.freeze import freeze_dag
from intermodal_compilers.airflow.importer.graph import Dag
from intermodal_compilers.airflow.importer.imports import run_module
from intermodal_compilers.airflow.importer.invoke import call
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.model import ReadDag, ReadFile
from intermodal_compilers.airflow.importer.modules import Module, Sources
from intermodal_compilers.airflow.importer.settings import Inputs
from intermodal_compilers.airflow.importer.statements import STATEMENTS
from intermodal_compilers.airflow.importer.values import BudgetSpentError, Symbolic

RECURSION = 6_000


def read_files(paths: Iterable[Path], inputs: Inputs = Inputs()) -> Iterator[ReadFile]:  # noqa: B008
    """Read files, and the `.py` files of folders, in order.

    Args:
        paths: Files and folders.
        inputs: The root for imports, Variables, environment, limits.

    Yields:
        One result for each file; what cannot be read has a finding.
    """
    named = [_resolved(path) for path in paths]
    roots = [_resolved(inputs.root)] if inputs.root else []
    folders = [path for path in named if path.is_dir()]
    sources = Sources([*roots, *folders])
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION))
    try:
        for path in files_of(named):
            beside = sources if roots or folders else Sources([path.parent])
            yield read_file(path, beside, inputs)
    finally:
        sys.setrecursionlimit(limit)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links; reading it tells
        return path.absolute()


# Folders of a repository that hold other people's code, or none.
PASSED_OVER = frozenset({"__pycache__", ".git", ".venv", "venv", "node_modules", "site-packages"})


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Files as given, and those below folders; links to folders are not followed."""
    found: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            found[path] = None
            continue
        below: list[Path] = []
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if name not in PASSED_OVER]
            below += [Path(folder, name) for name in names if name.endswith(".py")]
        found |= dict.fromkeys(sorted(below))
    return list(found)


def read_file(path: Path, sources: Sources, inputs: Inputs) -> ReadFile:
    """Read one file; whatever goes wrong becomes a finding."""
    shown = sources.shown(path)
    module, findings = sources.load(path, sources.name_of(path))
    if module is None:
        return ReadFile(shown, (), tuple(findings))
    lines = module.text.count("\n") + 1
    if not might_hold_dag(module.text):
        return ReadFile(shown, (), (), lines)
    machine = Machine(
        sources,
        inputs,
        expressions=EXPRESSIONS,
        statements=STATEMENTS,
        call=call,
        attribute=attribute,
        rest=rest_of,
    )
    more: list[Finding] = []
    dags: tuple[ReadDag, ...] = ()
    try:
        _run(machine, module)
        dags = tuple(
            freeze_dag(dag, module, machine.modules) for dag in found_dags(machine, module)
        )
    except RecursionError:
        more.append(error("PORT806", f"expressions of `{shown}` nest too deep", Span(shown)))
    except BudgetSpentError:
        more.append(
            error(
                "PORT806",
                f"`{shown}` takes more than {inputs.steps:,} steps to read",
                Span(shown),
                next="what it computes while it is loaded is better done in a task",
            )
        )
    except Exception as problem:  # one file's fault of ours must not stop the others
        more.append(
            error(
                "PORT011",
                f"reading `{shown}` failed: {type(problem).__name__}: {problem}",
                Span(shown),
                why="this is a fault in Intermodal, not in your file",
                next="please report it, if you can with the file",
            )
        )
        if inputs.debug:
            raise
    found = (*machine.findings.values(), *more)
    return ReadFile(shown, dags, found, lines)


def _run(machine: Machine, module: Module) -> None:
    machine.main = module
    machine.modules[module.name] = module
    run_module(machine, module)
    for task in machine.tasks:
        if task.dag is None:
            what = f"task `{task.id}` belongs to no DAG that was found"
            machine.hole("PORT803", what, task.span)


def might_hold_dag(text: str) -> bool:
    """Airflow's own first look at a file (safe mode): both words must be in it."""
    lower = text.lower()
    return "airflow" in lower and ("dag" in lower or "asset" in lower)


def found_dags(machine: Machine, module: Module) -> list[Dag]:
    """The DAGs that Airflow would find: in names of the module, or registered by `with` and `@dag`."""
    at_top = {id(value) for value in module.names.values()}
    by_id: dict[str, Dag] = {}
    for dag in machine.dags:
        registered = dag.registered and dag.module == module.name
        if not registered and id(dag) not in at_top:
            if dag.registered:
                what = f"DAG `{dag.id}` of the imported `{dag.module}` is read with that file"
                machine.assume(what, dag.span)
            continue
        if dag.id in by_id and dag.span != by_id[dag.id].span:
            machine._add(warning("PORT809", f"there are two DAGs `{dag.id}`", dag.span))
        by_id[dag.id] = dag
    for name, value in module.names.items():
        if isinstance(value, Symbolic) and "dag" in value.path.lower() and value.source:
            _tell_of_possible_dag(machine, name, value)
    return list(by_id.values())


def _tell_of_possible_dag(machine: Machine, name: str, value: Symbolic) -> None:
    """What code that is not read gives may be a DAG; one that Airflow would find is not left out unsaid."""
    if not value.path.startswith("airflow."):
        machine.hole(
            "PORT809",
            f"whether `{name}` is a DAG is not known",
            value.span,
            f"`{value.path}` is not read",
            "give the folder of that module with `--root`",
        )
