"""From a pipeline to the model of its flow file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from intermodal.analysis import graph
from intermodal.analysis.captured import local_module_findings
from intermodal.analysis.connection_calls import call_connections
from intermodal.analysis.data_versions import mark_data
from intermodal.analysis.dissolve_groups import dissolve_groups
from intermodal.compiling import Settings
from intermodal.findings import Finding, note
from intermodal.frozen import Frozen
from intermodal.ir import Approval, Parameter, Pipeline, RunFact, Task, Wait
from intermodal_compilers.exposed_secrets import exposed_secret_findings
from intermodal_compilers.lowering.group_names import group_findings
from intermodal_compilers.prefect import parts
from intermodal_compilers.prefect.actions import lift_container_values
from intermodal_compilers.prefect.annotations import annotation, checked_by_literal
from intermodal_compilers.prefect.closing import TRACKED_NAMES
from intermodal_compilers.prefect.control import Control, control_of
from intermodal_compilers.prefect.define import define
from intermodal_compilers.prefect.definitions import Definition, group
from intermodal_compilers.prefect.expressions import Wiring, wire
from intermodal_compilers.prefect.groups import NO_TEXT, with_group_labels
from intermodal_compilers.prefect.model import FlowFile, FlowParameter, Started, Window
from intermodal_compilers.prefect.names import FLOW_BODY, Names, parameter_variable, variable
from intermodal_compilers.prefect.policies import flow_hooks
from intermodal_compilers.prefect.reader import Reader
from intermodal_compilers.prefect.regions import Builder
from intermodal_compilers.pysource import Expr, Name, Subscript, Value, call, dict_of, list_of
from intermodal_compilers.tracked import is_tracked

# How functions of `runtime.connections` find a connection that no secret of the worker's holds.
STORED_URL = '''\
def stored_url(name: str) -> str:
    """The URL of a connection: a variable of Airflow's, or a Secret block."""
    held = os.environ.get(f"AIRFLOW_CONN_{name.upper()}")
    if held:
        return from_airflow(held)
    from prefect.blocks.system import Secret

    try:
        return str(Secret.load(re.sub("[^a-z0-9]+", "-", name.lower())).get())
    except ValueError:
        return ""
'''

# Each task waits for its turn in a thread of its own; a machine has only so many of them.
MOST_THREADS = 1000


@dataclass
class Lowered:
    """The flow file, what there is to tell, and the name of each task's runs by the task's id."""

    file: FlowFile
    findings: list[Finding] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


class Built(Frozen):
    """The flow function's statements."""

    wiring: Wiring
    body: Started
    exits: Started
    outputs: Mapping[str, Expr]


def lower(pipeline: Pipeline, settings: Settings, target: str) -> Lowered:
    """Lower a valid pipeline that uses supported features only; findings may hold errors."""
    pipeline = mark_data(call_connections(pipeline, STORED_URL))
    findings = list(group_findings(pipeline, target, NO_TEXT))
    findings += exposed_secret_findings(pipeline, target, "")
    if settings.code == "embed":
        instead = "install it where the flow runs, or compile with `--code import`"
        findings += local_module_findings(graph.tasks(pipeline), "the flow file", instead)
    pipeline = lift_container_values(dissolve_groups(with_group_labels(pipeline)))
    control = control_of(pipeline)
    tasks = _in_order(pipeline)
    is_helped = bool(control.joined or pipeline.exit_tasks) or _is_rich(pipeline)
    tracked = is_tracked(pipeline, settings)
    reserved = parts.names(control=is_helped) | (TRACKED_NAMES if tracked else frozenset())
    turns = _turns(pipeline)
    parameters, constants = _parameters(
        pipeline, findings, parts.names_in_flow() if is_helped else ()
    )
    taken = frozenset(parameter.variable for parameter in parameters)
    definitions = group(tasks, pipeline, settings, control)
    defined = define(
        definitions,
        taken,
        variable(pipeline.name),
        settings,
        findings,
        reserved,
        turns=turns is not None,
    )
    built = _build(pipeline, control, defined.of_task, parameters, reserved)
    wiring = built.wiring
    findings += wiring.findings
    uses_runtime = any(definition.runtime for definition in definitions)
    if uses_runtime:
        findings.append(_runtime_note(pipeline))
    file = FlowFile(
        caption=_caption(pipeline),
        name=pipeline.name,
        function=defined.flow_function,
        docs=pipeline.description,
        options=_flow_options(pipeline, turns, tracked=tracked),
        turns=turns,
        parameters=tuple(parameters),
        constants=constants,
        imports=tuple(defined.imports),
        definitions=tuple(defined.statements),
        tasks=tuple(defined.tasks),
        prelude=frozenset(defined.prelude),
        picks=bool(wiring.picked),
        context=(
            _context(pipeline, settings, target) | {"parameters": _given(parameters)}
            if uses_runtime
            else None
        ),
        closing=_context(pipeline, settings, target) if tracked else None,
        run_id=wiring.run_id or uses_runtime or _asks_run_id(pipeline),
        window=_window(pipeline),
        submissions=built.body.statements,
        leaves=built.body.leaves,
        settle=built.body.others,
        exits=built.exits.statements,
        reads_state=any(_reads_state(task) for task in pipeline.exit_tasks),
        exit_leaves=(*built.exits.leaves, *built.exits.others),
        outputs=built.outputs or None,
        controlled=not control.is_plain,
        helped=is_helped,
        indexed=uses_runtime and any(control.loops.get(task.id) for task in tasks),
    )
    return Lowered(file, findings, {task.id: task.display_name or task.id for task in tasks})


def _reads_state(task: Task) -> bool:
    """Whether an exit task uses the state of the run."""
    parts_of = (part for value in graph.expressions(task) for part in graph.parts(value))
    return any(isinstance(part, RunFact) and part.fact == "state" for part in parts_of)


def _in_order(pipeline: Pipeline) -> list[Task]:
    """All tasks, in the order in which the file has their functions."""
    found: list[Task] = []
    pending = [*reversed(graph.topological(pipeline.exit_tasks))]
    pending += [*reversed(graph.topological(pipeline.body))]
    while pending:
        node = pending.pop()
        if isinstance(node, Task):
            found.append(node)
        for _, inside in reversed(graph.regions(node)):
            pending += reversed(graph.topological(inside))
    return found


def _parameters(
    pipeline: Pipeline, findings: list[Finding], reserved: Iterable[str]
) -> tuple[list[FlowParameter], dict[str, Expr]]:
    """The flow's parameters, required ones first, and the constants that hold some defaults."""
    names = Names()
    constants: dict[str, Expr] = {}
    lowered: list[FlowParameter] = []
    forbidden = frozenset(reserved)
    wanted = {name: parameter_variable(name, forbidden) for name in pipeline.parameters}
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


def _build(
    pipeline: Pipeline,
    control: Control,
    of_task: dict[str, Definition],
    parameters: list[FlowParameter],
    taken: frozenset[str],
) -> Built:
    """The statements of the flow function, each after those it waits for."""
    functions = {definition.name for definition in of_task.values()}
    variables = {parameter.variable for parameter in parameters}
    wiring = Wiring(
        pipeline=pipeline.name,
        parameters={parameter.name: parameter.variable for parameter in parameters},
        names=Names(FLOW_BODY | functions | variables | taken),
    )
    reader = Reader(
        pipeline=pipeline.name,
        control=control,
        parameters=wiring.parameters,
        futures=wiring.futures,
        types={name: parameter.type for name, parameter in pipeline.parameters.items()},
        stored=_stored(control, of_task),
        findings=wiring.findings,
    )
    builder = Builder(pipeline, control, wiring, reader, of_task)
    outputs: dict[str, Expr] = {}

    def finish() -> None:
        reader.certain = frozenset()
        for name, value in pipeline.outputs.items():
            if control.is_plain:
                subject = f"output `{name}` of the pipeline"
                outputs[name] = wire(wiring, value, subject, pipeline.span).expr
            else:
                outputs[name] = reader.read(value, pipeline.span)

    body = builder.body(pipeline.body, finish=finish)
    exits = builder.body(pipeline.exit_tasks)
    return Built(wiring, body, exits, outputs)


def _stored(control: Control, of_task: dict[str, Definition]) -> frozenset[str]:
    """Ids of what may give references instead of values: it calls the runtime, or holds what does."""
    found = {name for name, definition in of_task.items() if definition.runtime}
    for name, node in control.nodes.items():
        if not isinstance(node, Task) and found & set(graph.ids_inside(node)):
            found.add(name)
    return frozenset(found)


def _asks_run_id(pipeline: Pipeline) -> bool:
    """Whether an expression that is evaluated later uses the run's id."""
    nodes = [*(placed.node for placed in graph.walk(pipeline)), *pipeline.exit_tasks]
    values = [value for node in nodes for value in graph.expressions(node)]
    values += pipeline.outputs.values()
    found = (part for value in values for part in graph.parts(value))
    return any(isinstance(part, RunFact) and part.fact == "run_id" for part in found)


def _is_rich(pipeline: Pipeline) -> bool:
    """Whether the file needs helpers for policies."""
    return bool(pipeline.notifications) or any(
        task.notifications or task.secrets or task.pool or task.writes or task.cache
        for task in graph.tasks(pipeline)
    )


def _turns(pipeline: Pipeline) -> int | None:
    """How many tasks may work at once, if some wait in their threads: those take no turn."""
    waits = any(not isinstance(placed.node, Task) for placed in graph.walk(pipeline)) or any(
        isinstance(task.action, (Approval, Wait)) for task in graph.tasks(pipeline)
    )
    return pipeline.concurrency.max_active_tasks if waits else None


def _flow_options(pipeline: Pipeline, turns: int | None, *, tracked: bool) -> dict[str, Expr]:
    options: dict[str, Expr] = {"name": Value(pipeline.name)}
    workers = None if turns else pipeline.concurrency.max_active_tasks
    if workers is None and len(pipeline.body) > MOST_THREADS:
        workers = MOST_THREADS
    if workers is not None:
        options["task_runner"] = call("ThreadPoolTaskRunner", max_workers=Value(workers))
    return {**options, "log_prints": Value(value=True), **flow_hooks(pipeline, tracked=tracked)}


def _context(pipeline: Pipeline, settings: Settings, target: str) -> dict[str, Expr]:
    """The arguments of `runtime.Context` that are the same for all tasks and runs."""
    context: dict[str, Expr] = {"pipeline": Value(pipeline.name), "target": Value(target)}
    if settings.store:
        context["store"] = Value(settings.store)
    if settings.tracking and pipeline.tracking.enabled:
        context["tracking"] = Value(settings.tracking)
    if settings.tracking_strict and pipeline.tracking.enabled:
        context["strict"] = Value(value=True)
    if pipeline.tracking.experiment:
        context["experiment"] = Value(pipeline.tracking.experiment)
    if pipeline.tracking.tags:
        context["tags"] = Value(dict(pipeline.tracking.tags))
    return context


def _given(parameters: list[FlowParameter]) -> Expr:
    """The flow run's parameters in a task, by their names in the pipeline."""
    given: Expr = Name("flow_run.parameters")
    if all(entry.name == entry.variable for entry in parameters):
        return given
    return dict_of({entry.name: Subscript(given, Value(entry.variable)) for entry in parameters})


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
