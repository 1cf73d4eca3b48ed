"""Iterators of the standard library: endless ones, parts, groups and tables."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from typing import Any

from intermodal_compilers.airflow.importer.files import OpenFile
from intermodal_compilers.airflow.importer.iteration import items_of
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.plain import holds_unknown
from intermodal_compilers.airflow.importer.values import Arguments, Generated, Scope, Unknown

Handler = Callable[[Machine, Arguments, ast.AST, Scope], Any]
MOST_ITEMS = 10_000
# How many items stand for those of an endless iterator.
ENDLESS = 2_000


def _count(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    start, step = arguments.get("start", 0, 0), arguments.get("step", 1, 1)
    if not isinstance(start, int) or not isinstance(step, int) or not step:
        return machine.unknown("a count that is not known", node, scope)
    return machine.made(Generated(range(start, start + step * ENDLESS, step)))


def _cycle(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    items = items_of(machine, arguments.get("iterable", 0), node, scope)
    if isinstance(items, Unknown):
        return items
    many = list(items)
    return machine.made(Generated((many * (ENDLESS // max(len(many), 1) + 1))[:ENDLESS]))


def _repeat(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    times = arguments.get("times", 1, ENDLESS)
    if not isinstance(times, int) or times > MOST_ITEMS:
        return machine.unknown("how often it repeats is not known", node, scope)
    return machine.made(Generated([arguments.get("object", 0)] * times))


def _slice(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    many, *bounds = arguments.positional
    if not bounds or not all(isinstance(bound, int | None) for bound in bounds):
        return machine.unknown("a slice that is not known", node, scope)
    why = machine.doubted(many)
    last = bounds[0] if len(bounds) == 1 else bounds[1]
    items = items_of(machine, many, node, scope)
    if isinstance(items, Unknown) or why is not None:
        return machine.unknown(why or "its items are not known", node, scope)
    found = list(items)
    if isinstance(many, Generated) and last is not None:
        many.extend(found[last:])  # what is not taken is still to come
    return Generated(itertools.islice(found, *bounds))


def _groups(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    items = items_of(machine, arguments.get("iterable", 0), node, scope)
    if isinstance(items, Unknown):
        return items
    key = arguments.get("key", 1)
    found: list[tuple[Any, Generated]] = []
    for item in items:
        kind = item if key is None else machine.call(key, Arguments([item], {}), node, scope)
        if holds_unknown(kind):
            return machine.unknown("what it is grouped by is not known", node, scope)
        if not found or found[-1][0] != kind:
            found.append((kind, Generated()))
        found[-1][1].append(item)
    return Generated(found)


def _shuffled(machine: Machine, arguments: Arguments, _: ast.AST, __: Scope) -> None:
    machine.doubt(arguments.get("x", 0), "its order depends on chance")


def _table(kind: str) -> Handler:
    """`csv.reader` and `csv.DictReader` of an open file."""

    def run(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
        import csv

        value = arguments.positional[0] if arguments.positional else None
        lines = value.text.splitlines() if isinstance(value, OpenFile) else value
        named = arguments.named
        plain = isinstance(lines, list) and not holds_unknown(lines) and not holds_unknown(named)
        if not plain or len(arguments.positional) != 1:
            return machine.unknown("a table that is not known", node, scope)
        return Generated(getattr(csv, kind)(lines, **named))

    return run


HANDLERS: dict[str, Handler] = {
    "csv.reader": _table("reader"),
    "csv.DictReader": _table("DictReader"),
    "random.shuffle": _shuffled,
    "itertools.count": _count,
    "itertools.cycle": _cycle,
    "itertools.repeat": _repeat,
    "itertools.islice": _slice,
    "itertools.groupby": _groups,
}
