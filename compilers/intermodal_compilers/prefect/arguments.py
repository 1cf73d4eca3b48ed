"""Arguments of task functions: their names, what is copied, and what runs in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable

from intermodal.ir import ArtifactType, Literal_, SecretRef, Task, Type, Wait
from intermodal_compilers.prefect.annotations import is_scalar
from intermodal_compilers.prefect.names import PREFECT_ARGUMENTS, variable
from intermodal_compilers.prefect.policies import number
from intermodal_compilers.pysource import Expr, Name, Value, call, dict_of, is_identifier, tuple_of


def is_plain_argument(name: str) -> bool:
    """Whether a Prefect task may have a parameter of this name."""
    return is_identifier(name) and name not in PREFECT_ARGUMENTS


def argument_names(names: Iterable[str]) -> dict[str, str]:
    """A Python name for each input that Prefect accepts as a parameter, without collisions."""
    names = list(names)
    taken = {name for name in names if is_plain_argument(name)}
    chosen: dict[str, str] = {}
    for name in names:
        wanted = name
        if not is_plain_argument(name):
            base = variable(name)
            wanted, count = f"{base}_" if base in PREFECT_ARGUMENTS else base, 1
            while wanted in taken:
                count += 1
                wanted = f"{base}_{count}"
            taken.add(wanted)
        chosen[name] = wanted
    return chosen


def process_arguments(task: Task) -> dict[str, Expr]:
    """`timeout` and `environment`, where the task has them."""
    arguments: dict[str, Expr] = {}
    if task.timeout is not None:
        arguments["timeout"] = Value(number(task.timeout.total_seconds()))
    if (
        isinstance(task.action, Wait)
        and task.timeout is not None
        and task.action.timeout is not None
    ):
        arguments["timeout"] = Value(number(min(task.timeout, task.action.timeout).total_seconds()))
    plain = dict_of({name: Value(text) for name, text in task.environment.items()})
    if task.secrets:
        held = {entry.variable: _names_of(entry.secret) for entry in task.secrets}
        arguments["environment"] = call("Variables", plain, dict_of(held))
    elif task.environment:
        arguments["environment"] = plain
    return arguments


def _names_of(secret: SecretRef) -> Expr:
    words = (secret.name,) if secret.key is None else (secret.name, secret.key)
    return tuple_of(Value(word) for word in words)


def isolation(task: Task) -> Expr | None:
    """What makes a function run in a process of its own; None if the task does not need that."""
    arguments = process_arguments(task)
    return call("own_process", **arguments) if arguments else None


def copying(tasks: Iterable[Task], *, runtime: bool) -> tuple[Expr, ...]:
    """The decorator that keeps tasks from sharing objects, if their values can be changed at all."""
    given = taken = False
    for task in tasks:
        given = given or any(not is_scalar(type_) for type_ in task.outputs.values())
        taken = taken or any(
            not (isinstance(value, Literal_) and not isinstance(value.value, (list, dict)))
            and not _immutable(task.input_types.get(name))
            for name, value in task.inputs.items()
        )
    if given and not runtime:
        return (Name("json_values"),)
    return (Name("own_inputs"),) if taken else ()


def _immutable(type_: Type | None) -> bool:
    return type_ is not None and (isinstance(type_, ArtifactType) or is_scalar(type_))
