"""Compilers, backends, engines and trackers, found by entry point; built-in ones are found the same way."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from intermodal.compiling import Compiler, Target
from intermodal.findings import Finding, error

PREFIX = "intermodal."


def names(group: str) -> list[str]:
    """Names registered under `intermodal.<group>`, sorted; nothing is imported."""
    return sorted(_installed(group))


def has(group: str, name: str) -> bool:
    """Whether something is registered as `name` under `intermodal.<group>`."""
    return _point(group, name) is not None


def load(group: str, name: str) -> Any:
    """The object registered as `name` under `intermodal.<group>`.

    Raises:
        KeyError: If there is none.
    """
    point = _point(group, name)
    if point is None:
        raise KeyError(f"no {name!r} under {PREFIX}{group}")
    module, _, attribute = point.partition(":")
    return getattr(importlib.import_module(module), attribute)


def compilers() -> dict[str, Compiler]:
    """Every installed compiler by target name."""
    return {name: compiler(name) for name in names("compilers")}


def compiler(name: str) -> Compiler:
    """The compiler for a target.

    Raises:
        KeyError: If there is none.
    """
    made: Compiler = load("compilers", name)()
    return made


def resolve_target(text: str) -> tuple[Target | None, list[Finding]]:
    """Read `airflow` or `airflow@2.11`; an unknown target or version gives a finding."""
    name, _, version = text.strip().partition("@")
    if not has("compilers", name):
        return None, [_unknown_target(text, name, names("compilers"))]
    found = compiler(name)
    resolved = found.resolve_version(version) if version else found.versions[0]
    if resolved is None:
        return None, [
            error(
                "PORT007",
                f"`{name}` has no version `{version}` here",
                next=f"choose one of {', '.join(f'{name}@{v}' for v in found.versions)}",
            )
        ]
    return Target(name, resolved), []


def _unknown_target(text: str, name: str, known: list[str]) -> Finding:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return error(
        "PORT007",
        f"unknown target `{text}`",
        next=f"{hint}known targets: {', '.join(known)}",
    )


def _point(group: str, name: str) -> str | None:
    """The `module:attribute` of an entry point.

    Ours are read from our own file, and first: `importlib.metadata` takes a tenth of the time of a
    small command, since it reads what every installed package says of itself.
    """
    return _ours(tuple(sys.path)).get((group, name)) or _installed(group).get(name)


@cache
def _ours(path: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Our own distribution's entry points by group and name; none where it is not found as files."""
    for folder in path:
        for info in Path(folder).glob("intermodal-*.dist-info/entry_points.txt"):
            return dict(_entries(info.read_text(encoding="utf-8")))
    return {}


def _entries(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[]").removeprefix(PREFIX)
        elif "=" in line:
            name, _, value = line.partition("=")
            yield (group, name.strip()), value.strip()


def _installed(group: str) -> dict[str, str]:
    """The entry points of a group by name, of all installed packages; looked for once."""
    return _read_all(group, tuple(sys.path))


@cache
def _read_all(group: str, path: tuple[str, ...]) -> dict[str, str]:
    from importlib.metadata import entry_points

    del path  # a key only: what is installed depends on it
    return {point.name: point.value for point in entry_points(group=f"{PREFIX}{group}")}
