"""Airflow's templates as expressions: parsed, never rendered; what is not understood is said to be so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from intermodal.frozen import Frozen
from intermodal.ir import (
    DateFormat,
    DateShift,
    Expression,
    Format,
    Index,
    IntegerType,
    ItemRef,
    ListOf,
    Literal_,
    MapOf,
    OutputRef,
    ParameterRef,
    RunFact,
    SourceExpression,
    StringType,
    Type,
)
from intermodal_compilers.airflow.translate.pulls import WORD, pull_of

if TYPE_CHECKING:
    from intermodal_compilers.airflow.translate.context import Context

ENVIRONMENT = Environment(autoescape=False)  # noqa: S701 - it only parses
DAY = "%Y-%m-%d"
SECONDS = "%Y%m%dT%H%M%S"


class NotUnderstoodError(Exception):
    """A template says something that has no neutral expression."""


class Part(Frozen):
    """An expression, and what it gives: `text`, `integer`, `timestamp`, `duration`, or `any`."""

    expression: Expression
    kind: str


class Shift(Frozen):
    """A length of time that a template names; no expression of its own."""

    by: dt.timedelta


def fact(name: Any) -> RunFact:
    """A fact of the run."""
    return RunFact.of(fact=name)


def day(base: Expression, pattern: str = DAY) -> Part:
    """A timestamp as text."""
    return Part(DateFormat.of(base=base, pattern=pattern), "text")


def _shifted(base: Expression, days: int) -> Expression:
    return shift(base, dt.timedelta(days=days))


def shift(base: Expression, by: dt.timedelta) -> Expression:
    """A timestamp moved forwards, or back by a negative length of time."""
    if not by:
        return base
    return DateShift.of(base=base, by=abs(by), backwards=by < dt.timedelta(0))


LOGICAL, START, END = map(fact, ("logical_date", "data_interval_start", "data_interval_end"))
NAMES: Mapping[str, Part] = {
    "ds": day(LOGICAL),
    "ds_nodash": day(LOGICAL, "%Y%m%d"),
    "ts": Part(LOGICAL, "text"),
    "ts_nodash": day(LOGICAL, SECONDS),
    "yesterday_ds": day(_shifted(LOGICAL, -1)),
    "yesterday_ds_nodash": day(_shifted(LOGICAL, -1), "%Y%m%d"),
    "tomorrow_ds": day(_shifted(LOGICAL, 1)),
    "tomorrow_ds_nodash": day(_shifted(LOGICAL, 1), "%Y%m%d"),
    "next_ds": day(END),
    "next_ds_nodash": day(END, "%Y%m%d"),
    "logical_date": Part(LOGICAL, "timestamp"),
    "execution_date": Part(LOGICAL, "timestamp"),
    "next_execution_date": Part(END, "timestamp"),
    "data_interval_start": Part(START, "timestamp"),
    "data_interval_end": Part(END, "timestamp"),
    "run_id": Part(fact("run_id"), "text"),
    "dag.dag_id": Part(fact("pipeline"), "text"),
    "dag_run.dag_id": Part(fact("pipeline"), "text"),
    "ti.dag_id": Part(fact("pipeline"), "text"),
    "task_instance.dag_id": Part(fact("pipeline"), "text"),
    "dag_run.run_id": Part(fact("run_id"), "text"),
    "ti.run_id": Part(fact("run_id"), "text"),
    "task_instance.run_id": Part(fact("run_id"), "text"),
    "dag_run.logical_date": Part(LOGICAL, "timestamp"),
    "dag_run.execution_date": Part(LOGICAL, "timestamp"),
}
OWN_ID = ("task.task_id", "ti.task_id", "task_instance.task_id")
CONF = ("params", "dag_run.conf")


def expression_of(text: str, task: str, context: Context) -> Expression:
    """The expression that a template is.

    Raises:
        NotUnderstoodError: There is none, or it might give other text than Airflow's.
    """
    if "{" not in text:
        return Literal_.of(value=text.removesuffix("\n"))
    try:
        tree = ENVIRONMENT.parse(text)
    except TemplateSyntaxError as problem:
        raise NotUnderstoodError(str(problem)) from problem
    reader = _Reader(task, context)
    found: list[Part] = []
    for node in tree.body:
        if not isinstance(node, nodes.Output):
            raise NotUnderstoodError(type(node).__name__)
        found += [reader.part(one) for one in node.nodes]
    if context.native_templates:
        return _native(found)
    return joined([_as_text(part) for part in found])


def values_of(expression: Expression, task: str, context: Context) -> Expression:
    """A templated argument: the templates in its texts as expressions, at any depth.

    Raises:
        NotUnderstoodError: One of them has none.
    """
    match expression:
        case Literal_(value=str() as text):
            return expression_of(text, task, context)
        case Literal_(value=list() as items):
            return list_of([values_of(Literal_.of(value=i), task, context) for i in items])
        case Literal_(value=dict() as entries):
            inner = {k: values_of(Literal_.of(value=v), task, context) for k, v in entries.items()}
            return map_of(inner)
        case ListOf(items=parts):
            return list_of([values_of(part, task, context) for part in parts])
        case MapOf(entries=given):
            return map_of({k: values_of(v, task, context) for k, v in given.items()})
        case ItemRef(loop=loop) | Index(base=ItemRef(loop=loop)) if loop in context.templated:
            raise NotUnderstoodError("templates among the items of a loop")
        case Literal_() | OutputRef() | Index() | ItemRef():
            return context.resolved(expression)
        case SourceExpression(text=source) if context.is_parameter(source):
            return context.resolved(expression)
        case _:
            raise NotUnderstoodError(type(expression).__name__)


def list_of(items: list[Expression]) -> Expression:
    """A list; a literal where all items are."""
    if all(isinstance(item, Literal_) for item in items):
        return Literal_.of(value=[item.value for item in items if isinstance(item, Literal_)])
    return ListOf.of(items=tuple(items))


def map_of(entries: dict[str, Expression]) -> Expression:
    """A map; a literal where all values are."""
    if all(isinstance(item, Literal_) for item in entries.values()):
        return Literal_.of(
            value={name: item.value for name, item in entries.items() if isinstance(item, Literal_)}
        )
    return MapOf.of(entries=entries)


def joined(parts: list[Expression]) -> Expression:
    """Text made of parts; a literal where all are."""
    found: list[Expression] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Literal_) and isinstance(last, Literal_):
            found[-1] = Literal_.of(value=f"{last.value}{part.value}")
        else:
            found.append(part)
    if not found:
        return Literal_.of(value="")
    if len(found) == 1 and isinstance(found[0], (Literal_, DateFormat)):
        return found[0]
    return Format.of(parts=tuple(found))


def _native(found: list[Part]) -> Expression:
    if len(found) == 1 and found[0].kind == "any":
        return found[0].expression
    if all(isinstance(part.expression, Literal_) for part in found):
        return joined([part.expression for part in found])
    raise NotUnderstoodError("a native template reads its text as Python")


def _as_text(part: Part) -> Expression:
    """The text that Airflow would put there.

    Raises:
        NotUnderstoodError: Python's text for a value is not that of the IR, which is JSON.
    """
    if part.kind in ("text", "integer"):
        return part.expression
    raise NotUnderstoodError(f"the text of a {part.kind}")


def kind_of_type(type_: Type) -> str:
    """The kind of a value of a type."""
    if isinstance(type_, StringType):
        return "text"
    return "integer" if isinstance(type_, IntegerType) else "any"


class _Reader:
    """Reads the nodes of one template."""

    def __init__(self, task: str, context: Context) -> None:
        self.task = task
        self.context = context

    def part(self, node: nodes.Node) -> Part:
        """What a node of a template gives."""
        found = self.value(node)
        if isinstance(found, Part):
            return found
        raise NotUnderstoodError("a length of time")

    def value(self, node: nodes.Node) -> Part | Shift:
        path = dotted(node)
        if path in NAMES:
            return NAMES[path]
        if path in OWN_ID:
            return Part(Literal_.of(value=self.task), "text")
        match node:
            case nodes.TemplateData():
                return Part(Literal_.of(value=node.data), "text")
            case nodes.Const():
                return _constant(node.value)
            case nodes.Getattr() | nodes.Getitem():
                return self._member(node)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Call():
                return self._call(node)
            case nodes.Add() | nodes.Sub():
                return self._moved(node)
            case nodes.Concat():
                texts = [_as_text(self.part(one)) for one in node.nodes]
                return Part(joined(texts), "text")
            case _:
                raise NotUnderstoodError(path or type(node).__name__)

    def _member(self, node: nodes.Getattr | nodes.Getitem) -> Part:
        key = node.attr if isinstance(node, nodes.Getattr) else _text_key(node.arg)
        if dotted(node.node) in CONF and isinstance(key, str):
            return self._parameter(key)
        base = self.part(node.node)
        if base.kind != "any" or isinstance(key, bool) or not isinstance(key, (str, int)):
            raise NotUnderstoodError(f"an item of a {base.kind}")
        return Part(Index.of(base=base.expression, key=Literal_.of(value=key)), "any")

    def _parameter(self, name: str) -> Part:
        if name not in self.context.parameters:
            raise NotUnderstoodError(f"no parameter {name}")
        kind = kind_of_type(self.context.parameters[name].type)
        return Part(ParameterRef.of(name=name), kind)

    def _filter(self, node: nodes.Filter) -> Part:
        if node.node is None or node.args or node.kwargs:
            raise NotUnderstoodError(node.name)
        base = self.part(node.node)
        if base.kind != "timestamp":
            raise NotUnderstoodError(node.name)
        if node.name == "ts":
            return Part(base.expression, "text")
        pattern = {"ds": DAY, "ds_nodash": "%Y%m%d", "ts_nodash": SECONDS}.get(node.name)
        if pattern is None:
            raise NotUnderstoodError(node.name)
        return day(base.expression, pattern)

    def _moved(self, node: nodes.Add | nodes.Sub) -> Part | Shift:
        left, right = self.value(node.left), self.value(node.right)
        sign = 1 if isinstance(node, nodes.Add) else -1
        if isinstance(left, Part) and left.kind == "timestamp" and isinstance(right, Shift):
            return Part(shift(left.expression, sign * right.by), "timestamp")
        raise NotUnderstoodError("arithmetic")

    def _call(self, node: nodes.Call) -> Part | Shift:
        args = [_given(arg) for arg in node.args]
        named = {item.key: _given(item.value) for item in node.kwargs}
        path = dotted(node.node)
        if path == "macros.timedelta":
            return Shift(_timedelta(args, named))
        if path == "macros.ds_add" and len(node.args) == 2 and dotted(node.args[0]) == "ds":
            return day(_shifted(LOGICAL, int(args[1])))
        if path == "macros.ds_format" and dotted(node.args[0]) == "ds" and args[1:2] == [DAY]:
            return _of_day(str(args[2]))
        if path == "dag_run.conf.get" and len(args) == 1:
            return self._parameter(str(args[0]))
        if not isinstance(node.node, nodes.Getattr):
            raise NotUnderstoodError(path)
        if node.node.attr == WORD and dotted(node.node.node) in ("ti", "task_instance"):
            return self._pulled(args, named)
        return _method(self.part(node.node.node), node.node.attr, args, named)

    def _pulled(self, args: list[Any], named: dict[str, Any]) -> Part:
        pull = pull_of(args, named)
        context = self.context
        unknown = set(named) - {"task_ids", "key", "dag_id"} or named.get("dag_id") is not None
        one = pull.tasks[0] if pull.tasks and len(pull.tasks) == 1 else ""
        listed = isinstance(args[0] if args else named.get("task_ids"), (list, tuple))
        if unknown or listed or one not in context.tasks:
            raise NotUnderstoodError(WORD)
        kind = "text" if context.is_text(one, pull.output) else "any"
        return Part(context.pull(self.task, one, pull.output), kind)


def dotted(node: nodes.Node) -> str:
    """A path such as `dag_run.conf`; empty where a node is none."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        base = dotted(node.node)
        return f"{base}.{node.attr}" if base else ""
    return ""


def _text_key(node: nodes.Node) -> Any:
    return node.value if isinstance(node, nodes.Const) else None


def _given(node: nodes.Node) -> Any:
    """The value of an argument; its path where it is a name."""
    try:
        return node.as_const() if isinstance(node, nodes.Expr) else None
    except nodes.Impossible:
        return dotted(node) or None


def _constant(value: Any) -> Part:
    if isinstance(value, str):
        return Part(Literal_.of(value=value), "text")
    if isinstance(value, int) and not isinstance(value, bool):
        return Part(Literal_.of(value=value), "integer")
    return Part(Literal_.of(value=value), "any")


def _timedelta(args: list[Any], named: dict[str, Any]) -> dt.timedelta:
    try:
        return dt.timedelta(*args, **named)
    except TypeError as problem:
        raise NotUnderstoodError("timedelta") from problem


def _of_day(pattern: str) -> Part:
    """The day in another form; what stands for a time of day would be that of midnight."""
    codes = {pattern[i + 1] for i, sign in enumerate(pattern[:-1]) if sign == "%"}
    if codes - set("YymdbBjaAuwUW%"):
        raise NotUnderstoodError("ds_format")
    return day(LOGICAL, pattern)


def _method(base: Part, name: str, args: list[Any], named: dict[str, Any]) -> Part:
    if base.kind != "timestamp":
        raise NotUnderstoodError(name)
    if name == "strftime" and len(args) == 1 and isinstance(args[0], str):
        return day(base.expression, args[0])
    if name == "isoformat" and not args and not named:
        return Part(base.expression, "text")
    if name in ("to_date_string", "date_string"):
        return day(base.expression)
    if name in ("add", "subtract") and not args:
        by = _timedelta([], named)
        return Part(shift(base.expression, by if name == "add" else -by), "timestamp")
    raise NotUnderstoodError(name)
