"""Two runs side by side, as text and as JSON."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from intermodal.cli.artifacts import readable_size
from intermodal.cli.matrix import columns
from intermodal.cli.render.text import counted
from intermodal.tracking.differences import SECTIONS, Row, Section, Value, is_different
from intermodal.tracking.facts import OutputFact, RunFacts

ABSENT = "—"
LONGEST = 60
NOTABLE = 1.05
"""A smaller factor between two times is not told."""
NOUNS: Mapping[Section, str] = {
    "parameters": "parameter",
    "states": "state",
    "metrics": "metric",
    "artifacts": "artifact",
    "inputs": "input",
    "code": "code",
}


def differences_text(
    left: RunFacts, right: RunFacts, rows: Sequence[Row], *, everything: bool
) -> str:
    """For people; no newline at the end. Without `everything`, only what differs."""
    heads = ["", f"{left.pipeline} {left.run_id}", f"{right.pipeline} {right.run_id}", ""]
    table: list[list[str]] = [heads]
    for section in SECTIONS:
        shown = [row for row in rows if row.section == section and (everything or not row.same)]
        if shown:
            table.append([section, "", "", ""])
            table += [_cells(row) for row in shown]
    lines = [columns(table, indent="")]
    if not is_different(rows):
        lines.append("no differences in parameters, states, metrics, artifacts and code")
    lines += _code_line(rows)
    if not everything:
        lines += _same_line(rows)
    return "\n".join(lines)


def differences_data(
    left: RunFacts, right: RunFacts, rows: Sequence[Row], *, everything: bool
) -> dict[str, Any]:
    """For programs."""
    return {
        "runs": [_run_data(left), _run_data(right)],
        "different": is_different(rows),
        "rows": [_row_data(row) for row in rows if everything or not row.same],
    }


def code_text(rows: Iterable[Row], sources: Mapping[str, str]) -> Iterator[str]:
    """Unified diffs of the tasks whose code changed; `sources` has the texts by their hash."""
    for row in rows:
        if row.section != "code" or row.same or not row.task:
            continue
        one, other = sources.get(str(row.left)), sources.get(str(row.right))
        if one is None or other is None:
            yield f"{row.task}: its code is not kept in the store"
            continue
        before, after = (f"{row.task} {str(value)[:12]}" for value in (row.left, row.right))
        lines = difflib.unified_diff(
            one.splitlines(), other.splitlines(), before, after, lineterm=""
        )
        yield "\n".join(lines)


def _cells(row: Row) -> list[str]:
    name = "/".join(filter(None, (row.task, row.name))) or "run"
    if row.section == "metrics":
        name = " ".join(filter(None, (row.task, row.name)))
    left, right = (_shown(value, row.section) for value in (row.left, row.right))
    return [f"  {name}", left, right, _change(row)]


def _shown(value: Value, section: Section) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, OutputFact):
        size = "" if value.size is None else f", {readable_size(value.size)}"
        return f"{value.kind} {value.sha256[:12]}{size}".strip()
    if isinstance(value, float):
        return f"{value:.2f} s" if section == "times" else f"{value:g}"
    text = " ".join(value.split())[:LONGEST] if section != "code" else value[:12]
    return text or '""'


def _change(row: Row) -> str:
    """By how much a number changed."""
    if row.same or not isinstance(row.left, float) or not isinstance(row.right, float):
        return ""
    if row.section == "times":
        return _times(row.left, row.right)
    return f"{row.right - row.left:+g}"


def _times(left: float, right: float) -> str:
    """How much longer or shorter it took, as a factor above 1."""
    shorter, longer = sorted((left, right))
    if not shorter or longer / shorter < NOTABLE:
        return ""
    return f"{longer / shorter:.1f} times as {'long' if right > left else 'fast'}"


def _code_line(rows: Iterable[Row]) -> list[str]:
    changed = [row.task for row in rows if row.section == "code" and not row.same and row.task]
    if not changed:
        return []
    return [f"code changed in tasks: {', '.join(changed)}; --code shows how"]


def _same_line(rows: Iterable[Row]) -> list[str]:
    counts: dict[Section, int] = {}
    for row in rows:
        if row.same and row.section in NOUNS:
            counts[row.section] = counts.get(row.section, 0) + 1
    told = [counted(number, NOUNS[section]) for section, number in counts.items()]
    return [f"the same: {', '.join(told)}; --all shows them"] if told else []


def _run_data(run: RunFacts) -> dict[str, Any]:
    data = asdict(run)
    return {name: value for name, value in data.items() if name not in ("tasks", "parameters")}


def _row_data(row: Row) -> dict[str, Any]:
    values = {
        side: asdict(value) if isinstance(value, OutputFact) else value
        for side, value in (("left", row.left), ("right", row.right))
    }
    return {"section": row.section, "task": row.task, "name": row.name, **values, "same": row.same}
