"""Mermaid flowcharts, as Markdown viewers draw them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from intermodal.drawing.picture import Box, Picture, picture, region_title, walk
from intermodal.ir import Pipeline

# Around the quoted title, by the kind of action or artifact; any other kind has rounded corners.
SHAPES = {
    "python": ("[", "]"),
    "shell": ("[/", "/]"),
    "container": ("[[", "]]"),
    "noop": ("((", "))"),
    "approval": ("{{", "}}"),
    "wait": ("{{", "}}"),
    "Dataset": ("[(", ")]"),
    "Model": ("[[", "]]"),
    "outside": (">", "]"),
}
ROUNDED = ("(", ")")

# Words of the grammar: as an id, they break the whole drawing.
RESERVED = {
    *("call", "class", "classdef", "click", "default", "direction", "end", "flowchart", "graph"),
    *("href", "interpolate", "linkstyle", "style", "subgraph"),
}

# Entities are written with `#`, and `#` itself starts one. A backtick would start Markdown.
ESCAPES = {
    "#": "#35;",
    '"': "#quot;",
    "&": "#amp;",
    "<": "#lt;",
    ">": "#gt;",
    "`": "#96;",
    "\\": "#92;",
    "\n": "<br/>",
}


def to_mermaid(pipeline: Pipeline) -> str:
    """The pipeline as a Mermaid flowchart, ending in a newline."""
    return mermaid(picture(pipeline))


def mermaid(drawn: Picture) -> str:
    """A picture as a Mermaid flowchart, ending in a newline."""
    ids = _safe_ids(box.id for box in walk(drawn.boxes))
    lines = ["flowchart TD"]
    for box in drawn.boxes:
        lines += _box_lines(box, ids, "    ")
    for edge in drawn.edges:
        arrow = "-->" if edge.data else "-.->"
        lines.append(f"    {ids[edge.source]} {arrow} {ids[edge.target]}")
    return "\n".join(lines) + "\n"


def _box_lines(box: Box, ids: dict[str, str], indent: str) -> Iterator[str]:
    if box.children is None:
        left, right = SHAPES.get(box.kind, ROUNDED)
        yield f'{indent}{ids[box.id]}{left}"{_escaped(box.title)}"{right}'
        return
    title = region_title(box)
    yield f'{indent}subgraph {ids[box.id]}["{_escaped(title)}"]'
    for child in box.children:
        yield from _box_lines(child, ids, indent + "    ")
    yield f"{indent}end"


def _safe_ids(names: Iterable[str]) -> dict[str, str]:
    """Ids of letters, digits and `_`, still readable, without two alike."""
    safe: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
        plain = f"{plain}_" if plain.lower() in RESERVED else plain
        candidate, number = plain, 1
        while candidate in taken:
            number += 1
            candidate = f"{plain}_{number}"
        taken.add(candidate)
        safe[name] = candidate
    return safe


def _escaped(text: str) -> str:
    kept = "".join(c for c in text if c.isprintable() or c == "\n")
    return "".join(ESCAPES.get(c, c) for c in kept) or " "
