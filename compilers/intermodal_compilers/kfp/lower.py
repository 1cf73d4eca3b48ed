"""Lower a pipeline to a plan: names, executors shared between equal tasks, and how values flow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from intermodal.analysis import graph
from intermodal.analysis.needs import needs_runtime
from intermodal.compiling import Settings, Target
from intermodal.findings import Finding, error, note, warning
from intermodal.ir import (
    ArtifactType,
    Container,
    Expression,
    Noop,
    OutputRef,
    Pipeline,
    PythonCall,
    Shell,
    Task,
    Type,
)
from intermodal_compilers.kfp import policies, schedules
from intermodal_compilers.kfp.containers import container_findings, container_words
from intermodal_compilers.kfp.encoding import (
    ARTIFACT_SCHEMAS,
    STRING,
    Code,
    escape,
    parameter_type,
    read,
    unsafe_integers,
)
from intermodal_compilers.kfp.inputs import Given, InputReader
from intermodal_compilers.kfp.model import (
    Constant,
    ExecutorPlan,
    InputPlan,
    OutputPlan,
    PipelinePlan,
    RunParameter,
    TaskOutput,
    TaskPlan,
)
from intermodal_compilers.kfp.names import LONGEST_PIPELINE, Names, dashed, is_plain, key
from intermodal_compilers.kfp.program import (
    EXECUTOR_INPUT,
    MARKER,
    Request,
    RuntimeFacts,
    command_of,
)
from intermodal_compilers.pysource import quote

LONGEST_ARGUMENT = 131_071
"""Bytes of one argument of a program on Linux."""

LONGEST_DESCRIPTION = 1024

RUN_ID = "intermodal-run-id"
TASK_ID = "intermodal-task"
RUN_ID_PLACEHOLDER = "{{$.pipeline_job_uuid}}"


@dataclass
class Lowered:
    """The plan, with what to tell the user and the names of tasks."""

    plan: PipelinePlan
    findings: list[Finding]
    names: dict[str, str]


def lower(pipeline: Pipeline, target: Target, settings: Settings) -> Lowered:
    """Lower a valid pipeline whose features KFP supports."""
    lowering = _Lowering(pipeline, target, settings)
    return lowering.run()


@dataclass
class _Lowering:
    """The lowering of one pipeline."""

    pipeline: Pipeline
    target: Target
    settings: Settings
    findings: list[Finding] = field(default_factory=list)
    _executors: dict[tuple[object, ...], str] = field(default_factory=dict)
    _commands: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict)
    _local_modules: set[str] = field(default_factory=set)

    def run(self) -> Lowered:
        pipeline = self.pipeline
        self.tasks = {task.id: task for task in graph.tasks(pipeline)}
        self.tracked = bool(self.settings.tracking) and pipeline.tracking.enabled
        self._name_everything()
        self.plan = PipelinePlan(
            name=dashed(pipeline.name, LONGEST_PIPELINE),
            shown=pipeline.name,
            description=_description(pipeline),
            parameters={self.parameters[n]: p for n, p in pipeline.parameters.items()},
        )
        self.runtime_tasks = {task.id for task in self.tasks.values() if self._uses_runtime(task)}
        self.reader = InputReader(
            self.tasks, pipeline, self.parameters, self.names, self.outputs, self.runtime_tasks
        )
        self.findings += self._pipeline_findings()
        for task in self.tasks.values():
            self._lower_task(task)
        self._lower_outputs()
        return Lowered(self.plan, self.findings, self.names)

    def _name_everything(self) -> None:
        names, executors, parameters = Names(), Names(), Names()
        self.executor_names = executors
        self.names = {identity: names.take(dashed(identity)) for identity in self.tasks}
        self.parameters = {n: parameters.take(key(n), "_") for n in self.pipeline.parameters}
        self.outputs = {task.id: _keys(task.outputs) for task in self.tasks.values()}

    def _uses_runtime(self, task: Task) -> bool:
        if not isinstance(task.action, (PythonCall, Shell)):
            return False
        if needs_runtime(task, tracking=self.tracked):
            return True
        references = (value for value in task.inputs.values() if isinstance(value, OutputRef))
        return any(isinstance(self._output_type(ref), ArtifactType) for ref in references)

    def _output_type(self, reference: OutputRef) -> Type:
        return self.tasks[reference.node].outputs[reference.output]

    def _pipeline_findings(self) -> Iterator[Finding]:
        pipeline, target = self.pipeline, str(self.target)
        if not is_plain(pipeline.name, self.plan.name):
            yield _renamed("pipeline", pipeline.name, self.plan.name, pipeline, target)
        for name, given in self.parameters.items():
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
        if len(self.plan.description) > LONGEST_DESCRIPTION:
            yield warning(
                "PORT203",
                f"{target} shows {LONGEST_DESCRIPTION} characters of a description; that of "
                f"`{pipeline.name}` has {len(self.plan.description)}, owners and labels included",
                pipeline.span,
                next="shorten it",
            )
        if self.runtime_tasks:
            yield _runtime_note(pipeline, target, len(self.runtime_tasks))
        yield from schedules.schedule_findings(
            pipeline, target, self.settings.of_target("kfp", "timezone")
        )

    def _lower_task(self, task: Task) -> None:
        name = self.names[task.id]
        if not is_plain(task.id, name):
            self.findings.append(_renamed("task", task.id, name, task, str(self.target)))
        self.findings += policies.policy_findings(task, self.settings, str(self.target))
        given, findings = self.reader.inputs_of(task, str(self.target))
        self.findings += findings
        if findings:
            return
        keys = Names()
        inputs = {one.name: one.plan(keys.take(key(one.name), "_")) for one in given}
        extra = self._runtime_inputs(task, keys) if task.id in self.runtime_tasks else {}
        executor = self._executor(task, given, inputs, extra)
        retry = task.retry if task.retry is not None and task.retry.max else None
        cache = task.cache if task.cache is not None and task.cache.enabled else None
        if cache is not None and task.id in self.runtime_tasks:
            self.findings.append(self._no_cache(task))
        self.plan.tasks.append(
            TaskPlan(
                name=name,
                shown=task.display_name or task.id,
                executor=executor,
                inputs=(*inputs.values(), *extra.values()),
                outputs=tuple(
                    _output_plan(self.outputs[task.id][output], type_)
                    for output, type_ in task.outputs.items()
                ),
                waits_for=tuple(self.names[up] for up in graph.upstreams(task)),
                retry=policies.retry_plan(retry) if retry is not None else None,
                caches=cache is not None,
                cache_key=(cache.key or "") if cache is not None else "",
            )
        )

    def _no_cache(self, task: Task) -> Finding:
        return error(
            "PORT204",
            f"{self.target} cannot cache `{task.id}`",
            task.span,
            why="it uses Intermodal's runtime, which is told the run's id; KFP makes its key of that",
            next="leave the cache out, or pass plain values only",
        )

    def _runtime_inputs(self, task: Task, keys: Names) -> dict[str, InputPlan]:
        """What the runtime is told of the run, by what it is."""
        run = InputPlan(keys.take(RUN_ID), STRING, Constant(RUN_ID_PLACEHOLDER))
        own = InputPlan(keys.take(TASK_ID), STRING, Constant(escape(task.id)))
        told = {RUN_ID: run, TASK_ID: own}
        if self.tracked:
            for name, parameter in self.pipeline.parameters.items():
                given = keys.take(f"intermodal-parameter-{key(name)}")
                kind = parameter_type(parameter.type)
                told[f"parameter {name}"] = InputPlan(
                    given, kind, RunParameter(self.parameters[name])
                )
        return told

    def _executor(
        self,
        task: Task,
        given: list[Given],
        inputs: dict[str, InputPlan],
        extra: dict[str, InputPlan],
    ) -> str:
        """The label of the executor that runs the task; equal ones are shared."""
        action = task.action
        args: tuple[str, ...] = ()
        image = self.pipeline.environment.image or self.settings.image
        if isinstance(action, Container):
            self.findings += container_findings(task, given, str(self.target))
            image = action.image
            keys = {name: plan.key for name, plan in inputs.items()}
            command = container_words(action.command, keys, self.outputs[task.id], task)
            args = container_words(action.args, keys, self.outputs[task.id], task)
        elif isinstance(action, Noop):
            command = ("python3", "-c", f"{MARKER}\n")
        else:
            request = self._request(task, given, inputs, extra)
            command = self._command(task, request)
            args = EXECUTOR_INPUT
        machine = policies.machine(task, self.settings)
        plan = ExecutorPlan(image, command, args, machine)
        identity = (image, command, args, machine.key())
        label = self._executors.get(identity)
        if label is None:
            shown = action.function if isinstance(action, PythonCall) else task.id
            label = self.executor_names.take(f"exec-{dashed(shown)}")
            self._executors[identity] = label
            self.plan.executors[label] = plan
            self._check_length(task, (*command, *args))
        return label

    def _check_length(self, task: Task, words: Iterable[str]) -> None:
        if any(len(word.encode("utf-8", "replace")) > LONGEST_ARGUMENT for word in words):
            self.findings.append(
                error(
                    "PORT203",
                    f"the code of `{task.id}` is longer than {LONGEST_ARGUMENT} bytes",
                    task.span,
                    why="it is an argument of a program, and Linux allows no longer ones",
                    next="compile with `--code import`, and put the code into the image",
                )
            )

    def _command(self, task: Task, request: Request) -> tuple[str, ...]:
        action = request.action
        identity: tuple[object, ...] = (
            _action_key(action),
            tuple((name, code.text) for name, code in request.inputs),
            tuple((n, request.output_keys[n], repr(t)) for n, t in request.outputs),
            request.docs,
            request.timeout,
            _runtime_key(request.runtime),
        )
        found = self._commands.get(identity)
        if found is None:
            found = tuple(command_of(request))
            self._commands[identity] = found
            self.findings += self._source_findings(task)
        return found

    def _source_findings(self, task: Task) -> Iterator[Finding]:
        action = task.action
        if isinstance(action, Shell) and "\x00" in action.command:
            yield error(
                "PORT204",
                f"the command of `{task.id}` holds a null byte",
                task.span,
                why="no program can be given one",
            )
        if not isinstance(action, PythonCall) or self.settings.code in {"import", "image"}:
            return
        if self.settings.code == "bundle":
            yield error(
                "PORT204",
                f"{self.target} does not support `code = bundle` yet",
                task.span,
                next="compile with `--code embed` or `--code import`",
            )
        if action.source is None:
            yield error(
                "PORT120",
                f"the function `{action.function}` of task `{task.id}` cannot be embedded",
                task.span,
                why="its source was not captured",
                next="compile with `--code import`, and put its module into the image",
            )
            return
        for module in action.source.local_modules:
            if module not in self._local_modules:
                self._local_modules.add(module)
                yield warning(
                    "PORT121",
                    f"`{task.id}` imports `{module}`, which is part of your project",
                    task.span,
                    why="the specification holds the task's own module only",
                    next="put it into the image, or compile with `--code import`",
                )

    def _request(
        self,
        task: Task,
        given: list[Given],
        inputs: dict[str, InputPlan],
        extra: dict[str, InputPlan],
    ) -> Request:
        action = task.action
        if not isinstance(action, (PythonCall, Shell)):
            raise TypeError(f"no program for {type(action).__name__}")
        uses_runtime = task.id in self.runtime_tasks
        return Request(
            action=action,
            inputs=tuple((g.name, g.code(inputs[g.name].key, uses_runtime)) for g in given),
            outputs=tuple(task.outputs.items()),
            output_keys=self.outputs[task.id],
            embed=self.settings.code == "embed",
            docs=task.docs,
            timeout=task.timeout.total_seconds() if task.timeout is not None else 0.0,
            store=self.settings.store,
            runtime=self._runtime_facts(extra) if uses_runtime else None,
        )

    def _runtime_facts(self, extra: dict[str, InputPlan]) -> RuntimeFacts:
        values = {what: f"values[{quote(plan.key)}]" for what, plan in extra.items()}
        context = {
            "pipeline": self.pipeline.name,
            "target": str(self.target),
            "store": self.settings.store,
            "tracking": self.settings.tracking if self.tracked else "",
            "experiment": self.pipeline.tracking.experiment or "",
        }
        parameters = {
            name: read(parameter.type, values[f"parameter {name}"], from_run=True)
            for name, parameter in self.pipeline.parameters.items()
            if f"parameter {name}" in values
        }
        plain = frozenset({"plain"})
        codes = {
            "run_id": Code(values[RUN_ID]),
            "task": Code(f"plain({values[TASK_ID]})", plain),
        }
        tags = self.pipeline.tracking.tags if self.tracked else {}
        return RuntimeFacts(context, codes, parameters, tags)

    def _lower_outputs(self) -> None:
        names = Names()
        for name, expression in self.pipeline.outputs.items():
            if not isinstance(expression, OutputRef):
                self.findings.append(self._no_output(name, expression))
                continue
            type_ = self._output_type(expression)
            source = TaskOutput(
                self.names[expression.node], self.outputs[expression.node][expression.output]
            )
            plan = _output_plan(names.take(key(name), "_"), type_)
            self.plan.outputs.append(OutputPlan(plan.key, plan.type, plan.is_artifact, source))

    def _no_output(self, name: str, expression: Expression) -> Finding:
        return error(
            "PORT204",
            f"{self.target} cannot give the output `{name}` of the pipeline",
            expression.span or self.pipeline.span,
            why="KFP gives what a task gives, whole",
            next="return a task's result itself",
        )


def _keys(names: Iterable[str]) -> dict[str, str]:
    """KFP's names of some inputs or outputs."""
    taken = Names()
    return {name: taken.take(key(name), "_") for name in names}


def _output_plan(name: str, type_: Type) -> OutputPlan:
    if isinstance(type_, ArtifactType):
        return OutputPlan(name, ARTIFACT_SCHEMAS[type_.artifact], is_artifact=True)
    return OutputPlan(name, parameter_type(type_))


def _action_key(action: PythonCall | Shell) -> tuple[object, ...]:
    if isinstance(action, Shell):
        return ("shell", action.command)
    source = action.source
    captured = (source.function, source.imports, source.definitions) if source else ()
    return (action.module, action.function, action.unpack, captured)


def _runtime_key(runtime: RuntimeFacts | None) -> tuple[str, ...]:
    if runtime is None:
        return ()
    codes = (*runtime.codes.values(), *runtime.parameters.values())
    return (*runtime.context.values(), *(code.text for code in codes))


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
