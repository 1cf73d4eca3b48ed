"""Pictures: every box and edge is there, text is escaped, boxes do not overlap."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermodal.drawing import FORMATS, to_dot, to_mermaid, to_svg
from intermodal.drawing.layout import lay_out
from intermodal.drawing.picture import Box, Edge, Picture, picture, walk
from intermodal.drawing.svg import svg
from intermodal.ir import (
    AnyType,
    Arm,
    Branch,
    Container,
    ForEach,
    Group,
    Items,
    Literal_,
    Noop,
    OutputRef,
    Pipeline,
    Shell,
    Task,
)
from intermodal.ir.write import to_data

SVG = "{http://www.w3.org/2000/svg}"


def task(name, *takes, action=None, **more):
    inputs = {f"i{n}": OutputRef(node=source) for n, source in enumerate(takes)}
    outputs = {"return": AnyType()}
    return Task(id=name, action=action or Noop(), inputs=inputs, outputs=outputs, **more)


def yes():
    return Literal_(value=True)


ALL = Pipeline(
    name="all",
    body=(
        task("load"),
        task("end", "load", action=Shell(command="true")),
        Branch(
            id="choice",
            arms=(Arm(name="big", condition=yes(), body=(task("train", "load"),)),),
            otherwise=(task("give-up"),),
            outputs={"m": (OutputRef(node="train"), OutputRef(node="give-up"))},
        ),
        ForEach(
            id="each",
            items=Items(lists=(OutputRef(node="load"),)),
            body=(task("one", "choice", action=Container(image="x:1")),),
        ),
        Group(id="last", display_name='the "last"', body=(task("mail", after=("each", "load")),)),
        Group(id="hollow", body=()),
    ),
    exit_tasks=(task("tidy"),),
)


def test_the_picture_has_all_boxes_and_edges():
    drawn = picture(ALL)
    assert set(drawn.edges) == {
        Edge("load", "end"),
        Edge("load", "train"),
        Edge("load", "each"),
        Edge("choice", "one"),
        Edge("each", "mail", data=False),
        Edge("load", "mail", data=False),
    }
    ids = [box.id for box in walk(drawn.boxes)]
    assert len(ids) == len(set(ids)) == 14


def test_mermaid():
    said = to_mermaid(ALL)
    assert '    end_[/"end"/]\n' in said
    assert '    subgraph each["for each of load"]\n        one[["one"]]\n    end\n' in said
    assert "    load --> end_\n" in said
    assert "    each -.-> mail\n" in said
    assert 'subgraph last["the #quot;last#quot;"]' in said
    assert '            give_up(("give-up"))' in said


def test_mermaid_ids_stay_apart():
    said = to_mermaid(Pipeline(name="p", body=(task("a-b"), task("a.b"), task("a_b", "a.b"))))
    assert "    a_b_2 --> a_b_3\n" in said


def test_dot():
    said = to_dot(ALL)
    assert said.startswith('digraph "all" {\n')
    assert '"load" -> "one" [lhead="cluster each"];' in said
    assert '"one" -> "mail" [style=dashed, ltail="cluster each"];' in said
    assert 'label="the \\"last\\"";' in said
    assert said.count("{") == said.count("}")


def test_svg_is_well_formed_and_has_everything():
    root = ET.fromstring(to_svg(ALL))
    said = {t.text for t in root.iter(f"{SVG}text")}
    assert {"load", "end", "train", "give-up", "one", "mail", "tidy", 'the "last"'} <= said
    edges = [p for p in root.iter(f"{SVG}path") if "edge" in p.get("class", "")]
    assert len(edges) == len(picture(ALL).edges)


HOSTILE = st.text(st.characters(codec="utf-8"), min_size=1)


@given(HOSTILE)
def test_hostile_text_stays_text(text):
    pipeline = Pipeline(
        name="p",
        body=(
            task("a", display_name=text, docs=text, action=Container(image=text)),
            task("b", "a"),
        ),
    )
    root = ET.fromstring(to_svg(pipeline))
    assert len(list(root.iter(f"{SVG}g"))) == 2
    mermaid = to_mermaid(pipeline).split("\n")
    assert len(mermaid) == 5
    assert re.fullmatch(r'    a\[\["[^"`<>]*"\]\]', mermaid[1].replace("<br/>", ""))
    dot = to_dot(pipeline).split("\n")
    assert len(dot) == 9
    unescaped = re.sub(r"\\.", "", dot[4])
    assert unescaped.count('"') == 6


def overlaps(a, b):
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )


def inside(inner, outer):
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def check(drawn):
    layout = lay_out(drawn, {box.id: (100.0, 40.0) for box in walk(drawn.boxes)})

    def descend(boxes, parent):
        for a, b in itertools.combinations(boxes, 2):
            assert not overlaps(layout.frames[a.id], layout.frames[b.id]), (a.id, b.id)
        for box in boxes:
            assert parent is None or inside(layout.frames[box.id], layout.frames[parent])
            frame = layout.frames[box.id]
            assert frame.x >= 0
            assert frame.x + frame.width <= layout.width
            assert frame.y + frame.height <= layout.height
            descend(box.children or (), box.id)

    descend(drawn.boxes, None)
    return layout


def test_regions_hold_what_is_theirs():
    check(picture(ALL))


@given(st.lists(st.lists(st.integers(0, 30), max_size=3), min_size=1, max_size=30))
def test_no_overlaps_and_edges_lead_down(sources):
    boxes = tuple(Box(f"n{i}", "x", "noop") for i in range(len(sources)))
    edges = {Edge(f"n{s % i}", f"n{i}") for i, row in enumerate(sources) if i for s in row}
    layout = check(Picture("p", boxes, tuple(sorted(edges, key=str))))
    for edge in edges:
        heights = [y for _, y in layout.routes[edge]]
        assert heights == sorted(heights)
        assert heights[0] < heights[-1]


def test_an_edge_from_a_region_into_itself_is_left_out():
    inner = Box("inner", "x", "noop")
    drawn = Picture(
        "p", (Box("region", "x", "group", children=(inner,)),), (Edge("region", "inner"),)
    )
    assert check(drawn).routes == {}


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_pipeline_has_a_picture(form):
    assert FORMATS[form](Pipeline(name="empty")).endswith("\n")


def test_the_same_pipeline_gives_the_same_bytes():
    again = Pipeline.read(to_data(ALL))
    for draw in FORMATS.values():
        assert draw(ALL) == draw(again)


def test_the_whole_id_of_a_run_is_shown():
    """Ids of runs of one day differ only at their end."""
    title = "diagnosis on airflow@3.3, run scheduled__2026-01-01T00:00:00+00:00"
    run = Box("run", title, "run", children=(Box("a", "a", "Model"),))
    drawn = svg(Picture("p", (run,), ()))
    assert f">{title}</text>" in drawn
