"""Engines that can be installed: asked of the drivers found by entry point."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from intermodal import registry
from intermodal.findings import FindingsError, error


@dataclass(frozen=True)
class EngineOffer:
    """An engine at one version.

    Attributes:
        name: What the user types, like `airflow@3.3`.
        software: The distribution and exact version that its lock file pins.
        python: The Pythons it runs on, as a version specifier.
        path: Its environment, if it is installed.
    """

    name: str
    software: str
    python: str
    path: str | None = None


class InstallableEngine(Protocol):
    """What the class of an engine driver tells without an environment."""

    @classmethod
    def offers(cls) -> Sequence[EngineOffer]:
        """The engine's versions, the default first."""
        ...

    @classmethod
    def install(cls, name: str, requirements: Path | None = None) -> EngineOffer:
        """Make the environment unless it is there.

        Raises:
            FindingsError: PORT701, it cannot be made.
        """
        ...


def catalogue() -> list[EngineOffer]:
    """Every engine of every driver."""
    return [o for family in registry.names("engines") for o in _driver(family).offers()]


def offer(name: str) -> EngineOffer:
    """The engine of that name; a bare family name means its default version.

    Raises:
        FindingsError: PORT702, there is none.
    """
    offers = catalogue()
    for candidate in offers:
        if name in {candidate.name, _family(candidate.name)}:
            return candidate
    known = [candidate.name for candidate in offers]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise FindingsError(
        [error("PORT702", f"there is no engine `{name}`", next=f"{hint}known: {', '.join(known)}")]
    )


def install(name: str, requirements: Path | None = None) -> EngineOffer:
    """Make an engine's environment unless it is there.

    Raises:
        FindingsError: PORT702 for an unknown engine, PORT701 if it cannot be made.
    """
    wanted = offer(name)
    return _driver(_family(wanted.name)).install(wanted.name, requirements)


def _family(name: str) -> str:
    return name.partition("@")[0]


def _driver(family: str) -> type[InstallableEngine]:
    found: type[InstallableEngine] = registry.load("engines", family)
    return found
