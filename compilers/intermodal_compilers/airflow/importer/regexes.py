"""Regular expressions on known texts, where they are sure to end soon."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    Native,
    RaisedError,
    Scope,
    Unknown,
)

# A repeated group can take for ever to match; such patterns are not tried.
REPEATED_GROUP = re.compile(r"\)[*+{]")
QUANTIFIER = re.compile(r"(?<!\\)(?:[*+?]|\{\d*,?\d*\})")
# Steps that a pattern may take on a text, where each quantifier may try every length.
NOWHERE: Any = None
MOST_STEPS = 5_000_000
LONGEST = 10_000
FLAGS = {
    name: int(getattr(re, name))
    for name in (
        "A", "ASCII", "I", "IGNORECASE", "M", "MULTILINE", "S", "DOTALL", "X", "VERBOSE", "U", "UNICODE",
    )
}  # fmt: skip


class Pattern:
    """What `re.compile` gives."""

    def __init__(self, compiled: re.Pattern[str]) -> None:
        self.compiled = compiled

    def attribute_of_reader(self, name: str) -> Any:
        """Attributes that files use."""
        if name in ("pattern", "flags", "groups"):
            return getattr(self.compiled, name)
        if name in METHODS:
            return Native(name, lambda *values: run(self.compiled, name, list(values)))
        return Unknown(f"`.{name}` of a pattern", NOWHERE)


class Match:
    """What `re.match` finds."""

    def __init__(self, found: re.Match[str]) -> None:
        self.found = found

    def attribute_of_reader(self, name: str) -> Any:
        """Attributes that files use."""
        if name in ("group", "groups", "groupdict", "start", "end", "span"):
            return Native(name, getattr(self.found, name))
        if name in ("string", "lastgroup", "lastindex"):
            return getattr(self.found, name)
        return Unknown(f"`.{name}` of a match", NOWHERE)


METHODS: dict[str, Callable[..., Any]] = {
    "match": re.Pattern.match,
    "search": re.Pattern.search,
    "fullmatch": re.Pattern.fullmatch,
    "findall": re.Pattern.findall,
    "finditer": lambda pattern, text: list(pattern.finditer(text)),
    "split": re.Pattern.split,
    "sub": re.Pattern.sub,
}


def run(compiled: re.Pattern[str], name: str, values: list[Any]) -> Any:
    """Call a method of a pattern, if it is sure to end soon."""
    text = values[1] if name == "sub" and len(values) > 1 else (values[0] if values else None)
    plain = all(isinstance(value, str | int) for value in values)
    if not plain or not isinstance(text, str) or not is_quick(compiled.pattern, text):
        return Unknown("a pattern that is not evaluated", NOWHERE)
    if name == "sub" and len(values[0]) > LONGEST:
        return Unknown("a substitution that is not evaluated", NOWHERE)
    done = METHODS[name](compiled, *values)
    if isinstance(done, list):
        return [Match(one) if isinstance(one, re.Match) else one for one in done]
    return Match(done) if isinstance(done, re.Match) else done


def is_quick(pattern: str, text: str) -> bool:
    """Whether a pattern is sure to end soon on a text."""
    if REPEATED_GROUP.search(pattern) or len(text) > LONGEST or len(pattern) > LONGEST:
        return False
    steps = max(len(text), 2)
    for _ in QUANTIFIER.finditer(pattern):
        steps *= max(len(text), 2)
        if steps > MOST_STEPS:
            return False
    return True


def handler(name: str) -> Any:
    """The handler of `re.match(pattern, text)` and its kin."""

    def handle(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
        pattern, *values = arguments.positional or [None]
        flags = arguments.named.get("flags", 0)
        most = 1 if name in ("match", "search", "fullmatch", "findall", "finditer") else 3
        if len(values) > most or (name == "sub" and len(values) == most):
            flags = values.pop()
        if arguments.named.keys() - {"flags"} or not isinstance(flags, int):
            return machine.unknown("a pattern that is not evaluated", node, scope)
        if isinstance(pattern, Pattern):
            compiled = pattern.compiled
        elif isinstance(pattern, str) and len(pattern) <= LONGEST:
            try:
                compiled = re.compile(pattern, flags)
            except (re.error, RecursionError, OverflowError) as problem:
                raise RaisedError("error", str(problem), scope.module.span(node)) from problem
        else:
            return machine.unknown("a pattern that is not known", node, scope)
        if name == "compile":
            return Pattern(compiled)
        done = run(compiled, name, values)
        return machine.unknown(done.reason, node, scope) if isinstance(done, Unknown) else done

    return handle


HANDLERS: dict[str, Any] = {f"re.{name}": handler(name) for name in (*METHODS, "compile")}
