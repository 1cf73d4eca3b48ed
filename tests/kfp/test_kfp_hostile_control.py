"""Difficult text in control flow: it arrives as it was, in conditions, programs and items alike."""

from __future__ import annotations

import ast
import json
import re
from datetime import UTC, datetime

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import Phase, given, settings
from kfp.pipeline_spec import pipeline_spec_pb2 as pb
from kfp_running import run_spec

import hostile_pipelines as hostile
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import Literal_, Parameter, Pipeline
from intermodal_compilers.kfp.condition import check_condition

TARGET = Target("kfp", "2")
FEW = settings(max_examples=8, phases=[Phase.explicit, Phase.generate])
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def spec_of(pipeline):
    """The specification, which KFP's own model takes."""
    result = compile_pipeline(pipeline, TARGET, Settings())
    assert errors_of(result.findings) == []
    spec = next(yaml.load_all(result.files["pipeline.yaml"], LOADER))
    return json_format.MessageToDict(json_format.ParseDict(spec, pb.PipelineSpec()))


def dumped(spec):
    """As YAML."""
    return yaml.dump(spec, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper))


def tasks_of(spec):
    """All tasks of all DAGs, by name."""
    components = [spec["root"], *spec["components"].values()]
    return {
        name: task
        for component in components
        for name, task in component.get("dag", {}).get("tasks", {}).items()
    }


def results(spec, folder, names, **given_to):
    """What these tasks give, each run alone; inputs are constants, or are given here."""
    found = tasks_of(spec)
    alone = {}
    for name in names:
        inputs = {}
        for key, source in found[name].get("inputs", {}).get("parameters", {}).items():
            constant = source.get("runtimeValue") or {"constant": given_to.get(key)}
            inputs[key] = {"runtimeValue": constant}
        component = {"componentRef": found[name]["componentRef"]}
        alone[name] = {**component, "inputs": {"parameters": inputs}}
    root = {**spec["root"], "dag": {"tasks": alone}}
    done, _ = run_spec(dumped({**spec, "root": root}), folder)
    return {name: read(done[name]["parameters"]) for name in names}


def read(outputs):
    """The one output of a task, from its JSON; several as they are."""
    only = outputs.get("return") if set(outputs) == {"return"} else outputs
    return json.loads(only) if isinstance(only, str) else only


def conditions_of(spec):
    """The conditions of all tasks, checked against their inputs."""
    for task in tasks_of(spec).values():
        text = task.get("triggerPolicy", {}).get("condition")
        if text is not None:
            known = dict.fromkeys(task["inputs"]["parameters"], "")
            assert check_condition(text, known, ()).problems == ()
            yield text


@FEW
@given(hostile.TEXTS)
def test_expressions_of_text_give_what_they_mean(tmp_path_factory, text):
    spec = spec_of(hostile.computed(text))
    names = {name: name.replace("_", "-") for name in hostile.EXPECTED}
    done, _ = run_spec(dumped(spec), tmp_path_factory.mktemp("run"))
    found = {name: read(done[task]["parameters"]) for name, task in names.items()}
    assert found == {name: value(text) for name, value in hostile.EXPECTED.items()}


@FEW
@given(hostile.TEXTS)
def test_date_patterns_are_text(tmp_path_factory, pattern):
    spec = spec_of(hostile.dated(pattern))
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    [key] = tasks_of(spec)["dated"]["inputs"]["parameters"]
    folder = tmp_path_factory.mktemp("run")
    found = results(spec, folder, ["dated"], **{key: moment.isoformat()})
    assert found["dated"] == moment.strftime(pattern)


@FEW
@given(hostile.TEXTS.map(lambda text: f"{text}'"))
def test_conditions_on_text(tmp_path_factory, text):
    spec = spec_of(hostile.chosen(text))
    assert not any(hostile.MARK in condition for condition in conditions_of(spec))
    computing = ["by-name-choice", "first-choice", "guarded-guard"]
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    given_to = {key: parameters[key]["defaultValue"] for key in ("given", "maybe")}
    inputs = {}
    for name in computing:
        for key, source in tasks_of(spec)[name]["inputs"]["parameters"].items():
            inputs[key] = given_to[source["componentInputParameter"]]
    folder = tmp_path_factory.mktemp("run")
    arms, first, guard = results(spec, folder, computing, **inputs).values()
    assert [name for name, taken in arms.items() if taken] == [hostile.ARMS[0]]
    assert first == {"same": True}
    assert guard is True


PLAIN = ["a b", "x.y:z/@+,-", "and", "or", "not", "true", "inputs", "in", "é", ""]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_stands_in_the_condition(text):
    spec = spec_of(hostile.chosen(text, is_native=True))
    conditions = list(conditions_of(spec))
    literals = {ast.literal_eval(one) for c in conditions for one in re.findall(r"== ('.*?')", c)}
    assert literals == {text}


@FEW
@given(hostile.TEXTS)
def test_text_in_conditions_is_never_part_of_them(text):
    """What is not plain is compared by a program; the backend would have to unescape it."""
    for condition in conditions_of(spec_of(hostile.chosen(text, is_native=True))):
        literal = re.search(r"== '(.*)'\)?$", condition)
        assert (literal and literal[1] == text) or hostile.MARK not in condition


@FEW
@given(hostile.TEXTS)
def test_items_and_exit_inputs_are_text(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("run")
    spec = spec_of(hostile.looped(text))
    [raw] = [
        task["parameterIterator"]["items"]["raw"]
        for task in tasks_of(spec).values()
        if "raw" in task.get("parameterIterator", {}).get("items", {})
    ]
    [key] = tasks_of(spec)["inner"]["inputs"]["parameters"]
    items = json.loads(raw)
    found = [
        results(spec, folder / str(n), ["inner"], **{key: item}) for n, item in enumerate(items)
    ]
    assert [one["inner"] for one in found] == [text, text + text]
    last = spec_of(hostile.exiting(text))
    assert results(last, folder / "exit", ["fixed"]) == {"fixed": text}


@FEW
@given(hostile.TEXTS)
def test_texts_of_policies_are_values(text):
    spec = spec_of(hostile.cached(text))
    assert tasks_of(spec)["cached"]["cachingOptions"]["cacheKey"] == text
    [task] = tasks_of(spec_of(hostile.grouped(text))).values()
    assert task["taskInfo"]["name"] == f"{text} / {text}"


def test_words_that_mean_something_name_anything():
    for word in hostile.WORDS[::2]:
        spec = spec_of(hostile.named(word))
        assert {"a"} == {
            p["defaultValue"] for p in spec["root"]["inputDefinitions"]["parameters"].values()
        }
        for executor in spec["deploymentSpec"]["executors"].values():
            compile(executor["container"]["command"][2], "program.py", "exec")


@pytest.mark.parametrize("place", sorted(hostile.SECRETS))
def test_no_secret_leaves_its_task(place):
    """Secrets come in environment variables, and go into no output of a task that was added."""
    result = compile_pipeline(hostile.SECRETS[place](), TARGET, Settings())
    if errors_of(result.findings):
        assert place in hostile.EXPOSED
        return
    assert place not in hostile.EXPOSED
    spec, *platform = yaml.load_all(result.files["pipeline.yaml"], LOADER)
    assert "token" in json.dumps(platform)
    executors = spec["deploymentSpec"]["executors"].values()
    programs = [" ".join(executor["container"]["command"]) for executor in executors]
    for program in (text for text in programs if "INTERMODAL_SECRET_TOKEN_K" in text):
        added = "def keep" not in program and "def look" not in program
        assert not added or "compared(" in program


@pytest.mark.parametrize("value", ["\ud800", float("nan")])
def test_values_that_no_json_holds_are_no_literals(value):
    with pytest.raises(ValueError, match=r"JSON|utf-8|surrogate"):
        Literal_(value=value)
    with pytest.raises(ValueError, match=r"JSON|utf-8|surrogate"):
        Pipeline(name="p", parameters={"a": Parameter(default=value)})
