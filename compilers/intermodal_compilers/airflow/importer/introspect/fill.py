"""Holding what was read against what was loaded, and filling what reading could not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from intermodal.concealed import conceal
from intermodal.findings import Finding, Span, error, note, warning
from intermodal_compilers.airflow.importer.introspect.loading import Loaded
from intermodal_compilers.airflow.importer.introspect.values import read_argument
from intermodal_compilers.airflow.importer.model import (
    FunctionSource,
    ReadArgument,
    ReadDag,
    ReadFile,
    ReadGroup,
    ReadTask,
)
from intermodal_compilers.airflow.importer.written import HoleError, Writer, as_json, is_json

# Findings about what is not known of tasks, edges and DAGs: they are settled where a file was loaded.
SETTLED = frozenset({"PORT803", "PORT804", "PORT806", "PORT808", "PORT809"})
LONGEST_SHOWN = 60
NEW = "it was not read"


def fill(read: ReadFile, loaded: Loaded | None, module: str, file: str) -> ReadFile:
    """The file as it was read, with its holes filled, and findings about what differs.

    Args:
        read: What was read.
        loaded: What the worker says of it; None if it says nothing.
        module: The file's module name.
        file: The file itself.
    """
    if loaded is None or loaded["problems"]:
        why = "\n".join(loaded["problems"]) if loaded else "nothing was told of it"
        return replace(read, findings=(*read.findings, _not_loaded(read.path, why)))
    whole = not any(finding.code in SETTLED for finding in read.findings)
    told = {dag["id"]: dag for dag in loaded["dags"]}
    dags: list[ReadDag] = []
    findings = [finding for finding in read.findings if finding.code not in SETTLED]
    for dag in _identified(read.dags, told):
        if dag.id in told:
            filler = _Filler(dag, told[dag.id])
            dags.append(filler.dag())
            findings += filler.findings
        elif whole and not dag.holes:
            dags.append(dag)
            findings.append(_differs(f"the loaded file makes no DAG `{dag.id}`", dag.span))
    known = {dag.id for dag in dags}
    for dag_id in [name for name in told if name not in known]:
        filler = _Filler(_new_dag(read, told[dag_id], module, file), told[dag_id])
        dags.append(filler.dag())
        what = f"DAG `{dag_id}`"
        span = Span(read.path)
        findings.append(
            _differs(f"the loaded file makes {what} as well", span)
            if whole
            else note("PORT822", f"{what} is taken from the loaded file", span)
        )
        findings += filler.findings
    return replace(read, dags=tuple(dags), findings=tuple(findings))


def _identified(dags: tuple[ReadDag, ...], told: Mapping[str, Any]) -> Iterator[ReadDag]:
    """The DAGs; one whose id is not known is the only loaded one that has its known tasks."""
    read = {dag.id for dag in dags}
    for dag in dags:
        known = {task.id for task in dag.tasks.values() if not task.holes}
        like = [
            name
            for name, other in told.items()
            if name not in read and known and known <= other["tasks"].keys()
        ]
        unnamed = dag.id not in told and dag.holes and len(like) == 1
        yield replace(dag, id=like[0]) if unnamed else dag


def _new_dag(read: ReadFile, told: Mapping[str, Any], module: str, file: str) -> ReadDag:
    """A DAG of which nothing was read: its settings, and no tasks yet."""
    span = Span(read.path)
    arguments = {name: read_argument(value, span, file) for name, value in told["settings"].items()}
    # An empty DAG with a hole: everything in it is to be filled.
    return ReadDag(told["id"], span, arguments, {}, {}, {}, (NEW,), file, module)


class _Filler:
    """One DAG that was both read and loaded."""

    def __init__(self, read: ReadDag, told: Mapping[str, Any]) -> None:
        self.read = read
        self.told = told
        self.writer = Writer(read)
        self.findings: list[Finding] = []
        # Nothing is known for sure of a DAG with a hole in its structure.
        self.open = bool(read.holes) or any(task.holes for task in read.tasks.values())

    def dag(self) -> ReadDag:
        """The DAG, filled."""
        tasks = self._tasks()
        self._compare_settings()
        return replace(
            self.read,
            tasks=tasks,
            groups=self._groups(tasks),
            arguments=self._dag_arguments(),
            holes=(),
            made=self.read.made,
        )

    # Tasks

    def _tasks(self) -> dict[str, ReadTask]:
        told: Mapping[str, Any] = self.told["tasks"]
        tasks: dict[str, ReadTask] = {}
        for task in self.read.tasks.values():
            if task.id in told:
                tasks[task.id] = self._task(task, told[task.id])
            elif self.open:
                what = f"`{task.id}` is left out: the loaded file has no task that it could be"
                self.findings.append(note("PORT822", what, task.span))
            else:
                tasks[task.id] = task
                self._differs(f"the loaded file has no task `{task.id}`", task.span)
        for name in [name for name in told if name not in self.read.tasks]:
            tasks[name] = self._new_task(name, told[name])
        if self.open:
            tasks = {name: tasks[name] for name in told}
        return self._with_edges(tasks)

    def _task(self, task: ReadTask, told: Mapping[str, Any]) -> ReadTask:
        arguments = dict(task.arguments)
        for name, value in told["arguments"].items():
            known = task.arguments.get(name)
            loaded = read_argument(value, task.span, self.read.file)
            if known is None:
                if task.holes and name != "python_callable":
                    arguments[name] = loaded
                    self._filled(f"`{name}` of `{task.id}` is taken", task.span)
            elif self._is_open(known) and not self._is_open(loaded):
                arguments[name] = replace(loaded, span=known.span, origin=known.origin)
                self._filled(f"`{name}` of `{task.id}` is taken", known.span)
            elif _is_other(known.value, loaded.value):
                self._differs(
                    f"`{name}` of `{task.id}` is {_shown(loaded.value)} in the loaded file, "
                    f"and was read as {_shown(known.value)}",
                    known.span,
                )
        filled = replace(task, arguments=arguments, holes=())
        return self._with_facts(filled, told, open_=bool(task.holes))

    def _with_facts(self, task: ReadTask, told: Mapping[str, Any], *, open_: bool) -> ReadTask:
        """The task with its class and rule as loaded, where it was open; findings where they differ."""
        loaded = {"operator": told["operator"], "trigger_rule": told["trigger_rule"]}
        rule = task.trigger_rule
        if rule == "unknown":
            task = replace(task, trigger_rule=loaded["trigger_rule"])
            self._filled(f"the trigger rule of `{task.id}` is taken", task.span)
        elif rule != loaded["trigger_rule"] and not task.teardown and rule != "dummy":
            what = f"the trigger rule of `{task.id}` is {loaded['trigger_rule']} in the loaded file"
            self._differs(f"{what}, and was read as {rule}", task.span)
        if _last(task.operator) == _last(loaded["operator"]):
            return task
        if open_:
            self._filled(f"the class of `{task.id}` is taken", task.span)
            return replace(task, operator=loaded["operator"], bases=tuple(told["bases"]))
        what = f"`{task.id}` is a {loaded['operator']} in the loaded file"
        self._differs(f"{what}, and was read as {task.operator}", task.span)
        return task

    def _new_task(self, name: str, told: Mapping[str, Any]) -> ReadTask:
        span = self.read.span
        arguments = {
            key: read_argument(value, span, self.read.file)
            for key, value in told["arguments"].items()
        }
        function = arguments.get("python_callable")
        held = function.value if function else None
        own = held if isinstance(held, FunctionSource) else None
        what = f"`{name}`, a {_last(told['operator'])}, is taken"
        if self.open:
            self._filled(what, span)
        else:
            self._differs(f"the loaded file has a task `{name}` as well", span)
        return ReadTask(
            id=name,
            operator=told["operator"],
            span=own.span if own else span,
            bases=tuple(told["bases"]),
            arguments=arguments,
            group=tuple(told["group"]),
            mapped=told["mapped"],
            trigger_rule=told["trigger_rule"],
            setup=told["setup"],
            teardown=told["teardown"],
            function=own,
        )

    # Edges and groups

    def _with_edges(self, tasks: dict[str, ReadTask]) -> dict[str, ReadTask]:
        down = {name: set(task.downstream) for name, task in tasks.items()}
        for name, told in self.told["tasks"].items():
            loaded = set(told["downstream"])
            read = self.read.tasks.get(name)
            if read is not None and set(read.downstream) != loaded and not self.open:
                self._differs(
                    f"after `{name}` come {_names(loaded)} in the loaded file, "
                    f"and were read {_names(read.downstream)}",
                    read.span,
                )
            elif read is not None and set(read.downstream) != loaded:
                self._filled(f"what comes after `{name}` is taken: {_names(loaded)}", read.span)
            if self.open or read is None:
                down[name] = loaded
        if not self.open:
            for name in tasks.keys() - self.read.tasks.keys():
                for above, told in self.told["tasks"].items():
                    if name in told["downstream"]:
                        down[above].add(name)
        up: dict[str, set[str]] = {name: set() for name in tasks}
        for name, below in down.items():
            for other in below & tasks.keys():
                up[other].add(name)
        return {
            name: replace(
                task,
                upstream=tuple(sorted(up[name])),
                downstream=tuple(sorted(down[name] & tasks.keys())),
            )
            for name, task in tasks.items()
        }

    def _groups(self, tasks: Mapping[str, ReadTask]) -> dict[str, ReadGroup]:
        groups = dict(self.read.groups)
        for task in tasks.values():
            for depth, name in enumerate(task.group, start=1):
                inside = tuple(t.id for t in tasks.values() if name in t.group)
                if name in groups:
                    groups[name] = replace(groups[name], tasks=inside)
                else:
                    groups[name] = ReadGroup(name, inside, False, {}, task.group[:depth])
        return groups

    # The DAG itself

    def _dag_arguments(self) -> dict[str, ReadArgument]:
        arguments = dict(self.read.arguments)
        for name, value in self.told["settings"].items():
            argument = arguments.get(name)
            if argument is not None and self._is_open(argument):
                span = argument.span
                arguments[name] = read_argument(value, span, self.read.file)
                self._filled(f"`{name}` of DAG `{self.read.id}` is taken", span)
        return arguments

    def _compare_settings(self) -> None:
        for name, value in self.told["settings"].items():
            argument = self.read.arguments.get(name)
            if argument is None or not is_json(argument.value):
                continue
            loaded = read_argument(value, argument.span, self.read.file).value
            read = argument.value
            if name == "tags" and isinstance(read, tuple):
                read, loaded = tuple(sorted(map(str, read))), tuple(sorted(map(str, loaded)))
            if read is not None and _is_other(read, loaded):
                self._differs(
                    f"`{name}` of DAG `{self.read.id}` is {_shown(loaded)} in the loaded file, "
                    f"and was read as {_shown(read)}",
                    argument.span,
                )

    def _is_open(self, argument: ReadArgument) -> bool:
        """Whether neither its value nor its source can be taken along."""
        try:
            self.writer.argument(argument)
        except HoleError:
            return True
        return False

    def _filled(self, what: str, span: Span) -> None:
        self.findings.append(note("PORT822", f"{what} from the loaded file", span))

    def _differs(self, what: str, span: Span) -> None:
        self.findings.append(_differs(what, span))


def _is_other(read: Any, loaded: Any) -> bool:
    """Whether two plain values differ; what is not plain cannot be told."""
    return is_json(read) and is_json(loaded) and as_json(read) != as_json(loaded)


def _names(tasks: Iterator[str] | Any) -> str:
    return ", ".join(f"`{name}`" for name in sorted(tasks)) or "no tasks"


def _shown(value: Any) -> str:
    text = conceal(repr(as_json(value)))
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _differs(what: str, span: Span) -> Finding:
    return warning("PORT821", what, span)


def _not_loaded(path: str, why: str) -> Finding:
    return error(
        "PORT820",
        f"`{path}` could not be loaded",
        Span(path),
        why=conceal(why),
        next="give what it needs with --variables, --env and --root, or another --airflow-python",
    )
