"""Tasks: their programs, the executors that equal ones share, and what they are told of the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from intermodal.analysis import graph
from intermodal.analysis.connection_calls import is_own_call
from intermodal.findings import Finding, error, errors_of
from intermodal.ir import (
    Container,
    Expression,
    Literal_,
    Noop,
    PythonCall,
    Shell,
    StringType,
    Task,
    Wait,
)
from intermodal_compilers.kfp import policies
from intermodal_compilers.kfp.build import Build, output_plan
from intermodal_compilers.kfp.containers import container_findings, container_words
from intermodal_compilers.kfp.encoding import STRING, Code, Maybe, Wire, escape, read
from intermodal_compilers.kfp.inputs import Given, InputReader, Leaf
from intermodal_compilers.kfp.model import Constant, ExecutorPlan, InputPlan, TaskOutput, TaskPlan
from intermodal_compilers.kfp.names import Names, dashed, key
from intermodal_compilers.kfp.program import (
    EXECUTOR_INPUT,
    MARKER,
    Compute,
    Request,
    RuntimeFacts,
    command_of,
)
from intermodal_compilers.kfp.scopes import Location, Scope, Value, wait
from intermodal_compilers.pysource import quote

LONGEST_ARGUMENT = 131_071
"""Bytes of one argument of a program on Linux."""

RUN_ID = "intermodal-run-id"
TASK_ID = "intermodal-task"
RUN_PAGE = "/#/runs/details/"
RUN_ID_PLACEHOLDER = "{{$.pipeline_job_uuid}}"
TEXT = StringType.of()


@dataclass
class TaskLowering:
    """Lowers the tasks of one pipeline."""

    build: Build
    _executors: dict[tuple[object, ...], str] = field(default_factory=dict)
    _commands: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = InputReader(self.build)

    def lower(self, task: Task, scope: Scope) -> None:
        """Put a task into a DAG, unless there is something wrong with it."""
        build = self.build
        name = build.names[task.id]
        findings = list(policies.policy_findings(task, build.settings, str(build.target)))
        plan = TaskPlan(name, task.display_name or task.id)
        location = Location(scope, plan)
        for up in graph.upstreams(task):
            if up in build.locations:
                build.after(location, up)
        given, refused = self.reader.inputs_of(task, scope)
        findings += refused
        build.findings += findings
        build.locations[task.id] = location
        for output, type_ in task.outputs.items():
            source = TaskOutput(name, build.outputs[task.id][output])
            hint = name if output == "return" else f"{name}-{output}"
            is_stored = task.id in build.runtime_tasks
            build.produced[task.id, output] = Value(scope, source, type_, hint, False, is_stored)
        if errors_of(findings):
            return
        keys = Names()
        for one in given:
            one.take_keys(keys)
        self._inputs(plan, scope, given)
        extra = self._runtime_inputs(task, keys, scope) if task.id in build.runtime_tasks else {}
        plan.inputs.update({one.key: one for one in extra.values()})
        plan.executor = self._executor(task, given, extra)
        plan.outputs = tuple(
            output_plan(build.outputs[task.id][output], type_)
            for output, type_ in task.outputs.items()
        )
        self._policies(task, plan)
        build.add(scope, plan)

    def _inputs(self, plan: TaskPlan, scope: Scope, given: Iterable[Given]) -> None:
        for one in given:
            for found in one.plans(scope):
                plan.inputs[found.key] = found
                if isinstance(found.source, TaskOutput):
                    wait(plan, found.source.task)

    def _policies(self, task: Task, plan: TaskPlan) -> None:
        retry = task.retry if task.retry is not None and task.retry.max else None
        plan.retry = policies.retry_plan(retry) if retry is not None else None
        cache = task.cache if task.cache is not None and task.cache.enabled else None
        # What uses the runtime is told the run's id, so that KFP would never find it again.
        if cache is not None and task.id not in self.build.runtime_tasks:
            plan.caches = True
            plan.cache_key = cache.key or ""

    def compute(
        self,
        name: str,
        scope: Scope,
        values: dict[str, tuple[Expression, Wire]],
    ) -> dict[str, Value]:
        """Put a task that computes expressions into a DAG.

        Args:
            name: What to call it.
            scope: The DAG.
            values: The expressions by output, with how their values are to travel.

        Returns:
            The values by output.
        """
        build = self.build
        plan = TaskPlan(build.task_names.take(dashed(name)), name)
        inputs = {output: expression for output, (expression, _) in values.items()}
        task = Task.of(id=name, action=Noop.of(), inputs=inputs)
        keys = Names()
        given = [self.reader.given(n, e, task, scope) for n, e in inputs.items()]
        for one in given:
            one.take_keys(keys)
        self._inputs(plan, scope, given)
        codes = {one.name: self.reader.code(one, uses_runtime=False) for one in given}
        wires = {output: wire for output, (_, wire) in values.items()}
        return self.computing(plan, scope, codes, wires)

    def computing(
        self,
        plan: TaskPlan,
        scope: Scope,
        codes: dict[str, Code],
        wires: dict[str, Wire],
        checks: tuple[str, ...] = (),
        *,
        keeps_references: bool = False,
    ) -> dict[str, Value]:
        """Put a task whose program computes these outputs into a DAG."""
        build = self.build
        request = Request(
            action=Compute(tuple(codes.items()), checks),
            inputs=(),
            outputs=tuple(wires.items()),
            output_keys={output: key(output) for output in wires},
            store=build.settings.store,
        )
        image = build.pipeline.environment.image or build.settings.image
        command = tuple(command_of(request))
        executor = ExecutorPlan(image, command, EXECUTOR_INPUT, policies.Machine())
        plan.executor = self._label("compute", executor)
        plan.outputs = tuple(output_plan(key(output), wire) for output, wire in wires.items())
        build.add(scope, plan)
        return {
            output: Value(
                scope, TaskOutput(plan.name, key(output)), wire, plan.name, False, keeps_references
            )
            for output, wire in wires.items()
        }

    def pack(self, value: Value) -> Value:
        """The value in the form that may be missing."""
        if isinstance(value.wire, Maybe) or not isinstance(value.source, TaskOutput):
            return value
        build = self.build
        plan = TaskPlan(build.task_names.take(f"{value.source.task}-value"), "")
        plan.shown = plan.name
        leaf = Leaf(value)
        name = "value"
        plan.inputs[name] = leaf.plan(name, value.home)
        wait(plan, value.source.task)
        code = leaf.code(name, loads=False)
        wire = Maybe(value.wire)
        made = self.computing(
            plan,
            value.home,
            {"return": code},
            {"return": wire},
            keeps_references=value.is_stored,
        )["return"]
        return Value(made.home, made.source, wire, value.hint, False, value.is_stored)

    def missing(self, scope: Scope, value: Value, text: str = "") -> Value:
        """What stands for a value where there is none: JSON text, or empty text."""
        build = self.build
        plan = TaskPlan(build.task_names.take(dashed(f"no-{value.hint}")), f"no {value.hint}")
        made = self.computing(plan, scope, {"return": Code(quote(text))}, {"return": TEXT})[
            "return"
        ]
        return Value(scope, made.source, value.wire, value.hint, False, value.is_stored)

    def _runtime_inputs(self, task: Task, keys: Names, scope: Scope) -> dict[str, InputPlan]:
        """What the runtime is told of the run, by what it is."""
        build = self.build
        run = InputPlan(keys.take(RUN_ID), STRING, Constant(RUN_ID_PLACEHOLDER))
        own = InputPlan(keys.take(TASK_ID), STRING, Constant(escape(task.id)))
        told = {RUN_ID: run, TASK_ID: own}
        for loop in build.loops.get(task.id, ()):
            name = keys.take(f"intermodal-item-{key(loop)}")
            told[f"item {loop}"] = Leaf(build.items[loop]).plan(name, scope)
        if build.tracked:
            for name in build.pipeline.parameters:
                given = keys.take(f"intermodal-parameter-{key(name)}")
                told[f"parameter {name}"] = Leaf(build.parameter(name)).plan(given, scope)
        return told

    def _executor(self, task: Task, given: list[Given], extra: dict[str, InputPlan]) -> str:
        """The label of the executor that runs the task; equal ones are shared."""
        build = self.build
        action = task.action
        args: tuple[str, ...] = ()
        image = build.pipeline.environment.image or build.settings.image
        if isinstance(action, Container):
            build.findings += container_findings(task, given, str(build.target))
            image = action.image
            keys = {one.name: name for one in given for name in one.keys.values()}
            outputs = build.outputs[task.id]
            command = container_words(action.command, keys, outputs, task)
            args = container_words(action.args, keys, outputs, task)
        elif isinstance(action, Noop) and not task.outputs:
            command = ("python3", "-c", f"{MARKER}\n")
        else:
            request = self._request(task, given, extra)
            command = self._command(task, request)
            args = EXECUTOR_INPUT
        machine = policies.machine(task, build.settings)
        plan = ExecutorPlan(image, command, args, machine)
        shown = action.function if isinstance(action, PythonCall) else task.id
        if task.id in build.lifted.computing:
            shown = "compute"
        label = self._label(shown, plan)
        self._check_length(task, (*command, *args))
        return label

    def _label(self, shown: str, plan: ExecutorPlan) -> str:
        identity = (plan.image, plan.command, plan.args, plan.machine.key())
        label = self._executors.get(identity)
        if label is None:
            label = self.build.executor_names.take(f"exec-{dashed(shown)}")
            self._executors[identity] = label
            self.build.plan.executors[label] = plan
        return label

    def _check_length(self, task: Task, words: Iterable[str]) -> None:
        if any(len(word.encode("utf-8", "replace")) > LONGEST_ARGUMENT for word in words):
            self.build.findings.append(
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
            request.polls,
            request.variables,
            request.cache,
            _runtime_key(request.runtime),
        )
        found = self._commands.get(identity)
        if found is None:
            found = tuple(command_of(request))
            self._commands[identity] = found
            self.build.findings += self._source_findings(task)
        return found

    def _source_findings(self, task: Task) -> Iterator[Finding]:
        action = task.action.check if isinstance(task.action, Wait) else task.action
        if isinstance(action, Shell) and "\x00" in action.command:
            yield error(
                "PORT204",
                f"the command of `{task.id}` holds a null byte",
                task.span,
                why="no program can be given one",
            )
        code = self.build.settings.code
        if not isinstance(action, PythonCall) or code in {"import", "image"}:
            return
        if code == "bundle":
            yield error(
                "PORT204",
                f"{self.build.target} does not support `code = bundle` yet",
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

    def _request(self, task: Task, given: list[Given], extra: dict[str, InputPlan]) -> Request:
        build = self.build
        uses_runtime = task.id in build.runtime_tasks
        codes = tuple((g.name, self.reader.code(g, uses_runtime=uses_runtime)) for g in given)
        action = task.action.check if isinstance(task.action, Wait) else task.action
        if isinstance(action, Noop):
            checks = self._chooser_check(task, given)
            return Request(
                action=Compute(codes, checks),
                inputs=(),
                outputs=tuple(task.outputs.items()),
                output_keys=build.outputs[task.id],
                store=build.settings.store,
            )
        if not isinstance(action, (PythonCall, Shell)):
            raise TypeError(f"no program for {type(action).__name__}")
        timeout = task.timeout.total_seconds() if task.timeout is not None else 0.0
        return Request(
            action=action,
            inputs=codes,
            outputs=tuple(task.outputs.items()),
            output_keys=build.outputs[task.id],
            embed=build.settings.code == "embed" or is_own_call(action),
            docs=task.docs,
            timeout=timeout,
            store=build.settings.store,
            runtime=self._runtime_facts(task, extra) if uses_runtime else None,
            polls=_polls(task),
            variables=policies.secret_variables(task),
            cache=_cache(task) if uses_runtime else None,
        )

    def _chooser_check(self, task: Task, given: list[Given]) -> tuple[str, ...]:
        """Lines that fail where a chooser names an arm that is not there."""
        found = self.build.lifted.choosers.get(task.id)
        if found is None:
            return ()
        chooser, arms = found
        if isinstance(chooser, Literal_):
            return ()  # it names arms that are there: it was looked at before
        one = Given("chosen", chooser, given[0].leaves, given[0].keys)
        code = self.reader.code(one, uses_runtime=False)
        known = ", ".join(quote(arm) for arm in arms)
        return (
            f"chosen = {code.text}",
            "chosen = [chosen] if isinstance(chosen, str) else chosen or []",
            f"unknown = [name for name in chosen if name not in ({known},)]",
            "if unknown:",
            '    sys.exit(f"no arm is called {unknown[0]!r}")',
        )

    def _runtime_facts(self, task: Task, extra: dict[str, InputPlan]) -> RuntimeFacts:
        build = self.build
        pipeline, settings = build.pipeline, build.settings
        values = {what: f"values[{quote(plan.key)}]" for what, plan in extra.items()}
        context = {
            "pipeline": pipeline.name,
            "target": str(build.target),
            "store": settings.store,
            "tracking": settings.tracking if build.tracked else "",
            "experiment": pipeline.tracking.experiment or "",
        }
        parameters = {
            name: read(parameter.type, values[f"parameter {name}"], from_run=True)
            for name, parameter in pipeline.parameters.items()
            if f"parameter {name}" in values
        }
        codes = {
            "run_id": Code(values[RUN_ID]),
            "task": Code(f"plain({values[TASK_ID]})", frozenset({"plain"})),
        }
        loops = build.loops.get(task.id, ())
        if loops:
            positions = [f"json.loads({values[f'item {loop}']})[0]" for loop in loops]
            codes["index"] = Code(f"({', '.join(positions)},)")
        tags = pipeline.tracking.tags if build.tracked else {}
        if build.reports:
            codes["last"] = Code(str(task.id in build.ending))
            if settings.tracking_strict:
                codes["strict"] = Code("True")
            page = settings.of_target("kfp", "ui").rstrip("/")
            if page:
                codes["run_link"] = Code(f"{quote(page + RUN_PAGE)} + {values[RUN_ID]}")
        return RuntimeFacts(context, codes, parameters, tags, links=build.reports)


def _cache(task: Task) -> tuple[str, float] | None:
    if task.cache is None or not task.cache.enabled:
        return None
    ttl = task.cache.ttl
    return task.cache.key or "", ttl.total_seconds() if ttl is not None else 0.0


def _polls(task: Task) -> tuple[float, float] | None:
    if not isinstance(task.action, Wait):
        return None
    timeout = task.action.timeout
    return task.action.interval.total_seconds(), timeout.total_seconds() if timeout else 0.0


def _action_key(action: PythonCall | Shell | Compute) -> tuple[object, ...]:
    if isinstance(action, Compute):
        codes = tuple((name, code.text) for name, code in action.codes)
        return ("compute", codes, action.checks)
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
