"""What each kind of statement does."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from intermodal_compilers.airflow.importer import (
    binding,
    classes,
    contexts,
    flow,
    imports,
    patterns,
)
from intermodal_compilers.airflow.importer.machine import Evaluate, Machine
from intermodal_compilers.airflow.importer.standard import add_to_path
from intermodal_compilers.airflow.importer.truth import truth
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    External,
    Instance,
    RaisedError,
    Scope,
    Symbolic,
    UserClass,
)

LARGEST = 1_000_000


def expression(machine: Machine, node: ast.Expr, scope: Scope) -> None:
    """An expression for its effect."""
    if not isinstance(node.value, ast.Constant):
        machine.statement = node.value
        machine.evaluate(node.value, scope)
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
            binding.note_change(node.value.func, scope)


def assign(machine: Machine, node: ast.Assign, scope: Scope) -> None:
    """`a = b = value`."""
    value = machine.evaluate(node.value, scope)
    for target in node.targets:
        binding.store(machine, target, value, scope)


def annotated(machine: Machine, node: ast.AnnAssign, scope: Scope) -> None:
    """`a: T = value`."""
    if scope.is_class and isinstance(node.target, ast.Name):
        scope.names.setdefault("__fields__", []).append(node.target.id)
    if node.value is not None:
        binding.store(machine, node.target, machine.evaluate(node.value, scope), scope)


def augmented(machine: Machine, node: ast.AugAssign, scope: Scope) -> None:
    """`a += value`; lists and dicts change in place, as Python has it."""
    load = binding.as_load(node.target)
    before = machine.evaluate(load, scope)
    added = machine.evaluate(node.value, scope)
    many = (list, tuple, set, dict, str)
    if isinstance(before, list) and isinstance(node.op, ast.Add) and isinstance(added, many):
        if len(before) + len(added) < LARGEST:
            before.extend(added)
        machine.doubt(before)
        machine.inherit(before, added)
        return
    if isinstance(before, dict) and isinstance(added, dict) and isinstance(node.op, ast.BitOr):
        machine.call(Bound(before, "update"), Arguments([added], {}), node, scope)
        return
    if isinstance(before, External) and before.path == "sys.path":
        add_to_path(machine, added)
        return
    from intermodal_compilers.airflow.importer.operations import binary

    binding.store(machine, node.target, binary(machine, before, added, node.op, node, scope), scope)


def attempt(machine: Machine, node: ast.Try, scope: Scope) -> Any:
    """`try`: the body, or the handler of what it raises."""
    try:
        machine.catching.append(_caught(node))
        try:
            flow = machine.execute(node.body, scope)
        finally:
            machine.catching.pop()
        _assume_installed(machine, node, scope)
        if flow is None:
            flow = machine.execute(node.orelse, scope)
    except RaisedError as raised:
        handler = _handler(machine, node, raised, scope)
        if handler is None:
            machine.execute(node.finalbody, scope)
            raise
        if handler.name:
            scope.names[handler.name] = machine.unknown("an exception", handler, scope)
        flow = machine.execute(handler.body, scope)
    last = machine.execute(node.finalbody, scope)
    return last if last is not None else flow


def _caught(node: ast.Try) -> frozenset[str]:
    """Names of the exceptions that a `try` catches; those of a bare `except` say too little."""
    types = [handler.type for handler in node.handlers if handler.type is not None]
    many = [one for t in types for one in (t.elts if isinstance(t, ast.Tuple) else [t])]
    return frozenset(one.id for one in many if isinstance(one, ast.Name))


def _assume_installed(machine: Machine, node: ast.Try, scope: Scope) -> None:
    """Tell that packages whose absence the file provides for are taken as installed."""
    if not any(
        _catches_import_errors(scope.module.source(h.type)) for h in node.handlers if h.type
    ):
        return
    for statement in node.body:
        if isinstance(statement, ast.ImportFrom) and not statement.level:
            names = [statement.module or ""]
            for alias in statement.names:
                bound = scope.names.get(alias.asname or alias.name)
                if isinstance(bound, External):
                    scope.names[alias.asname or alias.name] = External(bound.path, module=True)
        elif isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        else:
            continue
        for name in names:
            if name not in machine.modules:
                machine.assume(f"`{name}` is taken as installed", scope.module.span(statement))


def _catches_import_errors(caught: str) -> bool:
    return "Import" in caught or "ModuleNotFound" in caught or caught == "Exception"


def _handler(
    machine: Machine, node: ast.Try, raised: RaisedError, scope: Scope
) -> ast.ExceptHandler | None:
    for handler in node.handlers:
        if handler.type is None:
            return handler
        caught = machine.evaluate(handler.type, scope)
        for kind in caught if isinstance(caught, tuple) else (caught,):
            name = kind.name if isinstance(kind, External | UserClass) else ""
            if name in ("Exception", "BaseException", raised.kind) or _derives(raised.kind, name):
                return handler
    return None


def _derives(kind: str, name: str) -> bool:
    import builtins

    known, base = getattr(builtins, kind, None), getattr(builtins, name, None)
    return isinstance(known, type) and isinstance(base, type) and issubclass(known, base)


def returning(machine: Machine, node: ast.Return, scope: Scope) -> Any:
    """`return`."""
    return ("return", machine.evaluate(node.value, scope) if node.value else None)


def raising(machine: Machine, node: ast.Raise, scope: Scope) -> None:
    """`raise`."""
    kind, text = "Exception", scope.module.source(node)
    if node.exc is not None:
        value = machine.evaluate(node.exc, scope)
        if isinstance(value, Symbolic):
            kind = value.path.rpartition(".")[2]
        elif isinstance(value, External | UserClass):
            kind = value.name
        elif isinstance(value, Instance):
            kind = value.of.name
    raise RaisedError(kind, text, scope.module.span(node))


def asserting(machine: Machine, node: ast.Assert, scope: Scope) -> None:
    """`assert`: only what is known to fail does."""
    if truth(machine.evaluate(node.test, scope)) is False:
        raise RaisedError("AssertionError", scope.module.source(node), scope.module.span(node))


def deleting(machine: Machine, node: ast.Delete, scope: Scope) -> None:
    """`del`."""
    for target in node.targets:
        if isinstance(target, ast.Name):
            scope.names.pop(target.id, None)
        elif isinstance(target, ast.Subscript):
            owner = machine.evaluate(target.value, scope)
            key = machine.evaluate(target.slice, scope)
            if isinstance(owner, dict | list) and isinstance(key, str | int | tuple | slice):
                binding.delete_item(machine, owner, key, node, scope)
        elif isinstance(target, ast.Attribute):
            owner = machine.evaluate(target.value, scope)
            if isinstance(owner, Instance):
                owner.names.pop(target.attr, None)


def global_names(_: Machine, node: ast.Global, scope: Scope) -> None:
    """`global`."""
    scope.global_names.update(node.names)


def outer_names(_: Machine, node: ast.Nonlocal, scope: Scope) -> None:
    """`nonlocal`."""
    scope.outer_names.update(node.names)


def nothing(_: Machine, __: ast.stmt, ___: Scope) -> None:
    """`pass` and type aliases."""


STATEMENTS: Mapping[type[ast.stmt], Evaluate] = {
    ast.Expr: expression,
    ast.Assign: assign,
    ast.AnnAssign: annotated,
    ast.AugAssign: augmented,
    ast.If: flow.condition,
    ast.For: flow.loop,
    ast.AsyncFor: flow.loop,
    ast.While: flow.while_loop,
    ast.Try: attempt,
    ast.TryStar: attempt,
    ast.With: contexts.with_statement,
    ast.AsyncWith: contexts.with_statement,
    ast.FunctionDef: classes.function_definition,
    ast.AsyncFunctionDef: classes.function_definition,
    ast.ClassDef: classes.class_definition,
    ast.Import: imports.import_statement,
    ast.ImportFrom: imports.import_from,
    ast.Return: returning,
    ast.Raise: raising,
    ast.Assert: asserting,
    ast.Delete: deleting,
    ast.Global: global_names,
    ast.Nonlocal: outer_names,
    ast.Break: lambda *_: flow.BREAK,
    ast.Continue: lambda *_: flow.CONTINUE,
    ast.Match: patterns.match,
    ast.Pass: nothing,
}
