"""Expressions of the IR as users write them; those without words of their own as nodes of the IR."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from intermodal import ir
from intermodal.authoring.handles import TaskHandle
from intermodal_compilers.pysource import (
    Attribute,
    Call,
    Expr,
    Lines,
    Name,
    Operation,
    Subscript,
    Value,
    call,
    dict_of,
    is_identifier,
    list_of,
    timedelta_expr,
)
from intermodal_compilers.writing.names import ModuleNames, next_free, variable
from intermodal_compilers.writing.policies import secret
from intermodal_compilers.writing.raw import raw
from intermodal_compilers.writing.sources import Sources

FACTS: Mapping[str, str] = {"run_id": "id"}
"""Facts of a run whose attributes have other names."""

MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
TAKEN_ATTRIBUTES = frozenset(dir(TaskHandle))


class Written(NamedTuple):
    """An expression in Python.

    Attributes:
        expr: The expression.
        handle: Whether it is a handle: may be compared, indexed and joined.
        literal: Whether it is a plain value, of which Python would make something by itself.
    """

    expr: Expr
    handle: bool = False
    literal: bool = False


@dataclass
class Expressions:
    """Writes the expressions of one pipeline.

    Attributes:
        names: Names of the module.
        parameters: Variables of the pipeline's parameters, by their names.
        tasks: Variables of tasks and regions that exist so far, by id.
        outputs: What each task gives, by id.
        items: Variables of the items of the loops that were begun, by the loop's id.
        ranks: In which order these were written.
        given: What stands for an output of a region, by its id and the output's name.
        sources: How values of hosted tasks are written.
    """

    names: ModuleNames
    parameters: Mapping[str, str]
    tasks: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Mapping[str, ir.Type]] = field(default_factory=dict)
    items: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    ranks: dict[str, int] = field(default_factory=dict)
    given: dict[tuple[str, str], Expr] = field(default_factory=dict)
    sources: Sources | None = None

    def name(self, node: str, variable: str) -> None:
        """Note the variable of a task or region that has just been written."""
        self.tasks[node] = variable
        self.ranks[node] = len(self.ranks)

    def of(self, expression: ir.Expression) -> Expr:
        """The expression, where any value may stand."""
        return self.written(expression).expr

    def value(self, expression: ir.Expression) -> Expr:
        """The expression, where a literal would be misread."""
        made = self.written(expression)
        return raw(expression, self.names) if made.literal else made.expr

    def condition(self, expression: ir.Expression) -> Expr:
        """The expression, where a handle has to stand."""
        made = self.written(expression)
        return made.expr if made.handle else raw(expression, self.names)

    def written(self, expression: ir.Expression) -> Written:
        """The expression, with what may be done with it."""
        writer = WRITERS.get(type(expression))
        made = writer(self, expression) if writer else None
        return made or Written(raw(expression, self.names))

    def reference(self, reference: ir.OutputRef) -> Expr | None:
        """What stands for an output; None where its task is not written yet."""
        known = self.given.get((reference.node, reference.output))
        if known is not None:
            return known
        task = self.tasks.get(reference.node)
        outputs = self.outputs.get(reference.node)
        if task is None or outputs is None or reference.output not in outputs:
            return None
        if reference.output == "return":
            return Name(task)
        if is_identifier(reference.output) and not _is_taken(reference.output):
            return Attribute(Name(task), reference.output)
        return Subscript(Name(task), Value(reference.output))

    def waited(self, node: str) -> Expr:
        """What stands for a node in `after`."""
        task, item = self.tasks.get(node), self.items.get(node)
        if task is not None:
            return Name(task)
        if item is not None:
            return Name(item if isinstance(item, str) else item[0])
        return raw(ir.OutputRef.of(node=node), self.names)

    def _base(self, expression: ir.Expression) -> Expr | None:
        made = self.written(expression)
        return made.expr if made.handle else None


def _is_taken(name: str) -> bool:
    return name in TAKEN_ATTRIBUTES or name.startswith("_")


def _literal(_: Expressions, expression: ir.Literal_) -> Written:
    return Written(Value(expression.value), literal=True)


def _parameter(writer: Expressions, expression: ir.ParameterRef) -> Written | None:
    name = writer.parameters.get(expression.name)
    return Written(Name(name), handle=True) if name else None


def _output(writer: Expressions, expression: ir.OutputRef) -> Written | None:
    made = writer.reference(expression)
    return Written(made, handle=True) if made is not None else None


def _item(writer: Expressions, expression: ir.ItemRef) -> Written | None:
    item = writer.items.get(expression.loop)
    return Written(Name(item), handle=True) if isinstance(item, str) else None


def _fact(writer: Expressions, expression: ir.RunFact) -> Written:
    fact = FACTS.get(expression.fact, expression.fact)
    return Written(Name(f"{writer.names.ours('run')}.{fact}"), handle=True)


def _state(writer: Expressions, expression: ir.TaskState) -> Written | None:
    task = writer.tasks.get(expression.node)
    if task is None:
        return None
    return Written(call(writer.names.ours("state_of"), Name(task)), handle=True)


def _secret(writer: Expressions, expression: ir.SecretRef) -> Written:
    return Written(secret(expression, writer.names))


def _data(writer: Expressions, expression: ir.DataVersion) -> Written:
    """`data("s3://bucket/rows.csv", version="3Lg")`: what is pinned, wherever that was read."""
    algorithm, _, hash_ = expression.digest.partition(":")
    options = {"version": expression.version, "remote": expression.remote}
    options["sha256" if algorithm == "sha256" else "digest"] = (
        hash_ if algorithm == "sha256" else expression.digest
    )
    given = {name: Value(text) for name, text in options.items() if text}
    return Written(call(writer.names.ours("data"), Value(expression.uri), **given))


def _path(writer: Expressions, expression: ir.PathRef) -> Written:
    return Written(call(writer.names.ours(f"{expression.direction}_path"), Value(expression.name)))


def _input(writer: Expressions, expression: ir.InputRef) -> Written:
    return Written(call(writer.names.ours("input_value"), Value(expression.name)))


def _compare(writer: Expressions, expression: ir.Compare) -> Written | None:
    left, right = writer.written(expression.left), writer.written(expression.right)
    for side in (expression.left, expression.right):
        if isinstance(side, ir.Literal_) and (side.value is None or isinstance(side.value, bool)):
            writer.names.compares_constants = True
    if expression.operator in ("in", "not in"):
        inside = call(writer.names.ours("is_in"), left.expr, right.expr)
        whole = inside if expression.operator == "in" else Operation("~", (inside,))
        return Written(whole, handle=True)
    if left.handle:
        return Written(Operation(expression.operator, (left.expr, right.expr)), handle=True)
    if not right.handle or not left.literal:
        return None
    mirrored = MIRRORED[expression.operator]
    return Written(Operation(mirrored, (right.expr, left.expr)), handle=True)


def _logic(writer: Expressions, expression: ir.Logic) -> Written | None:
    parts = [writer.written(operand) for operand in expression.operands]
    if not parts[0].handle or (len(parts) == 1) != (expression.operator == "not"):
        return None
    operator = {"and": "&", "or": "|", "not": "~"}[expression.operator]
    return Written(Operation(operator, tuple(part.expr for part in parts)), handle=True)


def _index(writer: Expressions, expression: ir.Index) -> Written | None:
    base, key = expression.base, expression.key
    if isinstance(base, ir.ItemRef) and isinstance(items := writer.items.get(base.loop), tuple):
        place = key.value if isinstance(key, ir.Literal_) else None
        if type(place) is not int or not 0 <= place < len(items):
            return None
        return Written(Name(items[place]), handle=True)
    known = writer.outputs.get(base.node, {}) if isinstance(base, ir.OutputRef) else {}
    if isinstance(key, ir.Literal_) and isinstance(key.value, str) and key.value in known:
        return None  # the key would be read as the name of an output
    made = writer._base(base)
    if made is None:
        return None
    return Written(Subscript(made, writer.of(key)), handle=True)


def _shift(writer: Expressions, expression: ir.DateShift) -> Written | None:
    base = writer._base(expression.base)
    if base is None or expression.by < timedelta(0):
        return None
    by = timedelta_expr(expression.by)
    moved = Call(Name(writer.names.need("datetime", "timedelta")), (), by.keywords)
    operator = "-" if expression.backwards else "+"
    return Written(Operation(operator, (base, moved)), handle=True)


def _date(writer: Expressions, expression: ir.DateFormat) -> Written | None:
    base = writer._base(expression.base)
    if base is None:
        return None
    return Written(Call(Attribute(base, "strftime"), (Value(expression.pattern),)), handle=True)


def _default(writer: Expressions, expression: ir.Default) -> Written:
    parts = (writer.of(expression.value), writer.of(expression.fallback))
    return Written(call(writer.names.ours("default"), *parts), handle=True)


def _list(writer: Expressions, expression: ir.ListOf) -> Written:
    items = [writer.of(item) for item in expression.items]
    return Written(list_of(items), literal=True)


def _map(writer: Expressions, expression: ir.MapOf) -> Written:
    entries = {key: writer.of(value) for key, value in expression.entries.items()}
    return Written(dict_of(entries), literal=True)


def _format(writer: Expressions, expression: ir.Format) -> Written:
    """`text("{day:%Y}/{name}", day=run.logical_date, name=name)`."""
    template, values = "", dict[str, Expr]()
    for part in expression.parts:
        if isinstance(part, ir.Literal_) and isinstance(part.value, str):
            template += part.value.replace("{", "{{").replace("}", "}}")
            continue
        base, pattern = part, ""
        if isinstance(part, ir.DateFormat) and _fits_a_template(part.pattern):
            base, pattern = part.base, f":{part.pattern}"
        value = writer.of(base)
        name = next((known for known, given in values.items() if given == value), None)
        if name is None:
            name = next_free([_called(base)], values, ("template",))
            values[name] = value
        template += "{" + name + pattern + "}"
    return Written(Call(Name(writer.names.ours("text")), (Value(template),), values), handle=True)


def _source(writer: Expressions, expression: ir.SourceExpression) -> Written | None:
    found = writer.sources.of(expression) if writer.sources else None
    if found is None:
        return None
    if found.by_name:
        return Written(Name(found.text))
    keywords = {"imports": list_of(map(Value, found.imports))} if found.imports else {}
    quoted = Lines(found.text, whole=True) if "\n" in found.text else Value(found.text)
    return Written(Call(Name(writer.names.ours("source")), (quoted,), keywords))


def _fits_a_template(pattern: str) -> bool:
    return bool(pattern) and not {"{", "}"} & set(pattern)


def _called(expression: ir.Expression) -> str:
    """What a value is called in a template."""
    match expression:
        case ir.ParameterRef(name=name) | ir.SecretRef(name=name):
            return variable(name)
        case ir.OutputRef(node=node, output=output):
            return variable(node if output == "return" else output)
        case ir.TaskState(node=node):
            return variable(f"{node}_state")
        case ir.RunFact(fact=fact):
            return fact
        case ir.ItemRef():
            return "item"
        case ir.Index(key=ir.Literal_(value=str() as key)):
            return variable(key)
        case ir.DateShift(base=base) | ir.DateFormat(base=base) | ir.Default(value=base):
            return _called(base)
        case ir.Index(base=base):
            return _called(base)
    return "value"


WRITERS: Mapping[type[ir.Node], Callable[..., Written | None]] = {
    ir.Literal_: _literal,
    ir.ParameterRef: _parameter,
    ir.OutputRef: _output,
    ir.ItemRef: _item,
    ir.RunFact: _fact,
    ir.TaskState: _state,
    ir.SecretRef: _secret,
    ir.DataVersion: _data,
    ir.PathRef: _path,
    ir.InputRef: _input,
    ir.Format: _format,
    ir.Compare: _compare,
    ir.Logic: _logic,
    ir.Index: _index,
    ir.DateShift: _shift,
    ir.DateFormat: _date,
    ir.Default: _default,
    ir.ListOf: _list,
    ir.MapOf: _map,
    ir.SourceExpression: _source,
}
"""How each kind is written; None where nothing but the node itself says it."""
