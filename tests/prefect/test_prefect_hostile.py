"""Text of every kind, wherever a user may write some: it arrives as it was, and nothing else happens."""

from __future__ import annotations

import base64
import json
import re
import types
from datetime import UTC, datetime

import pytest
import yaml
from fake_prefect import execute
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_cases import HOSTILE, hostile
from running_prefect import Running

import hostile_pipelines as texts
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import Cron, Literal_, Parameter, Pipeline, Schedule, StringType
from intermodal_compilers.prefect import parts
from intermodal_compilers.prefect.names import OURS
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


# Control flow and policies


def running(pipeline, **given):
    result = compiled(pipeline)
    assert errors_of(result.findings) == []
    return Running(result.files["flow.py"], **given)


@settings(max_examples=15)
@given(texts.TEXTS)
def test_expressions_of_text_give_what_they_mean(text):
    run = running(texts.computed(text))
    found = {name: run.value(name) for name in texts.EXPECTED}
    assert found == {name: value(text) for name, value in texts.EXPECTED.items()}


@settings(max_examples=15)
@given(texts.TEXTS)
def test_date_patterns_are_text(pattern):
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    assert running(texts.dated(pattern)).value("dated") == moment.strftime(pattern)


@settings(max_examples=15)
@given(texts.TEXTS)
def test_conditions_and_items_of_text(text):
    run = running(texts.chosen(text))
    assert run.value("yes") == run.value("guarded") == run.value(f"arm_{texts.ARMS[0]}") == text
    assert run.values("no") == []
    other = running(texts.chosen(text), given=f"{text}!", maybe="lambda")
    assert other.value("no") == other.value("arm_lambda") == text
    assert other.states("guarded") == ["Skipped"]
    looped = running(texts.looped(text))
    assert sorted(looped.values("inner")) == [text, text + text]
    assert looped.value("pair") == [text, text]
    assert looped.value("about") == text + json.dumps([text, text])


@settings(max_examples=15)
@given(texts.TEXTS)
def test_what_other_runs_people_and_checks_are_given(text):
    [(kind, _, started)] = running(texts.triggering(text)).said
    expected = {text: text, "deep": {text: [text]}, "given": text}
    assert (kind, started["parameters"]) == ("started", expected)
    exits = running(texts.exiting(text))
    assert exits.value("last") == f"{text}succeeded"
    assert exits.value("fixed") == text
    asked = running(texts.approving(texts.literal(text), text)).said
    assert [(kind, args[0]["description"]) for kind, args, _ in asked] == [("asked", text)]


def test_checks_are_given_text():
    run = running(texts.waiting(HOSTILE))
    assert run.value("function") is True
    assert run.states("command") == ["Completed"]


@settings(max_examples=15)
@given(texts.TEXTS)
def test_texts_of_policies_are_arguments(text):
    assert [args for _, args, _ in running(texts.pooled(text)).said] == [(text,)]
    cached = running(texts.cached(text)).futures[0][1].options
    key = cached["cache_policy"]["cache_key_fn"](None, {})
    assert key == f"hostile/cached/{text}"
    told = running(texts.notified(text, on=("success",)))
    state = types.SimpleNamespace(name="Completed")
    hook = told.futures[0][1].options["on_completion"][0]
    hook(None, types.SimpleNamespace(name="told"), state)
    told.options["on_completion"][0](None, None, state)
    assert told.said == [("log", (text,), {})] * 2
    grouped = running(texts.grouped(text)).futures[0][1].options
    assert grouped["task_run_name"].format() == text
    assert grouped["tags"] == [f"task_group:{text}"]


@given(texts.TEXTS.filter(lambda text: text.isprintable() and not {"*", "?", "["} & set(text)))
def test_names_of_assets_and_events_are_text(text):
    result = compiled(texts.asset_pipeline(text))
    assert errors_of(result.findings) == []
    run = Running(result.files["flow.py"])
    written = ("asset.written", {"prefect.resource.id": f"asset.{text}"})
    assert run.said == [("event", written, {})]
    (deployment,) = yaml.safe_load(result.files["prefect.yaml"])["deployments"]
    data, event = deployment["triggers"]
    assert filled_in(data["match"]["prefect.resource.id"]) == f"asset.{text}"
    assert [filled_in(name) for name in event["expect"]] == [text]


@pytest.mark.parametrize("text", ["s3://b/*", "a?b", "[ab]", "!x", "a\0", "a\x1b"])
def test_names_that_mean_others_too_are_refused(text):
    result = compiled(texts.asset_pipeline(text))
    assert {finding.code for finding in errors_of(result.findings)} == {"PORT204"}


NAMES = {*texts.WORDS, *OURS, *parts.prelude().parts, *parts.prelude().imports}


@pytest.mark.parametrize("half", [0, 1])
def test_words_that_mean_something_name_anything(half):
    for word in sorted(name for name in NAMES if name.isidentifier())[half::2]:
        run = running(texts.named(word))
        assert run.options["name"] == word
        assert run.value(word) == "a"
        assert run.value(f"{word}_arm") == "aarun"
        assert sorted(run.values(f"{word}_inner")) == [1, 2]


@pytest.mark.parametrize("place", sorted(texts.SECRETS))
def test_no_secret_leaves_its_task(place, monkeypatch):
    """Neither the file nor what Prefect is told of holds a secret."""
    monkeypatch.setenv("INTERMODAL_SECRET_TOKEN_K", "hunter22")
    result = compiled(texts.SECRETS[place]())
    if place in texts.EXPOSED and place != "items":  # these stay in the flow's process
        assert {finding.code for finding in errors_of(result.findings)} == {"PORT204"}
        return
    assert errors_of(result.findings) == []
    assert "hunter22" not in "".join(result.files.values())
    if place != "variable":  # a container
        run = Running(result.files["flow.py"])
        options = [future.options for name, future in run.futures]
        assert "hunter22" not in repr((options, run.options, run.said))
