"""Methods of plain values: text, lists, dicts, sets, dates and paths."""

from __future__ import annotations

import ast
import calendar
import itertools
from datetime import date, datetime, time, timedelta
from pathlib import PurePath
from typing import Any

from intermodal_compilers.airflow.importer import records
from intermodal_compilers.airflow.importer.builtin_calls import text_value
from intermodal_compilers.airflow.importer.files import OpenFile, open_file, resolve
from intermodal_compilers.airflow.importer.iteration import items_of
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.operations import sized
from intermodal_compilers.airflow.importer.plain import holds_unknown
from intermodal_compilers.airflow.importer.sizes import is_bulky
from intermodal_compilers.airflow.importer.truth import same
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Generated,
    Instance,
    RaisedError,
    Scope,
    Unknown,
)

TEXT = frozenset(
    [
        "capitalize",
        "casefold",
        "count",
        "endswith",
        "find",
        "format",
        "index",
        "isalnum",
        "isalpha",
        "isdigit",
        "islower",
        "isnumeric",
        "isspace",
        "isupper",
        "join",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "replace",
        "rfind",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
        "encode",
        "decode",
        "translate",
        "zfill",
        "center",
        "ljust",
        "rjust",
        "expandtabs",
        "format_map",
        "isdecimal",
        "istitle",
        "hex",
        "isidentifier",
    ]
)
LISTS = frozenset(
    [
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "index",
        "count",
        "reverse",
        "copy",
        "sort",
    ]
)
DICTS = frozenset(
    ["get", "items", "keys", "values", "pop", "popitem", "setdefault", "update", "copy", "clear"]
)
SETS = frozenset(
    [
        "add",
        "discard",
        "remove",
        "union",
        "intersection",
        "difference",
        "update",
        "copy",
        "issubset",
        "issuperset",
        "pop",
        "symmetric_difference",
        "isdisjoint",
    ]
)
DATES = frozenset(
    [
        "strftime",
        "isoformat",
        "date",
        "time",
        "replace",
        "weekday",
        "isoweekday",
        "total_seconds",
        "timestamp",
        "timetuple",
    ]
)
PATHS = frozenset(
    [
        "joinpath",
        "with_suffix",
        "with_name",
        "as_posix",
        "relative_to",
        "is_absolute",
        "with_stem",
        "match",
    ]
)
CALENDAR = frozenset({"add", "subtract", "to_date_string"})
PATHS_AS_IS = frozenset({"resolve", "absolute", "expanduser"})
LARGEST = 1_000_000
CHANGING = frozenset(
    [
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "sort",
        "reverse",
        "update",
        "setdefault",
        "popitem",
        "add",
        "discard",
    ]
)

ADDING = ("append", "insert", "extend")
MOST_FILES = 10_000
PADDING = ("zfill", "center", "ljust", "rjust", "expandtabs")
WIDEST = 10_000
# Methods whose result depends on all that a container holds.
TAKING = frozenset({"pop", "popitem", "index", "count", "issubset", "issuperset", "isdisjoint"})

ALLOWED: dict[type, frozenset[str]] = {
    str: TEXT, bytes: TEXT, list: LISTS, tuple: frozenset({"index", "count"}), dict: DICTS,
    set: SETS, frozenset: SETS, int: frozenset({"bit_length"}),
    datetime: DATES, date: DATES, time: DATES, timedelta: DATES,
}  # fmt: skip


def call_method(
    machine: Machine, owner: Any, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """Call a method of a plain value.

    Raises:
        RaisedError: It raises for these values.
    """
    if isinstance(owner, PurePath):
        return _of_path(machine, owner, name, arguments, node, scope)
    if isinstance(owner, OpenFile):
        return _of_file(machine, owner, name, node, scope)
    if isinstance(owner, Instance) and owner.of.is_tuple():
        return records.of_tuple(machine, owner, name, arguments, node, scope)
    if isinstance(owner, datetime) and name in CALENDAR:
        return _moved(machine, owner, name, arguments, node, scope)
    kind = dict if isinstance(owner, dict) else type(owner)
    if name not in ALLOWED.get(kind, ()):
        return machine.unknown(f"`.{name}(...)` is not evaluated", node, scope)
    if arguments.rest is not None:
        if name in CHANGING:
            machine.doubt(owner, arguments.rest.reason)
        return machine.unknown(arguments.rest.reason, node, scope)
    if isinstance(owner, str | bytes):
        return _of_text(machine, owner, name, arguments, node, scope)
    if name in ("extend", "update", "sort"):
        return _of_many(machine, owner, name, arguments, node, scope)
    return _run(machine, owner, name, arguments, node, scope)


def _of_text(
    machine: Machine, owner: Any, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    values = [text_value(value) for value in arguments.positional]
    doubts = [why for value in values if (why := machine.doubted(value)) is not None]
    problem = doubts[0] if doubts else _doubtful(owner, name, values, arguments.named)
    if problem:
        return machine.unknown(problem, node, scope)
    return _run(machine, owner, name, Arguments(values, arguments.named), node, scope)


def _of_many(
    machine: Machine, owner: Any, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """Methods that take, or go through, many items at once."""
    values, named = list(arguments.positional), arguments.named
    if name == "sort":
        from intermodal_compilers.airflow.importer.builtin_calls import call_builtin

        done = call_builtin(machine, "sorted", Arguments([owner], named), node, scope)
        if isinstance(done, list):
            owner[:] = done
        else:
            machine.doubt(owner, "its order is not known")
        return None
    for number, value in enumerate(values):
        if isinstance(value, list | tuple | set | dict) and not isinstance(value, Generated):
            continue
        items = items_of(machine, value, node, scope)
        if isinstance(items, Unknown):
            machine.doubt(owner, items.reason)
            return None
        values[number] = list(items)
    if len(owner) + sum(map(sized, values)) > LARGEST:
        machine.doubt(owner, "too large to work out")
        return None
    return _run(machine, owner, name, Arguments(values, named), node, scope)


def _run(
    machine: Machine, owner: Any, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    values, named = arguments.positional, arguments.named
    if isinstance(owner, dict) and name in CHANGING and not machine.certain_to(owner):
        return _may_change(machine, owner, name, arguments, node, scope)
    if not isinstance(owner, str | bytes) and name not in ADDING and any(map(is_bulky, values)):
        if name in CHANGING:
            machine.doubt(owner, "too large to work out")
        return machine.unknown("too large to work out", node, scope)
    why = machine.doubted(owner)
    if why is not None and (name in TAKING or (name == "get" and values[0] not in owner)):
        return machine.unknown(why, node, scope)
    try:
        done = getattr(owner, name)(*values, **named)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as problem_:
        if why is not None:
            return machine.unknown(why, node, scope)
        if any(holds_unknown(value) for value in (*values, *named.values())):
            return machine.unknown("made of unknown values", node, scope)
        raise RaisedError(
            type(problem_).__name__, str(problem_), scope.module.span(node)
        ) from problem_
    if name in CHANGING:
        machine.doubt(owner)
        machine.inherit(owner, *values)
    if name not in ("items", "keys", "values"):
        return done
    return machine.inherit(list(done), owner)


def _of_file(machine: Machine, owner: OpenFile, name: str, node: ast.AST, scope: Scope) -> Any:
    if name == "read":
        return owner.text
    if name == "readlines":
        return owner.text.splitlines(keepends=True)
    return None if name in ("close", "seek") else machine.unknown(f"`.{name}(...)`", node, scope)


def _moved(
    machine: Machine, owner: datetime, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """`add`, `subtract` and texts of pendulum's moments."""
    named = dict(arguments.named)
    if name == "to_date_string":
        return owner.strftime("%Y-%m-%d")
    if arguments.positional or not all(isinstance(value, int) for value in named.values()):
        return machine.unknown(f"`.{name}(...)` of a moment", node, scope)
    sign = 1 if name == "add" else -1
    months = sign * (12 * named.pop("years", 0) + named.pop("months", 0)) + owner.month - 1
    try:
        year, month = owner.year + months // 12, months % 12 + 1
        day = min(owner.day, calendar.monthrange(year, month)[1])
        return owner.replace(year=year, month=month, day=day) + sign * timedelta(**named)
    except (TypeError, ValueError, OverflowError) as problem:
        raise RaisedError(
            type(problem).__name__, str(problem), scope.module.span(node)
        ) from problem


def _may_change(
    machine: Machine, owner: Any, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """A change of a dict that may not happen: what it would change is not known."""
    maybe = machine.unknown(machine.uncertain[-1], node, scope)
    machine.doubt(owner)
    touched: dict[Any, Any] = dict(arguments.named)
    for value in arguments.positional if name == "update" else ():
        touched |= value if isinstance(value, dict) else {}
    if name in ("pop", "setdefault") and arguments.positional:
        touched = dict.fromkeys(arguments.positional[:1])
    elif name in ("clear", "popitem"):
        touched = dict.fromkeys(owner)
    for key, value in touched.items():
        if name != "pop" or key in owner:
            owner[key] = value if same(owner.get(key), value) else maybe
    return None if name in ("update", "clear") else maybe


def _doubtful(owner: Any, name: str, values: list[Any], named: dict[str, Any]) -> str:
    """Why the text that comes out cannot be told, or an empty text."""
    for value in (*values, *named.values()):
        if holds_unknown(value):
            found = value if isinstance(value, Unknown) else None
            return found.reason if found else "text made of unknown values"
    if name in ("format", "format_map") and (":" in owner or ("." in owner and "{" in owner)):
        import re

        if re.search(r"\{[^}]*\d{5}", owner) or re.search(r"\{[^}]*[._]_|\{[^{}]*\{", owner):
            return "a format that is not evaluated"
    if name in PADDING and any(isinstance(value, int) and value > WIDEST for value in values):
        return "too large to work out"
    given = sum(len(str(value)) for value in (*values, *named.values()))
    if name in ("replace", "join", "format") and (len(owner) + 1) * given > LARGEST * 10:
        return "too large to work out"
    return ""


def _of_path(
    machine: Machine, owner: PurePath, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    values = arguments.positional
    if name in PATHS_AS_IS:
        return owner
    if name in ("exists", "is_file", "is_dir"):
        found = resolve(machine, owner, scope)
        if found is None:
            return machine.unknown("a file that is not in the repository", node, scope)
        return found.exists() if name == "exists" else getattr(found, name)()
    if name in ("read_text", "open"):
        opened = open_file(machine, owner, node, scope)
        return opened.text if name == "read_text" and isinstance(opened, OpenFile) else opened
    if name in ("glob", "rglob", "iterdir"):
        found = resolve(machine, owner, scope)
        if found is None or (values and not isinstance(values[0], str)):
            return machine.unknown("a folder that is not in the repository", node, scope)
        try:
            listed = found.iterdir() if name == "iterdir" else getattr(found, name)(*values)
            return sorted(itertools.islice(listed, MOST_FILES))
        except (OSError, ValueError, NotImplementedError, RuntimeError):
            return machine.unknown("a folder that cannot be listed", node, scope)
    if name in PATHS and all(isinstance(value, str | PurePath) for value in values):
        try:
            return getattr(owner, name)(*values)
        except ValueError as problem:
            raise RaisedError("ValueError", str(problem), scope.module.span(node)) from problem
    return machine.unknown(f"`.{name}(...)` of a path", node, scope)
