"""What translators know of the pipeline around a task, and where they put what they find."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from intermodal.analysis import graph
from intermodal.findings import Finding, Span, error, note, warning
from intermodal.frozen import Frozen, defaults_of
from intermodal.ir import (
    AnyType,
    BodyNode,
    Expression,
    ForEach,
    Hosted,
    Index,
    Join,
    ListOf,
    Literal_,
    MapOf,
    Node,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    SourceExpression,
    StringType,
    Task,
    Type,
)
from intermodal_compilers.airflow.translate import pulls
from intermodal_compilers.airflow.translate.kinds import Kind, is_made_by_decorator, kind_of

AIRFLOW = "airflow"
PARAM_CALL = re.compile(r"^\w+\.param\(['\"](?P<name>\w+)['\"]")
RETURN = "return"


def loop_of(task: str) -> str:
    """The id of the loop that holds an expanded task; `Task.map` of the authoring API names it alike."""
    return f"each_{task}"


class Choice(Frozen):
    """What a task chooses: an id (`text`), ids (`list`), or whether to go on (`truth`).

    Attributes:
        form: In which form the output gives it.
        output: The output that gives it.
        far: Whether a false truth skips everything after the task, whatever the join rules.
    """

    form: str
    output: str
    far: bool = False


@dataclass
class Context:
    """One pipeline while it is translated.

    Attributes:
        pipeline: With its tasks as Airflow has them.
        target: The target's name, for findings.
        parameters: The pipeline's parameters in neutral terms.
        dag_settings: Arguments of the DAG that change how its operators render their templates.
        native_templates: Whether a template that is one expression gives its value, not text.
        findings: What was found so far.
        types: Types of the outputs of tasks that have been translated.
        whole: Ids of the tasks whose outputs other than `return` are items of it.
        packages: Paths of the classes that workers have to import.
        choices: What tasks choose that decide which others run, by their id.
        templated: Ids of the loops whose items hold templates.
        reader: Id of the task that is translated now.
        collected: What readers outside take of tasks in loops, by loop and by the name it collects it as.
        skipping: Ids of the tasks that may skip themselves, which their output `ran` tells.
        kept: Ids of the tasks that stay what they are in Airflow, to be translated another time.
        hosting: Ids of the tasks whose class is run as it is, or that cannot be translated.
    """

    pipeline: Pipeline
    target: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    dag_settings: Mapping[str, Expression] = field(default_factory=dict)
    native_templates: bool = False
    findings: list[Finding] = field(default_factory=list)
    types: dict[tuple[str, str], Type] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)
    choices: dict[str, Choice] = field(default_factory=dict)
    skipping: set[str] = field(default_factory=set)
    reader: str = ""
    collected: dict[str, dict[str, OutputRef]] = field(default_factory=dict)
    templated: set[str] = field(default_factory=set)
    kept: frozenset[str] = frozenset()
    hosting: set[str] = field(default_factory=set)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _above: dict[str, frozenset[str]] = field(default_factory=dict)
    _below: dict[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The tasks as Airflow has them, by id."""
        return {task.id: task for task in graph.tasks(self.pipeline)}

    @cached_property
    def regions(self) -> dict[str, tuple[str, ...]]:
        """For each task, the loops around it, outermost first."""
        placed = list(graph.walk(self.pipeline))
        loops = {one.node.id for one in placed if isinstance(one.node, ForEach)}
        return {
            one.node.id: tuple(name for name, _ in one.scope if name in loops)
            for one in placed
            if isinstance(one.node, Task)
        }

    @cached_property
    def roots(self) -> dict[str, tuple[str, ...]]:
        """For each group, the ids of its tasks that wait for none inside it."""
        found: dict[str, tuple[str, ...]] = {}
        for placed in graph.walk(self.pipeline):
            if not isinstance(placed.node, Task):
                inside = set(graph.ids_inside(placed.node))
                found[placed.node.id] = tuple(
                    name
                    for name in graph.ids_inside(placed.node)
                    if name in self.tasks and not inside & set(graph.upstreams(self.tasks[name]))
                )
        return found

    @cached_property
    def downstream(self) -> dict[str, tuple[str, ...]]:
        """Ids of the tasks right after each task."""
        found: dict[str, list[str]] = {name: [] for name in self.tasks}
        for name, ups in self.upstream.items():
            for up in ups:
                if up in found:
                    found[up].append(name)
        return {name: tuple(ids) for name, ids in found.items()}

    @cached_property
    def upstream(self) -> dict[str, tuple[str, ...]]:
        """Ids of the tasks right before each task; the first ones of a region wait for what that waits for."""
        found = {name: dict.fromkeys(graph.upstreams(task)) for name, task in self.tasks.items()}
        for name, region in self.holders.items():
            for first in self.roots[name]:
                found[first] |= dict.fromkeys(graph.upstreams(region))
        return {
            name: tuple(dict.fromkeys(one for up in ups for one in self._last(up)))
            for name, ups in found.items()
        }

    @cached_property
    def holders(self) -> dict[str, BodyNode]:
        """The nodes that hold others, by id: loops, branches and groups."""
        nodes = (placed.node for placed in graph.walk(self.pipeline))
        return {node.id: node for node in nodes if not isinstance(node, Task)}

    def _last(self, node: str) -> list[str]:
        """The task itself, or the tasks of a region that no other of its tasks waits for."""
        if node not in self.holders:
            return [node]
        inside = [name for name in graph.ids_inside(self.holders[node]) if name in self.tasks]
        before = {up for name in inside for up in graph.upstreams(self.tasks[name])}
        return [name for name in inside if name not in before]

    def all_upstream(self, task: str) -> frozenset[str]:
        """Ids of all tasks before a task, near and far."""
        return _closure(task, self.upstream, self._above)

    def all_downstream(self, task: str) -> frozenset[str]:
        """Ids of all tasks after a task, near and far."""
        return _closure(task, self.downstream, self._below)

    @cached_property
    def pulled(self) -> dict[str, set[str]]:
        """For each task, the outputs that others pull of it by name, `return` among them."""
        found: dict[str, set[str]] = {name: set() for name in self.tasks}
        for task in self.tasks.values():
            for pull in pulls.pulls_of(task):
                for name in self.pull_sources(task.id, pull):
                    found[name].add(pull.output)
            for reference in graph.references(graph.expressions(task)):
                if isinstance(reference, OutputRef):
                    for inner in self._collected(reference):
                        found[inner.node].add(inner.output)
        return found

    def _collected(self, reference: OutputRef) -> Iterator[OutputRef]:
        """The output of a task that a reference means, of one in a loop where it means what that collects."""
        if reference.node in self.tasks:
            yield reference
        elif isinstance(loop := self.holders.get(reference.node), ForEach):
            given = loop.outputs.get(reference.output)
            for inner in graph.references([given] if given is not None else []):
                if isinstance(inner, OutputRef):
                    yield from self._collected(inner)

    def pull_sources(self, task: str, pull: pulls.Pull) -> list[str]:
        """Ids of the tasks that a pull may mean: those it names, or all before it."""
        named = self.all_upstream(task) if pull.tasks is None else pull.tasks
        return [name for name in self.tasks if name in named and name != task]

    def pull(self, task: str, source: str, output: str) -> Expression:
        """What a task pulls of another by name; findings tell where that says more than in Airflow."""
        where = self.tasks[task]
        if source not in self.all_upstream(task):
            self.fail(
                f"`{task}` pulls the result of `{source}`, which is not before it",
                where.span,
                "whether it is there depends on which of them ends first",
                f"let `{task}` wait for `{source}`",
            )
        elif source not in self.upstream[task] and not self._joins_all(source, task):
            self.warn(
                f"`{task}` waits for `{source}` itself",
                where.span,
                "it takes its result; in Airflow a pull is no edge, so that the join rules see one more task here",
            )
        return self.output(source, output)

    def _joins_all(self, source: str, task: str) -> bool:
        """Whether everything on the way from a task to another runs only after success."""
        between = self.all_upstream(task) & self.all_downstream(source)
        return all(self.tasks[one].join is Join.ALL_SUCCESS for one in (task, *between))

    def kind(self, task: str) -> Kind:
        """What the class of a task is."""
        action = self.tasks[task].action
        return kind_of(action.class_path) if isinstance(action, Hosted) else Kind.OTHER

    def is_expanded(self, task: str) -> bool:
        """Whether there is an instance of a task for each item of something."""
        action = self.tasks[task].action
        return isinstance(action, Hosted) and bool(action.expand or action.expand_maps is not None)

    def is_looped(self, task: str) -> bool:
        """Whether a task becomes a loop around itself; where it is kept, only if its function is expanded."""
        action = self.tasks[task].action
        if not isinstance(action, Hosted) or not self.is_expanded(task):
            return False
        return task not in self.kept or is_made_by_decorator(action.class_path)

    # Outputs

    def output(self, task: str, output: str) -> Expression:
        """What a task gives, as its reader takes it: from outside of a loop, what the loop collects."""
        outer = self.loop_between(task, self.reader)
        if outer:
            name = task if output == RETURN else f"{task}.{output}"
            inner = OutputRef.of(
                node=loop_of(task) if self.is_looped(task) else task, output=output
            )
            self.collected.setdefault(outer, {})[name] = inner
            return OutputRef.of(node=outer, output=name)
        node = loop_of(task) if self.is_looped(task) else task
        if output != RETURN and task in self.whole:
            return Index.of(
                base=OutputRef.of(node=node, output=RETURN), key=Literal_.of(value=output)
            )
        return OutputRef.of(node=node, output=output)

    def loop_between(self, task: str, reader: str) -> str:
        """The outermost loop around a task that its reader does not stand in; empty if there is none."""
        around = self.regions.get(reader, ())
        return next((loop for loop in self.regions.get(task, ()) if loop not in around), "")

    def output_type(self, task: str, output: str = RETURN) -> Type:
        """The type of what a task gives; any for what is not known yet."""
        return self.types.get((task, output), AnyType.of())

    def is_text(self, task: str, output: str) -> bool:
        """Whether what a task gives is text for sure."""
        if self.loop_between(task, self.reader):
            return False
        return isinstance(self.output_type(task, output), StringType) and not self.is_looped(task)

    def resolved(self, expression: Expression) -> Expression:
        """An expression whose references are those of the neutral pipeline."""
        match expression:
            case OutputRef(node=node, output=output) if node in self.tasks:
                return self.output(node, output)
            case ListOf(items=items):
                return ListOf.of(items=tuple(map(self.resolved, items)))
            case MapOf(entries=entries):
                resolved = {name: self.resolved(item) for name, item in entries.items()}
                return MapOf.of(entries=resolved)
            case SourceExpression(text=text) if self.is_parameter(text):
                return ParameterRef.of(name=parameter_named(text))
            case Index(base=base, key=key):
                return Index.of(base=self.resolved(base), key=key)
            case _:
                return expression

    def adapted(self, value: Any) -> Any:
        """A node, or fields of one, whose references to Airflow's tasks are those of the neutral pipeline."""
        match value:
            case OutputRef(node=node) if node in self.tasks:
                hosted = isinstance(self.tasks[node].action, Hosted)
                return self.output(node, value.output) if hosted else value
            case Literal_():
                return value
            case Node():
                given = {name: getattr(value, name) for name in defaults_of(type(value))}
                made = {name: self.adapted(one) for name, one in given.items()}
                changed = {name: one for name, one in made.items() if one is not given[name]}
                return value.model_copy(update=changed) if changed else value
            case tuple():
                items = tuple(map(self.adapted, value))
                same = all(one is other for one, other in zip(items, value, strict=True))
                return value if same else items
            case Mapping():
                entries = {name: self.adapted(one) for name, one in value.items()}
                return value if all(one is value[n] for n, one in entries.items()) else entries
            case _:
                return value

    def is_parameter(self, text: str) -> bool:
        """Whether an expression is `dag.param("name", ...)`, of a parameter of the pipeline."""
        return parameter_named(text) in self.parameters

    # Findings

    def fail(self, what: str, span: Span | None, why: str, next: str) -> None:
        """Note that something cannot be moved: PORT208."""
        self.findings.append(error("PORT208", what, span or self.pipeline.span, why=why, next=next))

    def warn(self, what: str, span: Span | None, why: str = "", next: str = "") -> None:
        """Note a setting without effect: PORT209."""
        found = warning("PORT209", what, span or self.pipeline.span, why=why, next=next)
        self.findings.append(found)

    def warn_once(self, setting: str, why: str, span: Span | None) -> None:
        """Note a setting of Airflow without effect, once in the pipeline."""
        if (setting, why) not in self._told:
            self._told.add((setting, why))
            self.warn(f"Airflow's `{setting}` has no effect here", span, why=why)

    def tell(self, code: str, what: str, why: str = "", next: str = "") -> None:
        """Note something about the whole pipeline."""
        self.findings.append(note(code, what, self.pipeline.span, why=why, next=next))


def parameter_named(text: str) -> str:
    """The name in `dag.param("name", ...)`; empty for anything else."""
    found = PARAM_CALL.match(text)
    return found["name"] if found else ""


def hosted_of(task: Task) -> Hosted:
    """The class that a task is of.

    Raises:
        TypeError: If it is none of Airflow's.
    """
    if not isinstance(task.action, Hosted):
        raise TypeError(f"`{task.id}` is no hosted task")
    return task.action


def sources_in(expressions: Iterable[Expression]) -> Iterator[SourceExpression]:
    """The source expressions inside of expressions."""
    for expression in expressions:
        for part in graph.parts(expression):
            if isinstance(part, SourceExpression):
                yield part


def _closure(
    start: str, neighbours: Mapping[str, tuple[str, ...]], known: dict[str, frozenset[str]]
) -> frozenset[str]:
    if start not in known:
        found = graph.reached(neighbours.get(start, ()), lambda name: neighbours.get(name, ()))
        known[start] = frozenset(found)
    return known[start]
