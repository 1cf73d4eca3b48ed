"""What each kind of expression gives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from intermodal_compilers.airflow.importer import builtin_calls
from intermodal_compilers.airflow.importer.binding import lookup, store
from intermodal_compilers.airflow.importer.classes import function_of
from intermodal_compilers.airflow.importer.iteration import items_of
from intermodal_compilers.airflow.importer.machine import Evaluate, Machine
from intermodal_compilers.airflow.importer.operations import binary, compare
from intermodal_compilers.airflow.importer.plain import PRINTABLE, holds_unknown
from intermodal_compilers.airflow.importer.sizes import is_bulky
from intermodal_compilers.airflow.importer.subscripts import item_of
from intermodal_compilers.airflow.importer.truth import same
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    External,
    Generated,
    Instance,
    RaisedError,
    Scope,
    Symbolic,
    Unknown,
    is_unknown,
)

LARGEST = 1_000_000
WIDE = re.compile(r"\d{5}")


def name(machine: Machine, node: ast.Name, scope: Scope) -> Any:
    """A name: of the file, of Python itself, or not known."""
    found, value = lookup(scope, node.id)
    if found:
        return value
    if node.id in builtin_calls.NAMES:
        return External(f"builtins.{node.id}")
    return machine.unknown(f"`{node.id}` is not defined in what was read", node, scope)


def attribute(machine: Machine, node: ast.Attribute, scope: Scope) -> Any:
    """`a.b`."""
    return machine.attribute(machine.evaluate(node.value, scope), node.attr, node, scope)


def joined(machine: Machine, node: ast.JoinedStr, scope: Scope) -> Any:
    """An f-string: known where all its parts are."""
    parts: list[str] = []
    length = 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
            continue
        assert isinstance(part, ast.FormattedValue)
        value = machine.evaluate(part.value, scope)
        shown = _shown(machine, value, part, scope)
        if shown is None:
            reason = _why(value) if is_unknown(value) else "its text is not known"
            return machine.unknown(reason, node, scope)
        parts.append(shown)
        length += len(shown)
        if length > LARGEST:
            return machine.unknown("too large to work out", node, scope)
    return "".join(parts)


def _shown(machine: Machine, value: Any, part: ast.FormattedValue, scope: Scope) -> str | None:
    value = builtin_calls.text_value(value)
    if isinstance(value, Instance):
        value = builtin_calls.own_text(machine, value, part, scope)
    if is_unknown(value) or not isinstance(value, PRINTABLE):
        return None
    if holds_unknown(value):
        return None
    how = machine.evaluate(part.format_spec, scope) if part.format_spec else ""
    # Widths of many digits would make texts of that length; dates have `%` formats.
    if not isinstance(how, str) or ("%" not in how and WIDE.search(how)):
        return None
    if part.conversion == 114:
        value = repr(value)
    elif part.conversion == 115:
        value = str(value)
    try:
        return format(value, how)
    except (TypeError, ValueError):
        return None


def boolean(machine: Machine, node: ast.BoolOp, scope: Scope) -> Any:
    """`and`, `or`, as far as they can be decided."""
    stops = isinstance(node.op, ast.Or)
    unsure: Any = None
    value: Any = None
    for one in node.values:
        value = machine.evaluate(one, scope)
        known = machine.truth(value)
        if known is None:
            unsure = value if unsure is None else unsure
        elif known is stops:
            return value if unsure is None else machine.unknown(_why(unsure), node, scope)
    return value if unsure is None else machine.unknown(_why(unsure), node, scope)


def _why(value: Any) -> str:
    if isinstance(value, Unknown):
        return value.reason
    if isinstance(value, Symbolic | External):
        return f"`{value.path}` is not read"
    return "its truth is not known"


def unary(machine: Machine, node: ast.UnaryOp, scope: Scope) -> Any:
    """`not`, `-`, `+`, `~`."""
    value = machine.evaluate(node.operand, scope)
    if isinstance(node.op, ast.Not):
        known = machine.truth(value)
        return machine.unknown(_why(value), node, scope) if known is None else not known
    if not isinstance(value, int | float | timedelta):
        return machine.unknown(_why(value), node, scope)
    if isinstance(node.op, ast.USub):
        return -value
    if isinstance(node.op, ast.Invert):
        return ~value if isinstance(value, int) else machine.unknown("`~`", node, scope)
    return +value


def operation(machine: Machine, node: ast.BinOp, scope: Scope) -> Any:
    """`a + b` and its kin; a long chain is walked without recursion."""
    chain: list[ast.BinOp] = []
    place: ast.expr = node
    while isinstance(place, ast.BinOp):
        chain.append(place)
        place = place.left
    value = machine.evaluate(place, scope)
    for one in reversed(chain):
        value = binary(machine, value, machine.evaluate(one.right, scope), one.op, one, scope)
    return value


def either(machine: Machine, node: ast.IfExp, scope: Scope) -> Any:
    """`a if test else b`."""
    known = machine.truth(machine.evaluate(node.test, scope))
    if known is not None:
        return machine.evaluate(node.body if known else node.orelse, scope)
    source = scope.module.source(node.test)[:80]
    with machine.maybe(f"depends on `{source}`"):
        first, second = machine.evaluate(node.body, scope), machine.evaluate(node.orelse, scope)
    return first if same(first, second) else machine.unknown(f"depends on `{source}`", node, scope)


def listed(machine: Machine, node: ast.List, scope: Scope) -> Any:
    """`[a, *b]`."""
    return machine.made(_elements(machine, node, scope))


def tupled(machine: Machine, node: ast.Tuple, scope: Scope) -> Any:
    """`(a, *b)`."""
    found = _elements(machine, node, scope)
    return tuple(found) if isinstance(found, list) else found


def setted(machine: Machine, node: ast.Set, scope: Scope) -> Any:
    """`{a, *b}`."""
    found = _elements(machine, node, scope)
    if is_bulky(found):
        return machine.unknown("too large to work out", node, scope)
    try:
        return set(found) if isinstance(found, list) else found
    except TypeError as problem:
        raise RaisedError("TypeError", str(problem), scope.module.span(node)) from problem


def _elements(machine: Machine, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Any:
    found: list[Any] = []
    why: str | None = None
    for one in node.elts:
        if not isinstance(one, ast.Starred):
            found.append(machine.evaluate(one, scope))
            continue
        many = machine.evaluate(one.value, scope)
        items = items_of(machine, many, one, scope)
        if isinstance(items, Unknown):
            return items
        found.extend(items)
        why = why or machine.doubted(many)
        if len(found) > LARGEST:
            return machine.unknown("too large to work out", node, scope)
    if why is not None:
        machine.doubt(found, why)
    return found


def mapping(machine: Machine, node: ast.Dict, scope: Scope) -> Any:
    """`{a: b, **c}`."""
    found: dict[Any, Any] = machine.made({})
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = machine.evaluate(value_node, scope)
        if key_node is None:
            if not isinstance(value, dict):
                return machine.unknown(_why(value), node, scope)
            found.update(value)
            machine.inherit(found, value)
            continue
        key = builtin_calls.text_value(machine.evaluate(key_node, scope), keep=True)
        if is_bulky(key):
            return machine.unknown("a key that is too large", node, scope)
        try:
            found[key] = value
        except TypeError:
            return machine.unknown("a key that is not known", node, scope)
    return found


def comprehension(
    machine: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope
) -> Any:
    """`[x for x in y if z]`."""
    inner = Scope(scope.module, {}, scope, self_class=scope.self_class, self_value=scope.self_value)
    found: list[Any] = []
    for problem in _rounds(machine, node.generators, inner, 0):
        if problem is not None:
            with machine.maybe(f"repeats for each of `{problem.source[:80]}`"):
                machine.evaluate(node.elt, inner)
            return problem
        found.append(machine.evaluate(node.elt, inner))
    if isinstance(node, ast.SetComp):
        return set(found)
    return Generated(found) if isinstance(node, ast.GeneratorExp) else machine.made(found)


def dict_comprehension(machine: Machine, node: ast.DictComp, scope: Scope) -> Any:
    """`{k: v for k, v in y}`."""
    inner = Scope(scope.module, {}, scope, self_class=scope.self_class, self_value=scope.self_value)
    found: dict[Any, Any] = {}
    for problem in _rounds(machine, node.generators, inner, 0):
        if problem is not None:
            with machine.maybe(f"repeats for each of `{problem.source[:80]}`"):
                machine.evaluate(node.value, inner)
            return problem
        key = machine.evaluate(node.key, inner)
        value = machine.evaluate(node.value, inner)
        if is_bulky(key):
            return machine.unknown("a key that is too large", node, scope)
        try:
            found[key] = value
        except TypeError:
            return machine.unknown("a key that is not known", node, scope)
    return found


def _rounds(
    machine: Machine, generators: list[ast.comprehension], inner: Scope, level: int
) -> Iterator[Unknown | None]:
    """Bind the loop variables of each round; an Unknown if the rounds cannot be told."""
    if level == len(generators):
        yield None
        return
    generator = generators[level]
    # What the first `for` goes through is looked up around the comprehension, as Python does.
    around = inner.outer if level == 0 and inner.outer is not None else inner
    value = machine.evaluate(generator.iter, around)
    items = items_of(machine, value, generator.iter, inner)
    why = machine.doubted(value)
    if why is not None and not isinstance(items, Unknown):
        items = Unknown(why, inner.module.span(generator.iter), inner.module.source(generator.iter))
    if isinstance(items, Unknown):
        store(machine, generator.target, items, inner)
        yield items
        return
    for item in items:
        store(machine, generator.target, item, inner)
        tests = [machine.truth(machine.evaluate(test, inner)) for test in generator.ifs]
        if False in tests:
            continue
        if None in tests:
            yield machine.unknown("which items are taken is not known", generator.ifs[0], inner)
            return
        yield from _rounds(machine, generators, inner, level + 1)


def subscript(machine: Machine, node: ast.Subscript, scope: Scope) -> Any:
    """`a[b]`."""
    owner = machine.evaluate(node.value, scope)
    return item_of(machine, owner, machine.evaluate(node.slice, scope), node, scope)


def sliced(machine: Machine, node: ast.Slice, scope: Scope) -> Any:
    """`a:b:c`."""
    parts = [machine.evaluate(p, scope) if p else None for p in (node.lower, node.upper, node.step)]
    if any(not isinstance(part, int | None) for part in parts):
        return machine.unknown("a slice that is not known", node, scope)
    return slice(*parts)


def call(machine: Machine, node: ast.Call, scope: Scope) -> Any:
    """`f(a, *b, c=d, **e)`."""
    callee = machine.evaluate(node.func, scope)
    arguments = Arguments([], {})
    for one in node.args:
        if isinstance(one, ast.Starred):
            many = machine.evaluate(one.value, scope)
            items = items_of(machine, many, one, scope)
            why = machine.doubted(many)
            if not isinstance(items, Unknown):
                arguments.positional.extend(items)
            if isinstance(items, Unknown) or why is not None:
                reason = items.reason if isinstance(items, Unknown) else why or ""
                arguments.rest = machine.unknown(reason, one.value, scope)
            continue
        arguments.nodes[len(arguments.positional)] = one
        arguments.positional.append(machine.evaluate(one, scope))
    for keyword in node.keywords:
        value = machine.evaluate(keyword.value, scope)
        if keyword.arg is not None:
            arguments.named[keyword.arg] = value
            arguments.nodes[keyword.arg] = keyword.value
        elif isinstance(value, dict):
            arguments.named.update({k: v for k, v in value.items() if isinstance(k, str)})
            why = machine.doubted(value)
            if why is not None:
                arguments.rest = machine.unknown(why, keyword.value, scope)
        else:
            arguments.rest = machine.unknown(_why(value), keyword.value, scope)
    return machine.call(callee, arguments, node, scope)


def anonymous(machine: Machine, node: ast.Lambda, scope: Scope) -> Any:
    """`lambda`."""
    return function_of(machine, node, scope, "<lambda>")


def named(machine: Machine, node: ast.NamedExpr, scope: Scope) -> Any:
    """`(a := b)`."""
    value = machine.evaluate(node.value, scope)
    store(machine, node.target, value, scope)
    return value


def yielded(machine: Machine, node: ast.Yield, scope: Scope) -> Any:
    """`yield`: collected by the function it stands in."""
    value = machine.evaluate(node.value, scope) if node.value else None
    place: Scope | None = scope
    while place is not None and place.yielded is None and place.at_yield is None:
        place = place.outer
    if place is not None and place.at_yield is not None:
        return place.at_yield(value)
    if place is not None and place.yielded is not None:
        place.yielded.append(value)
        machine.doubt(place.yielded)
    return None


def yielded_from(machine: Machine, node: ast.YieldFrom, scope: Scope) -> Any:
    """`yield from`."""
    items = items_of(machine, machine.evaluate(node.value, scope), node, scope)
    if scope.yielded is not None and not isinstance(items, Unknown):
        scope.yielded.extend(items)
        machine.doubt(scope.yielded)
    elif scope.yielded is not None:
        machine.doubt(scope.yielded, items.reason if isinstance(items, Unknown) else None)
    return None


EXPRESSIONS: Mapping[type[ast.expr], Evaluate] = {
    ast.Name: name,
    ast.Attribute: attribute,
    ast.JoinedStr: joined,
    ast.BoolOp: boolean,
    ast.UnaryOp: unary,
    ast.BinOp: operation,
    ast.Compare: compare,
    ast.IfExp: either,
    ast.List: listed,
    ast.Tuple: tupled,
    ast.Set: setted,
    ast.Dict: mapping,
    ast.ListComp: comprehension,
    ast.SetComp: comprehension,
    ast.GeneratorExp: comprehension,
    ast.DictComp: dict_comprehension,
    ast.Subscript: subscript,
    ast.Slice: sliced,
    ast.Call: call,
    ast.Lambda: anonymous,
    ast.NamedExpr: named,
    ast.Yield: yielded,
    ast.YieldFrom: yielded_from,
}
