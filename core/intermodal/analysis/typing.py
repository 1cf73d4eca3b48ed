"""The types of expressions, and whether what a task gives fits what the next one takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intermodal.analysis import graph
from intermodal.analysis.rewrite import map_nodes
from intermodal.analysis.values import misfit
from intermodal.findings import Finding, error, warning
from intermodal.ir import (
    AnyType,
    ArtifactType,
    BodyNode,
    BooleanType,
    Branch,
    Compare,
    DataVersion,
    DateFormat,
    DateShift,
    Default,
    Expression,
    FloatType,
    ForEach,
    Format,
    Group,
    Index,
    IntegerType,
    ItemRef,
    ListOf,
    ListType,
    Literal_,
    Logic,
    MapOf,
    MapType,
    OptionalType,
    OutputRef,
    ParameterRef,
    Pipeline,
    RunFact,
    StringType,
    StructType,
    Task,
    TaskState,
    TimestampType,
    Type,
)

ANY = AnyType.of()
DATA = ArtifactType.of(artifact="Artifact")
"""What a version of data is until a task's annotation says what it is loaded as."""
FACT_TYPES: Mapping[str, Type] = {
    "run_id": StringType.of(),
    "pipeline": StringType.of(),
    "state": StringType.of(),
    "attempt": IntegerType.of(),
    "logical_date": TimestampType.of(),
    "data_interval_start": TimestampType.of(),
    "data_interval_end": TimestampType.of(),
}


def describe(type_: Type) -> str:
    """A type in words a Python user knows."""
    match type_:
        case ArtifactType(artifact=kind, python=python):
            return f"{kind} artifact ({python})" if python else f"{kind} artifact"
        case OptionalType(item=item):
            return f"{describe(item)} or none"
        case ListType(item=item):
            return f"list of {describe(item)}"
        case MapType(value=value):
            return f"map of {describe(value)}"
        case StructType(fields=fields):
            return "struct with " + ", ".join(fields)
        case _:
            return type_.kind


def fits(given: Type, wanted: Type) -> bool:
    """Whether every value of type `given` can be used where `wanted` is taken."""
    match given, wanted:
        case (AnyType(), _) | (_, AnyType()):
            return True
        case OptionalType(item=inner), OptionalType(item=outer):
            return fits(inner, outer)
        case _, OptionalType(item=item):
            return fits(given, item)
        case ArtifactType(), ArtifactType():
            return wanted.artifact in (given.artifact, "Artifact") or given.artifact == "Artifact"
        case ListType(item=inner), ListType(item=outer):
            return fits(inner, outer)
        case MapType(value=inner), MapType(value=outer):
            return fits(inner, outer)
        case StructType(fields=fields), MapType(value=outer):
            return all(fits(field, outer) for field in fields.values())
        case MapType(), StructType():
            return True
        case StructType(fields=have), StructType(fields=need):
            return all(name in have and fits(have[name], need[name]) for name in need)
        case IntegerType(), FloatType():
            return True
        case _:
            return given.kind == wanted.kind


class TypeChecker:
    """Types of the expressions of one valid pipeline."""

    def __init__(self, pipeline: Pipeline, nodes: Mapping[str, BodyNode]) -> None:
        self.pipeline = pipeline
        self.nodes = nodes

    def findings(self) -> Iterator[Finding]:
        """A finding for each task input whose value cannot fit."""
        for node in self.nodes.values():
            for value in graph.expressions(node):
                yield from self._inside(value, node)
            if isinstance(node, Task):
                yield from self._task(node)
            elif isinstance(node, ForEach):
                yield from self._loop(node)
            elif isinstance(node, Branch) and node.chooser is not None:
                yield from self._choice(node, node.chooser)

    def _task(self, task: Task) -> Iterator[Finding]:
        for name, wanted in task.input_types.items():
            value = task.inputs.get(name)
            if value is None:
                continue
            span = value.span or task.span
            if isinstance(value, Literal_):
                problem = misfit(value.value, wanted)
                if problem:
                    yield error(
                        "PORT107",
                        f"`{task.id}` takes {describe(wanted)} for `{name}`: {problem}",
                        span,
                        next="pass a value of that type, or change the annotation",
                    )
                continue
            for source in self.sources(value):
                given = self.type_of(source)
                if fits(given, wanted) or _is_readable_as(source, wanted):
                    continue
                yield error(
                    "PORT107",
                    f"`{task.id}` takes {describe(wanted)} for `{name}`, but gets {describe(given)}",
                    span,
                    why=_source(source),
                    next="convert it inside a task, or change one of the two annotations",
                )
                break

    def sources(self, value: Expression) -> Iterator[Expression]:
        """What a value is: what a branch gives is one of several."""
        node = self.nodes[value.node] if isinstance(value, OutputRef) else None
        if isinstance(node, Branch) and isinstance(value, OutputRef):
            for alternative in node.outputs[value.output]:
                yield from self.sources(alternative)
        else:
            yield value

    def _inside(self, value: Expression, node: BodyNode) -> Iterator[Finding]:
        """Parts of an expression that have no value, or always the same. A run may go on without it."""
        for part in graph.parts(value):
            problem = ""
            match part:
                case Compare(operator=operator, left=left, right=right):
                    given, other = _scalar(self.type_of(left)), _scalar(self.type_of(right))
                    texts = {given, other} <= {"string", "timestamp"}
                    if given and other and given != other and not texts:
                        problem = f"compares {given} with {other} by `{operator}`"
                case DateFormat(base=base) | DateShift(base=base):
                    given = _scalar(self.type_of(base))
                    if given and given != "timestamp":
                        problem = f"takes {given} for a timestamp"
            if problem:
                yield warning(
                    "PORT107",
                    f"`{node.id}` {problem}",
                    part.span or node.span,
                    next="convert it inside a task, or correct the value or the annotation",
                )

    def _loop(self, loop: ForEach) -> Iterator[Finding]:
        for value in loop.items.lists:
            given = self.type_of(value)
            if not isinstance(_present(given), ListType | MapType | StructType | AnyType):
                yield error(
                    "PORT107",
                    f"`{loop.id}` goes over {describe(given)}, which is no list",
                    value.span or loop.span,
                    why=_source(value),
                    next="give it a list or a dict, or correct the annotation to `list[...]`",
                )

    def _choice(self, branch: Branch, chooser: Expression) -> Iterator[Finding]:
        given = _present(self.type_of(chooser))
        named = _present(given.item) if isinstance(given, ListType) else given
        if not isinstance(named, StringType | AnyType):
            yield error(
                "PORT107",
                f"`{branch.id}` chooses by {describe(given)}, but arms are named by text",
                chooser.span or branch.span,
                why=_source(chooser),
                next="return the name of an arm, or a list of names; for a condition write `with when(...)`",
            )

    def type_of(self, value: Expression) -> Type:
        """The type of an expression; `any` where nothing is known."""
        match value:
            case ParameterRef(name=name):
                return self.pipeline.parameters[name].type
            case OutputRef(node=node, output=output):
                return self._output_type(self.nodes[node], output)
            case ItemRef(loop=loop):
                found = self.nodes[loop]
                return self.item_type(found) if isinstance(found, ForEach) else ANY
            case Index(base=base, key=key):
                return self._indexed(self.type_of(base), key)
            case RunFact(fact=fact):
                return FACT_TYPES[fact]
            case Default(value=inner, fallback=fallback):
                return self._default_type(self.type_of(inner), self.type_of(fallback))
            case Literal_(value=literal):
                return _literal_type(literal)
            case Compare() | Logic():
                return BooleanType.of()
            case Format() | DateFormat() | TaskState():
                return StringType.of()
            case DataVersion():
                return DATA
            case ListOf(items=items):
                return ListType(item=self._common([self.type_of(item) for item in items]))
            case MapOf(entries=entries):
                values = [self.type_of(item) for item in entries.values()]
                return MapType(value=self._common(values))
            case DateShift():
                return TimestampType.of()
            case _:
                return ANY

    def item_type(self, loop: ForEach) -> Type:
        """The type of a loop's items: as declared, else as its lists give them."""
        if not isinstance(loop.item_type, AnyType) or loop.items.combine != "single":
            return loop.item_type
        given = self.type_of(loop.items.lists[0])
        return given.item if isinstance(given, ListType) else ANY

    def _output_type(self, node: BodyNode, output: str) -> Type:
        match node:
            case Task(outputs=outputs):
                return outputs[output]
            case Group(outputs=references):
                return self.type_of(references[output])
            case ForEach(outputs=references):
                item = self.type_of(references[output])
                return ListType.of(item=item)
            case Branch(outputs=alternatives):
                return self._common([self.type_of(given) for given in alternatives[output]])

    def _common(self, types: list[Type]) -> Type:
        """The type that all of them have; `any` where they differ."""
        first = types[0] if types else ANY
        return first if all(type_ == first for type_ in types) else ANY

    def _indexed(self, base: Type, key: Expression) -> Type:
        match base:
            case ListType(item=item):
                return item
            case MapType(value=value):
                return value
            case StructType(fields=fields) if isinstance(key, Literal_):
                return fields.get(str(key.value), ANY)
            case ArtifactType(artifact="Metrics"):
                return FloatType.of()
            case _:
                return ANY

    def _default_type(self, given: Type, fallback: Type) -> Type:
        given = given.item if isinstance(given, OptionalType) else given
        return given if fits(fallback, given) else ANY


def _is_readable_as(value: Expression, wanted: Type) -> bool:
    """Whether a task may take a version of data as this: its path as text, or JSON that is no scalar."""
    readable = (StringType, ListType, MapType, StructType)
    return isinstance(value, DataVersion) and isinstance(_present(wanted), readable)


def _scalar(type_: Type) -> str:
    """The kind of a scalar type, numbers being one kind; empty for any other type."""
    kind = _present(type_).kind
    if kind in ("integer", "float", "duration"):
        return "number"
    return kind if kind in ("string", "boolean", "timestamp") else ""


def _present(type_: Type) -> Type:
    """The type of a value that is not null."""
    return type_.item if isinstance(type_, OptionalType) else type_


def fill_item_types(pipeline: Pipeline) -> Pipeline:
    """The pipeline with the item type of each loop, where it follows from what the loop goes over."""
    loops = [p.node for p in graph.walk(pipeline) if isinstance(p.node, ForEach)]
    if not loops:
        return pipeline
    checker = TypeChecker(pipeline, {p.node.id: p.node for p in graph.walk(pipeline)})
    types = {loop.id: checker.item_type(loop) for loop in loops}

    def change(node: BodyNode) -> BodyNode:
        if isinstance(node, ForEach):
            return node.model_copy(update={"item_type": types[node.id]})
        return node

    return map_nodes(pipeline, change)


def _literal_type(value: object) -> Type:
    if isinstance(value, list):
        kinds = [_literal_type(item) for item in value]
        same = bool(kinds) and all(kind == kinds[0] for kind in kinds)
        return ListType(item=kinds[0] if same else ANY)
    if isinstance(value, bool):
        return BooleanType.of()
    if isinstance(value, int):
        return IntegerType.of()
    if isinstance(value, float):
        return FloatType.of()
    if isinstance(value, str):
        return StringType.of()
    return ANY


def _source(value: Expression) -> str:
    if isinstance(value, OutputRef):
        return f"it is the output `{value.output}` of `{value.node}`"
    if isinstance(value, ParameterRef):
        return f"it is the pipeline's parameter `{value.name}`"
    return ""
