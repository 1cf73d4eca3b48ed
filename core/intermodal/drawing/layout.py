"""A layered layout: ranks from top to bottom, few crossings, regions laid out as boxes of their own.

Each body is laid out by itself, after Sugiyama: rank by longest path, order by barycentre, then
horizontal places by least squares under the order (pool adjacent violators).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from intermodal.drawing.picture import Box, Edge, Picture

GAP_X = 28.0
GAP_Y = 44.0
PADDING = 18.0
TITLE_HEIGHT = 24.0
SWEEPS = 8
WAYPOINT_WIDTH = 10.0
MOST_WAYPOINTS = 20_000

Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """Where a box is: its left upper corner and its size, in pixels of the whole picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def top(self) -> Point:
        """Where edges come in."""
        return self.x + self.width / 2, self.y

    @property
    def bottom(self) -> Point:
        """Where edges go out."""
        return self.x + self.width / 2, self.y + self.height


@dataclass(frozen=True)
class Layout:
    """The place of every box, and the points that each edge goes through."""

    width: float
    height: float
    frames: Mapping[str, Frame]
    routes: Mapping[Edge, tuple[Point, ...]]


@dataclass
class _Body:
    """Boxes of one region, or of the whole picture, laid out among themselves."""

    sizes: dict[str, Point]
    links: dict[tuple[str, str], None]
    places: dict[str, Point] = field(default_factory=dict)
    waypoints: dict[tuple[str, str], list[Point]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0


def lay_out(drawn: Picture, sizes: Mapping[str, Point]) -> Layout:
    """Place all boxes.

    Args:
        drawn: What to place.
        sizes: Width and height of each task, in pixels; regions take what they hold.
    """
    parents = _parents(drawn.boxes)
    homes = {edge: _home(edge, parents) for edge in drawn.edges}
    links: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for home, source, target in filter(None, homes.values()):
        links[home][source, target] = None
    bodies: dict[str, _Body] = {}
    whole = _place_body("", drawn.boxes, sizes, links, bodies)
    frames: dict[str, Frame] = {}
    origins: dict[str, Point] = {"": (PADDING, PADDING)}
    _to_frames("", drawn.boxes, bodies, origins, frames)
    routes = {
        edge: _route(edge, home, bodies, origins, frames)
        for edge, home in homes.items()
        if home is not None
    }
    return Layout(whole.width + 2 * PADDING, whole.height + 2 * PADDING, frames, routes)


def _parents(boxes: Iterable[Box], parent: str = "") -> dict[str, str]:
    """The region around each box; "" for the whole picture."""
    parents: dict[str, str] = {}
    for box in boxes:
        parents[box.id] = parent
        parents |= _parents(box.children or (), box.id)
    return parents


def _home(edge: Edge, parents: Mapping[str, str]) -> tuple[str, str, str] | None:
    """The innermost body with both ends in it, and which of its boxes hold them.

    None if one end is inside the other.
    """
    up_source, up_target = _way_up(edge.source, parents), _way_up(edge.target, parents)
    while up_source and up_target and up_source[-1] == up_target[-1]:
        up_source.pop()
        up_target.pop()
    if not up_source or not up_target:
        return None
    return parents[up_source[-1]], up_source[-1], up_target[-1]


def _way_up(name: str, parents: Mapping[str, str]) -> list[str]:
    way = [name]
    while parents[way[-1]]:
        way.append(parents[way[-1]])
    return way


def _place_body(
    name: str,
    boxes: Sequence[Box],
    sizes: Mapping[str, Point],
    links: Mapping[str, dict[tuple[str, str], None]],
    bodies: dict[str, _Body],
) -> _Body:
    """Lay out a body, those inside it first."""
    own: dict[str, Point] = {}
    for box in boxes:
        if box.children is None:
            own[box.id] = sizes[box.id]
            continue
        inner = _place_body(box.id, box.children, sizes, links, bodies)
        width = max(inner.width + 2 * PADDING, sizes[box.id][0])
        own[box.id] = (width, inner.height + 2 * PADDING + TITLE_HEIGHT)
    body = _Body(own, links.get(name, {}))
    bodies[name] = body
    if own:
        _solve(body)
    return body


def _solve(body: _Body) -> None:
    """Give every box of a body its place."""
    ranks = _ranks(body)
    chains = _chains(body, ranks)
    layers, widths = _layers(body, ranks, chains)
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for chain in chains.values():
        for upper, lower in pairwise(chain):
            above[lower].append(upper)
            below[upper].append(lower)
    _order(layers, above, below)
    centres = _centres(layers, widths, above, below)
    left = min(centres[n] - widths[n] / 2 for layer in layers for n in layer)
    y = 0.0
    spans: dict[str, list[Point]] = {}  # a waypoint is a line through the whole height of its rank
    for layer in layers:
        height = max((body.sizes[n][1] for n in layer if n in body.sizes), default=0.0)
        for name in layer:
            x = centres[name] - left
            spans[name] = [(x, y), (x, y + height)]
            if name in body.sizes:
                width, own = body.sizes[name]
                body.places[name] = (x - width / 2, y + (height - own) / 2)
        y += height + GAP_Y
    body.height = y - GAP_Y
    body.width = max(centres[n] - left + widths[n] / 2 for layer in layers for n in layer)
    body.waypoints = {
        link: [point for name in chain[1:-1] for point in spans[name]]
        for link, chain in chains.items()
    }


def _ranks(body: _Body) -> dict[str, int]:
    """Longest path from the top; boxes without a source come down to just above their first user."""
    below: dict[str, list[str]] = defaultdict(list)
    missing = dict.fromkeys(body.sizes, 0)
    for source, target in body.links:
        below[source].append(target)
        missing[target] += 1
    first = [name for name, count in missing.items() if count == 0]
    ranks = dict.fromkeys(body.sizes, 0)
    queue = list(first)
    for name in queue:
        for target in below[name]:
            ranks[target] = max(ranks[target], ranks[name] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                queue.append(target)
    for name in first:
        if below[name]:
            ranks[name] = min(ranks[target] for target in below[name]) - 1
    return ranks


def _chains(body: _Body, ranks: Mapping[str, int]) -> dict[tuple[str, str], list[str]]:
    """The way of each link, with a waypoint in every rank between its ends."""
    total = sum(max(0, ranks[target] - ranks[source] - 1) for source, target in body.links)
    chains: dict[tuple[str, str], list[str]] = {}
    for number, (source, target) in enumerate(body.links):
        between = range(ranks[source] + 1, ranks[target]) if total <= MOST_WAYPOINTS else ()
        # A blank at the front keeps waypoints apart from ids.
        chains[source, target] = [source, *(f" {number} {rank}" for rank in between), target]
    return chains


def _layers(
    body: _Body, ranks: Mapping[str, int], chains: Mapping[tuple[str, str], list[str]]
) -> tuple[list[list[str]], dict[str, float]]:
    """Names by rank, in the order of the pipeline, and the width of each."""
    layers: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    widths = {name: size[0] for name, size in body.sizes.items()}
    for name, rank in ranks.items():
        layers[rank].append(name)
    for (source, _), chain in chains.items():
        for offset, name in enumerate(chain[1:-1], start=1):
            layers[ranks[source] + offset].append(name)
            widths[name] = WAYPOINT_WIDTH
    return [layer for layer in layers if layer], widths


def _order(
    layers: list[list[str]], above: Mapping[str, list[str]], below: Mapping[str, list[str]]
) -> None:
    """Sort each layer by the mean position of its neighbours, down and up in turn."""
    position = {name: float(i) for layer in layers for i, name in enumerate(layer)}
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        for layer in layers if down else reversed(layers):
            wanted = {
                name: _mean([position[n] for n in neighbours.get(name, ())], position[name])
                for name in layer
            }
            layer.sort(key=wanted.__getitem__)
            position.update((name, float(i)) for i, name in enumerate(layer))


def _centres(
    layers: Sequence[Sequence[str]],
    widths: Mapping[str, float],
    above: Mapping[str, list[str]],
    below: Mapping[str, list[str]],
) -> dict[str, float]:
    """The middle of each name: near the mean of its neighbours, in order, without overlaps."""
    centres: dict[str, float] = {}
    for layer in layers:
        centres |= zip(layer, _spread(layer, [0.0] * len(layer), widths), strict=True)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            wanted = []
            for name in layer:
                first, other = (above, below) if down else (below, above)
                near = first.get(name) or other.get(name) or ()
                wanted.append(_mean([centres[n] for n in near], centres[name]))
            centres |= zip(layer, _spread(layer, wanted, widths), strict=True)
    return centres


def _spread(
    layer: Sequence[str], wanted: Sequence[float], widths: Mapping[str, float]
) -> list[float]:
    """The places nearest to those wanted (least squares) that keep the order and the gaps."""
    offset = 0.0
    offsets = []
    for i, name in enumerate(layer):
        if i:
            offset += (widths[layer[i - 1]] + widths[name]) / 2 + GAP_X
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []  # sum and count of what stands together
    for place, shift in zip(wanted, offsets, strict=True):
        block = (place - shift, 1)
        while blocks and blocks[-1][0] / blocks[-1][1] > block[0] / block[1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1])
        blocks.append(block)
    flat = [total / count for total, count in blocks for _ in range(count)]
    return [mean + shift for mean, shift in zip(flat, offsets, strict=True)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _to_frames(
    name: str,
    boxes: Sequence[Box],
    bodies: Mapping[str, _Body],
    origins: dict[str, Point],
    frames: dict[str, Frame],
) -> None:
    """Turn places within bodies into places in the picture."""
    body, (x, y) = bodies[name], origins[name]
    for box in boxes:
        dx, dy = body.places[box.id]
        frames[box.id] = Frame(x + dx, y + dy, *body.sizes[box.id])
        if box.children is not None:
            inner = bodies[box.id]
            spare = body.sizes[box.id][0] - 2 * PADDING - inner.width
            origins[box.id] = (x + dx + PADDING + spare / 2, y + dy + PADDING + TITLE_HEIGHT)
            _to_frames(box.id, box.children, bodies, origins, frames)


def _route(
    edge: Edge,
    home: tuple[str, str, str],
    bodies: Mapping[str, _Body],
    origins: Mapping[str, Point],
    frames: Mapping[str, Frame],
) -> tuple[Point, ...]:
    name, source, target = home
    x, y = origins[name]
    between = [(x + px, y + py) for px, py in bodies[name].waypoints.get((source, target), ())]
    return (frames[edge.source].bottom, *between, frames[edge.target].top)
