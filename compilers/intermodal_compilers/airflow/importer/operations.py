"""Operators of Python on known values, with limits on the size of what comes out."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import PurePath
from typing import Any

from intermodal_compilers.airflow.importer.effects import uncertain_edge
from intermodal_compilers.airflow.importer.graph import (
    NODES,
    Dag,
    EdgeLabel,
    Group,
    TaskNode,
    arrow,
)
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.sizes import is_bulky
from intermodal_compilers.airflow.importer.surroundings import has_environment
from intermodal_compilers.airflow.importer.truth import truth
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    External,
    Function,
    Instance,
    RaisedError,
    Scope,
    Symbolic,
    Unknown,
    is_unknown,
    plain_member,
)

PLAIN = (
    str, bytes, int, float, bool, complex, list, tuple, dict, set, frozenset, range,
    datetime, date, time, timedelta, PurePath, type(None),
)  # fmt: skip
LARGEST = 1_000_000

BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
# `asset | asset` and the like: kept as an expression.
COMBINING = (ast.BitOr, ast.BitAnd)
EXTERNAL = (Symbolic, External)
COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}


def binary(
    machine: Machine, left: Any, right: Any, op: ast.operator, node: ast.AST, scope: Scope
) -> Any:
    """`left op right`; arrows between tasks draw edges."""
    own = isinstance(left, Instance) or isinstance(right, Instance)
    if (
        not own
        and isinstance(op, ast.RShift | ast.LShift)
        and (_has_node(left) or _has_node(right) or _in_graph(machine, left, right))
    ):
        return draw(machine, left, right, op, node, scope)
    if type(op) in COMBINING and isinstance(left, EXTERNAL) and isinstance(right, EXTERNAL):
        path = f"operator.{BINARY[type(op)].__name__}"
        return machine.symbolic(path, Arguments([left, right], {}), node, scope)
    if own:
        return _own_operator(machine, left, right, op, node, scope)
    if is_unknown(left) or is_unknown(right):
        return machine.unknown(_reason(left, right), node, scope)
    if not (isinstance(left, PLAIN) and isinstance(right, PLAIN)):
        return machine.unknown("an operator on an object", node, scope)
    if _too_large(left, right, op):
        return machine.unknown("too large to work out", node, scope)
    try:
        made = BINARY[type(op)](left, right)
        machine.charge(sized(made) // (16 if isinstance(made, str | bytes) else 1))
        return machine.inherit(made, left, right)
    except KeyError:
        return machine.unknown("an operator that is not read", node, scope)
    except (TypeError, ValueError, ArithmeticError) as problem:
        if _holds_unknown(left) or _holds_unknown(right):
            return machine.unknown("made of unknown values", node, scope)
        raise RaisedError(
            type(problem).__name__, str(problem), scope.module.span(node)
        ) from problem


NAMES: Mapping[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv",
    ast.Mod: "mod", ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift", ast.BitOr: "or",
    ast.BitAnd: "and", ast.BitXor: "xor", ast.MatMult: "matmul",
}  # fmt: skip


def _own_operator(
    machine: Machine, left: Any, right: Any, op: ast.operator, node: ast.AST, scope: Scope
) -> Any:
    """An operator that an object of the user's defines, or of a member of an enum of texts or numbers."""
    name = NAMES[type(op)]
    for one, other, method in ((left, right, f"__{name}__"), (right, left, f"__r{name}__")):
        found = one.of.find(method) if isinstance(one, Instance) else None
        if found and isinstance(found[0], Function):
            bound = Bound(one, method, found[0])
            return machine.call(bound, Arguments([other], {}), node, scope)
    plain = plain_member(left), plain_member(right)
    if plain != (left, right) and not any(isinstance(one, Instance) for one in plain):
        return binary(machine, *plain, op, node, scope)
    if isinstance(op, ast.RShift | ast.LShift) and machine.dag is not None:
        lost_edge(machine, node, scope)
    return machine.unknown("an operator on an object", node, scope)


def _reason(*values: Any) -> str:
    for value in values:
        if isinstance(value, Unknown):
            return value.reason
    return "made of something of another package"


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(is_unknown(item) for item in value)
    return isinstance(value, dict) and any(is_unknown(item) for item in value.values())


def sized(value: Any) -> int:
    """How many items or characters a value has; 1 for those that have none."""
    return len(value) if isinstance(value, str | bytes | list | tuple | dict | set) else 1


def _too_large(left: Any, right: Any, op: ast.operator) -> bool:
    parts = right if isinstance(right, tuple) else (right,)
    if sized(left) + sum(map(sized, parts)) > LARGEST:
        return True
    if isinstance(op, ast.Mult):
        many, count = (left, right) if hasattr(left, "__len__") else (right, left)
        if hasattr(many, "__len__") and isinstance(count, int):
            return len(many) * count > LARGEST
        return _digits(left) + _digits(right) > 4_000
    if isinstance(op, ast.Pow | ast.LShift):
        return _digits(left) > 64 or not isinstance(right, int | float) or abs(right) > 256
    if isinstance(op, ast.Mod) and isinstance(left, str | bytes):
        return len(left) > LARGEST or _has_wide_field(str(left))
    return False


def _has_wide_field(text: str) -> bool:
    import re

    return re.search(r"%[^a-zA-Z%(]*\d{5}|%[^a-zA-Z%(]*\*", text) is not None


def _digits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _has_node(value: Any) -> bool:
    if isinstance(value, NODES):
        return True
    return isinstance(value, list | tuple | set) and any(isinstance(v, NODES) for v in value)


def _in_graph(machine: Machine, *sides: Any) -> bool:
    """Whether `>>` between things that are not known looks like an arrow: it stands in a DAG."""
    return machine.dag is not None and any(is_unknown(side) for side in sides)


def draw(
    machine: Machine, left: Any, right: Any, op: ast.operator, node: ast.AST, scope: Scope
) -> Any:
    """`left >> right` or `left << right`, and what it gives: the right side, or the node beside a list."""
    for dag, other in ((left, right), (right, left)):
        if isinstance(dag, Dag) and isinstance(other, TaskNode) and other.dag in (None, dag):
            dag.add(other)  # as Airflow 1 has it: `dag >> task`
            return other if dag is left else left
    forward = isinstance(op, ast.RShift)
    above, below = (left, right) if forward else (right, left)
    if isinstance(left, NODES):
        lead = "left" if forward else "right"
    elif isinstance(right, NODES):
        lead = "right" if forward else "left"
    else:
        lost_edge(machine, node, scope)
        return right
    check_sides(machine, (left, right), node, scope)
    draw_arrow(machine, above, below, lead, node, scope)
    return right


def draw_arrow(
    machine: Machine, above: Any, below: Any, lead: str, node: ast.AST, scope: Scope
) -> None:
    """Draw edges, and tell of what is no node."""
    machine.charge(8 * _width(above) * _width(below))
    arrow(above, below, lead=lead)
    uncertain_edge(machine, (above, below), node, scope)


def _width(side: Any) -> int:
    """How many ends an arrow has on a side, about."""
    if isinstance(side, Group):
        return max(len(side.children), 1)
    return len(side) if isinstance(side, list | tuple | set) else 1


def check_sides(machine: Machine, sides: tuple[Any, ...], node: ast.AST, scope: Scope) -> None:
    """Tell of sides of an arrow that are no tasks, as far as they can be known."""
    for side in sides:
        many = side if isinstance(side, list | tuple | set) else [side]
        why = machine.doubted(side)
        if why is not None:
            lost_edge(machine, node, scope, machine.unknown(why, node, scope))
        for one in many:
            if not isinstance(one, (*NODES, EdgeLabel)):
                lost_edge(machine, node, scope, one)


def lost_edge(machine: Machine, node: ast.AST, scope: Scope, value: Any = None) -> None:
    """Tell of an edge that cannot be known, and mark the DAG."""
    why = value.reason if isinstance(value, Unknown) else "one side is not known to be a task"
    source = scope.module.source(node)[:80]
    machine.hole("PORT804", f"edges of `{source}` are not known", scope.module.span(node), why=why)
    if machine.dag is not None:
        machine.dag.holes.append(f"edges of `{source}`: {why}")


def compare(machine: Machine, node: ast.Compare, scope: Scope) -> Any:
    """A chain of comparisons."""
    left = machine.evaluate(node.left, scope)
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = machine.evaluate(right_node, scope)
        result = _compare_once(machine, left, right, op, node, scope)
        known = truth(result)
        if known is None:
            return result
        if not known:
            return False
        left = right
    return True


def _compare_once(
    machine: Machine, left: Any, right: Any, op: ast.cmpop, node: ast.AST, scope: Scope
) -> Any:
    if isinstance(op, ast.Is | ast.IsNot):
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return machine.unknown(_reason(left, right), node, scope)
        alike = left is right or (
            isinstance(left, int | str) and left == right and type(left) is type(right)
        )
        return alike == isinstance(op, ast.Is)
    if isinstance(op, ast.In | ast.NotIn) and isinstance(left, str) and _is_environment(right):
        return has_environment(machine, left, node, scope) == isinstance(op, ast.In)
    left, right = plain_member(left), plain_member(right)
    if isinstance(right, list | tuple) and any(isinstance(item, Instance) for item in right):
        right = [plain_member(item) for item in right]
    if isinstance(op, ast.In | ast.NotIn) and isinstance(right, Instance):
        return _in_object(machine, left, right, op, node, scope)
    if isinstance(op, ast.Eq | ast.NotEq) and isinstance(left, Instance):
        return _same_object(machine, left, right, op, node, scope)
    if isinstance(op, ast.In | ast.NotIn) and _contains_plainly(left, right):
        return isinstance(op, ast.In)
    why = machine.doubted(left) or machine.doubted(right)
    if why is not None:
        return machine.unknown(why, node, scope)
    if is_unknown(left) or is_unknown(right) or _holds_unknown(right) or _holds_unknown(left):
        return machine.unknown(_reason(left, right), node, scope)
    if is_bulky(left) or is_bulky(right):
        return machine.unknown("too large to work out", node, scope)
    try:
        return COMPARE[type(op)](left, right)
    except (TypeError, ValueError):
        return machine.unknown("values that cannot be compared", node, scope)


def _is_environment(value: Any) -> bool:
    return isinstance(value, External) and value.path == "os.environ"


def _in_object(
    machine: Machine, left: Any, right: Instance, op: ast.cmpop, node: ast.AST, scope: Scope
) -> Any:
    found = right.of.find("__contains__")
    if found and isinstance(found[0], Function):
        bound = Bound(right, "__contains__", found[0])
        known = machine.truth(machine.call(bound, Arguments([left], {}), node, scope))
        if known is not None:
            return known == isinstance(op, ast.In)
    return machine.unknown("whether an object holds this is not known", node, scope)


def _same_object(
    machine: Machine, left: Instance, right: Any, op: ast.cmpop, node: ast.AST, scope: Scope
) -> Any:
    """Whether objects of the user's classes are equal: as `__eq__`, or their fields, say."""
    alike: Any = left is right
    method = left.of.find("__eq__")
    if not alike and method and isinstance(method[0], Function):
        bound = Bound(left, "__eq__", method[0])
        alike = machine.truth(machine.call(bound, Arguments([right], {}), node, scope))
    elif not alike and isinstance(right, Instance) and right.of is left.of and left.of.fields:
        if any(holds_object(v) for v in (*left.names.values(), *right.names.values())):
            alike = None
        else:
            alike = left.names == right.names
    elif is_unknown(right):
        alike = None
    if alike is None:
        return machine.unknown("whether these are equal is not known", node, scope)
    return alike == isinstance(op, ast.Eq)


def holds_object(value: Any) -> bool:
    """Whether a value holds anything that cannot be compared as plain data."""
    return is_bulky(value) or not isinstance(value, PLAIN) or _holds_unknown(value)


def _contains_plainly(left: Any, right: Any) -> bool:
    """Whether a list that holds unknown values has this one for certain."""
    if is_unknown(left) or is_bulky(left) or not isinstance(right, list | tuple | dict):
        return False
    return any(not is_unknown(item) and type(item) is type(left) and item == left for item in right)
