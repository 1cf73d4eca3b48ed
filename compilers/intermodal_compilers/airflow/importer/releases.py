"""Versions of packages, as `packaging` has them: what files ask to tell one Airflow from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from intermodal.findings import Span
from intermodal_compilers.airflow.importer.values import Unknown

PARTS = ("major", "minor", "micro")


@dataclass(frozen=True, order=True, slots=True)
class Release:
    """A version's numbers, without zeros at their end: `2.10` is `2.10.0`."""

    numbers: tuple[int, ...]

    def attribute_of_reader(self, name: str) -> Any:
        """Attributes that files use."""
        if name in PARTS:
            return (*self.numbers, 0, 0, 0)[PARTS.index(name)]
        return Unknown(f"`.{name}` of a version is not read", Span(""))


def release(text: str) -> Release:
    """The version that a text names.

    Raises:
        ValueError: It names none that has numbers only.
    """
    parts = text.split("+", maxsplit=1)[0].split(".")
    numbers = [int(part) for part in parts]
    while numbers and not numbers[-1]:
        numbers.pop()
    return Release(tuple(numbers))
