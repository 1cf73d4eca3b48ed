"""Findings for people: the source line, a caret under the place, the reason and the next step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import click

from intermodal.findings import Finding, Severity, Span
from intermodal.textwidth import cells

SEVERITY_COLOUR = {
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
    Severity.NOTE: "cyan",
}
FRAME_COLOUR = "blue"
WIDEST_LINE = 160
TAB = "    "
MAX_FRAME_BYTES = 10 * 1024 * 1024

SourceOf = Callable[[Span], tuple[str, ...]]
_WORD = re.compile(r"\w+(?:\.\w+)*|\S")


def render(findings: Iterable[Finding], root: Path, *, colour: bool = False) -> str:
    """All findings, a blank line between them, each code explained once; no newline at the end.

    Args:
        findings: What to print, in order.
        root: Where relative paths of spans begin.
        colour: Whether to colour for a terminal.
    """
    told: set[str] = set()
    read = cache(_source)
    blocks: list[str] = []
    for finding in findings:
        lines = _lines(finding, colour, lambda span: read(root / span.file))
        if finding.code not in told and finding.severity is not Severity.NOTE:
            told.add(finding.code)
            lines.append(_style(f"   `port explain {finding.code}` tells more", colour, dim=True))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def summary(findings: Iterable[Finding]) -> str:
    """`2 errors · 1 warning`, or an empty string."""
    counts = dict.fromkeys(Severity, 0)
    for finding in findings:
        counts[finding.severity] += 1
    return " · ".join(
        counted(counts[severity], severity.value)
        for severity in (Severity.ERROR, Severity.WARNING)
        if counts[severity]
    )


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`, `1,204 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def printable(text: str) -> str:
    """The text with tabs spread and control characters shown, so that it cannot steer a terminal."""
    spread = text.replace("\t", TAB)
    if spread.isprintable():
        return spread
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in spread)


def _lines(finding: Finding, colour: bool, read: SourceOf) -> list[str]:
    tint = SEVERITY_COLOUR[finding.severity]
    head = _style(f"{finding.severity}[{finding.code}]", colour, fg=tint, bold=True)
    what = [printable(line) for line in finding.what.strip().splitlines()] or [""]
    lines = [f"{head}: {_style(what[0], colour, bold=True)}", *(f"   {line}" for line in what[1:])]
    if finding.span is not None:
        lines += _frame(finding.span, colour, tint, read)
    for label, said in (("why", finding.why), ("next", finding.next)):
        lines += _labelled(label, said, _gutter(finding.span), colour)
    return lines


def _gutter(span: Span | None) -> str:
    """Blanks as wide as the line number, and at least two."""
    return " " * max(2, len(str(span.line)) if span else 0)


def _labelled(label: str, said: str, gutter: str, colour: bool) -> list[str]:
    rows = [printable(row) for row in said.strip().splitlines()]
    if not rows:
        return []
    mark = _style(f"{gutter} =", colour, fg=FRAME_COLOUR)
    head = f"{mark} {_style(f'{label}:', colour, bold=True)}{' ' * (5 - len(label))}{rows[0]}"
    return [head, *(f"{gutter}         {row}".rstrip() for row in rows[1:])]


def _frame(span: Span, colour: bool, tint: str, read: SourceOf) -> list[str]:
    place = f"{printable(span.file)}:{span.line}:{span.column}"
    gutter = _gutter(span)
    arrow = _style(f"{gutter}-->", colour, fg=FRAME_COLOUR)
    lines = [f"{arrow} {place}"]
    source = read(span)
    if not 0 < span.line <= len(source):
        return lines
    text, offset, width = _window(source[span.line - 1], span.column)
    bar = _style(f"{gutter} |", colour, fg=FRAME_COLOUR)
    number = _style(f"{span.line:>{len(gutter)}} |", colour, fg=FRAME_COLOUR)
    carets = _style("^" * width, colour, fg=tint, bold=True)
    return [*lines, bar, f"{number} {text}".rstrip(), f"{bar} {' ' * offset}{carets}"]


def _window(source: str, column: int) -> tuple[str, int, int]:
    """The part of the line to show, and where in it the carets go: offset and width in cells."""
    start = min(max(column - 1, 0), len(source))
    word = _WORD.match(source, start)
    end = word.end() if word else start + 1
    left = 0
    if len(source) > WIDEST_LINE:
        left = max(0, min(start - WIDEST_LINE // 4, len(source) - WIDEST_LINE))
    right = left + WIDEST_LINE
    before = ("…" if left else "") + printable(source[left:start])
    marked = printable(source[start : min(end, right)])
    after = printable(source[end:right]) + ("…" if right < len(source) else "")
    return before + marked + after, cells(before), max(1, cells(marked))


def _source(path: Path) -> tuple[str, ...]:
    """The lines of a user's file; none if it is gone, unreadable or no text."""
    try:
        if path.stat().st_size > MAX_FRAME_BYTES:
            return ()
        content = path.read_bytes()
    except (OSError, ValueError):
        return ()
    if b"\0" in content:
        return ()
    text = content.decode("utf-8-sig", errors="replace")
    return tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def _style(text: str, colour: bool, *, fg: str = "", bold: bool = False, dim: bool = False) -> str:
    if not colour:
        return text
    return click.style(text, fg=fg or None, bold=bold or None, dim=dim or None)
