"""SVG, laid out here: no Graphviz needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from intermodal.drawing.layout import Frame, Layout, Point, lay_out
from intermodal.drawing.picture import Box, Picture, picture, region_title, walk
from intermodal.ir import Pipeline
from intermodal.textwidth import cells

TASK_HEIGHT = 44.0
NARROWEST = 90.0
TITLE_CELL = 7.4
DETAIL_CELL = 5.9
LONGEST_TEXT = 36
LONGEST_RUN = 80
"""Ids of runs differ at their end, so what is around a run's artifacts is as wide as its name."""
REACH = 22.0

# The stripe at the left of a box, by the kind of its action, or of artifact.
COLOUR = {
    "python": "#3b6fb6",
    "shell": "#4d8b57",
    "container": "#b5722e",
    "noop": "#8a8f98",
    "approval": "#8d5aa8",
    "wait": "#8d5aa8",
    "hosted": "#a8514f",
    "Dataset": "#3b6fb6",
    "Model": "#b5722e",
    "Metrics": "#4d8b57",
    "outside": "#a8514f",
}
OTHER_COLOUR = "#5c6470"

STYLE = """\
text { font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
.title { font-size: 13px; fill: #1d232b; }
.detail { font-size: 10.5px; fill: #66707d; }
.task { fill: #ffffff; stroke: #c3cad3; }
.region { fill: #5c6470; fill-opacity: 0.06; stroke: #aeb7c2; stroke-dasharray: 4 3; }
.region-title { font-size: 12px; font-weight: 600; fill: #4a5360; }
.edge { fill: none; stroke: #7b8794; stroke-width: 1.3; marker-end: url(#arrow); }
.order { stroke-dasharray: 5 4; }"""

NAMESPACE = 'xmlns="http://www.w3.org/2000/svg" role="img"'
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path d="M0 0.5 L8 4 L0 7.5 z" fill="#7b8794"/></marker></defs>'
)

# What XML 1.0 cannot hold in any form.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_svg(pipeline: Pipeline) -> str:
    """The pipeline as an SVG document, ending in a newline."""
    return svg(picture(pipeline))


def svg(drawn: Picture) -> str:
    """A picture as an SVG document, ending in a newline."""
    layout = lay_out(drawn, {box.id: _size(box) for box in walk(drawn.boxes)})
    return "\n".join([*_head(drawn, layout), *_shapes(drawn, layout), "</svg>"]) + "\n"


def _head(drawn: Picture, layout: Layout) -> list[str]:
    width, height = _number(layout.width), _number(layout.height)
    return [
        f'<svg {NAMESPACE} width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{_text(drawn.title)}</title>",
        f"<style>\n{STYLE}\n</style>",
        ARROW,
        f'<rect width="{width}" height="{height}" fill="#fbfcfd"/>',
    ]


def _shapes(drawn: Picture, layout: Layout) -> Iterator[str]:
    """Regions, then edges, then tasks, so that no line hides a name."""
    boxes = list(walk(drawn.boxes))
    for box in boxes:
        if box.children is not None:
            yield _region(box, layout.frames[box.id])
    for edge, points in layout.routes.items():
        kind = "edge" if edge.data else "edge order"
        yield f'<path class="{kind}" d="{_curve(points)}"/>'
    for box in boxes:
        if box.children is None:
            yield _task(box, layout.frames[box.id])


def _region(box: Box, frame: Frame) -> str:
    title = _heading(box)
    return (
        f"<g>{_tooltip(box)}<rect {_rect(frame)} rx='8' class='region'/>"
        f"<text x='{_number(frame.x + 12)}' y='{_number(frame.y + 20)}' class='region-title'>"
        f"{_text(title)}</text></g>"
    )


def _task(box: Box, frame: Frame) -> str:
    stripe = COLOUR.get(box.kind, OTHER_COLOUR)
    x, y = frame.x + 14, frame.y
    return (
        f"<g>{_tooltip(box)}<rect {_rect(frame)} rx='6' class='task'/>"
        f"<rect x='{_number(frame.x + 4)}' y='{_number(y + 6)}' width='3.5' "
        f"height='{_number(frame.height - 12)}' rx='1.7' fill='{stripe}'/>"
        f"<text x='{_number(x)}' y='{_number(y + 19)}' class='title'>{_text(_short(box.title))}</text>"
        f"<text x='{_number(x)}' y='{_number(y + 34)}' class='detail'>{_text(_tail(box.detail))}</text>"
        "</g>"
    )


def _size(box: Box) -> Point:
    """What a task needs; of a region, what its title needs."""
    if box.children is not None:
        return cells(_heading(box)) * TITLE_CELL + 24, 0.0
    title, detail = cells(_short(box.title)), cells(_tail(box.detail))
    return max(NARROWEST, title * TITLE_CELL + 28, detail * DETAIL_CELL + 28), TASK_HEIGHT


def _curve(points: Sequence[Point]) -> str:
    """A smooth line downwards through the points."""
    (x, y), *rest = points
    parts = [f"M{_number(x)} {_number(y)}"]
    for next_x, next_y in rest:
        if next_x == x:
            parts.append(f"V{_number(next_y)}")
            y = next_y
            continue
        reach = min(REACH, max(8.0, abs(next_y - y) / 2))
        parts.append(
            f"C{_number(x)} {_number(y + reach)} {_number(next_x)} {_number(next_y - reach)} "
            f"{_number(next_x)} {_number(next_y)}"
        )
        x, y = next_x, next_y
    return " ".join(parts)


def _rect(frame: Frame) -> str:
    return (
        f"x='{_number(frame.x)}' y='{_number(frame.y)}' "
        f"width='{_number(frame.width)}' height='{_number(frame.height)}'"
    )


def _tooltip(box: Box) -> str:
    told = "\n".join(part for part in (box.title, box.detail, box.note) if part)
    return f"<title>{_text(told)}</title>"


def _heading(box: Box) -> str:
    return _short(region_title(box), LONGEST_RUN if box.kind == "run" else LONGEST_TEXT)


def _short(text: str, longest: int = LONGEST_TEXT) -> str:
    """One line, with its beginning kept."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _tail(text: str) -> str:
    """One line, with its end kept: that is where module paths and images differ."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else "…" + line[1 - LONGEST_TEXT :]


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))
