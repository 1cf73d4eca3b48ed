"""Compilers, backends, engines and trackers, found by entry point; built-in ones are found the same way."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from intermodal.compiling import Compiler, Target
from intermodal.findings import Finding, error


def names(group: str) -> list[str]:
    """Names registered under `intermodal.<group>`, sorted; nothing is imported."""
    return sorted(_points(group, tuple(sys.path)))


def load(group: str, name: str) -> Any:
    """The object registered as `name` under `intermodal.<group>`.

    Raises:
        KeyError: If there is none.
    """
    return _point(group, name).load()


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
    known = names("compilers")
    if name not in known:
        return None, [_unknown_target(text, name, known)]
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


def _point(group: str, name: str) -> EntryPoint:
    found = _points(group, tuple(sys.path))
    if name not in found:
        raise KeyError(f"no {name!r} under intermodal.{group}")
    return found[name]


@cache
def _points(group: str, path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """The entry points of a group by name; looked for once, since every installed package is read."""
    del path  # a key only: what is installed depends on it
    return {point.name: point for point in entry_points(group=f"intermodal.{group}")}
