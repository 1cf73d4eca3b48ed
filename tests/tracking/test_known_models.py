"""A model is registered by its value: from an input, or from an output that is stored later."""

import json

import pytest

from intermodal import tracking
from intermodal.tracking.identity import TaskIdentity
from intermodal.tracking.session import session
from intermodal.tracking.tracker import is_off


class Fitted:
    """Stands for a model."""


@pytest.fixture
def logged(tmp_path, monkeypatch):
    """Run a block in a session whose log is kept; the models and notes in it."""
    monkeypatch.setattr("intermodal.tracking.session.deliver", lambda *_: [])

    def run(block):
        identity = TaskIdentity(pipeline="p", run_id="r", task="t", session="s")
        with session(identity, "memory://kept", tmp_path) as tracked:
            block(tracked)
        lines = [
            json.loads(line) for line in (tmp_path / "spool" / "s.jsonl").read_text().splitlines()
        ]
        return [x for x in lines if x["type"] in ("model", "note")]

    assert not is_off("memory://kept")
    return run


def test_an_input_is_known_by_its_value(logged):
    model = Fitted()

    def block(tracked):
        tracked.know(model, "file:///store/model")
        tracking.register_model("best", model, aliases=["champion"])

    [record] = logged(block)
    assert (record["name"], record["uri"], record["aliases"]) == (
        "best",
        "file:///store/model",
        ["champion"],
    )


def test_an_output_is_registered_once_it_is_stored(logged):
    model = Fitted()

    def block(tracked):
        tracking.register_model("best", model)
        tracked.know(model, "file:///store/out")

    [record] = logged(block)
    assert record["uri"] == "file:///store/out"


def test_a_model_that_is_neither_is_noted(logged):
    [note] = logged(lambda tracked: tracking.register_model("best", Fitted()))
    assert note["type"] == "note"
    assert "no input and no output" in note["what"]
