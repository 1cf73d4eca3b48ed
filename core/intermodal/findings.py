"""Findings: what is wrong, where, why, and what to do next.

A finding is a value. Whatever checks something returns findings, all of them, and never raises
one at a time; `FindingsError` carries them across the few places where going on makes no sense.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from intermodal.codes import CODES
from intermodal.frozen import Frozen


class Severity(StrEnum):
    """How bad a finding is. Only `ERROR` makes a command fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Span(Frozen):
    """A place in a user's file: lines and columns count from 1."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - as pydantic documents it

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Finding(Frozen):
    """One thing to tell the user.

    Attributes:
        code: A key of `codes.CODES`, stable over releases.
        severity: Whether it stops the command.
        what: One sentence: what is wrong, with the user's own names in backticks.
        span: Where, if a file is involved.
        why: The reason, if `what` does not say it already.
        next: What to do now.
    """

    code: str
    severity: Severity
    what: str
    span: Span | None = None
    why: str = ""
    next: str = ""

    def to_data(self) -> dict[str, Any]:
        """As JSON data; parts that are absent are left out."""
        data = {name: value for name, value in vars(self).items() if value is not None}
        return data | ({"span": vars(self.span)} if self.span else {})

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Finding:
        """The finding that `to_data` made the data of."""
        span = Span(**data["span"]) if "span" in data else None
        return cls(**{**data, "severity": Severity(data["severity"]), "span": span})


class FindingsError(Exception):
    """Findings that make going on pointless. The command line prints them; libraries may catch it."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__("; ".join(f"{f.code}: {f.what}" for f in self.findings))


def error(
    code: str, what: str, span: Span | None = None, *, why: str = "", next: str = ""
) -> Finding:
    """Make an error finding; `code` must be in the catalogue."""
    return _make(code, Severity.ERROR, what, span, why, next)


def warning(
    code: str, what: str, span: Span | None = None, *, why: str = "", next: str = ""
) -> Finding:
    """Make a warning finding; `code` must be in the catalogue."""
    return _make(code, Severity.WARNING, what, span, why, next)


def note(
    code: str, what: str, span: Span | None = None, *, why: str = "", next: str = ""
) -> Finding:
    """Make a note; `code` must be in the catalogue."""
    return _make(code, Severity.NOTE, what, span, why, next)


def errors_of(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that stop a command."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def raise_errors(findings: Sequence[Finding]) -> None:
    """Raise `FindingsError` with all the findings if one of them is an error."""
    if errors_of(findings):
        raise FindingsError(findings)


def _make(
    code: str, severity: Severity, what: str, span: Span | None, why: str, next_step: str
) -> Finding:
    if code not in CODES:
        raise KeyError(f"finding code {code} is not in codes.py")
    return Finding(code=code, severity=severity, what=what, span=span, why=why, next=next_step)
