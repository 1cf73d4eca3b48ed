"""Text of every kind, wherever a user may write some: it arrives as it was, and nothing else happens."""

from __future__ import annotations

import base64
import re

import pytest
import yaml
from fake_prefect import execute
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_cases import HOSTILE, hostile

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import Cron, Literal_, Parameter, Pipeline, Schedule, StringType
from intermodal_compilers.prefect.placeholders import has_placeholder, literal_text

TARGET = Target("prefect", "3")
PIECES = [
    "'",
    '"',
    '"""',
    "\\",
    "\n",
    "{{ x }}",
    "{{$HOME}}",
    "{%",
    "}}",
    "{",
    "$(id)",
    "\u2028",
    "é",
    "#",
]
TEXTS = st.lists(
    st.sampled_from(PIECES) | st.characters(exclude_categories=["Cs", "Cc"]), max_size=12
).map("".join)


def compiled(pipeline):
    return compile_pipeline(pipeline, TARGET, Settings())


def filled_in(text):
    """What Prefect makes of a text of `prefect.yaml` when it deploys (its `apply_values`)."""
    pattern = re.compile(r"({{\s*([\w\.\-\[\]$]+)\s*}})")
    for whole, _ in set(pattern.findall(text)):
        text = text.replace(whole, "")
    return text


@settings(max_examples=25)
@given(TEXTS)
def test_text_arrives_as_it_was(text):
    result = compiled(hostile(text))
    assert errors_of(result.findings) == []
    recorded = execute(result.files["flow.py"])
    recorded.call()
    plain, listed = recorded.runs["plain"], recorded.runs["listed"]
    assert plain.value == text
    assert listed.value == {text: [text]}
    assert recorded.runs["given"].value == text
    assert recorded.runs["own"].value == text
    assert base64.b64decode(recorded.runs["shell"].value).decode() == text * 2
    assert listed.options["tags"][0] == f"owner:{text}"
    if text and text != "plain":
        assert plain.options["task_run_name"].format() == text
    if text.strip():
        assert plain.options["description"] == text
    (deployment,) = yaml.safe_load(result.files["prefect.yaml"])["deployments"]
    assert filled_in(deployment.get("description", "")) == text
    assert filled_in(deployment["tags"][0]) == f"owner:{text}"


@given(st.text(alphabet="{} x.$-\n", max_size=30))
def test_braces_survive_prefects_templates(text):
    assert filled_in(literal_text(text)) == text
    assert has_placeholder(text) == (literal_text(text) != text)


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x07"])
def test_control_characters_in_a_deployment_are_refused(character):
    for change in (
        {"description": character},
        {"owners": (character,)},
        {"labels": {"a": character}},
    ):
        result = compiled(Pipeline(name="p", **change))
        assert {finding.code for finding in errors_of(result.findings)} == {"PORT204"}


def test_nulls_travel_as_values():
    parameters = {"text": Parameter(type=StringType(), default="a\0b")}
    text = compiled(Pipeline(name="p", parameters=parameters)).files["flow.py"]
    assert '"a\\x00b"' in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_json_value_is_a_literal_of_the_flow(value):
    from prefect_cases import echo

    recorded = execute(
        compiled(Pipeline(name="p", body=(echo("one", Literal_(value=value)),))).files["flow.py"]
    )
    recorded.call()
    assert recorded.runs["one"].value == value


def test_time_zones_and_crons_stand_as_text():
    schedule = Schedule(triggers=(Cron(expression="*/5 * * * *", timezone="Etc/GMT+3"),))
    text = compiled(Pipeline(name="p", schedule=schedule)).files["prefect.yaml"]
    (entry,) = yaml.safe_load(text)["deployments"][0]["schedules"]
    assert entry == {"cron": "*/5 * * * *", "timezone": "Etc/GMT+3"}


def test_the_same_input_gives_the_same_bytes():
    assert compiled(hostile(HOSTILE)).files == compiled(hostile(HOSTILE)).files
