"""From a pipeline to an Airflow DAG file's parts: functions, tasks, edges and settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from intermodal.analysis import graph
from intermodal.analysis.needs import needs_runtime
from intermodal.compiling import Settings, Target
from intermodal.findings import Finding, note
from intermodal.ir import (
    AnyType,
    Container,
    Expression,
    Format,
    Literal_,
    Noop,
    OutputRef,
    ParameterRef,
    Pipeline,
    PythonCall,
    RunFact,
    Shell,
    Task,
    Type,
)
from intermodal_compilers.airflow import operators, templates
from intermodal_compilers.airflow.checks import tasks_findings
from intermodal_compilers.airflow.dag_settings import (
    dag_keywords,
    pipeline_findings,
    signature_type,
)
from intermodal_compilers.airflow.dialects import DIALECTS
from intermodal_compilers.airflow.helpers import NEEDS, helper_lines
from intermodal_compilers.airflow.model import DagFile, Function, Step
from intermodal_compilers.airflow.names import OWN, Names
from intermodal_compilers.airflow.operators import Operator, TextInput
from intermodal_compilers.airflow.policies import task_keywords
from intermodal_compilers.airflow.python_tasks import (
    Written,
    annotation,
    output_tag,
    write_python,
    write_shell,
)
from intermodal_compilers.pysource import Expr, Name, Subscript, Value, call, is_identifier


def lower(pipeline: Pipeline, target: Target, settings: Settings) -> DagFile:
    """The parts of the file; its findings may hold errors."""
    return _Lowering(pipeline, target, settings).file()


class _Lowering:
    """What is known while one pipeline is lowered."""

    def __init__(self, pipeline: Pipeline, target: Target, settings: Settings) -> None:
        self.pipeline = pipeline
        self.target = target
        self.settings = settings
        self.dialect = DIALECTS[target.version]
        self.tracked = bool(settings.tracking) and pipeline.tracking.enabled
        ordered = graph.topological(pipeline.body)
        self.tasks = [node for node in ordered if isinstance(node, Task)]
        self.by_id = {task.id: task for task in self.tasks}
        self.findings: list[Finding] = []
        self.imports: set[str] = set()
        self.helpers: set[str] = set()
        self.functions: dict[object, tuple[Function, Written]] = {}
        self.written: dict[str, Written] = {}
        read = {name for task in self.tasks for name in self._parameters_read(task)}
        self.as_block = any(not self._fits_signature(name) for name in read)
        self.signature = () if self.as_block else tuple(n for n in pipeline.parameters if n in read)
        self.names = Names(self.signature)
        self.variables: dict[str, str] = {}

    def file(self) -> DagFile:
        """Lower everything, in the order in which names are given."""
        findings = self.findings
        findings += pipeline_findings(self.pipeline, self.target, self.settings)
        findings += tasks_findings(self.tasks, self.target, self.settings)
        steps = [self._step(task) for task in self.tasks]
        function = "" if self.as_block else self.names.claim(self.pipeline.name, "_dag")
        self._name_results(steps)
        self._write_arguments(steps)
        keywords = dag_keywords(self.pipeline, self.dialect, function, with_filter=self._filters())
        self.imports.add("DAG" if self.as_block else "dag")
        runtime_tasks = sum(1 for task in self.tasks if self._needs_runtime(task))
        if runtime_tasks:
            findings.append(_runtime_note(self.pipeline, self.target, runtime_tasks))
        return DagFile(
            name=self.pipeline.name,
            caption=_caption(self.pipeline),
            module_of=self.dialect.imports,
            function=function,
            signature=tuple(self._signature()),
            settings=keywords,
            functions=[function for function, _ in self.functions.values()],
            steps=steps,
            helpers=self._helper_lines(),
            imports=self.imports,
            packages=self.pipeline.environment.packages,
            findings=findings,
        )

    def _parameters_read(self, task: Task) -> Iterator[str]:
        """Parameters that the task's function is called with; templates read theirs in another way."""
        if not isinstance(task.action, PythonCall) and not self._needs_runtime(task):
            return
        for expression in task.inputs.values():
            if isinstance(expression, ParameterRef):
                yield expression.name

    def _fits_signature(self, name: str) -> bool:
        """Whether a parameter can be an argument of the function under `@dag`."""
        parameter = self.pipeline.parameters[name]
        simple = not parameter.required and not isinstance(parameter.default, dict | list)
        return simple and is_identifier(name) and name not in OWN

    def _signature(self) -> Iterator[tuple[str, str, Expr]]:
        for name in self.signature:
            parameter = self.pipeline.parameters[name]
            yield name, signature_type(parameter), Value(parameter.default)

    def _needs_runtime(self, task: Task) -> bool:
        return isinstance(task.action, (PythonCall, Shell)) and needs_runtime(
            task, tracking=self.tracked
        )

    # Steps

    def _step(self, task: Task) -> Step:
        image = None if isinstance(task.action, Container) else self.pipeline.environment.image
        keywords = task_keywords(task, image, self.dialect)
        if "executor_config" in keywords:
            self.helpers.add("pod")
        if isinstance(task.action, PythonCall) or self._needs_runtime(task):
            return self._function_step(task, keywords)
        return Step(task, {}, keywords)

    def _function_step(self, task: Task, keywords: dict[str, Expr]) -> Step:
        known = self._function(task)
        if known is None:
            return Step(task, {}, keywords)
        function, written = known
        self.written[task.id] = written
        keywords = {**keywords, **written.settings}
        if task.id != function.name:
            keywords = {"task_id": Value(task.id), **keywords}
        function.add_call(keywords)
        return Step(task, {}, keywords, function=function)

    def _function(self, task: Task) -> tuple[Function, Written] | None:
        """The function that does what the task does, written at its first use."""
        action = self._action_key(task)
        # The user's own function serves any choice of its arguments, a wrapper only those it has.
        alone = ("alone", *action, tuple(task.outputs))
        wrapped = (*action, *_shape(task))
        known = self.functions.get(alone) or self.functions.get(wrapped)
        if known is None:
            known = self._new_function(task)
            if known is not None:
                self.functions[alone if known[1].standalone else wrapped] = known
        return known

    def _action_key(self, task: Task) -> tuple[object, ...]:
        environment = tuple(task.environment.items())
        action = task.action
        if isinstance(action, PythonCall):
            source = action.source if self.settings.code == "embed" else None
            text = (source.function, source.imports, source.definitions) if source else None
            runtime = self._needs_runtime(task)
            return (action.module, action.function, text, action.unpack, environment, runtime)
        return ("shell", getattr(action, "command", ""), environment)

    def _new_function(self, task: Task) -> tuple[Function, Written] | None:
        match task.action:
            case PythonCall() as action:
                runtime = self._needs_runtime(task)
                written = write_python(task, action, code=self.settings.code, runtime=runtime)
            case Shell() as action:
                written = write_shell(task, action)
            case _:
                return None
        if isinstance(written, Finding):
            self.findings.append(written)
            return None
        self.imports.add("task")
        self.helpers.update(written.helpers)
        name = self.names.claim(written.wanted, "_task")
        header, body = written.lines(name)
        return Function(name, header, body, written.docstring), written

    # Results and edges

    def _name_results(self, steps: list[Step]) -> None:
        """Give a variable to each task that another one refers to."""
        referred: set[str] = set()
        for step in steps:
            referred |= {*_data_of(step.task), *step.task.after}
        for step in steps:
            if step.task.id in referred:
                self._name_result(step)

    def _name_result(self, step: Step) -> None:
        suffix = "_task" if step.operator else "_result"
        step.variable = self.names.claim(step.task.id, suffix)
        self.variables[step.task.id] = step.variable

    def _write_arguments(self, steps: list[Step]) -> None:
        """Fill in the calls, and the edges that they do not make by themselves."""
        for step in steps:
            data = _data_of(step.task)
            if step.function is not None:
                self._write_call(step)
                linked = {e.node for e in step.task.inputs.values() if isinstance(e, OutputRef)}
            else:
                linked = self._write_operator(step)
            waits = dict.fromkeys([*data, *step.task.after])
            step.after = tuple(self.variables[node] for node in waits if node not in linked)
        for step in steps:
            if step.after and not step.variable:
                self._name_result(step)

    def _write_call(self, step: Step) -> None:
        names = self.written[step.task.id].arguments
        step.arguments = {
            names[key]: self._value(expression) for key, expression in step.task.inputs.items()
        }

    def _write_operator(self, step: Step) -> set[str]:
        """Fill in an operator; the tasks that Airflow sees it depend on."""
        task = step.task
        match task.action:
            case Shell() as action:
                operator = operators.shell_operator(task, action, self._text_of)
            case Container() as action if operators.needs_files(task, action):
                operator = operators.container_call(task, action, self._text_of)
            case Container() as action:
                operator = operators.container_operator(task, action, self._text_of)
            case Noop():
                operator = Operator("EmptyOperator")
            case _:
                return set()
        self.helpers.update(operator.helpers)
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

    # Values

    def _value(self, expression: Expression) -> Expr:
        """An input as the argument of a TaskFlow call."""
        match expression:
            case Literal_(value=value):
                argument, wrapped = templates.exact(value)
                if wrapped:
                    self.imports.add("literal")
                return argument
            case ParameterRef(name=name):
                return call("dag.param", Value(name)) if self.as_block else Name(name)
            case OutputRef(node=node, output=output):
                return self._output(node, output)
            case _:
                return Value(self._text_of(expression).text)

    def _output(self, node: str, output: str) -> Expr:
        variable = Name(self.variables[node])
        task = self.by_id[node]
        if isinstance(task.action, Shell) and not self._needs_runtime(task):
            return operators.output_of(variable.path)
        return variable if output == "return" else Subscript(variable, Value(output))

    def _text_of(self, expression: Expression) -> TextInput:
        """An input as a command takes it."""
        match expression:
            case Literal_(value=value):
                return TextInput(templates.text_of(value))
            case ParameterRef(name=name):
                type_ = self.pipeline.parameters[name].type
                return TextInput(templates.parameter_template(name, type_), is_template=True)
            case OutputRef(node=node, output=output):
                return self._output_text(node, output)
            case RunFact(fact=fact) if fact in templates.FACTS:
                return TextInput(templates.FACTS[fact], is_template=True)
            case Format():
                parts = [self._text_of(part) for part in operators.flat(expression)]
                joined = templates.join([(part.text, part.is_template) for part in parts])
                if templates.uses_filter(joined):
                    self.helpers.add("as_text")
                return TextInput(joined, is_template=True)
            case _:
                return TextInput("")

    def _output_text(self, node: str, output: str) -> TextInput:
        type_: Type = self.by_id[node].outputs.get(output, AnyType())
        key = None if output == "return" else output
        template = templates.output_template(node, key, type_)
        return TextInput(
            template,
            is_template=True,
            direct=self._output(node, output) if templates.is_text(type_) else None,
            node=node,
        )

    # Helpers

    def _filters(self) -> bool:
        return "as_text" in self.helpers

    def _helper_lines(self) -> dict[str, list[str]]:
        pending, wanted = sorted(self.helpers), set()
        while pending:
            name = pending.pop()
            if name in wanted:
                continue
            wanted.add(name)
            for need in NEEDS[name]:
                if need in NEEDS:
                    pending.append(need)
                else:
                    self.imports.add(need)
        facts: dict[str, str | dict[str, str]] = {
            "pipeline": self.pipeline.name,
            "target": str(self.target),
            "store": self.settings.store,
            "tracking": self.settings.tracking if self.pipeline.tracking.enabled else "",
            "experiment": self.pipeline.tracking.experiment or "",
            "tags": dict(self.pipeline.tracking.tags),
        }
        return {name: helper_lines(name, facts) for name in NEEDS if name in wanted}


def _data_of(task: Task) -> list[str]:
    """The tasks whose outputs it takes."""
    return [
        e.node
        for value in task.inputs.values()
        for e in operators.flat(value)
        if isinstance(e, OutputRef)
    ]


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


def _runtime_note(pipeline: Pipeline, target: Target, count: int) -> Finding:
    tasks = "1 task needs" if count == 1 else f"{count} tasks need"
    return note(
        "PORT205",
        f"{target}: {tasks} Intermodal on the workers",
        pipeline.span,
        why="artifacts, tracking and typed values are handled by its runtime",
        next="install `intermodal` there",
    )
