"""Move what KFP cannot compute where it stands into small tasks of its own: guards, choices, texts.

A task that computes is a `Noop` with inputs and outputs of the same names. The pipeline stays valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from intermodal.ir import (
    AnyType,
    Arm,
    BodyNode,
    BooleanType,
    Branch,
    Compare,
    Container,
    Expression,
    ForEach,
    Format,
    Group,
    Index,
    InputRef,
    ItemRef,
    Join,
    ListType,
    Literal_,
    Logic,
    Noop,
    OutputRef,
    ParameterRef,
    PathRef,
    Pipeline,
    RunFact,
    SecretRef,
    StringType,
    Task,
    Type,
    Wait,
)
from intermodal_compilers.kfp.facts import Facts
from intermodal_compilers.kfp.gates import atom_of

CAME = "came"
"""The output of a task that waits softly: whether what it waited for has come."""

BOOLEAN, TEXT = BooleanType.of(), StringType.of()
SIMPLE = ("string", "integer", "float", "boolean", "timestamp", "duration", "artifact")


@dataclass
class Lifted:
    """The changed pipeline.

    Attributes:
        computing: Ids of the tasks that were added.
        choosers: By id of a task that chooses arms: what it is given, and the arms there are.
    """

    pipeline: Pipeline
    computing: set[str] = field(default_factory=set)
    choosers: dict[str, tuple[Expression, tuple[str, ...]]] = field(default_factory=dict)


def lift(pipeline: Pipeline, facts: Facts) -> Lifted:
    """Move compound guards, conditions, texts for containers and outputs into tasks that compute."""
    return _Lifting(pipeline, facts).run()


class _Lifting:
    """The rewriting of one pipeline."""

    def __init__(self, pipeline: Pipeline, facts: Facts) -> None:
        self._types = facts.types
        self._facts = facts
        self._taken = set(facts.types.nodes)
        self._result = Lifted(pipeline)

    def run(self) -> Lifted:
        pipeline = self._result.pipeline
        outputs: dict[str, Expression] = {}
        added: list[BodyNode] = []
        for name, value in pipeline.outputs.items():
            outputs[name] = value
            if not isinstance(value, OutputRef):
                task = self._task(f"output-{name}", {"return": value}, AnyType.of())
                added.append(task)
                outputs[name] = OutputRef.of(node=task.id)
        body = self._body(pipeline.body)
        exits = tuple(self._body(pipeline.exit_tasks))
        update = {"body": (*body, *added), "exit_tasks": exits, "outputs": outputs}
        self._result.pipeline = pipeline.model_copy(update=update)
        return self._result

    def _body(self, body: Iterable[BodyNode]) -> tuple[Any, ...]:
        return tuple(found for node in body for found in self._node(node))

    def _node(self, node: BodyNode) -> Iterator[BodyNode]:
        match node:
            case Task():
                yield from self._lifted_task(node)
            case Branch():
                yield from self._lifted_branch(node)
            case ForEach() | Group():
                yield node.model_copy(update={"body": self._body(node.body)})

    def _lifted_task(self, task: Task) -> Iterator[Task]:
        if isinstance(task.action, Container):
            task, added = self._container(task, task.action)
            yield from added
        guard = task.guard
        if guard is not None and not self._is_native(guard):
            truth = Logic.of(operator="and", operands=(guard,))
            computing = self._task(f"{task.id}-guard", {"return": truth}, BOOLEAN, task)
            yield computing
            task = task.model_copy(update={"guard": OutputRef.of(node=computing.id)})
        if isinstance(task.action, Wait) and task.action.soft_fail:
            task = task.model_copy(update={"outputs": {CAME: BOOLEAN}})
        yield task

    def _lifted_branch(self, branch: Branch) -> Iterator[BodyNode]:
        arms = tuple(arm.model_copy(update={"body": self._body(arm.body)}) for arm in branch.arms)
        otherwise = branch.otherwise
        update: dict[str, Any] = {
            "arms": arms,
            "otherwise": None if otherwise is None else self._body(otherwise),
        }
        conditions = [arm.condition for arm in arms]
        is_native = branch.chooser is None and all(
            one is None or self._is_native(one) for one in conditions
        )
        if not is_native:
            computing = self._choice(branch)
            yield computing
            update["chooser"] = None
            update["arms"] = tuple(_chosen(arm, computing.id) for arm in arms)
        yield branch.model_copy(update=update)

    def _is_native(self, condition: Expression) -> bool:
        """Whether KFP's conditions can say it; not of items that travel as JSON text."""
        found = atom_of(condition, self._types.type_of)
        if found is None:
            return False
        return found.kind != "item" or found.name not in self._facts.numbered

    def _choice(self, branch: Branch) -> Task:
        """The task that says of each arm whether it is taken."""
        chooser = branch.chooser
        values: dict[str, Expression] = {}
        if chooser is not None:
            values = {arm.name: self._names(arm.name, chooser) for arm in branch.arms}
        else:
            before: list[Expression] = []
            for arm in branch.arms:
                condition = arm.condition or Literal_.of(value=True)
                values[arm.name] = Logic.of(operator="and", operands=(*before, condition))
                before.append(Logic.of(operator="not", operands=(condition,)))
        task = self._task(f"{branch.id}-choice", values, BOOLEAN, branch)
        if chooser is not None:
            self._result.choosers[task.id] = (chooser, tuple(values))
        return task

    def _names(self, arm: str, chooser: Expression) -> Expression:
        """Whether what a chooser gives, a name or a list of names, names the arm."""
        kind = self._types.type_of(chooser)
        name = Literal_.of(value=arm)
        if isinstance(kind, StringType):
            return Compare.of(operator="==", left=chooser, right=name)
        if isinstance(kind, ListType):
            return Compare.of(operator="in", left=name, right=chooser)
        text = Format.of(parts=(chooser,))
        listed = Compare.of(operator="in", left=Literal_.of(value=f'"{arm}"'), right=text)
        alone = Compare.of(operator="==", left=text, right=name)
        return Logic.of(operator="or", operands=(alone, listed))

    def _container(self, task: Task, action: Container) -> tuple[Task, list[Task]]:
        """A container is given texts: what it cannot be given is computed before."""
        inputs = dict(task.inputs)
        hoist = _Hoist(inputs)
        command = tuple(hoist.word(word) for word in action.command)
        args = tuple(hoist.word(word) for word in action.args)
        values = {
            name: _as_text(value, self._types.type_of(value))
            for name, value in inputs.items()
            if self._is_compound(value)
        }
        added: list[Task] = []
        if values:
            computing = self._task(f"{task.id}-inputs", values, TEXT, task)
            inputs.update({name: OutputRef.of(node=computing.id, output=name) for name in values})
            added.append(computing)
        if not added and len(inputs) == len(task.inputs):
            return task, added
        changed = action.model_copy(update={"command": command, "args": args})
        return task.model_copy(update={"action": changed, "inputs": inputs}), added

    def _is_compound(self, value: Expression) -> bool:
        if isinstance(value, ItemRef):
            return True
        plain = Literal_ | ParameterRef | OutputRef | SecretRef
        facts = isinstance(value, RunFact) and value.fact in {"run_id", "pipeline"}
        return not isinstance(value, plain) and not facts

    def _task(
        self,
        wanted: str,
        values: Mapping[str, Expression],
        type_: Type,
        node: Task | Branch | None = None,
    ) -> Task:
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}-{number}", number + 1
        self._taken.add(name)
        self._result.computing.add(name)
        join = node.join if isinstance(node, Task) else Join.ALL_SUCCESS
        is_lenient = join not in {Join.ALL_SUCCESS, Join.ALWAYS}
        return Task.of(
            id=name,
            action=Noop.of(),
            inputs=dict(values),
            outputs=dict.fromkeys(values, type_),
            join=Join.NONE_FAILED if is_lenient else Join.ALL_SUCCESS,
            span=node.span if node is not None else None,
        )


class _Hoist:
    """Moves parts of a container's command that are no part of it into its inputs."""

    def __init__(self, inputs: dict[str, Expression]) -> None:
        self._inputs = inputs

    def word(self, word: Expression) -> Expression:
        match word:
            case Literal_() | InputRef() | PathRef():
                return word
            case Format(parts=parts):
                changed = tuple(self.word(part) for part in parts)
                return word if changed == parts else word.model_copy(update={"parts": changed})
            case _:
                return InputRef.of(name=self._input(word))

    def _input(self, value: Expression) -> str:
        for name, known in self._inputs.items():
            if known == value:
                return name
        number = len(self._inputs) + 1
        while f"argument_{number}" in self._inputs:
            number += 1
        self._inputs[f"argument_{number}"] = value
        return f"argument_{number}"


def _as_text(value: Expression, kind: Type) -> Expression:
    if isinstance(kind, StringType) and not isinstance(value, Index):
        return value
    return Format.of(parts=(value,))


def _chosen(arm: Arm, task: str) -> Arm:
    return arm.model_copy(update={"condition": OutputRef.of(node=task, output=arm.name)})
