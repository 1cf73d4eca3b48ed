"""Definitions of functions and classes."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    External,
    Function,
    Instance,
    Scope,
    Symbolic,
    UserClass,
)

# Decorators that leave a function what it is, for the reader's purposes.
TRANSPARENT = frozenset(
    {
        "functools.lru_cache",
        "functools.cache",
        "abc.abstractmethod",
        "typing.overload",
        "typing.no_type_check",
        "functools.total_ordering",
        "builtins.staticmethod",
        "airflow.utils.session.provide_session",
        "airflow.utils.decorators.apply_defaults",
        "airflow.utils.helpers.apply_defaults",
    }
)
KINDS = {"property", "classmethod", "staticmethod", "cached_property"}


def function_of(
    machine: Machine,
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
    scope: Scope,
    name: str,
) -> Function:
    """A function with its defaults evaluated, as `def` does."""
    arguments = node.args
    named = {
        arg.arg: machine.evaluate(default, scope)
        for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is not None
    }
    plain = [machine.evaluate(default, scope) for default in arguments.defaults]
    return Function(name, node, scope, plain, named)


def function_definition(
    machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope
) -> None:
    """`def`, with its decorators applied from the inside out."""
    value: Any = function_of(machine, node, scope, node.name)
    for decorator in reversed(node.decorator_list):
        value = _decorated(machine, value, decorator, scope)
    scope.names[node.name] = value


def _decorated(machine: Machine, value: Any, decorator: ast.expr, scope: Scope) -> Any:
    if isinstance(decorator, ast.Name) and decorator.id in KINDS and isinstance(value, Function):
        value.kind = decorator.id
        return value
    if isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "getter", "deleter"):
        return value
    how = machine.evaluate(decorator, scope)
    path = how.path if isinstance(how, External | Symbolic) else ""
    if path.endswith("contextlib.contextmanager") and isinstance(value, Function):
        value.kind = "context"
        return value
    if path in TRANSPARENT:
        return value
    if path == "functools.cached_property" and isinstance(value, Function):
        value.kind = "property"
        return value
    if path and not path.startswith(("airflow", "functools")):
        # An unknown decorator: the function keeps its name and its source.
        return value
    return machine.call(how, Arguments([value], {}, {0: decorator}), decorator, scope)


def class_definition(machine: Machine, node: ast.ClassDef, scope: Scope) -> None:
    """`class`: the body is gone through, bases are kept."""
    bases = [machine.evaluate(base, scope) for base in node.bases if _is_plain(base)]
    inner = Scope(scope.module, {}, scope, is_class=True)
    machine.execute(node.body, inner)
    kind = UserClass(
        node.name,
        bases,
        inner.names,
        scope.module,
        scope.module.span(node),
        node.end_lineno or node.lineno,
        inner.names.pop("__fields__", []),
    )
    for value in inner.names.values():
        if isinstance(value, Function) and value.owner is None:
            value.owner = kind
    if any(base.path.startswith("enum.") for base in kind.externals()):
        _make_members(kind)
    for decorator in node.decorator_list:
        machine.evaluate(decorator, scope)
    scope.names[node.name] = kind


def _is_plain(base: ast.expr) -> bool:
    return not isinstance(base, ast.Starred)


def _make_members(kind: UserClass) -> None:
    for name, value in list(kind.names.items()):
        if not name.startswith("_") and not isinstance(value, Function):
            kind.names[name] = Instance(kind, {"name": name, "value": value})
