"""The graph of versions: across runs and stores, and both ways."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree as ET

import pytest

from artifacts.sample_keys import make_key
from intermodal.artifacts import ArtifactStore, LineageInput
from intermodal.artifacts.lineage import Lineage
from intermodal.cli.render.lineage import artifact_text, run_text
from intermodal.drawing import PICTURES
from intermodal.drawing.lineage import lineage_picture
from intermodal.tracking.facts import OutputFact, RunFacts, TaskFacts


def save(store, value, output="return", inputs=(), target="local", **place):
    made_from = tuple(LineageInput(name=n, uri=r.uri, sha256=r.sha256) for n, r in inputs)
    return store.save(value, make_key(output, **place), inputs=made_from, target=target)[0]


def graph(*stores):
    return Lineage(record for one in stores for record in one.scan(pruned=True)[0])


def steps(lineage, ref, direction, depth=None):
    return [
        (step.depth, step.name, step.node.name, step.repeated)
        for step in lineage.walk(ref.uri, direction, depth)
    ]


@pytest.fixture
def diamond(store):
    raw = save(store, "raw", task="load")
    left = save(store, "left", task="left", inputs=[("rows", raw)])
    right = save(store, "right", task="right", inputs=[("rows", raw)])
    model = save(store, "model", task="fit", inputs=[("a", left), ("b", right)])
    return store, raw, model


def test_what_it_came_from_is_a_tree_with_each_part_shown_once(diamond):
    store, _, model = diamond
    assert steps(graph(store), model, "up") == [
        (0, "", "diagnosis/fit/return@1", False),
        (1, "a", "diagnosis/left/return@1", False),
        (2, "rows", "diagnosis/load/return@1", False),
        (1, "b", "diagnosis/right/return@1", False),
        (2, "rows", "diagnosis/load/return@1", False),
    ]


def test_what_was_made_from_it_is_a_tree_as_well(diamond):
    store, raw, _ = diamond
    assert steps(graph(store), raw, "down") == [
        (0, "", "diagnosis/load/return@1", False),
        (1, "rows", "diagnosis/left/return@1", False),
        (2, "a", "diagnosis/fit/return@1", False),
        (1, "rows", "diagnosis/right/return@1", False),
        (2, "b", "diagnosis/fit/return@1", False),
    ]


def test_what_follows_is_shown_once_and_counted_where_it_is_cut(diamond):
    store, _, model = diamond
    top = save(store, "top", task="top", inputs=[("x", model), ("y", model)])
    lineage = graph(store)
    repeated = [step for step in lineage.walk(top.uri, "up") if step.repeated]
    assert [step.name for step in repeated] == ["y"]
    cut = list(lineage.walk(top.uri, "up", 1))
    assert [(step.depth, step.hidden) for step in cut] == [(0, 0), (1, 2), (1, 2)]


def test_an_input_is_found_in_another_store_by_its_uri_and_a_moved_one_by_its_place(
    tmp_path, local, memory
):
    made = save(local, "rows", pipeline="airflow_side", target="airflow@3.3", run="manual__1")
    save(local, "rows", pipeline="airflow_side", run="manual__2")
    for number in range(3):  # its clock goes on
        save(memory, number, f"before {number}")
    taken = save(memory, "fit", pipeline="kfp_side", target="kfp@2", run="k1", inputs=[("x", made)])
    lineage = graph(local, memory)
    (link,) = lineage.uses(made.uri)
    assert lineage.nodes[link.target].record.target == "kfp@2"
    assert lineage.nodes[lineage.sources(taken.uri)[0].source].record.target == "airflow@3.3"
    (tmp_path / "store").rename(tmp_path / "moved")
    moved = graph(ArtifactStore(tmp_path / "moved"), memory)
    (link,) = moved.sources(taken.uri)
    assert moved.nodes[link.source].run == ("airflow_side", "manual__1")
    assert "/moved/" in link.source


def test_an_input_of_another_place_is_the_newest_version_of_that_content_before_it(store):
    for run, value in enumerate(["same", "other", "same"]):
        save(store, value, task="load", run=f"r{run}")
    digest = graph(store).records[0].ref.sha256
    copied = LineageInput(name="x", uri="s3://elsewhere/rows.csv", sha256=digest)
    top, _ = store.save(1, make_key("top"), inputs=(copied,))
    save(store, "same", task="load", run="r9")
    (link,) = graph(store).sources(top.uri)
    assert "/r2/" in link.source


def test_what_no_store_has_is_from_outside_and_so_is_content_that_changed(store):
    gone = LineageInput(name="x", uri="s3://elsewhere/p/r/t/-/1/o/content", sha256="0" * 64)
    ref, _ = store.save(1, make_key(), inputs=(gone,))
    changed = LineageInput(name="y", uri=ref.uri, sha256="1" * 64)
    top, _ = store.save(2, make_key("top"), inputs=(gone, changed))
    lineage = graph(store)
    sources = [lineage.nodes[link.source] for link in lineage.sources(top.uri)]
    assert [(node.kind, node.name) for node in sources] == [
        ("outside", gone.uri),
        ("outside", ref.uri),
    ]
    (used, _) = lineage.uses(gone.uri)
    assert used.target == ref.uri


def test_a_circle_that_cannot_be_is_walked_once(store):
    """Clocks of two machines may say that each of two was made from the other."""
    one = LineageInput(name="x", uri="s3://a/1", sha256=save(store, "b", task="late").sha256)
    first, _ = store.save("a", make_key(task="first"), inputs=(one,))
    digest = LineageInput(name="y", uri="s3://a/2", sha256=first.sha256)
    records = [
        record if record.key.task == "first" else record.model_copy(update={"inputs": (digest,)})
        for record in store.records()
    ]
    lineage = Lineage(records)
    assert len(list(lineage.walk(first.uri, "up"))) == 3
    assert len(lineage.around([first.uri], ["up", "down"])[1]) == 2


def test_a_pruned_version_is_still_told_of(diamond):
    store, raw, model = diamond
    store.prune(store.record(raw.uri))
    lineage = graph(store)
    assert [name for _, _, name, _ in steps(lineage, model, "up")].count(
        "diagnosis/load/return@1"
    ) == 2
    text = artifact_text(lineage, lineage.nodes[raw.uri], ["up", "down"], None)
    assert "(pruned 2026-01-01)" in text
    assert "diagnosis/fit/return@1" in text


def test_tasks_without_artifacts_are_added_from_a_tracker(diamond):
    store, _, model = diamond
    fact = OutputFact(model.uri, model.sha256, "Model")
    tasks = (
        TaskFacts("register", inputs={"model": fact}, page="http://m/1"),
        TaskFacts("fit", inputs={"a": fact}),  # known from the store
        TaskFacts("idle"),  # took nothing
    )
    run = ("diagnosis", make_key().run)
    facts = RunFacts(*run, target="kfp@2", state="finished", tasks=tasks, page="http://m/0")
    lineage = graph(store)
    lineage.add_run(facts)
    lineage.add_run(facts)
    assert [node.name for node in lineage.nodes.values() if node.kind == "task"] == [
        "diagnosis/register"
    ]
    assert steps(lineage, model, "down")[1:] == [(1, "model", "diagnosis/register", False)]
    text = run_text(lineage, run, facts, ["up", "down"])
    assert text.splitlines()[0] == f"run {run[1]} of diagnosis on kfp@2, finished"
    assert "  register\n    ← model: fit/return@1" in text


def test_a_runs_text_tells_what_it_shares_with_others(store):
    rows = save(store, "rows", task="load", run="r1", pipeline="etl")
    model = save(store, "model", task="fit", run="r2", inputs=[("rows", rows)], target="kfp@2")
    save(store, "score", task="score", run="r3", inputs=[("model", model)], target="prefect@3")
    lineage = graph(store)
    text = run_text(lineage, ("diagnosis", "r2"), None, ["up", "down"])
    assert "gives to\n  run r3 on prefect@3\n    diagnosis/score/return@1" in text
    assert "takes from\n  run r1 on local\n    etl/load/return@1" in text


def test_a_long_chain_takes_time_and_text_in_proportion(local):
    record = local.record(save(local, 0, "o0").uri)
    chain = [record]
    for number in range(1, 3000):
        key = make_key(f"o{number}")
        ref = record.ref.model_copy(
            update={"uri": f"{local.root}/{key.path}/content.json", "sha256": f"{number:064x}"}
        )
        before = chain[-1].ref
        source = LineageInput(name="before", uri=before.uri, sha256=before.sha256)
        chain.append(record.model_copy(update={"key": key, "ref": ref, "inputs": (source,)}))
    lineage = Lineage(chain)
    found = list(lineage.walk(chain[-1].ref.uri, "up"))
    assert [step.depth for step in found] == list(range(3000))
    text = artifact_text(lineage, lineage.nodes[chain[-1].ref.uri], ["up"], None)
    assert max(map(len, text.splitlines())) < 300


NAMES = ["<b>&\"'", "]]>", "a\nb", 'x"]; end', "%%{init}%%", "日本語"]


@pytest.mark.parametrize("form", PICTURES)
def test_pictures_hold_any_name(store, form):
    before = None
    for run, name in enumerate(NAMES):
        inputs = [("x", before)] if before else ()
        before = save(
            store, name, "out" + name, task=name, pipeline=name, run=f"{run}{name}", inputs=inputs
        )
    outside = LineageInput(name="x", uri='s3://<&>/"x"', sha256="")
    store.save(1, make_key("top"), inputs=(outside,))
    lineage = graph(store)
    nodes = list(lineage.nodes.values())
    links = list(itertools.chain.from_iterable(lineage.sources(node.id) for node in nodes))
    text = PICTURES[form](lineage_picture("<t>", lineage, nodes, links))
    assert text.endswith("\n")
    if form == "svg":
        root = ET.fromstring(text)
        edges = [one for one in root.iter() if one.get("class") == "edge"]
        assert len(edges) == len(links) == len(NAMES)
    else:
        assert text.count("->" if form == "dot" else "-->") == len(NAMES)
        assert "<b>" not in text or form == "dot"
