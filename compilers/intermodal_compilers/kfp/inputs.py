"""Where a task's inputs come from, and the code that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from intermodal.analysis.typing import describe
from intermodal.findings import Finding, error
from intermodal.ir import (
    ArtifactType,
    Container,
    Expression,
    Format,
    Index,
    Literal_,
    OutputRef,
    ParameterRef,
    Pipeline,
    RunFact,
    Task,
    Type,
)
from intermodal_compilers.kfp.encoding import (
    ARTIFACT_SCHEMAS,
    STRING,
    Code,
    can_be_large,
    is_json,
    literal_read,
    literal_type,
    literal_value,
    parameter_type,
    read,
)
from intermodal_compilers.kfp.model import Constant, InputPlan, RunParameter, TaskOutput
from intermodal_compilers.kfp.placeholders import placeholders_in
from intermodal_compilers.pysource import Value, inline, quote

PLACEHOLDERS = {"run_id": "{{$.pipeline_job_uuid}}"}


@dataclass(frozen=True, slots=True)
class Given:
    """One input of a task.

    Attributes:
        name: The action's own name for it.
        source: Where it comes from.
        type: Of what comes from there; None for a literal.
        keys: What is picked from it, outermost first.
        from_run: Whether a person gives it.
        is_stored: Whether a large value may come as a reference.
        is_fact: Whether KFP itself fills it in.
        literal: The literal's value.
    """

    name: str
    source: Constant | RunParameter | TaskOutput
    type: Type | None
    keys: tuple[str | int, ...] = ()
    from_run: bool = False
    is_stored: bool = False
    is_fact: bool = False
    literal: object = None

    @property
    def is_artifact(self) -> bool:
        """Whether an artifact comes in."""
        return isinstance(self.type, ArtifactType)

    def plan(self, key: str) -> InputPlan:
        """The input as KFP declares it."""
        if isinstance(self.type, ArtifactType):
            return InputPlan(key, ARTIFACT_SCHEMAS[self.type.artifact], self.source, True)
        if self.type is not None:
            return InputPlan(key, parameter_type(self.type), self.source)
        is_text = isinstance(self.source, Constant) and isinstance(self.source.value, str)
        return InputPlan(key, STRING if is_text else literal_type(self.literal), self.source)

    def code(self, key: str, uses_runtime: bool) -> Code:
        """Code that reads it, for a task that uses the runtime or one that does not."""
        found = self._whole(key, uses_runtime)
        picks = "".join(f"[{inline(Value(one))}]" for one in self.keys)
        return Code(f"{found.text}{picks}", found.needs)

    def _whole(self, key: str, uses_runtime: bool) -> Code:
        given = f"values[{quote(key)}]"
        loads = bool(self.keys) or not uses_runtime
        if self.is_fact:
            return Code(given)
        if self.type is None:
            return literal_read(self.literal, given)
        if self.is_artifact:
            return _loaded(Code(f"reference({quote(key)})", frozenset({"reference"})), loads)
        code = read(self.type, given, from_run=self.from_run)
        if not self.is_stored or not can_be_large(self.type):
            return code
        if is_json(self.type):
            return _loaded(code, loads)
        reference = _loaded(Code(f"large({given})", frozenset({"large"})), loads)
        return Code(f"({reference.text} or {code.text})", code.needs | reference.needs)


def _loaded(code: Code, loads: bool) -> Code:
    if not loads:
        return code
    return Code(f"load_value({code.text})", code.needs | {"load_value"})


@dataclass
class InputReader:
    """Resolves the inputs of one pipeline's tasks."""

    tasks: Mapping[str, Task]
    pipeline: Pipeline
    parameters: Mapping[str, str]
    names: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, str]]
    runtime_tasks: set[str]

    @cached_property
    def producers(self) -> dict[str, Task]:
        """Tasks by their emitted names."""
        return {self.names[identity]: task for identity, task in self.tasks.items()}

    def inputs_of(self, task: Task, target: str) -> tuple[list[Given], list[Finding]]:
        """The inputs, and a finding for each that KFP cannot give."""
        given: list[Given] = []
        findings: list[Finding] = []
        for name, expression in task.inputs.items():
            found = self._given(name, expression, task)
            problem = found if isinstance(found, str) else self._problem(found, task)
            if problem:
                findings.append(_refused(task, name, expression, problem, target))
            elif not isinstance(found, str):
                given.append(found)
        return given, findings

    def _given(self, name: str, expression: Expression, task: Task) -> Given | str:
        """The input, or why there can be none."""
        match expression:
            case Literal_(value=value):
                if isinstance(task.action, Container):
                    text = value if isinstance(value, str) else literal_text(value)
                    return Given(name, Constant(text), None, literal=value)
                return Given(name, Constant(literal_value(value)), None, literal=value)
            case ParameterRef(name=parameter):
                type_ = self.pipeline.parameters[parameter].type
                source = RunParameter(self.parameters[parameter])
                return Given(name, source, type_, from_run=True)
            case OutputRef(node=node, output=output):
                return Given(
                    name,
                    TaskOutput(self.names[node], self.outputs[node][output]),
                    self.tasks[node].outputs[output],
                    is_stored=node in self.runtime_tasks,
                )
            case RunFact(fact="pipeline"):
                return self._given(name, Literal_(value=self.pipeline.name), task)
            case RunFact(fact=fact) if fact in PLACEHOLDERS:
                return Given(name, Constant(PLACEHOLDERS[fact]), None, is_fact=True, literal="")
            case RunFact(fact=fact):
                return f"KFP tells a task nothing of `{fact}`"
            case Index():
                return self._indexed(name, expression, task)
            case Format():
                return "KFP joins texts in the command of a container only"
            case _:
                return "the KFP compiler does not build this expression yet"

    def _indexed(self, name: str, expression: Index, task: Task) -> Given | str:
        keys: list[str | int] = []
        base: Expression = expression
        while isinstance(base, Index):
            if not isinstance(base.key, Literal_) or not isinstance(base.key.value, (str, int)):
                return "the key must be a text or a number"
            keys.append(base.key.value)
            base = base.base
        if isinstance(task.action, Container):
            return "a container takes whole values only"
        found = self._given(name, base, task)
        if isinstance(found, str):
            return found
        return Given(
            name,
            found.source,
            found.type,
            tuple(reversed(keys)),
            found.from_run,
            found.is_stored,
            found.is_fact,
            found.literal,
        )

    def _problem(self, found: Given, task: Task) -> str:
        """Why this task cannot take what comes from there."""
        is_container = isinstance(task.action, Container)
        if is_container and found.type is None and not found.is_fact:
            text = found.source.value if isinstance(found.source, Constant) else ""
            if isinstance(text, str) and (placeholders_in(text) or "\x00" in text):
                return "it holds a placeholder that KFP would fill in, or a null byte"
        if is_container and found.type is not None and is_json(found.type):
            return f"it is {describe(found.type)}, which travels as JSON text"
        if not found.is_artifact or not isinstance(found.source, TaskOutput):
            return ""
        source = found.source
        producer = self.producers[source.task]
        if isinstance(producer.action, Container) is not is_container:
            return (
                f"it comes from `{producer.id}`, and artifacts do not pass between containers and "
                "other tasks in KFP yet"
            )
        return ""


def literal_text(value: object) -> str:
    """A literal as the text that a command is given."""
    import json

    return json.dumps(value, ensure_ascii=False)


def _refused(task: Task, name: str, expression: Expression, why: str, target: str) -> Finding:
    return error(
        "PORT204",
        f"{target} cannot pass the input `{name}` of `{task.id}`",
        expression.span or task.span,
        why=why,
        next="compute it in a task before, and pass that task's result",
    )
