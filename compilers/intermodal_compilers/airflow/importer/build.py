"""From a DAG as it was read to a pipeline that holds it whole: every task a hosted class of Airflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath

from intermodal.analysis import graph
from intermodal.findings import Finding, Span, error, warning
from intermodal.frozen import Frozen
from intermodal.ir import (
    AnyType,
    BodyNode,
    EdgeLabel,
    Expression,
    ForEach,
    Group,
    GroupArrow,
    Hosted,
    HostedPipeline,
    Index,
    ItemRef,
    Items,
    Join,
    Literal_,
    MapOf,
    OutputRef,
    Pairing,
    Pipeline,
    SourceExpression,
    Task,
)
from intermodal_compilers.airflow.importer.model import (
    ReadArgument,
    ReadDag,
    ReadGroup,
    ReadTask,
)
from intermodal_compilers.airflow.importer.written import AIRFLOW, HoleError, Writer

LEFT_TO_VERSIONS = {
    "catchup": "Airflow 2 starts the runs of the past that were missed, Airflow 3 and others do not",
    "schedule": "Airflow 2 runs such a DAG daily, Airflow 3 and others only when somebody starts it",
}
# Folders that many machines have: `/`, `/home/somebody`.
MOST_SHARED = 3
# What the IR says in other words than an argument of the operator.
ELSEWHERE = frozenset({"task_id", "trigger_rule", "dag", "task_group", "default_args"})
RULES: Mapping[str, Join] = {rule.value: rule for rule in Join} | {
    "dummy": Join.ALWAYS,
    "none_failed_or_skipped": Join.NONE_FAILED_MIN_ONE_SUCCESS,
}


class BuiltPipeline(Frozen):
    """A pipeline made of a DAG.

    Attributes:
        pipeline: The pipeline.
        findings: What could not be taken over.
        holes: By task, why it is not known in full.
    """

    pipeline: Pipeline
    findings: tuple[Finding, ...] = ()
    holes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def build(dag: ReadDag) -> BuiltPipeline:
    """The DAG as a pipeline."""
    return _Builder(dag).pipeline()


def items_of(group: ReadGroup) -> dict[str, Expression]:
    """What each argument of a mapped group is for the tasks in it."""
    item = ItemRef.of(loop=group.id)
    if any(name.startswith("expand_kwargs:") for name in group.arguments):
        return {"*": item}
    names = [name.partition(":")[2] for name in group.arguments if name.startswith("expand:")]
    if len(names) == 1:
        return {names[0]: item}
    return {name: Index.of(base=item, key=Literal_.of(value=i)) for i, name in enumerate(names)}


def holds_place(value: Expression, file: str) -> bool:
    """Whether a value holds the path of a folder that the file lies in, two levels deep at least."""
    folder = _outermost(file)
    return bool(folder) and any(
        folder in text for part in graph.parts(value) for text in _texts(part)
    )


@cache
def _outermost(file: str) -> str:
    """The outermost folder that a file lies in, of those that say something; empty if none does."""
    folders = [str(folder) for folder in PurePath(file).parents if len(folder.parts) > MOST_SHARED]
    return folders[-1] if folders else ""


def _texts(part: Expression) -> Iterator[str]:
    if isinstance(part, SourceExpression):
        yield part.text
    elif isinstance(part, Literal_):
        pending = [part.value]
        while pending:
            value = pending.pop()
            if isinstance(value, str):
                yield value
            elif isinstance(value, list):
                pending += value
            elif isinstance(value, dict):
                pending += value.values()


def _with_parameters(arguments: dict[str, Expression]) -> dict[str, Expression]:
    """A DAG's arguments with `params` of its `default_args` among its own, where Airflow puts them."""
    defaults, own = _entries(arguments.get("default_args")), _entries(arguments.get("params"))
    given = _entries(defaults.get("params")) if defaults else None
    if defaults is None or given is None or (own is None and "params" in arguments):
        return arguments
    rest = {name: value for name, value in defaults.items() if name != "params"}
    merged = MapOf.of(entries={**(own or {}), **given})
    return {**arguments, "default_args": MapOf.of(entries=rest), "params": merged}


def _entries(expression: Expression | None) -> dict[str, Expression] | None:
    if isinstance(expression, MapOf):
        return dict(expression.entries)
    if isinstance(expression, Literal_) and isinstance(expression.value, dict):
        return {name: Literal_.of(value=value) for name, value in expression.value.items()}
    return None


@dataclass
class _Node:
    """A group while its contents are gathered."""

    id: str
    children: dict[str, _Node | None] = field(default_factory=dict)

    def within(self, group: str) -> _Node:
        """A group in here, put here now if it is new."""
        found = self.children.get(group)
        if found is None:
            found = self.children[group] = _Node(group)
        return found


class _Builder:
    """What is known while one DAG is built."""

    def __init__(self, dag: ReadDag) -> None:
        self.dag = dag
        self.writer = Writer(dag)
        self.findings: list[Finding] = []
        self.holes: dict[str, list[str]] = {}
        self.keys: dict[str, set[str]] = {}
        self.loops = {g.id: items_of(g) for g in dag.groups.values() if g.mapped}

    def pipeline(self) -> BuiltPipeline:
        """Build everything."""
        dag = self.dag
        for reason in dag.holes:
            self._structural(f"the DAG `{dag.id}` is not fully known: {reason}", dag.span)
        self._versions()
        actions = {task.id: self._action(task) for task in dag.tasks.values()}
        tasks = {task.id: self._task(task, actions[task.id]) for task in dag.tasks.values()}
        hosted = HostedPipeline.of(
            ecosystem=AIRFLOW,
            arguments=self._dag_arguments(),
            groups={g.id: self._group_arguments(g) for g in dag.groups.values()},
            edge_labels=tuple(
                EdgeLabel.of(upstream=up, downstream=down, text=text)
                for (up, down), text in sorted(dag.labels.items())
            ),
            group_arrows=tuple(
                GroupArrow.of(upstream=up, downstream=down) for up, down in dag.group_arrows
            ),
        )
        pipeline = Pipeline.of(
            name=dag.id, body=tuple(self._body(tasks)), hosted=hosted, span=dag.span
        )
        holes = {task: tuple(reasons) for task, reasons in self.holes.items()}
        return BuiltPipeline(pipeline, tuple(self.findings), holes)

    # Tasks

    def _task(self, task: ReadTask, action: Hosted) -> Task:
        linked = {
            part.node
            for expression in graph.action_expressions(action)
            for part in graph.parts(expression)
            if isinstance(part, OutputRef)
        }
        rule = RULES.get(task.trigger_rule)
        outputs = dict.fromkeys(("return", *sorted(self.keys.get(task.id, ()))), AnyType.of())
        return Task.of(
            id=task.id,
            action=action,
            outputs=outputs,
            after=tuple(up for up in task.upstream if up not in linked),
            join=rule or Join.ALL_SUCCESS,
            pairing=self._pairing(task),
            span=task.span,
        )

    def _pairing(self, task: ReadTask) -> Pairing | None:
        if task.setup:
            return Pairing.of(role="setup")
        if not task.teardown:
            return None
        setups = tuple(up for up in task.upstream if self.dag.tasks[up].setup)
        return Pairing.of(role="teardown", partners=setups)

    def _action(self, task: ReadTask) -> Hosted:
        for reason in task.holes:
            self._structural(f"`{task.id}` is not fully known: {reason}", task.span)
            self.holes.setdefault(task.id, []).append(reason)
        self.writer.items = {
            name: item for group in task.group for name, item in self.loops.get(group, {}).items()
        }
        arguments: dict[str, Expression] = {}
        expand: dict[str, Expression] = {}
        maps: Expression | None = None
        function = task.arguments.get("python_callable")
        if function is None and task.function is not None:
            found = self._written(
                task, "python_callable", ReadArgument(task.function, task.held_as, task.span)
            )
            arguments |= {} if found is None else {"python_callable": found}
        if task.trigger_rule == "unknown":
            self._hole(task, "its trigger rule is not known", task.span)
        elif task.trigger_rule not in RULES and not task.teardown:
            arguments["trigger_rule"] = Literal_.of(value=task.trigger_rule)
        for name, argument in task.arguments.items():
            if name in ELSEWHERE or argument.origin == "super":
                continue
            if name == "params" and argument.origin == "default_args":
                # They are the DAG's parameters, which every task has anyway.
                continue
            found = self._written(task, name, argument)
            if found is None:
                continue
            if name.startswith("expand_kwargs:"):
                maps = found
            elif argument.origin == "expand":
                expand[name] = found
            else:
                arguments[name] = found
        return Hosted.of(
            ecosystem=AIRFLOW,
            class_path=task.operator,
            arguments=arguments,
            expand=expand,
            expand_maps=maps,
            class_source=self._class(task),
            span=task.span,
        )

    def _class(self, task: ReadTask) -> SourceExpression | None:
        """The user's own operator class; None where importing it by its path is all there is to do."""
        if task.own is None:
            return None
        try:
            return self.writer.source(self.writer.text(task.own), task.span)
        except HoleError as hole:
            self._hole(task, f"its class `{task.own.name}`: {hole.reason}", hole.span or task.span)
            return None

    def _written(self, task: ReadTask, name: str, argument: ReadArgument) -> Expression | None:
        try:
            found = self.writer.argument(argument)
        except HoleError as hole:
            self._hole(task, f"its `{name}`: {hole.reason}", hole.span or argument.span)
            return None
        if holds_place(found, self.dag.file):
            self._placed(f"`{name}` of `{task.id}`", argument.span)
        for part in graph.parts(found):
            if isinstance(part, OutputRef) and part.output != "return":
                self.keys.setdefault(part.node, set()).add(part.output)
        return found

    # Everything else

    def _versions(self) -> None:
        """Tell of settings that the file leaves to a version of Airflow, if it does not say which it is for."""
        given = self.dag.arguments
        schedule = given.get("schedule") or given.get("schedule_interval") or given.get("timetable")
        if self.writer.is_for_3 or (schedule is not None and schedule.value in (None, "@once")):
            return
        left = "catchup" if schedule is not None else "schedule"
        if left in given:
            return
        self.findings.append(
            warning(
                "PORT815",
                f"`{self.dag.id}` does not say its `{left}`",
                self.dag.span,
                why=LEFT_TO_VERSIONS[left],
                next=f"write `{left}` in the file, as you mean it",
            )
        )

    def _dag_arguments(self) -> dict[str, Expression]:
        named = {name: a for name, a in self.dag.arguments.items() if name != "dag_id"}
        return _with_parameters(self._arguments(named, f"DAG `{self.dag.id}`"))

    def _arguments(self, given: Mapping[str, ReadArgument], whose: str) -> dict[str, Expression]:
        found: dict[str, Expression] = {}
        for name, argument in given.items():
            if name in ("dag", "parent_group") or ":" in name:
                continue
            try:
                found[name] = self.writer.argument(argument)
            except HoleError as hole:
                span = hole.span or argument.span
                self._open(f"`{name}` of {whose} is not known: {hole.reason}", span)
        return found

    def _group_arguments(self, group: ReadGroup) -> dict[str, Expression]:
        """A group's arguments; of a mapped one also how it is, with its function's arguments by name."""
        found = self._arguments(group.arguments, f"group `{group.id}`")
        if group.id in self.loops:
            given = [name.partition(":") for name in group.arguments if ":" in name]
            names = [rest for _, _, rest in given]
            how = given[0][0] if given else "expand"
            found[how] = Literal_.of(value=names if how == "expand" else list(self.loops[group.id]))
        return found

    def _body(self, tasks: Mapping[str, Task]) -> Iterator[BodyNode]:
        """The tasks in the groups that they stand in; groups without tasks are left to the hosted part."""
        root = _Node("")
        for task in self.dag.tasks.values():
            place = root
            for name in task.group:
                place = place.within(name)
            place.children[task.id] = None
        for group in self.dag.groups.values():
            place = root
            for name in group.path:
                place = place.within(name)
        yield from self._inside(root, tasks)

    def _inside(self, node: _Node, tasks: Mapping[str, Task]) -> Iterator[BodyNode]:
        for name, group in node.children.items():
            if group is None:
                yield tasks[name]
                continue
            body = tuple(self._inside(group, tasks))
            lists = self._lists(self.dag.groups[name]) if name in self.loops else ()
            if lists:
                combine = "product" if len(lists) > 1 else "single"
                items = Items.of(lists=lists, combine=combine)
                yield ForEach.of(id=name, items=items, body=body)
            else:
                yield Group.of(id=name, body=body)

    def _lists(self, group: ReadGroup) -> tuple[Expression, ...]:
        """What a mapped group goes over; nothing where that is not known."""
        found: list[Expression] = []
        for name, argument in group.arguments.items():
            if ":" not in name:
                continue
            try:
                found.append(self.writer.argument(argument))
            except HoleError as hole:
                what = f"what group `{group.id}` is mapped over is not known: {hole.reason}"
                self._structural(what, hole.span or argument.span)
        return tuple(found)

    def _hole(self, task: ReadTask, reason: str, span: Span | None) -> None:
        self.holes.setdefault(task.id, []).append(reason)
        self._open(f"`{task.id}` is not fully known: {reason}", span)

    def _placed(self, what: str, span: Span | None) -> None:
        self.findings.append(
            warning(
                "PORT813",
                f"{what} holds a path of this machine",
                span,
                why="the file makes it from where it lies itself, which is taken as it is here",
                next="lay what it means at the same place where this runs, or give another path",
            )
        )

    def _structural(self, what: str, span: Span | None) -> None:
        """What stands against compiling: tasks or edges that nobody knows."""
        self.findings.append(
            error(
                "PORT810",
                what,
                span,
                why="only running the file could tell, and it is not run",
                next="give the values with --variables, --env and --root, or use --introspect",
            )
        )

    def _open(self, what: str, span: Span | None) -> None:
        self.findings.append(
            error(
                "PORT811",
                what,
                span,
                why="the value is known only when the file runs",
                next="give the values with --variables, --env and --root, or use --introspect",
            )
        )
