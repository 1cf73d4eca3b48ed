"""From a pipeline to the model of its flow file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath

from intermodal.analysis import graph
from intermodal.compiling import Settings
from intermodal.findings import Finding, note
from intermodal.ir import Noop, Parameter, Pipeline, Task
from intermodal_compilers.prefect.annotations import annotation, checked_by_literal
from intermodal_compilers.prefect.define import define
from intermodal_compilers.prefect.definitions import Definition, group
from intermodal_compilers.prefect.expressions import Wired, Wiring, future_name, wire
from intermodal_compilers.prefect.model import FlowFile, FlowParameter, Submission, Window
from intermodal_compilers.prefect.names import FLOW_BODY, Names, parameter_variable, variable
from intermodal_compilers.pysource import Expr, Name, Subscript, Value, call, dict_of, list_of

# Each task waits for its turn in a thread of its own; a machine has only so many of them.
MOST_THREADS = 1000


@dataclass
class Lowered:
    """The flow file, what there is to tell, and the name of each task's runs by the task's id."""

    file: FlowFile
    findings: list[Finding] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """What of a flow's graph decides how it ends."""

    leaves: tuple[str, ...]
    settle: tuple[str, ...]


def lower(pipeline: Pipeline, settings: Settings, target: str) -> Lowered:
    """Lower a valid pipeline that uses supported features only; findings may hold errors."""
    findings: list[Finding] = []
    tasks = [node for node in graph.topological(pipeline.body) if isinstance(node, Task)]
    parameters, constants = _parameters(pipeline, findings)
    taken = frozenset(parameter.variable for parameter in parameters)
    definitions = group(tasks, pipeline, settings)
    defined = define(definitions, taken, variable(pipeline.name), settings, findings)
    wiring = _wire_all(tasks, pipeline, defined.of_task, parameters)
    outputs = _outputs(pipeline, wiring)
    shape = _shape(wiring.submissions)
    findings += wiring.findings
    uses_runtime = any(definition.runtime for definition in definitions)
    window = _window(pipeline)
    if uses_runtime:
        findings.append(_runtime_note(pipeline))
    file = FlowFile(
        caption=_caption(pipeline),
        name=pipeline.name,
        function=defined.flow_function,
        docs=pipeline.description,
        options=_flow_options(pipeline),
        parameters=tuple(parameters),
        constants=constants,
        imports=tuple(defined.imports),
        definitions=tuple(defined.statements),
        tasks=tuple(defined.tasks),
        prelude=frozenset(defined.prelude),
        picks=bool(wiring.picked),
        context=_context(pipeline, settings, target, parameters) if uses_runtime else None,
        run_id=wiring.run_id or uses_runtime,
        window=window,
        submissions=tuple(wiring.submissions),
        leaves=shape.leaves,
        settle=shape.settle,
        outputs={name: value.expr for name, value in outputs.items()} if outputs else None,
    )
    return Lowered(file, findings, {task.id: task.display_name or task.id for task in tasks})


def _parameters(
    pipeline: Pipeline, findings: list[Finding]
) -> tuple[list[FlowParameter], dict[str, Expr]]:
    """The flow's parameters, required ones first, and the constants that hold some defaults."""
    names = Names()
    constants: dict[str, Expr] = {}
    lowered: list[FlowParameter] = []
    wanted = {name: parameter_variable(name) for name in pipeline.parameters}
    for name, chosen in wanted.items():
        if chosen == name:
            names.keep(name)
    for name, parameter in pipeline.parameters.items():
        chosen = name if wanted[name] == name else names.give(wanted[name])
        if chosen != name:
            findings.append(
                note(
                    "PORT202",
                    f"parameter `{name}` is called `{chosen}` in Prefect",
                    parameter.span or pipeline.span,
                    why="Prefect's flows take Python names, and keep some of them for themselves",
                )
            )
        lowered.append(_parameter(name, chosen, parameter, constants))
    return sorted(lowered, key=lambda item: item.default is not None), constants


def _parameter(
    name: str, chosen: str, parameter: Parameter, constants: dict[str, Expr]
) -> FlowParameter:
    mutable = isinstance(parameter.default, (list, dict)) and not parameter.required
    text = annotation(parameter.type, mutable_default=mutable)
    default: Expr | None = None if parameter.required else Value(parameter.default)
    if default is not None and mutable and text.startswith("Any"):
        constant = f"DEFAULT_{variable(chosen).upper()}"
        constants[constant] = default
        default = Name(constant)
    choices: Expr | None = None
    if parameter.choices and checked_by_literal(parameter.type):
        text = "Literal"
    elif parameter.choices:
        choices = list_of(Value(choice) for choice in parameter.choices)
    return FlowParameter(
        name=name,
        variable=chosen,
        annotation=text,
        literal=tuple(parameter.choices) if text == "Literal" else (),
        default=default,
        help=" ".join(parameter.help.split()),
        choices=choices,
    )


def _wire_all(
    tasks: list[Task],
    pipeline: Pipeline,
    of_task: dict[str, Definition],
    parameters: list[FlowParameter],
) -> Wiring:
    """The calls of all tasks, each after those it waits for."""
    functions = {definition.name for definition in of_task.values()}
    variables = {parameter.variable for parameter in parameters}
    wiring = Wiring(
        pipeline=pipeline.name,
        parameters={parameter.name: parameter.variable for parameter in parameters},
        names=Names(FLOW_BODY | functions | variables),
    )
    for task in tasks:
        definition = of_task[task.id]
        wired = {
            name: wire(wiring, value, f"input `{name}` of task `{task.id}`", task.span)
            for name, value in task.inputs.items()
        }
        wiring.submissions.append(_submission(wiring, task, definition, wired))
        if definition.gives_whole:
            wiring.whole.add(task.id)
    return wiring


def _submission(
    wiring: Wiring, task: Task, definition: Definition, wired: dict[str, Wired]
) -> Submission:
    chosen = wiring.names.give(future_name(task.id, definition.name))
    wiring.futures[task.id] = chosen
    data = tuple(dict.fromkeys(future for value in wired.values() for future in value.futures))
    if isinstance(task.action, Noop):
        ordering, wired = data, {}
    else:
        ordering = ()
    after = tuple(dict.fromkeys((*ordering, *(wiring.futures[up] for up in task.after))))
    return Submission(
        variable=chosen,
        task=definition.name,
        options=definition.options_of(task),
        arguments={definition.parameter(name): value.expr for name, value in wired.items()},
        wait_for=after,
        upstreams=tuple(dict.fromkeys((*data, *after))),
    )


def _outputs(pipeline: Pipeline, wiring: Wiring) -> dict[str, Wired]:
    return {
        name: wire(wiring, value, f"output `{name}` of the pipeline", pipeline.span)
        for name, value in pipeline.outputs.items()
    }


def _shape(submissions: list[Submission]) -> Shape:
    """What nothing waits for, and what else has to end before the flow may.

    A task that waits for several gives up as soon as one of them has failed, so that the end of the
    leaves does not mean that the others have ended. Where a task waits for one only, it does.
    """
    awaited = {up for submission in submissions for up in submission.upstreams}
    leaves = [entry.variable for entry in submissions if entry.variable not in awaited]
    joined: dict[str, None] = {}
    for submission in submissions:
        if len(submission.upstreams) > 1:
            joined.update(dict.fromkeys(submission.upstreams))
    return Shape(tuple(leaves), tuple(joined))


def _flow_options(pipeline: Pipeline) -> dict[str, Expr]:
    options: dict[str, Expr] = {"name": Value(pipeline.name)}
    workers = pipeline.concurrency.max_active_tasks
    if workers is None and len(pipeline.body) > MOST_THREADS:
        workers = MOST_THREADS
    if workers is not None:
        options["task_runner"] = call("ThreadPoolTaskRunner", max_workers=Value(workers))
    return {**options, "log_prints": Value(value=True)}


def _context(
    pipeline: Pipeline, settings: Settings, target: str, parameters: list[FlowParameter]
) -> dict[str, Expr]:
    """The arguments of `runtime.Context` that are the same for all tasks."""
    context: dict[str, Expr] = {"pipeline": Value(pipeline.name), "target": Value(target)}
    if settings.store:
        context["store"] = Value(settings.store)
    if settings.tracking and pipeline.tracking.enabled:
        context["tracking"] = Value(settings.tracking)
    if pipeline.tracking.experiment:
        context["experiment"] = Value(pipeline.tracking.experiment)
    if pipeline.tracking.tags:
        context["tags"] = Value(dict(pipeline.tracking.tags))
    renamed = [entry for entry in parameters if entry.name != entry.variable]
    given: Expr = Name("flow_run.parameters")
    if renamed:
        given = dict_of(
            {entry.name: Subscript(given, Value(entry.variable)) for entry in parameters}
        )
    return {**context, "parameters": given}


def _window(pipeline: Pipeline) -> Window | None:
    schedule = pipeline.schedule
    if schedule is None or (schedule.start is None and schedule.end is None):
        return None
    return Window(
        start=schedule.start.isoformat() if schedule.start else None,
        end=schedule.end.isoformat() if schedule.end else None,
    )


def _runtime_note(pipeline: Pipeline) -> Finding:
    return note(
        "PORT205",
        f"pipeline `{pipeline.name}` needs Intermodal where its flow runs",
        pipeline.span,
        next="install `intermodal` in the worker's environment or image",
    )


def _caption(pipeline: Pipeline) -> str:
    origin = pipeline.span.file if pipeline.span else ""
    if not origin or PurePath(origin).is_absolute():
        return f"Flow `{pipeline.name}`. Generated by Intermodal; edit the pipeline instead."
    return f"Flow `{pipeline.name}`. Generated by Intermodal from {origin}; edit that file instead."


__all__ = ["Lowered", "lower"]
