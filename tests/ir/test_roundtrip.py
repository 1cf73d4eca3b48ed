"""Whatever can be built can be written and read back equal, in JSON and in YAML."""

import json

import jsonschema
import pytest
from hypothesis import given

from intermodal.ir import Literal_, Pipeline, Retry, Shell, Task
from intermodal.ir.read import read
from intermodal.ir.schema import json_schema
from intermodal.ir.write import content_hash, to_data, to_json, to_yaml
from ir.strategies import model


@given(model(Pipeline))
def test_json_round_trip(pipeline):
    again, findings = read(to_json(pipeline), "p.json")
    assert findings == []
    assert again == pipeline


@given(model(Pipeline))
def test_yaml_round_trip(pipeline):
    again, findings = read(to_yaml(pipeline), "p.yaml")
    assert findings == []
    assert again == pipeline


@given(model(Pipeline))
def test_written_documents_fit_the_published_schema(pipeline):
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(to_json(pipeline)))


@given(model(Pipeline))
def test_hash_is_of_the_meaning(pipeline):
    moved = pipeline.model_copy(update={"span": None})
    assert content_hash(moved) == content_hash(pipeline)
    assert content_hash(pipeline.model_copy(update={"name": "another"})) != content_hash(
        pipeline.model_copy(update={"name": "one"})
    )


def test_defaults_are_left_out_and_discriminators_kept():
    task = Task(
        id="a", action=Shell(command="ls"), retry=Retry(max=2), inputs={"n": Literal_(value=None)}
    )
    assert to_data(task) == {
        "node": "task",
        "id": "a",
        "action": {"kind": "shell", "command": "ls"},
        "inputs": {"n": {"op": "literal", "value": None}},
        "retry": {"max": 2},
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"x": [float("-inf")]}, "\ud800"])
def test_values_that_json_cannot_hold_are_refused(value):
    with pytest.raises(ValueError, match=r"JSON|surrogates"):
        Literal_(value=value)


@pytest.mark.parametrize(("field", "value"), [("delay", 0), ("delay", "PT0S")])
def test_equal_durations_write_alike(field, value):
    assert to_data(Retry(max=1, **{field: value})) == {"max": 1}
