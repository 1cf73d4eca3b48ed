"""Calling what a file defines: binding arguments, running bodies, making objects."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from intermodal_compilers.airflow.importer.effects import unread_call
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.surroundings import environment
from intermodal_compilers.airflow.importer.truth import same
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Function,
    Generated,
    Instance,
    Opening,
    RaisedError,
    Scope,
    Symbolic,
    Unknown,
    UserClass,
)


def call_function(
    machine: Machine,
    function: Function,
    arguments: Arguments,
    node: ast.AST,
    scope: Scope,
    *,
    bound: Any = None,
    at_yield: Callable[[Any], Any] | None = None,
) -> Any:
    """Run a function's body with its arguments and give what it returns."""
    if function.kind == "context" and at_yield is None:
        return Opening(function, arguments, bound)
    if function.decorated and machine.dag is not None:
        why = f"its decorator `{function.decorated}` is not read"
        unread_call(machine, function.name, why, arguments, node, scope)
    given = arguments
    if bound is not None:
        given = Arguments([bound, *arguments.positional], arguments.named, {}, arguments.rest)
    inner = Scope(function.scope.module, {}, function.scope)
    inner.self_class = function.owner
    bind(machine, function, given, inner, node, scope)
    if function.owner is not None and given.positional:
        inner.self_value = given.positional[0]
    if isinstance(function.node, ast.Lambda):
        return machine.evaluate(function.node.body, inner)
    inner.at_yield = at_yield
    if at_yield is None and _yields(function.node):
        inner.yielded = machine.made(Generated())
    flow = machine.execute(function.node.body, inner)
    if inner.yielded is not None:
        return inner.yielded
    value = flow[1] if flow is not None and flow[0] == "return" else None
    if all(same(other, value) for other in inner.maybe_returned):
        return value
    return machine.unknown(f"what `{function.name}` returns depends on unknown values", node, scope)


def _yields(node: ast.AST) -> bool:
    """Whether a function is a generator; nested functions do not count."""
    known = getattr(node, "_yields", None)
    if known is None:
        pending: list[ast.AST] = list(getattr(node, "body", []))
        known = False
        while pending and not known:
            one = pending.pop()
            if isinstance(one, ast.Yield | ast.YieldFrom):
                known = True
            if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                pending.extend(ast.iter_child_nodes(one))
        node._yields = known  # type: ignore[attr-defined]
    return known


def parameter_names(function: Function) -> list[str]:
    """Names that can be given by position, then by name only."""
    given = function.node.args
    return [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def bind(
    machine: Machine,
    function: Function,
    arguments: Arguments,
    inner: Scope,
    node: ast.AST,
    scope: Scope,
) -> None:
    """Give each parameter its value.

    Raises:
        RaisedError: A required argument is missing, or there are too many.
    """
    spec = function.node.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    extra = list(arguments.positional[len(names) :])
    values: dict[str, Any] = dict(zip(names, arguments.positional, strict=False))
    named = dict(arguments.named)
    for name in (*names, *(a.arg for a in spec.kwonlyargs)):
        if name in named:
            values[name] = named.pop(name)
    defaults = dict(
        zip(names[len(names) - len(function.defaults) :], function.defaults, strict=True)
    )
    defaults |= function.named_defaults
    for name in (*names, *(a.arg for a in spec.kwonlyargs)):
        if name not in values:
            if arguments.rest is not None:
                values[name] = arguments.rest
            elif name in defaults:
                values[name] = defaults[name]
            else:
                raise RaisedError(
                    "TypeError",
                    f"`{function.name}` needs `{name}`",
                    scope.module.span(node),
                )
    if spec.vararg:
        values[spec.vararg.arg] = tuple(extra)
    elif extra:
        raise RaisedError(
            "TypeError", f"too many arguments for `{function.name}`", scope.module.span(node)
        )
    if spec.kwarg:
        values[spec.kwarg.arg] = machine.made(named)
        if arguments.rest is not None:
            machine.doubt(named, arguments.rest.reason)
    elif named:
        raise RaisedError(
            "TypeError",
            f"`{function.name}` has no argument `{next(iter(named))}`",
            scope.module.span(node),
        )
    machine.charge(len(values))
    inner.names.update(values)


def make_instance(
    machine: Machine, kind: UserClass, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """An object of a user's class: `__init__` runs, or fields are filled."""
    members = [v for v in kind.names.values() if isinstance(v, Instance) and v.of is kind]
    if members and len(arguments.positional) == 1:
        wanted = arguments.positional[0]
        return next((m for m in members if same(m.names["value"], wanted)), _not_a_member(kind))
    made = machine.made(Instance(kind, {}))
    maker = kind.find("__new__")
    if maker and isinstance(maker[0], Function):
        made = call_function(machine, maker[0], arguments, node, scope, bound=kind)
        if not isinstance(made, Instance) or kind not in made.of.lineage():
            return made
    found = kind.find("__init__")
    if found and isinstance(found[0], Function):
        call_function(machine, found[0], arguments, node, scope, bound=made)
        return made
    fields = list(dict.fromkeys(n for k in reversed(kind.lineage()) for n in k.fields))
    from_environment = any(base.name == "BaseSettings" for base in kind.externals())
    for name in fields:
        default = kind.find(name)
        given = [_field_default(machine, default[0], node, scope)] if default else []
        if from_environment:
            given = [environment(machine, name.upper(), node, scope, *given)]
        if given:
            made.names[name] = given[0]
    made.names.update(zip(fields, arguments.positional, strict=False))
    made.names.update(arguments.named)
    for name in fields:
        if name not in made.names:
            made.names[name] = arguments.rest or Unknown(
                f"`{name}` has no value", scope.module.span(node)
            )
    after = kind.find("__post_init__")
    if after and isinstance(after[0], Function):
        call_function(machine, after[0], Arguments([], {}), node, scope, bound=made)
    return made


def _field_default(machine: Machine, value: Any, node: ast.AST, scope: Scope) -> Any:
    """A field's default; `field(default=..., default_factory=...)` as dataclasses has it."""
    if not isinstance(value, Symbolic) or value.path.rpartition(".")[2].lower() != "field":
        return value
    if "default_factory" in value.named:
        return machine.call(value.named["default_factory"], Arguments([], {}), node, scope)
    return value.named.get("default", value)


def _not_a_member(kind: UserClass) -> Any:
    return Unknown(f"no member of `{kind.name}` has this value", kind.span)
