"""A problem in a document, named by its path until the place in the text is looked up."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from intermodal.findings import Finding, Severity, Span, error, note, warning

Path = tuple[str | int, ...]
"""The keys from the document's number down to the value, such as `(0, "root", "dag")`."""

MAKERS = {Severity.ERROR: error, Severity.WARNING: warning, Severity.NOTE: note}


class Mark(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


class Problem(NamedTuple):
    """What will be a finding once its place is known.

    Attributes:
        code: A key of `intermodal.codes.CODES`.
        path: Where in the document.
        what: As in `Finding`.
        why: As in `Finding`.
        next: As in `Finding`.
        severity: As in `Finding`.
        mark: The place, if the path cannot lead to it.
    """

    code: str
    path: Path
    what: str
    why: str = ""
    next: str = ""
    severity: Severity = Severity.ERROR
    mark: Mark | None = None

    def finding(self, span: Span | None) -> Finding:
        """The finding, at this place."""
        return MAKERS[self.severity](self.code, self.what, span, why=self.why, next=self.next)


def listed(names: Iterable[str], limit: int = 10) -> str:
    """Names for a message: in backticks, the first few of many."""
    shown = [f"`{name}`" for name in islice(names, limit + 1)]
    if len(shown) > limit:
        shown[limit] = "…"
    return ", ".join(shown) or "none"


def with_article(noun: str) -> str:
    """`an input`, `a task`."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
