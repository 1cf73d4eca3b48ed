"""What pruning would remove, or has removed, and what it keeps: as text, and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import Any

from intermodal.artifacts.lineage import output_name
from intermodal.artifacts.pruning import Plan
from intermodal.cli.artifacts import readable_size
from intermodal.cli.matrix import columns
from intermodal.cli.render.machine import findings_json
from intermodal.cli.render.text import counted

MOST_SHOWN = 20
MOST_NAMED = 3


def pruning_text(planned: Plan, *, done: bool) -> str:
    """For people; no newline at the end."""
    lines = []
    if planned.removed:
        verb = "removed" if done else "would remove"
        count = f"{len(planned.removed)} of {counted(planned.total, 'version')}"
        lines.append(f"{verb} {count}, {readable_size(planned.size)}")
        lines += _rows(planned)
    else:
        lines.append(f"nothing to remove of {counted(planned.total, 'version')}")
    if planned.kept:
        lines.append(f"kept, though the rules would let them go: {len(planned.kept)}")
        lines += _reasons(planned)
    if planned.cache:
        entries = (
            "1 cache entry" if len(planned.cache) == 1 else f"{len(planned.cache)} cache entries"
        )
        lines.append(f"{'removed' if done else 'would remove'} {entries}")
    if planned.unswept:
        left = counted(len(planned.unswept), "version")
        lines.append(
            f"{'finished' if done else 'would finish'} removing {left}, which was cut short"
        )
    if not done and (planned.removed or planned.unswept or planned.cache):
        lines.append("nothing was changed; do it with --yes")
    return "\n".join(lines)


def pruning_data(planned: Plan, *, done: bool) -> dict[str, Any]:
    """For programs."""
    return {
        "done": done,
        "versions": planned.total,
        "bytes": planned.size,
        "removed": [
            {
                "name": output_name(record),
                "run": record.key.run,
                **record.ref.model_dump(mode="json"),
            }
            for record in planned.removed
        ],
        "kept": {uri: reason._asdict() for uri, reason in planned.kept.items()},
        "cache": list(planned.cache),
        "finished": [key.path for key in planned.unswept],
        "findings": findings_json(list(planned.findings)),
    }


def _rows(planned: Plan) -> list[str]:
    rows = [
        [
            output_name(record),
            record.ref.kind,
            readable_size(record.ref.size),
            f"{record.created_at:%Y-%m-%d %H:%M}",
            record.key.run,
        ]
        for record in planned.removed[:MOST_SHOWN]
    ]
    more = len(planned.removed) - len(rows)
    return [columns(rows), *([f"  and {more} more; --json lists all"] if more else [])]


def _reasons(planned: Plan) -> list[str]:
    """What keeps how many, with the first of those that do."""
    by_why: dict[str, Counter[str]] = {}
    for why, who in planned.kept.values():
        by_why.setdefault(why, Counter())[who] += 1
    return [
        f"  {sum(who.values())}  {why}{_named(list(filter(None, who)))}"
        for why, who in by_why.items()
    ]


def _named(who: list[str]) -> str:
    more = f" and {len(who) - MOST_NAMED} more" if len(who) > MOST_NAMED else ""
    return f": {', '.join(who[:MOST_NAMED])}{more}" if who else ""
