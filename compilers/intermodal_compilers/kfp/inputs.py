"""Where a task's inputs come from, and the code that reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from intermodal.analysis import graph
from intermodal.analysis.needs import type_parts
from intermodal.analysis.typing import describe
from intermodal.findings import Finding, error
from intermodal.frozen import Frozen
from intermodal.ir import (
    ArtifactType,
    Container,
    Expression,
    Format,
    ItemRef,
    Literal_,
    OutputRef,
    ParameterRef,
    RunFact,
    SecretRef,
    StringType,
    Task,
    TaskState,
    Type,
)
from intermodal_compilers.kfp.encoding import (
    STRING,
    Code,
    EachOf,
    Maybe,
    Numbered,
    Status,
    can_be_large,
    is_json,
    literal_read,
    literal_type,
    literal_value,
    loaded,
    read,
    read_form,
)
from intermodal_compilers.kfp.expressions import Leaves, code_of, is_leaf
from intermodal_compilers.kfp.gates import TRUE, expression_of
from intermodal_compilers.kfp.model import Constant, InputPlan
from intermodal_compilers.kfp.names import Names, key
from intermodal_compilers.kfp.placeholders import placeholders_in
from intermodal_compilers.kfp.policies import secret_variable
from intermodal_compilers.kfp.scopes import Scope, Value
from intermodal_compilers.pysource import quote

if TYPE_CHECKING:
    from intermodal_compilers.kfp.build import Build

PLACEHOLDERS = {"run_id": "{{$.pipeline_job_uuid}}"}
DATES = ("logical_date", "data_interval_start", "data_interval_end")


Identity = tuple[str, ...]
"""What tells one leaf from another, wherever it was written."""


def identity_of(expression: Expression) -> Identity:
    """The identity of a leaf; all literals have the same, since an input has one at most."""
    fields = (value for name, value in vars(expression).items() if name not in {"span", "value"})
    return tuple(str(value) for value in fields)


class CannotGive(Exception):  # noqa: N818
    """Why KFP cannot give a task a value."""


class Leaf(Frozen):
    """A part of an input that comes in as an input of its own.

    Attributes:
        value: Where it comes from.
        is_fact: Whether KFP itself fills it in.
        literal: The value of a literal, in a list; empty for anything else.
    """

    value: Value
    is_fact: bool = False
    literal: tuple[object, ...] = ()

    def plan(self, name: str, scope: Scope) -> InputPlan:
        """The input as KFP declares it."""
        source = scope.source_of(self.value)
        if not self.literal:
            return InputPlan(name, self.value.type, source, self.value.is_artifact)
        is_text = isinstance(source, Constant) and isinstance(source.value, str)
        return InputPlan(name, STRING if is_text else literal_type(self.literal[0]), source)

    def code(self, name: str, *, loads: bool) -> Code:
        """Code that reads it; `loads` is set where a reference will not do."""
        given = f"values[{quote(name)}]"
        wire = self.value.wire
        if self.is_fact:
            return Code(given)
        if self.literal:
            return literal_read(self.literal[0], given)
        if isinstance(wire, ArtifactType):
            return loaded(Code(f"reference({quote(name)})", frozenset({"reference"})), loads)
        may_refer = self.value.is_stored or holds_artifact(wire)
        if isinstance(wire, Maybe | Numbered | EachOf | Status):
            return read_form(wire, given, loads=loads and may_refer)
        code = read(wire, given, from_run=self.value.from_run)
        if not may_refer or not can_be_large(wire):
            return code
        if is_json(wire):
            return loaded(code, loads)
        reference = loaded(Code(f"large({given})", frozenset({"large"})), loads)
        return Code(f"({reference.text} or {code.text})", code.needs | reference.needs)


@dataclass(slots=True)
class Given:
    """One input of a task.

    Attributes:
        name: The action's own name for it.
        expression: What it is made of.
        leaves: What comes in for it, and the inputs of KFP's that it comes in by.
    """

    name: str
    expression: Expression
    leaves: dict[Identity, Leaf] = field(default_factory=dict)
    keys: dict[Identity, str] = field(default_factory=dict)

    @property
    def only(self) -> Leaf | None:
        """What comes in, if that is the input itself."""
        return self.leaves.get(identity_of(self.expression))

    @property
    def is_artifact(self) -> bool:
        """Whether an artifact comes in."""
        return self.only is not None and self.only.value.is_artifact

    def take_keys(self, names: Names) -> None:
        """Name the inputs of KFP's."""
        self.keys = {part: names.take(key(self.name), "_") for part in self.leaves}

    def plans(self, scope: Scope) -> Iterator[InputPlan]:
        """The inputs as KFP declares them."""
        for part, leaf in self.leaves.items():
            yield leaf.plan(self.keys[part], scope)


@dataclass
class InputReader:
    """Resolves the inputs of one pipeline's tasks."""

    build: Build

    def inputs_of(self, task: Task, scope: Scope) -> tuple[list[Given], list[Finding]]:
        """The inputs, and a finding for each that KFP cannot give."""
        given: list[Given] = []
        findings: list[Finding] = []
        for name, expression in task.inputs.items():
            try:
                found = self.given(name, expression, task, scope)
                self._check(found, task)
            except CannotGive as why:
                findings.append(_refused(task, name, expression, str(why), str(self.build.target)))
                continue
            given.append(found)
        return given, findings

    def given(self, name: str, expression: Expression, task: Task, scope: Scope) -> Given:
        """One input.

        Raises:
            CannotGive: KFP has nothing to make it of.
        """
        found = Given(name, expression)
        whole = isinstance(expression, Literal_)
        for part in self._leaf_parts(expression, whole=whole):
            identity = identity_of(part)
            if identity not in found.leaves:
                leaf = self._leaf(part, task, scope)
                if leaf is not None:
                    found.leaves[identity] = leaf
        return found

    def code(self, given: Given, *, uses_runtime: bool) -> Code:
        """Code that gives the input's value."""

        def read_leaf(part: Expression, inside: bool) -> Code:
            return self._read(part, given, inside=inside, uses_runtime=uses_runtime, leaves=leaves)

        leaves = Leaves(read_leaf, self.build.types.type_of, self._may_miss)
        expression = given.expression
        if isinstance(expression, Literal_):
            identity = identity_of(expression)
            return given.leaves[identity].code(given.keys[identity], loads=False)
        if uses_runtime and isinstance(expression, Format) and _has_secret(expression):
            return _marker(expression, leaves)
        return code_of(expression, leaves)

    def _leaf_parts(self, expression: Expression, *, whole: bool) -> Iterator[Expression]:
        """The parts that come in from outside, in the order of the text."""
        if whole:
            yield expression
            return
        for part in _in_order(expression):
            if isinstance(part, TaskState):
                gate = self.build.runs.get(part.node, TRUE)
                if gate != TRUE:
                    yield from self._leaf_parts(expression_of(gate), whole=False)
            elif is_leaf(part):
                yield part

    def _leaf(self, part: Expression, task: Task, scope: Scope) -> Leaf | None:
        build = self.build
        match part:
            case Literal_(value=value):
                is_container = isinstance(task.action, Container)
                text = literal_text(value) if is_container else literal_value(value)
                return Leaf(_constant(scope, text, StringType.of()), literal=(value,))
            case ParameterRef(name=name):
                return Leaf(build.parameter(name))
            case OutputRef(node=node, output=output):
                return Leaf(build.output(node, output, scope))
            case ItemRef(loop=loop):
                return Leaf(build.items[loop])
            case RunFact(fact="pipeline"):
                return self._leaf(Literal_.of(value=build.pipeline.name), task, scope)
            case RunFact(fact="attempt"):
                if task.retry is not None and task.retry.max:
                    raise CannotGive("KFP tells a task nothing of its attempt's number")
                return self._leaf(Literal_.of(value=1), task, scope)
            case RunFact(fact=fact) if fact in PLACEHOLDERS:
                return Leaf(_constant(scope, PLACEHOLDERS[fact], StringType.of()), is_fact=True)
            case RunFact(fact="state"):
                return Leaf(build.status(scope))
            case RunFact():
                return Leaf(build.date(scope))
            case SecretRef():
                return None
            case _:
                raise CannotGive("the KFP compiler does not build this expression")

    def _read(
        self,
        part: Expression,
        given: Given,
        *,
        inside: bool,
        uses_runtime: bool,
        leaves: Leaves,
    ) -> Code:
        if isinstance(part, TaskState):
            gate = self.build.runs.get(part.node, TRUE)
            if gate == TRUE:
                return Code('"succeeded"')
            ran = code_of(expression_of(gate), leaves)
            return Code(f'("succeeded" if {ran.text} else "skipped")', ran.needs)
        if isinstance(part, SecretRef):
            if uses_runtime and not inside:
                return Code(f'{{"$secret": [{_secret_place(part)}]}}')
            return Code(f"os.environ[{quote(secret_variable(part))}]")
        identity = identity_of(part)
        loads = inside or not uses_runtime
        return given.leaves[identity].code(given.keys[identity], loads=loads)

    def _may_miss(self, expression: Expression) -> bool:
        return any(
            isinstance(part, OutputRef) and self.build.may_miss(part.node, part.output)
            for part in graph.parts(expression)
        )

    def _check(self, found: Given, task: Task) -> None:
        """Raise if this task cannot take what comes from there."""
        leaf = found.only
        is_container = isinstance(task.action, Container)
        if not is_container:
            if leaf is not None and leaf.value.is_artifact:
                self._check_artifact(found, is_container=False)
            return
        if isinstance(found.expression, SecretRef):
            raise CannotGive(
                "it is a secret, which Kubernetes gives a container in environment variables only"
            )
        if leaf is None:
            raise CannotGive("a container takes whole values only")
        if leaf.literal:
            text = leaf.value.source.value if isinstance(leaf.value.source, Constant) else ""
            if isinstance(text, str) and (placeholders_in(text) or "\x00" in text):
                raise CannotGive("it holds a placeholder that KFP would fill in, or a null byte")
            return
        wire = leaf.value.wire
        if not leaf.is_fact and not leaf.value.is_artifact and is_json(wire):
            shown = describe(self.build.types.type_of(found.expression))
            raise CannotGive(f"it is {shown}, which travels as JSON text")
        if leaf.value.is_artifact:
            self._check_artifact(found, is_container=True)

    def _check_artifact(self, found: Given, *, is_container: bool) -> None:
        expression = found.expression
        if not isinstance(expression, OutputRef):
            return
        producer = self.build.tasks.get(expression.node)
        if producer is not None and isinstance(producer.action, Container) is not is_container:
            raise CannotGive(
                f"it comes from `{producer.id}`, and artifacts do not pass between containers and "
                "other tasks in KFP yet"
            )


def _constant(scope: Scope, value: object, wire: Type) -> Value:
    return Value(scope, Constant(value), wire, "")


def _in_order(expression: Expression) -> Iterator[Expression]:
    """The expression and its parts, as they are written."""
    found = list(graph.parts(expression))
    return iter(_sorted(expression, found))


def _sorted(expression: Expression, found: list[Expression]) -> list[Expression]:
    if len(found) <= 2:
        return found
    ordered: list[Expression] = []
    stack: list[Expression] = [expression]
    while stack:
        current = stack.pop()
        ordered.append(current)
        stack.extend(reversed(list(_children(current))))
    return ordered


def _children(expression: Expression) -> Iterator[Expression]:
    for name, value in vars(expression).items():
        if name == "span" or value is None:
            continue
        if isinstance(value, tuple):
            yield from (one for one in value if hasattr(one, "op"))
        elif isinstance(value, Mapping):
            yield from (one for one in value.values() if hasattr(one, "op"))
        elif hasattr(value, "op"):
            yield value


def _has_secret(expression: Expression) -> bool:
    return any(isinstance(part, SecretRef) for part in graph.parts(expression))


def _marker(expression: Format, leaves: Leaves) -> Code:
    """A text with secrets, which the runtime puts in."""
    places: list[str] = []
    needs: frozenset[str] = frozenset()
    for part in expression.parts:
        if isinstance(part, SecretRef):
            places.append(_secret_place(part))
            continue
        code = code_of(Format.of(parts=(part,)), leaves)
        places.append(code.text)
        needs |= code.needs
    return Code(f'{{"$secret": [{", ".join(places)}]}}', needs)


def _secret_place(secret: SecretRef) -> str:
    name = "None" if secret.key is None else quote(secret.key)
    return f'{{"name": {quote(secret.name)}, "key": {name}}}'


def holds_artifact(wire: object) -> bool:
    """Whether references to artifacts may be in a value."""
    match wire:
        case EachOf(item=item) | Maybe(item=item) | Numbered(item=item):
            return holds_artifact(item)
        case Status():
            return False
        case _:
            return any(isinstance(part, ArtifactType) for part in type_parts(wire))  # type: ignore[arg-type]


def literal_text(value: object) -> str:
    """A literal as the text that a command is given."""
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _refused(task: Task, name: str, expression: Expression, why: str, target: str) -> Finding:
    return error(
        "PORT204",
        f"{target} cannot pass the input `{name}` of `{task.id}`",
        expression.span or task.span,
        why=why,
        next="compute it in a task before, and pass that task's result",
    )
