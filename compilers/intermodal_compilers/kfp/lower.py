"""Lower a pipeline to a plan: names, DAGs, executors shared between equal tasks, and how values flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from intermodal.analysis import graph
from intermodal.analysis.captured import local_module_findings
from intermodal.analysis.connection_calls import call_connections
from intermodal.analysis.data_versions import mark_data
from intermodal.analysis.dissolve_groups import dissolve_groups
from intermodal.compiling import Settings, Target
from intermodal.findings import Finding, error, errors_of, note, warning
from intermodal.ir import OutputRef, Pipeline, Task
from intermodal_compilers.exposed_secrets import exposed_secret_findings
from intermodal_compilers.kfp import dates, joins, schedules
from intermodal_compilers.kfp.build import Build, output_plan
from intermodal_compilers.kfp.encoding import STRING, parameter_type, unsafe_integers
from intermodal_compilers.kfp.exits import ExitLowering
from intermodal_compilers.kfp.facts import facts_of
from intermodal_compilers.kfp.lift import lift
from intermodal_compilers.kfp.limits import BeyondLimits, arm_findings
from intermodal_compilers.kfp.model import PipelinePlan, TaskOutput
from intermodal_compilers.kfp.names import LONGEST_PIPELINE, Names, dashed, is_plain, key
from intermodal_compilers.kfp.regions import RegionLowering
from intermodal_compilers.kfp.tasks import TaskLowering
from intermodal_compilers.lowering.group_names import group_findings, with_group_names

LONGEST_DESCRIPTION = 1024
NO_TEXT = "groups become part of the pipeline, and KFP shows no text for a task"


@dataclass
class Lowered:
    """The plan, with what to tell the user and the names of tasks."""

    plan: PipelinePlan
    findings: list[Finding]
    names: dict[str, str]


def lower(pipeline: Pipeline, target: Target, settings: Settings) -> Lowered:
    """Lower a valid pipeline whose features KFP supports."""
    pipeline = mark_data(call_connections(pipeline))
    plan = PipelinePlan(
        name=dashed(pipeline.name, LONGEST_PIPELINE),
        shown=pipeline.name,
        description=_description(pipeline),
        parameters={},
    )
    ungrouped = dissolve_groups(with_group_names(pipeline, _shown_after))
    findings = list(joins.join_findings(ungrouped, str(target)))
    findings += group_findings(pipeline, str(target), NO_TEXT)
    if refused := list(arm_findings(pipeline, str(target))):
        return Lowered(plan, [*findings, *refused], {})
    findings += exposed_secret_findings(pipeline, str(target), "KFP's metadata")
    if settings.code == "embed":
        instead = "put it into the image, or compile with `--code import`"
        findings += local_module_findings(graph.tasks(pipeline), "the specification", instead)
    flat = joins.move_last_tasks(ungrouped)
    facts = facts_of(flat, settings)
    lifted = lift(flat, facts)
    build = Build(lifted.pipeline, target, settings, lifted, facts, plan)
    plan.parameters = {build.parameters[n]: p for n, p in lifted.pipeline.parameters.items()}
    build.findings += [*_pipeline_findings(build), *findings]
    if not errors_of(findings):
        try:
            _lower(build, own_exits=bool(pipeline.exit_tasks))
        except BeyondLimits as problem:
            node = build.nodes.get(problem.node)
            span = (node.span if node is not None else None) or pipeline.span
            build.findings.append(problem.finding(str(target), span))
    names = {task: name for task, name in build.names.items() if task not in build.lifted.computing}
    return Lowered(plan, build.findings, names)


def _shown_after(task: Task, groups: tuple[str, ...]) -> Task:
    """The task with the names of the groups that it stands in before its own."""
    shown = " / ".join((*groups, task.display_name or task.id))
    return task.model_copy(update={"display_name": shown})


def _lower(build: Build, *, own_exits: bool) -> None:
    """Lower the tasks; `own_exits` says whether the pipeline has exit tasks besides those moved there."""
    pipeline = build.pipeline
    for task in build.tasks.values():
        name = build.names[task.id]
        if task.id not in build.lifted.computing and not is_plain(task.id, name):
            build.findings.append(_renamed("task", task.id, name, task, str(build.target)))
    tasks = TaskLowering(build)
    if dates.uses_dates(pipeline):
        dates.add_date(build, tasks)
    regions = RegionLowering(build, tasks)
    exits = ExitLowering(build, regions)
    body = pipeline.body
    if pipeline.exit_tasks:
        first = frozenset() if own_exits else exits.first()
        regions.body((n for n in body if n.id in first), build.root, frozenset())
        body = tuple(node for node in body if node.id not in first)
        build.body = exits.handler(first)
    regions.body(body, build.body, frozenset())
    if pipeline.exit_tasks:
        exits.lower(build.body)
    _lower_outputs(build)


def _lower_outputs(build: Build) -> None:
    names = Names()
    for name, expression in build.pipeline.outputs.items():
        if not isinstance(expression, OutputRef):
            raise TypeError(f"output {name} was not lifted")
        if (expression.node, expression.output) not in build.produced:
            continue
        value = build.output(expression.node, expression.output, build.body)
        while value.home is not build.root:
            source = value.source
            if not isinstance(source, TaskOutput):
                break
            value = value.home.export((source,), value)
        if not isinstance(value.source, TaskOutput):
            continue
        plan = output_plan(names.take(key(name), "_"), value.wire, (value.source,))
        build.plan.root.outputs[plan.key] = plan


def _pipeline_findings(build: Build) -> Iterator[Finding]:
    pipeline, target = build.pipeline, str(build.target)
    if not is_plain(pipeline.name, build.plan.name):
        yield _renamed("pipeline", pipeline.name, build.plan.name, pipeline, target)
    for name, given in build.parameters.items():
        if name != given:
            yield _renamed("parameter", name, given, pipeline, target)
    for name, parameter in pipeline.parameters.items():
        values = [parameter.default, *parameter.choices]
        if parameter_type(parameter.type) != STRING and unsafe_integers(values):
            yield error(
                "PORT204",
                f"{target} cannot hold a value of parameter `{name}` exactly",
                parameter.span or pipeline.span,
                why="KFP's numbers are doubles, which are exact up to 2**53",
                next="declare the parameter as text",
            )
    if len(build.plan.description) > LONGEST_DESCRIPTION:
        yield warning(
            "PORT203",
            f"{target} shows {LONGEST_DESCRIPTION} characters of a description; that of "
            f"`{pipeline.name}` has {len(build.plan.description)}, owners and labels included",
            pipeline.span,
            next="shorten it",
        )
    if build.runtime_tasks:
        yield _runtime_note(pipeline, target, len(build.runtime_tasks))
    zone = build.settings.of_target("kfp", "timezone")
    yield from schedules.schedule_findings(pipeline, target, zone)


def _description(pipeline: Pipeline) -> str:
    """The description, with owners and labels, which KFP has no fields for."""
    parts = [pipeline.description.strip()]
    if pipeline.owners:
        parts.append(f"Owners: {', '.join(pipeline.owners)}")
    if pipeline.labels:
        labels = ", ".join(f"{name}={value}" for name, value in pipeline.labels.items())
        parts.append(f"Labels: {labels}")
    return "\n\n".join(part for part in parts if part)


def _renamed(noun: str, name: str, given: str, node: Pipeline | Task, target: str) -> Finding:
    shown = "" if noun == "parameter" else "; the user interface shows the original"
    return note(
        "PORT202",
        f"{target}: {noun} `{name}` is called `{given}`",
        node.span,
        why=f"KFP's names hold letters, digits and dashes{shown}",
    )


def _runtime_note(pipeline: Pipeline, target: str, count: int) -> Finding:
    tasks = "1 task needs" if count == 1 else f"{count} tasks need"
    return note(
        "PORT205",
        f"{target}: {tasks} Intermodal in the image",
        pipeline.span,
        why="artifacts, tracking and typed values are handled by its runtime",
        next="install `intermodal` in the image, and set the profile's `store` to a place that all "
        "pods reach",
    )
