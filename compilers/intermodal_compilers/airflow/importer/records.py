"""Objects of data classes and named tuples: copies with changes, and as plain data."""

from __future__ import annotations

import ast
from typing import Any

from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import Arguments, Instance, Scope, UserClass


def replaced(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`dataclasses.replace(owner, name=value)`, `owner._replace(...)`, `copy.replace(...)`."""
    owner = arguments.positional[0] if arguments.positional else None
    if not isinstance(owner, Instance) or not isinstance(owner.of, UserClass):
        return machine.unknown("an object that is not known", node, scope)
    fields = {name for known in owner.of.lineage() for name in known.fields}
    kept = {name: value for name, value in owner.names.items() if name in fields}
    whole = Arguments([], kept | arguments.named, {}, arguments.rest)
    return machine.call(owner.of, whole, node, scope)


def as_data(value: Any) -> Any:
    """`dataclasses.asdict(value)`: dicts all the way down."""
    if isinstance(value, Instance) and value.of.fields:
        return {name: as_data(value.names.get(name)) for name in field_names(value.of)}
    if isinstance(value, dict):
        return {key: as_data(item) for key, item in value.items()}
    return [as_data(item) for item in value] if isinstance(value, list) else value


def field_names(kind: UserClass) -> list[str]:
    """The fields of a class, those of its bases first."""
    names = [name for known in reversed(kind.lineage()) for name in known.fields]
    return list(dict.fromkeys(names))


def of_tuple(
    machine: Machine, owner: Instance, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """`_replace`, `_asdict` and others of a named tuple."""
    if name == "_replace":
        whole = Arguments([owner], arguments.named, {}, arguments.rest)
        return replaced(machine, whole, node, scope)
    if name == "_asdict":
        return {one: owner.names.get(one) for one in field_names(owner.of)}
    return machine.unknown(f"`.{name}(...)` of a named tuple", node, scope)


HANDLERS: dict[str, Any] = {
    "dataclasses.replace": replaced,
    "copy.replace": replaced,
    "dataclasses.asdict": lambda _, a, __, ___: as_data(a.positional[0]),
    "dataclasses.astuple": lambda _, a, __, ___: tuple(as_data(a.positional[0]).values()),
}
