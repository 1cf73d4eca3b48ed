"""The promotion example: what it tracks, and that every target gets it with the condition in the pipeline."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from intermodal import registry
from intermodal.authoring.load import load_source
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.findings import errors_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "promotion" / "pipeline.py"


@pytest.fixture(scope="module")
def promotion():
    (pipeline,) = load_source(EXAMPLE, EXAMPLE.parent).pipelines
    return pipeline


def test_tasks_that_ask_the_registry_need_the_runtime(promotion):
    tracks = {node.id: node.tracks for node in promotion.body if node.node == "task"}
    assert tracks == {"load": False, "train": False, "compare": True, "register": True}
    (branch,) = [node for node in promotion.body if node.node != "task"]
    assert [node.tracks for node in branch.arms[0].body] == [True]


@pytest.mark.parametrize("wanted", ["airflow@3.3", "airflow@2.11", "prefect@3", "kfp@2"])
@pytest.mark.parametrize("tracking", ["", "http://mlflow:5000"])
def test_every_target_gets_the_tasks_source(wanted, tracking, promotion):
    target, _ = registry.resolve_target(wanted)
    compiled = compile_pipeline(promotion, target, Settings(store="s3://b/s", tracking=tracking))
    assert errors_of(compiled.findings) == []
    text = "\n".join(str(content) for content in compiled.files.values())
    assert re.search(r"from intermodal import .*\btracking\b", text)
    for call in ("tracking.model_version(name)", "tracking.load_model(", "tracking.promote("):
        assert call in text
