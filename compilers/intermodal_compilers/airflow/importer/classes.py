"""Definitions of functions and classes."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

from intermodal_compilers.airflow.importer.effects import is_harmless
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    External,
    Function,
    Instance,
    Scope,
    Symbolic,
    Unknown,
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
        known = machine.evaluate(decorator.value, scope)
        if not isinstance(known, Function) or decorator.attr != "setter":
            return known
        return replace(known, setter=value)
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
        if isinstance(value, Function) and not is_harmless(path):
            value.decorated = path
        return value
    if isinstance(how, Unknown) and isinstance(value, Function):
        value.decorated = scope.module.source(decorator)[:80]
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
    for method in inner.names.values():
        if isinstance(method, Function) and method.owner is None:
            method.owner = kind
    if any(base.path.startswith("enum.") for base in kind.externals()):
        _make_members(kind)
    for base in bases:
        if isinstance(base, UserClass):
            base.subclasses.append(kind)
    _tell_subclass(machine, kind, node, scope)
    value: Any = kind
    for decorator in reversed(node.decorator_list):
        value = _decorated_class(machine, value, decorator, scope)
    scope.names[node.name] = value


def _decorated_class(machine: Machine, value: Any, decorator: ast.expr, scope: Scope) -> Any:
    how = machine.evaluate(decorator, scope)
    if not isinstance(how, External | Symbolic | Unknown):
        return machine.call(how, Arguments([value], {}, {0: decorator}), decorator, scope)
    path = "" if isinstance(how, Unknown) else how.path
    if not is_harmless(path):
        source = scope.module.source(decorator)[:80]
        machine.assume(
            f"`@{source}` is taken to leave the class as it is", scope.module.span(decorator)
        )
    return value


def _tell_subclass(machine: Machine, kind: UserClass, node: ast.ClassDef, scope: Scope) -> None:
    """What a class does when it is derived from: `__init_subclass__` runs, a metaclass is not read."""
    for keyword in node.keywords:
        if keyword.arg == "metaclass":
            meta = machine.evaluate(keyword.value, scope)
            if not isinstance(meta, External) or not is_harmless(meta.path):
                kind.metaclass = meta
    lineage = kind.lineage()
    metas = [known.metaclass for known in lineage if known.metaclass is not None]
    for meta in metas[:1]:
        reason = f"what the metaclass of `{kind.name}` does is not known"
        machine.assume(reason, scope.module.span(node))
        for known in meta.lineage() if isinstance(meta, UserClass) else ():
            for value in (*known.names.values(), *known.module.names.values()):
                machine.doubt(value, reason)
    found = next((k.names["__init_subclass__"] for k in lineage[1:] if _hooks(k)), None)
    if isinstance(found, Function):
        named = {k.arg: machine.evaluate(k.value, scope) for k in node.keywords if k.arg}
        named.pop("metaclass", None)
        machine.call(Bound(kind, "__init_subclass__", found), Arguments([], named), node, scope)


def _hooks(kind: UserClass) -> bool:
    return isinstance(kind.names.get("__init_subclass__"), Function)


def _is_plain(base: ast.expr) -> bool:
    return not isinstance(base, ast.Starred)


def _make_members(kind: UserClass) -> None:
    texts = any(base.path == "enum.StrEnum" for base in kind.externals())
    number = 0
    for name, value in list(kind.names.items()):
        if name.startswith("_") or isinstance(value, Function):
            continue
        number += 1
        own = value
        if isinstance(value, Symbolic) and value.path == "enum.auto":
            own = name.lower() if texts else number
        elif isinstance(value, int):
            number = value
        kind.names[name] = Instance(kind, {"name": name, "value": own})
