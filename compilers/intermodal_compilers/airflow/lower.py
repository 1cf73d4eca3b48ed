"""From a pipeline to an Airflow DAG file's parts: functions, tasks, edges and settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from intermodal.analysis import graph
from intermodal.analysis.connection_calls import is_own_call
from intermodal.analysis.data_versions import mark_data
from intermodal.compiling import Settings, Target
from intermodal.findings import Finding, note
from intermodal.ir import (
    Approval,
    Container,
    Hosted,
    Http,
    ItemRef,
    Noop,
    OutputRef,
    ParameterRef,
    Pipeline,
    PythonCall,
    Shell,
    Sql,
    Task,
    TriggerRun,
    Wait,
)
from intermodal_compilers.airflow import operators
from intermodal_compilers.airflow.assets import asset_keywords
from intermodal_compilers.airflow.blocks import arrange, items_of
from intermodal_compilers.airflow.callbacks import callback_helpers, task_callbacks
from intermodal_compilers.airflow.checks import setup_findings, tasks_findings
from intermodal_compilers.airflow.classes import HostedClasses
from intermodal_compilers.airflow.connections import (
    call_where_needed,
    http_operator,
    packages_with,
    sql_operator,
)
from intermodal_compilers.airflow.dag_settings import (
    dag_keywords,
    pipeline_findings,
    signature_type,
)
from intermodal_compilers.airflow.dialects import DIALECTS
from intermodal_compilers.airflow.forms import Form, form_of
from intermodal_compilers.airflow.functions import (
    computed_inputs,
    write_bash,
    write_bash_check,
    write_container,
)
from intermodal_compilers.airflow.helpers import NEEDS, helper_lines
from intermodal_compilers.airflow.model import DagFile, Function, Step
from intermodal_compilers.airflow.names import OWN, Names
from intermodal_compilers.airflow.operators import Operator
from intermodal_compilers.airflow.plan import Check, Choose, Unit
from intermodal_compilers.airflow.policies import task_keywords
from intermodal_compilers.airflow.python_tasks import (
    Written,
    annotation,
    output_tag,
    plain_inputs,
    write_python,
    write_shell,
)
from intermodal_compilers.airflow.run_facts import CLOSE_RUN
from intermodal_compilers.airflow.structure import plan_of
from intermodal_compilers.airflow.values import Values
from intermodal_compilers.airflow.views import PlanView, TaskView, expressions_of
from intermodal_compilers.airflow.waiting import (
    approval_operator,
    checking_task,
    sensor_keywords,
    trigger_operator,
)
from intermodal_compilers.airflow.works import write_work
from intermodal_compilers.pysource import Expr, Value, is_identifier
from intermodal_compilers.tracked import is_tracked

Known = tuple[Function, Written]


def lower(pipeline: Pipeline, target: Target, settings: Settings) -> DagFile:
    """The parts of the file; its findings may hold errors."""
    return _Lowering(pipeline, target, settings).file()


class _Lowering:
    """What is known while one pipeline is lowered."""

    def __init__(self, pipeline: Pipeline, target: Target, settings: Settings) -> None:
        self.target = target
        self.settings = settings
        self.dialect = DIALECTS[target.version]
        tracked = bool(settings.tracking) and pipeline.tracking.enabled
        pipeline = call_where_needed(mark_data(pipeline), self.dialect, tracked=tracked)
        self.pipeline = pipeline
        self.plan = plan_of(pipeline, target)
        self.units = self.plan.units
        self.view = PlanView(pipeline, self.plan, tracked=tracked)
        self.closes = is_tracked(pipeline, settings)
        self.forms = {unit.id: form_of(unit, self.view) for unit in self.units.values()}
        self.findings: list[Finding] = []
        self.functions: dict[object, Known] = {}
        self.written: dict[str, Written] = {}
        read = {name for unit in self.units.values() for name in self._parameters_read(unit)}
        self.as_block = any(not self._fits_signature(name) for name in read)
        self.signature = () if self.as_block else tuple(n for n in pipeline.parameters if n in read)
        self.classes = HostedClasses(pipeline, target)
        self.names = Names((*self.signature, *self.classes.taken()))
        self.values = Values(pipeline, self.units, self._is_operator, as_block=self.as_block)
        if self.plan.loops:
            item = self.names.claim("item")
            self.values.items = dict.fromkeys(self.plan.loops, item)
        self.imports = self.values.imports
        self.helpers = self.values.helpers

    def file(self) -> DagFile:
        """Lower everything, in the order in which names are given."""
        findings = self.findings
        tasks = list(graph.tasks(self.pipeline))
        findings += pipeline_findings(self.pipeline, self.target, self.settings)
        findings += tasks_findings(tasks, self.target, self.settings)
        findings += setup_findings(self.pipeline, self.target)
        findings += self.plan.findings
        findings += self.classes.findings
        findings += self.classes.sources.findings
        findings += self.classes.sources.local_findings()
        steps = [self._step(unit) for unit in self.units.values()]
        function = "" if self.as_block else self.names.claim(self.pipeline.name, "_dag")
        self._name_results(steps)
        blocks = arrange(self.plan, steps, self.names, self.values.items, self._may_expand)
        self.values.items = dict.fromkeys(self.plan.loops, "item")
        self._write_arguments(steps)
        blocks.export(steps)
        for name, block in blocks.mapped.items():
            block.items = items_of(self.plan.loops[name], self._items)
        self.helpers.update(callback_helpers(self.pipeline.notifications))
        if self.closes:
            self.helpers.add(CLOSE_RUN)
        keywords = dag_keywords(
            self.pipeline,
            self.dialect,
            function,
            with_filter=self.values.filters,
            tracked=self.closes,
        )
        self.imports.add("DAG" if self.as_block else "dag")
        self.imports.update(blocks.imports)
        runtime_tasks = sum(1 for task in tasks if self.view.needs_runtime(task))
        if runtime_tasks:
            note_ = _runtime_note(self.pipeline, self.target, runtime_tasks, closes=self.closes)
            findings.append(note_)
        return DagFile(
            name=self.pipeline.name,
            caption=_caption(self.pipeline),
            module_of=self.dialect.imports,
            function=function,
            signature=tuple(self._signature()),
            settings=keywords,
            functions=[function for function, _ in self.functions.values()],
            steps=steps,
            body=blocks.root,
            helpers=self._helper_lines(),
            imports=self.imports,
            packages=self.classes.packages(
                packages_with(self.pipeline.environment.packages, (step.operator for step in steps))
            ),
            classes=self.classes if self.classes.tasks else None,
            findings=findings,
            names={unit.origin: unit.id for unit in self.units.values() if unit.origin == unit.id},
        )

    def _parameters_read(self, unit: Unit) -> Iterator[str]:
        """Parameters that functions are called with; templates read theirs in another way."""
        form, action = self.forms[unit.id], unit.task.action
        of_operator = isinstance(action, (TriggerRun, Sql))
        if isinstance(action, Hosted):
            for expression in graph.action_expressions(action):
                for part in graph.parts(expression):
                    if isinstance(part, ParameterRef):
                        yield part.name
        if form is Form.CALL or of_operator:
            inputs = unit.task.inputs.values()
            for expression in graph.action_expressions(action) if of_operator else inputs:
                if isinstance(expression, ParameterRef):
                    yield expression.name
        elif form is not Form.OPERATOR:
            for expression in expressions_of(unit):
                for part in graph.parts(expression):
                    if isinstance(part, ParameterRef):
                        yield part.name

    def _fits_signature(self, name: str) -> bool:
        """Whether a parameter can be an argument of the function under `@dag`."""
        parameter = self.pipeline.parameters[name]
        simple = not parameter.required and not isinstance(parameter.default, dict | list)
        return simple and is_identifier(name) and name not in OWN

    def _signature(self) -> Iterator[tuple[str, str, Expr]]:
        for name in self.signature:
            parameter = self.pipeline.parameters[name]
            yield name, signature_type(parameter), Value(parameter.default)

    def _is_operator(self, unit: Unit) -> bool:
        return self.forms[unit.id] is Form.OPERATOR

    # Steps

    def _step(self, unit: Unit) -> Step:
        task = unit.task
        image = None if isinstance(task.action, Container) else self.pipeline.environment.image
        keywords = task_keywords(task, image, self.dialect)
        keywords |= task_callbacks(task, self.pipeline)
        keywords |= asset_keywords(task, self.dialect)
        self.helpers.update(callback_helpers(task.notifications))
        if isinstance(task.action, Wait):
            keywords = {**sensor_keywords(task.action), **keywords}
        if unit.rule != "all_success" and not _is_teardown(task):
            keywords = {"trigger_rule": Value(unit.rule.value), **keywords}
        loop = self.plan.loops.get(self.plan.mapped(unit))
        if loop is not None and loop.max_parallel is not None:
            keywords["max_active_tis_per_dagrun"] = Value(loop.max_parallel)
        if "executor_config" in keywords:
            self.helpers.add("pod")
        if self._is_operator(unit):
            return Step(task, {}, keywords, unit=unit)
        known = self._function(unit)
        if known is None:
            return Step(task, {}, keywords, unit=unit)
        function, written = known
        self.written[unit.id] = written
        keywords = {**keywords, **written.settings}
        if unit.work is not None:
            keywords.pop("doc_md", None)
        if _decorator(unit) == "task.short_circuit":
            keywords["ignore_downstream_trigger_rules"] = Value(False)
        if unit.id != function.name:
            keywords = {"task_id": Value(unit.id), **keywords}
        function.add_call(keywords)
        return Step(task, {}, keywords, function=function, unit=unit)

    def _function(self, unit: Unit) -> Known | None:
        """The function that does what the unit does, written at its first use."""
        task = checking_task(unit.task)
        if self.forms[unit.id] is not Form.CALL:
            key: object = (unit.id,)
            self.functions[key] = known = self._new_function(unit)  # type: ignore[assignment]
            if known is None:
                del self.functions[key]
            return known
        action = (_decorator(unit), *self._action_key(task))
        # The user's own function serves any choice of its arguments, a wrapper only those it has.
        alone = ("alone", *action, tuple(task.outputs))
        wrapped = (*action, *_shape(task))
        found = self.functions.get(alone) or self.functions.get(wrapped)
        if found is None:
            found = self._new_function(unit)
            if found is not None:
                self.functions[alone if found[1].standalone else wrapped] = found
        return found

    def _action_key(self, task: Task) -> tuple[object, ...]:
        environment = tuple(task.environment.items())
        action = task.action
        if isinstance(action, PythonCall):
            source = action.source if self._code_of(action) == "embed" else None
            text = (source.function, source.imports, source.definitions) if source else None
            runtime = self.view.needs_runtime(task)
            return (action.module, action.function, text, action.unpack, environment, runtime)
        return ("shell", getattr(action, "command", ""), environment)

    def _code_of(self, action: PythonCall) -> str:
        """How the function reaches the worker; one of ours is no module that workers must have."""
        return "embed" if is_own_call(action) else self.settings.code

    def _new_function(self, unit: Unit) -> Known | None:
        written = self._write(unit)
        if isinstance(written, Finding):
            self.findings.append(written)
            return None
        self.imports.add("task")
        self.helpers.update(written.helpers)
        computed = self.forms[unit.id] is Form.COMPUTED
        name = self.names.claim(unit.id if computed else written.wanted, "_task")
        header, body = written.lines(name)
        return Function(name, header, body, written.docstring, kind=_decorator(unit)), written

    def _write(self, unit: Unit) -> Written | Finding:
        task, view = checking_task(unit.task), TaskView(self.view, unit)
        runtime = self.view.needs_runtime(task)
        plain = self.forms[unit.id] is Form.CALL
        if unit.work is not None:
            return write_work(unit, view)
        make = plain_inputs(task) if plain else computed_inputs(unit, view, runtime=runtime)
        match task.action:
            case PythonCall() as action:
                code = self._code_of(action)
                return write_python(task, action, make, code=code, runtime=runtime, plain=plain)
            case Shell() as action if runtime:
                return write_shell(task, action, make)
            case Shell() as action if isinstance(unit.task.action, Wait):
                return write_bash_check(unit, action, view)
            case Shell() as action:
                return write_bash(unit, action, view)
            case Container() as action:
                return write_container(unit, action, view)
            case action:
                raise TypeError(f"no function for {type(action).__name__}")

    # Results and edges

    def _name_results(self, steps: list[Step]) -> None:
        """Give a variable to each unit that another one refers to."""
        referred: set[str] = set()
        paired = {name for s in steps if _is_teardown(s.task) for name in _partners(s.task)}
        for step in steps:
            pairing = step.task.pairing
            is_setup = pairing is not None and pairing.role == "setup"
            step.is_lone_setup = is_setup and step.unit.id not in paired
            if step.is_lone_setup:
                referred.add(step.unit.id)
            referred |= {*step.unit.waits, *_partners(step.task)}
            if _is_teardown(step.task):
                referred.add(step.unit.id)
        for loop in self.plan.loops.values():
            if isinstance(loop.items, OutputRef):
                referred.add(loop.items.node)
        for step in steps:
            if step.unit.id in referred:
                self._name_result(step)

    def _name_result(self, step: Step) -> None:
        suffix = "_task" if self._is_operator(step.unit) else "_result"
        step.variable = self.names.claim(step.unit.id, suffix)
        self.values.variables[step.unit.id] = step.variable

    def _write_arguments(self, steps: list[Step]) -> None:
        """Fill in the calls, and the edges that they do not make by themselves."""
        for step in steps:
            linked: set[str]
            if step.function is not None:
                linked = self._write_call(step)
            else:
                linked = self._write_operator(step)
            partners = {*_partners(step.task)} if _is_teardown(step.task) else set()
            step.waits = tuple(n for n in step.unit.waits if n not in linked and n not in partners)
            step.after = tuple(self.values.variables[node] for node in step.waits)
            step.setups = tuple(self.values.variables[name] for name in sorted(partners))
        for step in steps:
            if step.after and not step.variable:
                self._name_result(step)

    def _write_call(self, step: Step) -> set[str]:
        written = self.written[step.unit.id]
        if written.leaves is not None:
            leaves = dict(written.leaves)
        else:
            leaves = {written.arguments[key]: e for key, e in step.task.inputs.items()}
        step.leaves = leaves
        step.arguments = {name: self.values.argument(leaf) for name, leaf in leaves.items()}
        if step.loop is not None:
            step.items = items_of(step.loop, self._items)
        return {leaf.node for leaf in leaves.values() if isinstance(leaf, OutputRef)}

    def _items(self, reference: OutputRef) -> Expr:
        return self.values.output(reference.node, reference.output)

    def _may_expand(self, step: Step) -> bool:
        """Whether the step is a function with one argument that takes the items of a loop."""
        if step.function is None:
            return False
        written = self.written[step.unit.id]
        leaves = step.task.inputs if written.leaves is None else written.leaves
        return sum(isinstance(leaf, ItemRef) for leaf in leaves.values()) == 1

    def _write_operator(self, step: Step) -> set[str]:
        """Fill in an operator; the units that Airflow sees it depend on."""
        task = step.task
        match task.action:
            case Shell() as action:
                operator = operators.shell_operator(task, action, self.values.text)
            case Container() as action if operators.needs_files(task, action):
                operator = operators.container_call(task, action, self.values.text)
            case Container() as action:
                operator = operators.container_operator(task, action, self.values.text)
            case Sql() as action:
                operator = sql_operator(task, action, self.values)
            case Http() as action:
                operator = http_operator(task, action, self.values)
            case Approval() as action:
                operator = self._approval(action)
                step.settings.pop("retry_delay", None)
                step.settings.pop("retries", None)
            case TriggerRun() as action:
                operator = trigger_operator(action, self.values.argument)
            case Noop():
                operator = Operator("EmptyOperator")
            case Hosted():
                step.made = self.classes.made(task, self.values, step.settings)
                return set()
            case _:
                return set()
        self.helpers.update(operator.helpers)
        self.values.filters |= "as_text" in operator.helpers
        self.imports.update(operator.imports)
        step.operator = operator.kind
        if operator.kind == "run_container":
            step.arguments = operator.settings
            if len(task.outputs) > 1 or set(task.outputs) - {"return"}:
                step.settings["multiple_outputs"] = Value(True)
        else:
            self.imports.add(operator.kind)
            step.settings = {**operator.settings, **step.settings}
        return operator.linked

    def _approval(self, action: Approval) -> Operator:
        message = action.message
        if isinstance(message, OutputRef):
            given = self.values.output(message.node, message.output)
            operator = approval_operator(action, given, self.dialect)
            operator.linked.add(message.node)
            return operator
        return approval_operator(action, self.values.text(message), self.dialect)

    # Helpers

    def _helper_lines(self) -> dict[str, list[str]]:
        pending, wanted = sorted(self.helpers), set()
        while pending:
            name = pending.pop()
            if name not in NEEDS:
                self.imports.add(name)
                continue
            if name not in wanted:
                wanted.add(name)
                pending += NEEDS[name]
        facts: dict[str, str | dict[str, str]] = {
            "pipeline": self.pipeline.name,
            "target": str(self.target),
            "store": self.settings.store,
            "tracking": self.settings.tracking if self.pipeline.tracking.enabled else "",
            "experiment": self.pipeline.tracking.experiment or "",
            "tags": dict(self.pipeline.tracking.tags),
            "loops": "yes" if any(unit.index for unit in self.units.values()) else "",
            "tracked": "yes" if self.closes else "",
            "strict": "yes" if self.closes and self.settings.tracking_strict else "",
        }
        return {name: helper_lines(name, facts) for name in NEEDS if name in wanted}


def _decorator(unit: Unit) -> str:
    if isinstance(unit.work, Choose) and not unit.work.by_name:
        return "task.branch"
    if isinstance(unit.work, Check) and not unit.work.skips_itself:
        return "task.short_circuit"
    return "task.sensor" if isinstance(unit.task.action, Wait) else "task"


def _is_teardown(task: Task) -> bool:
    return task.pairing is not None and task.pairing.role == "teardown"


def _partners(task: Task) -> tuple[str, ...]:
    return task.pairing.partners if task.pairing is not None else ()


def _shape(task: Task) -> tuple[object, ...]:
    """What of a task's inputs and outputs decides how a function for it is written."""
    inputs = frozenset((key, annotation(task.input_types.get(key))) for key in task.inputs)
    outputs = tuple((k, annotation(t), output_tag(t), t.kind) for k, t in task.outputs.items())
    return inputs, outputs


def _caption(pipeline: Pipeline) -> str:
    what = (
        pipeline.description.strip().splitlines()[0].strip() if pipeline.description.strip() else ""
    )
    what = what or f"Pipeline {pipeline.name}."
    end = "" if what.endswith((".", "!", "?")) else "."
    file = pipeline.span.file if pipeline.span else ""
    shown = PurePath(file).name if PurePath(file).is_absolute() else file
    source = f" from {shown}; edit that file instead." if shown else "."
    return f"{what}{end} Generated by Intermodal{source}"


def _runtime_note(pipeline: Pipeline, target: Target, count: int, *, closes: bool) -> Finding:
    tasks = "1 task needs" if count == 1 else f"{count} tasks need"
    return note(
        "PORT205",
        f"{target}: {tasks} Intermodal on the workers",
        pipeline.span,
        why="artifacts, tracking and typed values are handled by its runtime",
        next="install `intermodal` there"
        + (", and in the DAG processor, which tells the tracker how runs end" if closes else ""),
    )
