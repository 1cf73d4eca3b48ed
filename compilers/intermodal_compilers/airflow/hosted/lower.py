"""From a hosted pipeline to the parts of its file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from intermodal.analysis import graph
from intermodal.compiling import Target
from intermodal.findings import Finding, error, errors_of
from intermodal.ir import (
    BodyNode,
    Expression,
    ForEach,
    Group,
    Hosted,
    HostedPipeline,
    Index,
    ItemRef,
    Join,
    Literal_,
    MapOf,
    OutputRef,
    Pipeline,
    SourceExpression,
    Task,
)
from intermodal_compilers.airflow.hosted.arrows import Arrows
from intermodal_compilers.airflow.hosted.checks import hosted_findings
from intermodal_compilers.airflow.hosted.expressions import Expressions, brought, same
from intermodal_compilers.airflow.hosted.functions import Functions, decorator_of
from intermodal_compilers.airflow.hosted.model import Function, Region, Step
from intermodal_compilers.airflow.hosted.placing import Placing
from intermodal_compilers.airflow.hosted.refusals import (
    asset_findings,
    no_arguments,
    no_class,
    no_function,
)
from intermodal_compilers.airflow.hosted.settings import (
    Arguments,
    class_finding,
    dag_arguments,
    entries_of,
    equal,
    group_arguments,
    items_of,
    task_arguments,
)
from intermodal_compilers.airflow.hosted.sources import Sources
from intermodal_compilers.airflow.names import Names, identifier
from intermodal_compilers.pysource import Attribute, Expr, Name, Subscript, Value, is_identifier

# Arguments of groups that the emitter writes itself, or that mean nothing once all ids are given.
GROUP_OWN = frozenset({"group_id", "0", "1", "add_suffix_on_collision", "expand", "expand_kwargs"})
# Arguments that Airflow does not take from `default_args`, but puts together with those of the DAG.
MERGED = frozenset({"params"})
TEARDOWN_OWN = "on_failure_fail_dagrun"


@dataclass
class HostedFile:
    """An emitted file before it is printed.

    Attributes:
        dag_id: The DAG's id.
        arguments: What it is made with.
        asset: The asset function, for a DAG that `@asset` makes.
    """

    dag_id: str
    arguments: dict[str, Expr]
    root: Region
    sources: Sources
    functions: list[Function]
    packages: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)


def lower_hosted(pipeline: Pipeline, target: Target) -> HostedFile:
    """The parts of the file; its findings may hold errors."""
    assert pipeline.hosted is not None
    findings = list(hosted_findings(pipeline, str(target)))
    if errors_of(findings):
        root, sources = Region(None, "", None), Sources(target.version)
        return HostedFile(pipeline.name, {}, root, sources, [], findings=findings)
    return _Lowering(pipeline, pipeline.hosted, target, findings).file()


class _Lowering:
    """What is known while one hosted pipeline is lowered."""

    def __init__(
        self,
        pipeline: Pipeline,
        hosted: HostedPipeline,
        target: Target,
        findings: list[Finding],
    ) -> None:
        self.pipeline = pipeline
        self.hosted = hosted
        self.target = target
        self.findings = findings
        self.sources = Sources(target.version, _own_names(pipeline, hosted))
        self.functions = Functions(self.sources)
        self.values = Expressions(self.sources, self._output, self._item)
        placing = Placing(pipeline, hosted, str(target))
        self.root, self.steps = placing.root, placing.steps
        self.findings += placing.findings
        self.arguments: dict[str, Arguments] = {}
        self.settings: dict[str, Arguments] = {}
        self.item_names: dict[str, tuple[str, ...]] = {}

    def file(self) -> HostedFile:
        """Lower everything."""
        root = self.root
        file = HostedFile(self.pipeline.name, {}, root, self.sources, self.functions.all)
        file.findings = self.findings
        if errors_of(self.findings):
            return file
        given = self._dag_arguments()
        self._bring(given, root)
        self.findings += asset_findings(list(self.steps.values()), str(self.target))
        self.functions.settle()
        self._name(root)
        file.arguments = {name: self.values.argument(value) for name, value in given.items()}
        self._write_regions(root)
        defaults = entries_of(given.get("default_args")) or {}
        self._write_steps(root, defaults)
        self._share_settings()
        Arrows(self.hosted, root, self.steps).draw()
        if any(region.labelled for region in (root, *root.regions())):
            self.sources.use("Label")
        self.findings += [*self.sources.findings, *self.values.findings]
        self.findings += self.sources.local_findings()
        file.packages = tuple(dict.fromkeys(self._packages()))
        return file

    # What the source expressions bring

    def _dag_arguments(self) -> dict[str, Expression]:
        whose = f"pipeline `{self.pipeline.name}`"
        fitted = dag_arguments(self.hosted.arguments, str(self.target), whose, self.pipeline.span)
        self.findings += fitted.findings
        given = {name: value for name, value in fitted.arguments.items() if name != "dag_id"}
        return self._with_defaults(given, whose)

    def _with_defaults(self, given: Arguments, whose: str) -> dict[str, Expression]:
        """Arguments whose `default_args`, if they are known by name, are the version's own."""
        found = dict(given)
        entries = entries_of(found.get("default_args"))
        if entries is not None:
            words = f"`default_args` of {whose}"
            fitted = task_arguments(entries, "", str(self.target), words, self.pipeline.span)
            self.findings += fitted.findings
            if fitted.arguments != entries:
                found["default_args"] = MapOf.of(entries=fitted.arguments)
        return found

    def _bring(self, given: Arguments, root: Region) -> None:
        """Read all source expressions, those of functions to decorate last."""
        self._bring_all(given.values())
        for region in root.regions():
            whose = f"group `{region.id}`"
            given = self.hosted.groups.get(region.id, {})
            fitted = group_arguments(given, str(self.target), whose, self.pipeline.span)
            self.findings += fitted.findings
            arguments = self._with_defaults(fitted.arguments, whose)
            self.arguments[region.id] = arguments
            self._bring_all(arguments.values())
            if isinstance(region.node, ForEach):
                self._bring_all(region.node.items.lists)
        for step in self.steps.values():
            self._bring_step(step)

    def _bring_all(self, expressions: Iterable[Expression]) -> None:
        for expression in expressions:
            for source in brought(expression):
                self.sources.piece(source)

    def _bring_step(self, step: Step) -> None:
        hosted = step.hosted
        step.decorator = decorator_of(hosted)
        kind = hosted.class_path.rpartition(".")[2]
        target, whose = str(self.target), f"`{step.task.id}`"
        if (finding := class_finding(kind, target, whose, step.task.span)) is not None:
            self.findings.append(finding)
        fitted = task_arguments(hosted.arguments, kind, target, whose, step.task.span)
        self.findings += fitted.findings
        settings = dict(fitted.arguments)
        if step.decorator:
            source = settings.pop("python_callable", None)
            if not isinstance(source, SourceExpression):
                self.findings.append(no_function(step))
            elif not self.functions.take(step, source):
                step.called = self.values.expr(source)
        elif hosted.class_source is not None:
            step.kind = self.values.expr(hosted.class_source)
        elif "." in hosted.class_path and _is_path(hosted.class_path):
            step.kind = Name(self.sources.use_class(hosted.class_path))
        else:
            self.findings.append(no_class(step))
        self.settings[step.task.id] = settings
        self._bring_all([*settings.values(), *hosted.expand.values()])
        if hosted.expand_maps is not None:
            self._bring_all([hosted.expand_maps])

    # Names

    def _name(self, root: Region) -> None:
        """Names for tasks and groups; those that nothing refers to are not written."""
        taken = self.sources.taken() | {function.name for function in self.functions.all}
        for region in root.regions():
            if isinstance(region.node, ForEach):
                given, count = self.arguments[region.id], len(region.node.items.lists)
                taken.update(self._names_of_items(given, count))
        names = Names(taken)
        for region in root.regions():
            if isinstance(region.node, ForEach):
                region.function = names.claim(region.label, "_group")
        for step in self.steps.values():
            suffix = "_result" if step.decorator else "_task"
            step.variable = _claimed(names, step.label, step.region, suffix)
        for region in root.regions():
            assert region.parent is not None
            region.variable = _claimed(names, region.label, region.parent, "_group")

    def _output(self, node: str, output: str) -> Expr:
        step = self.steps[node]
        step.is_used = True
        value: Expr = Name(step.variable)
        if not step.decorator:
            value = Attribute(value, "output")
        return value if output in ("return", "return_value") else Subscript(value, Value(output))

    def _item(self, expression: Expression) -> Expr | None:
        """The argument of a mapped group's function that an expression stands for."""
        loop, place = expression, 0
        if isinstance(expression, Index) and isinstance(expression.key, Literal_):
            loop, place = expression.base, expression.key.value
        if not isinstance(loop, ItemRef):
            return None
        names = self.item_names.get(loop.loop, ())
        return Name(names[place]) if isinstance(place, int) and place < len(names) else None

    # Calls

    def _write_regions(self, root: Region) -> None:
        for region in root.regions():
            given = self.arguments[region.id]
            region.arguments = {
                name: self.values.argument(value)
                for name, value in given.items()
                if name not in GROUP_OWN and name != "prefix_group_id"
            }
            if not region.prefix:
                region.arguments["prefix_group_id"] = Value(False)
            if isinstance(region.node, ForEach):
                self._write_mapping(region, region.node, given)

    def _write_mapping(self, region: Region, loop: ForEach, given: Arguments) -> None:
        lists = [self.values.expr(one) for one in loop.items.lists]
        names = self._names_of_items(given, len(lists))
        self.item_names[loop.id] = region.names = names
        if "expand_kwargs" in given and len(lists) == 1:
            region.over_maps = lists[0]
        elif len(lists) == 1 or loop.items.combine == "product":
            region.over = dict(zip(names, lists, strict=True))
        else:
            self.findings.append(
                error(
                    "PORT204",
                    f"{self.target} cannot map group `{loop.id}` over several lists at once",
                    loop.span,
                    why="Airflow makes an instance for each combination of the items",
                    next="put the lists together in a task, and map over that",
                )
            )

    def _names_of_items(self, given: Arguments, count: int) -> tuple[str, ...]:
        """The names that the mapped group's function had, if they are known."""
        kept = given.get("expand", given.get("expand_kwargs"))
        if isinstance(kept, Literal_) and isinstance(kept.value, list):
            names = [name for name in kept.value if isinstance(name, str) and is_identifier(name)]
            if len(names) == len(kept.value) and len(set(names)) == len(names) >= count:
                return tuple(names)
        return ("item",) if count == 1 else tuple(f"item_{i + 1}" for i in range(count))

    def _write_steps(self, region: Region, defaults: Arguments) -> None:
        """Write the calls; `defaults` are what tasks in here get without saying so."""
        for child in region.children:
            if isinstance(child, Step):
                self._write_step(child, defaults)
            else:
                own = entries_of(self.arguments[child.id].get("default_args")) or {}
                self._write_steps(child, {**defaults, **own})

    def _write_step(self, step: Step, defaults: Arguments) -> None:
        settings = dict(self.settings[step.task.id])
        if step.decorator:
            self._write_call(step, settings)
        while (place := str(len(step.args))) in settings and not step.decorator:
            step.args.append(self.values.expr(settings.pop(place)))
        if len(step.args) == 1 and same(step.args[0], Value(step.label)):
            step.args = []
        if step.is_teardown and TEARDOWN_OWN in settings:
            step.teardown[TEARDOWN_OWN] = self.values.expr(settings.pop(TEARDOWN_OWN))
        if not step.is_teardown:
            settings = {**self._rule(step, defaults), **settings}
        step.settings = {
            name: self.values.argument(value)
            for name, value in settings.items()
            if name in MERGED or name not in defaults or not equal(value, defaults[name])
        }
        step.late = frozenset(name for name, value in settings.items() if self._is_late(value))
        step.expand = {name: self.values.expr(v) for name, v in step.hosted.expand.items()}
        if step.hosted.expand_maps is not None:
            step.expand_maps = self.values.expr(step.hosted.expand_maps)

    def _is_late(self, expression: Expression) -> bool:
        """Whether a value is known only where the task is made; `dag.param(...)` is, too."""
        if any(isinstance(part, (OutputRef, ItemRef)) for part in graph.parts(expression)):
            return True
        pieces = [self.sources.piece(source) for source in brought(expression)]
        return any(piece is not None and "dag" in piece.loaded for piece in pieces)

    def _rule(self, step: Step, defaults: Arguments) -> dict[str, Expression]:
        rule = step.task.join
        if "trigger_rule" in self.settings[step.task.id]:
            return {}
        if rule is Join.ALL_SUCCESS and "trigger_rule" not in defaults:
            return {}
        return {"trigger_rule": Literal_.of(value=rule.value)}

    def _write_call(self, step: Step, settings: dict[str, Expression]) -> None:
        """The arguments of a decorated function's call."""
        positional, named = settings.pop("op_args", None), settings.pop("op_kwargs", None)
        items = items_of(positional)
        entries = {} if named is None else entries_of(named)
        mapped = bool(step.hosted.expand) or step.hosted.expand_maps is not None
        if items is None or entries is None or (items and mapped):
            self.findings.append(no_arguments(step))
            return
        step.args = [self.values.expr(item) for item in items]
        step.arguments = {name: self.values.expr(value) for name, value in entries.items()}

    def _share_settings(self) -> None:
        """Settings that all tasks of a function share are its decorator's."""
        for function in self.functions.all:
            first, *others = function.steps
            shared = {
                name: value
                for name, value in first.settings.items()
                if name not in first.late
                and all(name in o.settings and same(o.settings[name], value) for o in others)
            }
            for step in function.steps:
                own = {k: v for k, v in step.settings.items() if k not in shared}
                named = {"task_id": Value(step.label)} if step.label != function.name else {}
                step.settings = {**named, **own}
            if not others and "task_id" in first.settings:
                shared = {"task_id": first.settings.pop("task_id"), **shared}
            function.settings = shared

    def _packages(self) -> Iterator[str]:
        from intermodal_compilers.airflow.hosted.packages import provider_packages

        yield from self.pipeline.environment.packages
        for step in self.steps.values():
            yield from step.hosted.packages
        yield from provider_packages(self.sources.modules(), self.target.version)


def _own_names(pipeline: Pipeline, hosted: HostedPipeline) -> list[str]:
    """Names of Airflow's that the file will use for itself."""
    nodes = [placed.node for placed in graph.walk(pipeline)]
    actions = [node.action for node in nodes if isinstance(node, Task)]
    decorators = [decorator_of(one) for one in actions if isinstance(one, Hosted)]
    found = {one.partition(".")[0] for one in decorators if one}
    found |= {"DAG"} if "asset" not in found else set()
    found |= {"Label"} if hosted.edge_labels else set()
    found |= {"TaskGroup" if isinstance(n, Group) else "task_group" for n in nodes if _is_group(n)}
    return sorted(found)


def _is_group(node: BodyNode) -> bool:
    return isinstance(node, (Group, ForEach))


def _claimed(names: Names, label: str, region: Region, suffix: str) -> str:
    """A name for what has a label: with that of the group around it, where the label alone is taken."""
    longer = f"{region.label}_{label}" if region.node is not None else label
    if not names.is_free(identifier(label)) and identifier(longer) == re.sub(r"\W", "_", longer):
        label = longer
    return names.claim(label, suffix)


def _is_path(path: str) -> bool:
    return all(map(is_identifier, path.split(".")))
