"""`match`: which case fits, where that can be told."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from intermodal_compilers.airflow.importer import flow
from intermodal_compilers.airflow.importer.graph import XCom
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    External,
    RaisedError,
    Scope,
    Symbolic,
    Unknown,
    UserClass,
)

UNSURE = (Unknown, Symbolic, XCom, External)
# Classes whose one positional pattern takes the value itself.
WHOLE = ("bool", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple")


def match(machine: Machine, node: ast.Match, scope: Scope) -> Any:
    """The first case that fits; from one on that may fit, each of them may run."""
    subject = machine.evaluate(node.subject, scope)
    possible: list[ast.match_case] = []
    for case in node.cases:
        fits = _case_fits(machine, subject, case, scope)
        if fits and not possible:
            return machine.execute(case.body, scope)
        if fits is not False:
            possible.append(case)
        if fits:
            break
    if not possible:
        return None
    reason = f"depends on what `{scope.module.source(node.subject)[:80]}` is"
    arms: list[Callable[[], Any]] = [
        partial(machine.execute, case.body, scope) for case in possible
    ]
    if not fits:
        arms.append(lambda: None)
    return flow.one_of(machine, arms, node, scope, reason)


def _case_fits(machine: Machine, subject: Any, case: ast.match_case, scope: Scope) -> bool | None:
    fits = _fits(machine, subject, case.pattern, scope)
    if case.guard is None or fits is False:
        return fits
    guard = machine.truth(machine.evaluate(case.guard, scope))
    return guard if fits or guard is False else None


def _fits(machine: Machine, subject: Any, pattern: ast.pattern, scope: Scope) -> bool | None:
    match pattern:
        case ast.MatchAs(pattern=inner, name=name):
            fits = True if inner is None else _fits(machine, subject, inner, scope)
            if name and fits is not False:
                scope.names[name] = subject
            return fits
        case ast.MatchOr(patterns=patterns):
            found = [_fits(machine, subject, one, scope) for one in patterns]
            return True if True in found else (None if None in found else False)
        case ast.MatchValue(value=value):
            known = machine.evaluate(value, scope)
            if isinstance(subject, UNSURE) or isinstance(known, UNSURE):
                return True if subject is known else None
            return bool(known == subject)
        case ast.MatchSingleton(value=value):
            return None if isinstance(subject, UNSURE) else subject is value
        case ast.MatchSequence(patterns=patterns):
            return _sequence(machine, subject, patterns, scope)
        case ast.MatchMapping():
            return _mapping(machine, subject, pattern, scope)
        case ast.MatchClass():
            return _class(machine, subject, pattern, scope)
        case _:
            return None


def _all(results: Iterable[bool | None]) -> bool | None:
    known = list(results)
    return False if False in known else (None if None in known else True)


def _unsure(machine: Machine, names: Iterable[ast.pattern], subject: Any, scope: Scope) -> None:
    """Names that a pattern binds, where the value is not known."""
    for one in names:
        for inner in ast.walk(one):
            name = getattr(inner, "name", None) or getattr(inner, "rest", None)
            if isinstance(inner, ast.pattern) and isinstance(name, str):
                scope.names[name] = machine.unknown("what is matched is not known", one, scope)
    del subject


def _sequence(
    machine: Machine, subject: Any, patterns: list[ast.pattern], scope: Scope
) -> bool | None:
    if isinstance(subject, UNSURE) or machine.doubted(subject):
        _unsure(machine, patterns, subject, scope)
        return None
    if not isinstance(subject, list | tuple | range):
        return False
    values = list(subject)
    stars = [i for i, one in enumerate(patterns) if isinstance(one, ast.MatchStar)]
    if not stars:
        if len(values) != len(patterns):
            return False
        pairs = zip(values, patterns, strict=True)
        return _all(_fits(machine, value, one, scope) for value, one in pairs)
    first, after = stars[0], len(patterns) - stars[0] - 1
    if len(values) < first + after:
        return False
    star = patterns[first]
    assert isinstance(star, ast.MatchStar)
    if star.name:
        scope.names[star.name] = values[first : len(values) - after]
    plain = [*patterns[:first], *patterns[first + 1 :]]
    ends = [*values[:first], *values[len(values) - after :]]
    return _all(_fits(machine, v, one, scope) for v, one in zip(ends, plain, strict=True))


def _mapping(
    machine: Machine, subject: Any, pattern: ast.MatchMapping, scope: Scope
) -> bool | None:
    if isinstance(subject, UNSURE) or machine.doubted(subject):
        _unsure(machine, [pattern], subject, scope)
        return None
    if not isinstance(subject, dict):
        return False
    keys = [machine.evaluate(key, scope) for key in pattern.keys]
    if any(isinstance(key, UNSURE) for key in keys):
        return None
    if any(key not in subject for key in keys):
        return False
    if pattern.rest:
        scope.names[pattern.rest] = {k: v for k, v in subject.items() if k not in keys}
    pairs = zip(keys, pattern.patterns, strict=True)
    return _all(_fits(machine, subject[key], one, scope) for key, one in pairs)


def _class(machine: Machine, subject: Any, pattern: ast.MatchClass, scope: Scope) -> bool | None:
    kind = machine.evaluate(pattern.cls, scope)
    is_one = External("builtins.isinstance")
    known = machine.truth(machine.call(is_one, Arguments([subject, kind], {}), pattern, scope))
    if known is not True:
        if known is None:
            _unsure(machine, [pattern], subject, scope)
        return known
    if isinstance(kind, External) and kind.name in WHOLE and len(pattern.patterns) == 1:
        return _fits(machine, subject, pattern.patterns[0], scope)
    names = _positional_names(kind)
    if len(pattern.patterns) > len(names):
        _unsure(machine, [pattern], subject, scope)
        return None
    named = zip(
        [*names[: len(pattern.patterns)], *pattern.kwd_attrs],
        [*pattern.patterns, *pattern.kwd_patterns],
        strict=True,
    )
    results: list[bool | None] = []
    for name, one in named:
        try:
            value = machine.attribute(subject, name, pattern, scope)
        except RaisedError:
            return False
        results.append(_fits(machine, value, one, scope))
    return _all(results)


def _positional_names(kind: Any) -> list[str]:
    if not isinstance(kind, UserClass):
        return []
    given = kind.find("__match_args__")
    if given and isinstance(given[0], tuple):
        return [str(name) for name in given[0]]
    return [name for known in reversed(kind.lineage()) for name in known.fields]
