"""From read values to expressions of the IR: data as it is, everything else as the source that makes it."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from intermodal.findings import Span
from intermodal.frozen import Frozen
from intermodal.ir import Expression, Index, ListOf, Literal_, MapOf, OutputRef, SourceExpression
from intermodal_compilers.airflow.importer.bindings import Bindings, is_plain_path
from intermodal_compilers.airflow.importer.functions import (
    Needs,
    free_names,
    module_of,
    needs_of,
    text_of,
)
from intermodal_compilers.airflow.importer.model import (
    Built,
    FunctionSource,
    NotKnown,
    ReadArgument,
    ReadDag,
    Reference,
    SetOf,
    TaskOutput,
)

AIRFLOW = "airflow"
# What a function under `@dag` has for its own parameters; in the DAG's `with`, `dag.param("name")` gives it.
DAG_PARAMETER = "airflow.dag.param"
INFIX = {"operator.or_": "|", "operator.and_": "&"}
LARGEST_INTEGER = 2**53


class HoleError(Exception):
    """A value that cannot be written down; `reason` says why, for the user."""

    def __init__(self, reason: str, span: Span | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span


class Text(Frozen):
    """An expression of Python, with what it needs."""

    text: str
    needs: Needs = Needs()


class Writer:
    """Writes the values of one DAG's file.

    Attributes:
        items: What the arguments of mapped groups are for the task whose values are written.
    """

    def __init__(self, dag: ReadDag) -> None:
        self.dag = dag
        self.module = module_of(dag.file, dag.module)
        self.bindings = Bindings(self.module)
        self.items: Mapping[str, Expression] = {}

    @property
    def is_for_3(self) -> bool:
        """Whether the file imports what only Airflow 3 has."""
        imports = self.module.imports.values() if self.module else ()
        return any(found.module.startswith("airflow.sdk") for found in imports)

    def argument(self, argument: ReadArgument) -> Expression:
        """An argument's value; as it was written where only the file itself can tell.

        Raises:
            HoleError: Neither can be had.
        """
        try:
            return self.expression(argument.value, argument.span)
        except HoleError:
            written = self._as_written(argument.source)
            if written is None:
                raise
            return written

    def expression(self, value: Any, span: Span | None = None) -> Expression:
        """A value as an expression.

        Raises:
            HoleError: It cannot be written down.
        """
        if is_json(value):
            return Literal_.of(value=as_json(value), span=span)
        if isinstance(value, TaskOutput):
            item = self._item(value.key or "") if value.how == "item" else None
            if item is not None:
                return item
            return output_of(value, span)
        if isinstance(value, tuple):
            items = tuple(self.expression(item, span) for item in value)
            return ListOf.of(items=items, span=span)
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            entries = {key: self.expression(item, span) for key, item in value.items()}
            return MapOf.of(entries=entries, span=span)
        if isinstance(value, NotKnown):
            written = self._as_written(value.source)
            if written is None:
                raise HoleError(value.reason, value.span)
            return written
        return self.source(self.text(value), span)

    def _item(self, name: str) -> Expression | None:
        """What an argument of a mapped group is, by its name; of maps, the value of that name."""
        maps = self.items.get("*")
        if maps is not None and name not in self.items:
            return Index.of(base=maps, key=Literal_.of(value=name))
        return self.items.get(name)

    def source(self, text: Text, span: Span | None = None) -> SourceExpression:
        """Python's text as an expression of the IR."""
        if text.needs.missing:
            names = ", ".join(f"`{name}`" for name in text.needs.missing[:3])
            raise HoleError(f"it needs {names}, which cannot be taken along", span)
        return SourceExpression.of(
            ecosystem=AIRFLOW,
            text=text.text,
            imports=text.needs.imports,
            definitions=text.needs.definitions,
            local_modules=self._local(text.needs.imports),
            span=span,
        )

    def _local(self, imports: tuple[str, ...]) -> tuple[str, ...]:
        found = {module for text in imports for module in imported_modules(text)}
        return tuple(sorted(found & self.dag.local))

    def _as_written(self, source: str) -> SourceExpression | None:
        """The user's own expression, if it takes all its names from the top of the file."""
        if not source or self.module is None:
            return None
        try:
            ast.parse(source.strip(), mode="eval")
        except (SyntaxError, ValueError):
            return None
        needs = needs_of(self.module, free_names(source), self.dag.made)
        if needs.missing:
            return None
        return self.source(Text(" ".join(source.split()) if _is_flat(source) else source, needs))

    # Python's text of a value

    def text(self, value: Any) -> Text:
        """A value as an expression of Python.

        Raises:
            HoleError: It cannot be written down.
        """
        if value is None or isinstance(value, (bool, int, str, bytes)):
            return Text(repr(value))
        if isinstance(value, float):
            return Text(repr(value)) if math.isfinite(value) else Text(f"float({str(value)!r})")
        for kind, write in WRITERS.items():
            if isinstance(value, kind):
                return write(self, value)
        if isinstance(value, NotKnown):
            written = self._as_written(value.source)
            if written is not None:
                return Text(written.text, Needs(written.imports, written.definitions))
            raise HoleError(value.reason, value.span)
        raise HoleError(f"a {type(value).__name__} is no value that can be written down")

    def named(self, path: str) -> Text:
        """Something imported, by its full path."""
        if not is_plain_path(path):
            raise HoleError(f"`{path}` is no plain name")
        named = self.bindings.named(path)
        return Text(named.text, Needs((named.imported,)))

    def call(self, path: str, /, *parts: Text, **keywords: Text) -> Text:
        """A call of something imported."""
        called = self.named(path)
        inside = [part.text for part in parts]
        inside += [f"{name}={part.text}" for name, part in keywords.items()]
        needs = sum((p.needs for p in (*parts, *keywords.values())), start=called.needs)
        return Text(f"{called.text}({', '.join(inside)})", needs)

    def _reference(self, value: Reference) -> Text:
        return self.named(value.path)

    def _built(self, value: Built) -> Text:
        if value.path == DAG_PARAMETER:
            name, default = value.arguments
            given = Text("") if default is None else self.text(default)
            return Text(f"dag.param({name!r}{given.text and f', {given.text}'})", given.needs)
        if value.path in INFIX:
            left, right = (self.text(part) for part in value.arguments)
            text = f"({left.text}) {INFIX[value.path]} ({right.text})"
            return Text(ast.unparse(ast.parse(text, mode="eval")), left.needs + right.needs)
        parts = [self.text(part) for part in value.arguments]
        keywords = {name: self.text(part) for name, part in value.named.items()}
        if not all(name.isidentifier() for name in keywords):
            raise HoleError("a keyword that is no name")
        # The reader calls an attribute of what a call gives `a.B().name`, with the arguments of the call.
        path, _, attribute = value.path.partition("().")
        made = self.call(path, *parts, **keywords)
        if not attribute:
            return made
        if not is_plain_path(attribute):
            raise HoleError(f"`{value.path}` is no plain name")
        return Text(f"{made.text}.{attribute}", made.needs)

    def _function(self, value: FunctionSource) -> Text:
        """A function of the user's: its name, with its definition."""
        if value.file != self.dag.file and value.at_top and value.module in self.dag.local:
            name = f"{value.name}.function" if value.decorated else value.name
            return Text(name, Needs((f"from {value.module} import {value.name}",)))
        module = module_of(value.file, value.module)
        if module is None:
            raise HoleError(f"the source of `{value.name}` cannot be read", value.span)
        if value.source:
            return Text(value.source, self._needs(value, module, value.source))
        own = text_of(value, module)
        if not own:
            raise HoleError(f"the source of `{value.name}` cannot be read", value.span)
        needs = self._needs(value, module, own)
        return Text(value.name, needs + Needs((), (own,)))

    def _needs(self, value: FunctionSource, module: Any, own: str) -> Needs:
        names = free_names(own)
        closure = {name: value.closure[name] for name in value.closure if name in names}
        made = self.dag.made if value.file == self.dag.file else frozenset()
        needs = needs_of(module, names - closure.keys() - {value.name}, made)
        for name, held in closure.items():
            text = self.text(held)
            if isinstance(held, FunctionSource) and text.text == name:
                needs = needs + text.needs
            else:
                needs = needs + text.needs + Needs((), (f"{name} = {text.text}\n",))
        return needs

    def _items(self, value: tuple[Any, ...]) -> Text:
        parts = [self.text(item) for item in value]
        needs = sum((part.needs for part in parts), start=Needs())
        return Text(f"[{', '.join(part.text for part in parts)}]", needs)

    def _set(self, value: Any) -> Text:
        items = value.items if isinstance(value, SetOf) else sorted(value, key=repr)
        found = self._items(tuple(items))
        return Text(f"{{{found.text[1:-1]}}}" if items else "set()", found.needs)

    def _map(self, value: Mapping[Any, Any]) -> Text:
        pairs = [(self.text(key), self.text(item)) for key, item in value.items()]
        needs = sum((p.needs for pair in pairs for p in pair), start=Needs())
        return Text(f"{{{', '.join(f'{k.text}: {v.text}' for k, v in pairs)}}}", needs)

    def _duration(self, value: timedelta) -> Text:
        keywords = {name: Text(repr(number)) for name, number in duration_words(value).items()}
        return self.call("datetime.timedelta", **keywords)

    def _moment(self, value: datetime) -> Text:
        numbers = [value.year, value.month, value.day, value.hour, value.minute, value.second]
        if value.microsecond:
            numbers.append(value.microsecond)
        while len(numbers) > 3 and not numbers[-1]:
            numbers.pop()
        parts = [Text(str(number)) for number in numbers]
        if value.tzinfo is None:
            return self.call("datetime.datetime", *parts)
        return self.call("pendulum.datetime", *parts, tz=Text(repr(zone_name(value.tzinfo))))

    def _day(self, value: date) -> Text:
        return self.call(
            "datetime.date", *(Text(str(n)) for n in (value.year, value.month, value.day))
        )

    def _clock(self, value: time) -> Text:
        numbers = [value.hour, value.minute, value.second]
        while len(numbers) > 1 and not numbers[-1]:
            numbers.pop()
        zone = {} if value.tzinfo is None else {"tzinfo": self._zone(value.tzinfo)}
        return self.call("datetime.time", *(Text(str(n)) for n in numbers), **zone)

    def _zone(self, value: tzinfo) -> Text:
        return self.call("pendulum.timezone", Text(repr(zone_name(value))))


WRITERS: Mapping[Any, Callable[[Writer, Any], Text]] = {
    Reference: Writer._reference,
    Built: Writer._built,
    FunctionSource: Writer._function,
    tuple: Writer._items,
    (SetOf, frozenset): Writer._set,
    Mapping: Writer._map,
    timedelta: Writer._duration,
    datetime: Writer._moment,
    date: Writer._day,
    time: Writer._clock,
    tzinfo: Writer._zone,
}


def imported_modules(text: str) -> set[str]:
    """The modules that an import statement names, and those around them."""
    node = ast.parse(text).body[0]
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        return {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()


def output_of(value: TaskOutput, span: Span | None) -> OutputRef:
    """A task's output.

    Raises:
        HoleError: Several outputs put together, or one that a function changes.
    """
    if value.how not in ("plain", "task") or len(value.tasks) != 1:
        raise HoleError(f"outputs put together by `.{value.how}`", span)
    return OutputRef.of(node=value.tasks[0], output=value.key or "return", span=span)


def is_json(value: Any) -> bool:
    """Whether a value can stand in a document of JSON, unchanged."""
    if isinstance(value, tuple):
        return all(map(is_json, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) for key in value) and all(map(is_json, value.values()))
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= LARGEST_INTEGER
    return value is None or isinstance(value, (bool, str))


def as_json(value: Any) -> Any:
    """A value with lists for tuples."""
    if isinstance(value, tuple):
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    return value


def duration_words(value: timedelta) -> dict[str, float]:
    """The arguments of `timedelta` that say a duration most simply."""
    seconds = value.total_seconds()
    for word, unit in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds and seconds % unit == 0:
            return {word: int(seconds // unit)}
    return {"seconds": int(seconds) if seconds == int(seconds) else seconds}


def zone_name(zone: tzinfo) -> str:
    """A time zone's name, as pendulum takes it."""
    name = getattr(zone, "key", None) or getattr(zone, "name", None)
    if isinstance(name, str):
        return name
    shown = str(zone)
    return "UTC" if shown in ("UTC", "utc") else shown.removeprefix("UTC")


def _is_flat(source: str) -> bool:
    """Whether line breaks of an expression stand between its tokens only."""
    return "\n" in source and '"""' not in source and "'''" not in source and "#" not in source
