"""Branches and loops, also those whose test or items are not known: what may not happen is marked so."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from intermodal_compilers.airflow.importer import binding
from intermodal_compilers.airflow.importer.iteration import items_of
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.truth import same
from intermodal_compilers.airflow.importer.values import RaisedError, Scope, Unknown

# A statement leaves its body with one of these, with ("return", value), or with ("maybe", Leaving).
BREAK = ("break", None)
CONTINUE = ("continue", None)
MOST_ROUNDS = 5_000


class Leaving:
    """What comes after a statement that may have left its body: whether it runs is not known."""

    def __init__(self, kinds: frozenset[str], reason: str) -> None:
        self.kinds = kinds
        self.reason = reason


def condition(machine: Machine, node: ast.If, scope: Scope) -> Any:
    """`if`: one arm where the test is known, otherwise both, and what differs is not known."""
    known = machine.truth(machine.evaluate(node.test, scope))
    if known is not None:
        return machine.execute(node.body if known else node.orelse, scope)
    reason = f"depends on `{scope.module.source(node.test)[:80]}`"
    return one_of(
        machine,
        [
            lambda: machine.execute(node.body, scope),
            lambda: machine.execute(node.orelse, scope),
        ],
        node,
        scope,
        reason,
    )


def one_of(
    machine: Machine,
    arms: list[Callable[[], Any]],
    node: ast.AST,
    scope: Scope,
    reason: str,
) -> Any:
    """Run all arms of which one would run; names that they leave different are not known."""
    before = dict(scope.names)
    machine.charge(32 + 4 * len(before))
    ends: list[dict[str, Any]] = []
    flows: list[Any] = []
    with machine.maybe(reason):
        for arm in arms:
            scope.names.clear()
            scope.names.update(before)
            try:
                flows.append(arm())
                ends.append(dict(scope.names))
            except RaisedError:
                # A file that raises is not loaded at all: the other arms are what counts.
                continue
    scope.names.clear()
    scope.names.update(before)
    merge(machine, scope, ends, node, reason)
    return _joined(scope, flows, reason)


def merge(
    machine: Machine, scope: Scope, ends: list[dict[str, Any]], node: ast.AST, reason: str
) -> None:
    """Give names the value that all ends agree on."""
    for number, end in enumerate(ends):
        for name, value in end.items():
            if number == 0 or name not in scope.names:
                scope.names[name] = value
            elif not same(scope.names[name], value):
                scope.names[name] = machine.unknown(reason, node, scope)


def _joined(scope: Scope, flows: list[Any], reason: str) -> Any:
    """How arms of which one runs go on together."""
    if not flows:
        return ("return", None)
    if len(flows) == 1:
        return flows[0]
    kinds: set[str] = set()
    for flow in flows:
        if flow is None:
            continue
        if flow[0] == "return":
            scope.maybe_returned.append(flow[1])
        kinds |= flow[1].kinds if flow[0] == "maybe" else {flow[0]}
    certain = [flow[0] if flow else None for flow in flows]
    if len(set(certain)) == 1 and certain[0] != "maybe":
        if certain[0] == "return":
            return ("return", scope.maybe_returned.pop())
        return flows[0]
    return ("maybe", Leaving(frozenset(kinds), reason)) if kinds else None


def uncertainly(
    machine: Machine, scope: Scope, node: ast.AST, reason: str, run: Callable[[], Any]
) -> Any:
    """Run what may not run, or run more than once; names that it changes are not known afterwards."""
    before = dict(scope.names)
    machine.charge(32 + 4 * len(before))
    with machine.maybe(reason):
        flow = run()
    for name, value in list(scope.names.items()):
        if name in before and not same(before[name], value):
            scope.names[name] = machine.unknown(reason, node, scope)
    return flow


def rest_of(
    machine: Machine, leaving: Leaving, body: list[ast.stmt], node: ast.AST, scope: Scope
) -> Any:
    """The statements after one that may have left the body."""
    kinds = leaving.kinds
    try:
        flow = uncertainly(
            machine, scope, node, leaving.reason, lambda: machine.execute(body, scope)
        )
    except RaisedError:
        return _left(scope, leaving)
    if flow is not None:
        if flow[0] == "return":
            scope.maybe_returned.append(flow[1])
            if kinds == {"return"}:
                return ("return", scope.maybe_returned.pop())
        kinds |= flow[1].kinds if flow[0] == "maybe" else {flow[0]}
    return ("maybe", Leaving(kinds, leaving.reason))


def _left(scope: Scope, leaving: Leaving) -> Any:
    """What would follow raises, and a file that raises is not loaded at all: so the body was left."""
    match sorted(leaving.kinds):
        case ["return"]:
            return ("return", scope.maybe_returned.pop())
        case ["break"]:
            return BREAK
        case ["continue"]:
            return CONTINUE
        case _:
            return ("maybe", leaving)


def loop(machine: Machine, node: ast.For | ast.AsyncFor, scope: Scope) -> Any:
    """`for`: over known items one by one, over unknown ones once."""
    value = machine.evaluate(node.iter, scope)
    why = machine.doubted(value)
    items = items_of(machine, value, node.iter, scope)
    if why is not None and not isinstance(items, Unknown):
        # There may be other items than these: the last round stands for them.
        more = machine.unknown(why, node.iter, scope)
        many = [*items, *([] if items else [more])]
        return after_loop(
            uncertainly(machine, scope, node, why, lambda: _each(machine, node, many, scope)), scope
        )
    if not isinstance(items, Unknown):
        return _each(machine, node, items, scope)
    reason = f"repeats for each of `{scope.module.source(node.iter)[:80]}`"

    def once() -> Any:
        binding.store(machine, node.target, items, scope)
        return machine.execute(node.body, scope)

    return after_loop(uncertainly(machine, scope, node, reason, once), scope, reason)


def after_loop(flow: Any, scope: Scope, reason: str = "") -> Any:
    """How a body goes on after a loop whose rounds are not known."""
    if flow is None:
        return None
    if flow[0] == "return":
        scope.maybe_returned.append(flow[1])
        return ("maybe", Leaving(frozenset({"return"}), reason or "depends on a loop"))
    return _after_rounds(flow[1]) if flow[0] == "maybe" else None


def _after_rounds(leaving: Leaving | None) -> Any:
    """A loop takes `break` and `continue`; a `return` goes on."""
    if leaving is None or "return" not in leaving.kinds:
        return None
    return ("maybe", Leaving(frozenset({"return"}), leaving.reason))


def _each(
    machine: Machine, node: ast.For | ast.AsyncFor, items: Iterable[Any], scope: Scope
) -> Any:
    rounds = iter(items)
    for item in rounds:
        binding.store(machine, node.target, item, scope)
        flow = machine.execute(node.body, scope)
        if flow is None or flow is CONTINUE:
            continue
        if flow is BREAK:
            return None
        if flow[0] != "maybe":
            return flow
        leaving = flow[1]
        if leaving.kinds == {"continue"}:
            continue
        return _later_rounds(machine, node, list(rounds), leaving, scope)
    return machine.execute(node.orelse, scope)


def _later_rounds(
    machine: Machine,
    node: ast.For | ast.AsyncFor,
    items: list[Any],
    leaving: Leaving,
    scope: Scope,
) -> Any:
    """The rounds after one that may have left the loop."""
    again = uncertainly(
        machine, scope, node, leaving.reason, lambda: _each(machine, node, items, scope)
    )
    if again is not None and again[0] == "return":
        scope.maybe_returned.append(again[1])
        leaving = Leaving(leaving.kinds | {"return"}, leaving.reason)
    return _after_rounds(leaving)


def while_loop(machine: Machine, node: ast.While, scope: Scope) -> Any:
    """`while`: as long as the test is known to hold."""
    reason = "repeats an unknown number of times"
    for _ in range(MOST_ROUNDS):
        known = machine.truth(machine.evaluate(node.test, scope))
        if known is False:
            return machine.execute(node.orelse, scope)
        if known is None:
            break
        flow = machine.execute(node.body, scope)
        if flow is None or flow is CONTINUE:
            continue
        if flow is BREAK:
            return None
        if flow[0] != "maybe":
            return flow
        if flow[1].kinds != {"continue"}:
            reason = flow[1].reason
            break
    flow = uncertainly(machine, scope, node, reason, lambda: machine.execute(node.body, scope))
    return after_loop(flow, scope, reason)
