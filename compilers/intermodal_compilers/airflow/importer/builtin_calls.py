"""Python's own functions on known values."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from intermodal_compilers.airflow.importer import builtin_objects
from intermodal_compilers.airflow.importer.builtin_names import EXCEPTIONS, SPECIAL
from intermodal_compilers.airflow.importer.effects import unread_text
from intermodal_compilers.airflow.importer.graph import XCom
from intermodal_compilers.airflow.importer.iteration import items_of
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.plain import holds_unknown
from intermodal_compilers.airflow.importer.sizes import is_bulky
from intermodal_compilers.airflow.importer.truth import truth
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Bound,
    Function,
    Generated,
    Instance,
    RaisedError,
    Scope,
    Unknown,
)

LONGEST_RANGE = 100_000

# Functions that take plain values and give one, as Python itself has them.
PLAIN: dict[str, Callable[..., Any]] = {
    "int": int, "float": float, "bool": bool, "abs": abs, "round": round, "divmod": divmod,
    "ord": ord, "chr": chr, "hex": hex, "bin": bin, "oct": oct, "ascii": ascii, "repr": repr, "slice": slice,
}  # fmt: skip


def _small(values: Any) -> Any:
    """Items that can be told apart.

    Raises:
        OverflowError: There is too much in them to go through.
    """
    if is_bulky(values):
        raise OverflowError("too large to work out")
    return values


# Functions over items; their first argument is listed first.
OVER_ITEMS: dict[str, Callable[..., Any]] = {
    "list": list, "tuple": tuple, "set": lambda v=(): set(_small(v)), "frozenset": lambda v=(): frozenset(_small(v)), "sum": sum, "iter": Generated,
    "reversed": lambda v: Generated(v[::-1]),
    "enumerate": lambda v, start=0: Generated(enumerate(v, start)),
}  # fmt: skip
NAMES = frozenset(PLAIN) | frozenset(OVER_ITEMS) | SPECIAL | EXCEPTIONS


def text_value(value: Any, *, keep: bool = False) -> Any:
    """A value as text shows it: a member of a text enum as Python prints it, if not to be kept.

    A task's output is the template that fetches it, as `airflow.sdk.definitions.xcom_arg` prints it.
    """
    if isinstance(value, XCom) and not keep and value.how == "plain" and len(value.nodes) == 1:
        return _template(value)
    if keep or not isinstance(value, Instance) or "value" not in value.names:
        return value
    bases = {base.path for base in value.of.externals()}
    if "enum.StrEnum" in bases:
        return value.names["value"]
    return f"{value.of.name}.{value.names['name']}" if "builtins.str" in bases else value


def _template(value: XCom) -> Any:
    [task] = value.nodes
    key = "return_value" if value.key is None else value.key
    if task.dag is None or not isinstance(key, str):
        return value
    which = f"task_ids='{task.id}', dag_id='{task.dag.id}', key='{key}'"
    return f"{{{{ task_instance.xcom_pull({which}) }}}}"


def call_builtin(
    machine: Machine, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """Call a function of Python's own.

    Raises:
        RaisedError: It raises for these values.
    """
    special = _SPECIAL.get(name)
    if special is not None:
        return special(machine, arguments, node, scope)
    values = arguments.positional
    if name in EXCEPTIONS:
        return machine.symbolic(f"builtins.{name}", arguments, node, scope)
    if arguments.rest is not None:
        return machine.unknown(arguments.rest.reason, node, scope)
    how = PLAIN.get(name)
    why = None
    if name in OVER_ITEMS:
        how = OVER_ITEMS[name]
        if values:
            why = machine.doubted(values[0])
            items = items_of(machine, values[0], node, scope)
            if isinstance(items, Unknown):
                return machine.unknown(items.reason, node, scope)
            values = [list(items), *values[1:]]
            machine.charge(len(values[0]))
    elif any(holds_unknown(value) for value in values):
        return machine.unknown(_reason(values), node, scope)
    if how is None:
        if name in ("exec", "eval"):
            unread_text(machine, name, node, scope)
        return machine.unknown(f"`{name}(...)` is not evaluated", node, scope)
    try:
        done = how(*values, **arguments.named)
    except (TypeError, ValueError, OverflowError, IndexError) as problem:
        if any(holds_unknown(value) for value in values):
            return machine.unknown(_reason(values), node, scope)
        raise RaisedError(
            type(problem).__name__, str(problem), scope.module.span(node)
        ) from problem
    if why is not None and not isinstance(done, list | set):
        return machine.unknown(why, node, scope)
    if why is not None:
        machine.doubt(done, why)
    return done


def _reason(values: list[Any]) -> str:
    found = next((v for v in values if isinstance(v, Unknown)), None)
    return found.reason if found else "made of something that is not known"


def _length(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    value = arguments.get("obj", 0)
    if isinstance(value, Instance):
        return _own_method(machine, value, "__len__", node, scope)
    why = machine.doubted(value)
    if why is not None:
        return machine.unknown(why, node, scope)
    if isinstance(value, list | tuple | dict | set | frozenset | str | bytes | range):
        return len(value)
    return machine.unknown("its length is not known", node, scope)


def _range(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    if not all(isinstance(value, int) for value in arguments.positional) or arguments.rest:
        return machine.unknown(_reason(arguments.positional), node, scope)
    try:
        made = range(*arguments.positional)
    except (TypeError, ValueError) as problem:
        raise RaisedError(
            type(problem).__name__, str(problem), scope.module.span(node)
        ) from problem
    if len(made) > LONGEST_RANGE:
        return machine.unknown("a range that is too long", node, scope)
    return made


def _lists(machine: Machine, values: list[Any], node: ast.AST, scope: Scope) -> Any:
    found = []
    for value in values:
        why = machine.doubted(value)
        if why is not None:
            return machine.unknown(why, node, scope)
        items = items_of(machine, value, node, scope)
        if isinstance(items, Unknown):
            return items
        found.append(list(items))
    return found


def _zip(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """Rounds, one item of each; what can be gone through once loses no more than Python takes of it."""
    sources: list[Any] = []
    for value in arguments.positional:
        why = machine.doubted(value)
        items = items_of(machine, value, node, scope)
        if isinstance(items, Unknown) or why is not None:
            return machine.unknown(why or _reason([items]), node, scope)
        sources.append(iter(items))
    made = Generated(zip(*sources, strict=False))
    for value in arguments.positional:
        if isinstance(value, Generated) and value:
            # The rounds are made at once here, and one by one in Python: what is left differs meanwhile.
            machine.doubt(value, "how far it was gone through is not known")
    return made


def _map(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    function, *rest = arguments.positional
    lists = _lists(machine, rest, node, scope)
    if isinstance(lists, Unknown):
        return lists
    rounds = zip(*lists, strict=False)
    made = (machine.call(function, Arguments(list(one), {}), node, scope) for one in rounds)
    return Generated(made)


def _filter(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    function, values = arguments.positional
    lists = _lists(machine, [values], node, scope)
    if isinstance(lists, Unknown):
        return lists
    kept = Generated()
    for item in lists[0]:
        test = (
            item if function is None else machine.call(function, Arguments([item], {}), node, scope)
        )
        known = truth(test)
        if known is None:
            return machine.unknown("which items are kept is not known", node, scope)
        if known:
            kept.append(item)
    return kept


def _sorted(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    lists = _lists(machine, arguments.positional[:1], node, scope)
    if isinstance(lists, Unknown):
        return lists
    return _by_key(machine, sorted, lists[0], arguments, node, scope)


def _by_key(
    machine: Machine, how: Any, items: list[Any], arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    key = arguments.named.get("key")
    extra = {k: v for k, v in arguments.named.items() if k in ("reverse", "default")}
    if key is not None:
        keys = [machine.call(key, Arguments([item], {}), node, scope) for item in items]
    else:
        keys = items
    if any(holds_unknown(one) for one in keys):
        return machine.unknown("the order of unknown values", node, scope)
    try:
        chosen = how(range(len(items)), key=keys.__getitem__, **extra)
    except (TypeError, ValueError) as problem:
        raise RaisedError(
            type(problem).__name__, str(problem), scope.module.span(node)
        ) from problem
    return (
        [items[i] for i in chosen]
        if isinstance(chosen, list)
        else (items[chosen] if items else chosen)
    )


def _extreme(how: Any) -> Callable[..., Any]:
    def run(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
        values: Any = arguments.positional
        if len(values) == 1:
            lists = _lists(machine, values, node, scope)
            if isinstance(lists, Unknown):
                return lists
            values = lists[0]
        return _by_key(machine, how, list(values), arguments, node, scope)

    return run


def _quantified(stop: bool) -> Callable[..., Any]:
    def run(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
        lists = _lists(machine, arguments.positional, node, scope)
        if isinstance(lists, Unknown):
            return lists
        found = [truth(item) for item in lists[0]]
        if stop in found:
            return stop
        return (
            machine.unknown("some items are not known", node, scope) if None in found else not stop
        )

    return run


def _own_method(machine: Machine, value: Instance, name: str, node: ast.AST, scope: Scope) -> Any:
    """What a method without arguments of the user's gives."""
    found = value.of.find(name)
    if found and isinstance(found[0], Function):
        return machine.call(Bound(value, name, found[0]), Arguments([], {}), node, scope)
    return machine.unknown(f"`{name}` of an object", node, scope)


def own_text(machine: Machine, value: Instance, node: ast.AST, scope: Scope) -> Any:
    """The text of an object of the user's: what `__str__` gives, or `__repr__`."""
    name = "__str__" if value.of.find("__str__") else "__repr__"
    return _own_method(machine, value, name, node, scope)


def _text(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    if not arguments.positional:
        return ""
    value = text_value(arguments.positional[0])
    if isinstance(value, Instance):
        value = own_text(machine, value, node, scope)
    if holds_unknown(value):
        return machine.unknown(_reason([value]), node, scope)
    return str(value)


def _dict(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    if arguments.rest is not None:
        return arguments.rest
    found: dict[Any, Any] = {}
    for value in arguments.positional:
        if isinstance(value, dict):
            found.update(value)
            machine.inherit(found, value)
            continue
        items = items_of(machine, value, node, scope)
        if isinstance(items, Unknown):
            return items
        items = list(items)
        if is_bulky([item[0] for item in items if isinstance(item, tuple | list) and item]):
            return machine.unknown("keys that are too large", node, scope)
        try:
            found.update(items)
        except (TypeError, ValueError):
            return machine.unknown("keys that are not known", node, scope)
    found.update(arguments.named)
    return found


def _next(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    values = arguments.get("iterator", 0)
    if isinstance(values, Generated) and machine.doubted(values) is None:
        if not machine.certain_to(values):
            machine.doubt(values)
            return machine.unknown(machine.uncertain[-1], node, scope)
        if values:
            return values.pop(0)
        if len(arguments.positional) > 1:
            return arguments.positional[1]
        raise RaisedError("StopIteration", "nothing is left", scope.module.span(node))
    return machine.unknown("which item comes next is not known", node, scope)


def method_of_type(
    machine: Machine, name: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> Any:
    """`str.lower(x)`, `dict.fromkeys(...)` and others that are named by their class."""
    kind, _, method = name.partition(".")
    values = arguments.positional
    if name == "str.maketrans" and not any(holds_unknown(value) for value in values):
        try:
            return str.maketrans(*values)
        except (TypeError, ValueError) as problem:
            raise RaisedError(
                type(problem).__name__, str(problem), scope.module.span(node)
            ) from problem
    if name == "dict.fromkeys" and values:
        keys = _lists(machine, values[:1], node, scope)
        if not isinstance(keys, Unknown) and not holds_unknown(keys) and not is_bulky(keys):
            return dict.fromkeys(keys[0], *values[1:2])
    if values and type(values[0]).__name__ == kind and method:
        rest = Arguments(values[1:], arguments.named, {}, arguments.rest)
        return machine.call(Bound(values[0], method), rest, node, scope)
    return machine.unknown(f"`{name}(...)` is not evaluated", node, scope)


_SPECIAL: dict[str, Callable[[Machine, Arguments, ast.AST, Scope], Any]] = {
    "print": lambda *_: None,
    "len": _length,
    "range": _range,
    "zip": _zip,
    "map": _map,
    "filter": _filter,
    "sorted": _sorted,
    "min": _extreme(min),
    "max": _extreme(max),
    "any": _quantified(True),
    "all": _quantified(False),
    "str": _text,
    "dict": _dict,
    "next": _next,
    **builtin_objects.HANDLERS,
}
