"""DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.drawing.picture import Box, Edge, Picture, picture, region_title, walk
from intermodal.ir import Pipeline

# By the kind of action or artifact; any other kind is a rounded box.
SHAPES = {
    "python": "box",
    "shell": "cds",
    "container": "box3d",
    "noop": "circle",
    "approval": "hexagon",
    "wait": "hexagon",
    "Dataset": "cylinder",
    "Model": "component",
    "outside": "note",
}


def to_dot(pipeline: Pipeline) -> str:
    """The pipeline as a DOT digraph, ending in a newline."""
    return dot(picture(pipeline))


def dot(drawn: Picture) -> str:
    """A picture as a DOT digraph, ending in a newline."""
    lines = [
        f"digraph {_quoted(drawn.title)} {{",
        "  compound=true;",
        '  graph [fontname="sans-serif"];',
        '  node [shape=box, style=rounded, fontname="sans-serif"];',
    ]
    for box in drawn.boxes:
        lines += _box_lines(box, "  ")
    boxes = {box.id: box for box in walk(drawn.boxes)}
    lines += [_edge_line(edge, boxes) for edge in drawn.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _box_lines(box: Box, indent: str) -> Iterator[str]:
    if box.children is None:
        attributes = [f"label={_quoted(box.title)}"]
        if box.kind in SHAPES:
            attributes.append(f"shape={SHAPES[box.kind]}")
        if box.note:
            attributes.append(f"tooltip={_quoted(box.note)}")
        yield f"{indent}{_quoted(box.id)} [{', '.join(attributes)}];"
        return
    yield f"{indent}subgraph {_quoted(_cluster(box))} {{"
    title = region_title(box)
    yield f"{indent}  label={_quoted(title)};"
    if not box.children:
        yield f"{indent}  {_quoted(_inner(box))} [style=invis];"
    for child in box.children:
        yield from _box_lines(child, indent + "  ")
    yield f"{indent}}}"


def _edge_line(edge: Edge, boxes: dict[str, Box]) -> str:
    """An edge; Graphviz ties it to a box inside a region, and cuts it at the region's border."""
    source, target = boxes[edge.source], boxes[edge.target]
    attributes = [] if edge.data else ["style=dashed"]
    if source.children is not None:
        attributes.append(f"ltail={_quoted(_cluster(source))}")
    if target.children is not None:
        attributes.append(f"lhead={_quoted(_cluster(target))}")
    tail = f" [{', '.join(attributes)}]" if attributes else ""
    return f"  {_quoted(_inner(source))} -> {_quoted(_inner(target))}{tail};"


def _cluster(box: Box) -> str:
    return f"cluster {box.id}"


def _inner(box: Box) -> str:
    """The id of the box, or of one inside it where it is a region."""
    if box.children is None:
        return box.id
    return _inner(box.children[0]) if box.children else f"empty {box.id}"


def _quoted(text: str) -> str:
    kept = "".join(c for c in text if c.isprintable() or c == "\n")
    escaped = kept.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
