"""Tasks that use the runtime: artifacts, large values and what KFP's user interface is shown."""

import json
from datetime import timedelta

import pytest
from kfp_running import run_spec

from intermodal import runtime
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    ArtifactType,
    CapturedSource,
    Index,
    IntegerType,
    ListType,
    Literal_,
    MapType,
    OutputRef,
    Parameter,
    Pipeline,
    PythonCall,
    Shell,
    StringType,
    Task,
    Tracking,
)
from intermodal_compilers.kfp import KfpCompiler

FILE, METRICS = ArtifactType(artifact="File"), ArtifactType(artifact="Metrics")
HTML = ArtifactType(artifact="Html")
NUMBERS, TEXTS = ListType(item=IntegerType()), MapType(value=ListType(item=StringType()))


def task(identity, source, inputs, outputs, imports=(), unpack="none", **more):
    name = source.split("(")[0].removeprefix("def ")
    captured = CapturedSource(function=source, imports=imports)
    return Task(
        id=identity,
        action=PythonCall(module="m", function=name, source=captured, unpack=unpack),
        inputs=inputs,
        outputs=outputs,
        **more,
    )


def output(node, name="return"):
    return OutputRef(node=node, output=name)


def run(folder, *body, monkeypatch, **settings):
    monkeypatch.setenv("INTERMODAL_EVENTS", str(folder / "events"))
    settings = Settings(store=str(folder / "store"), **settings)
    pipeline = Pipeline(name="p", body=body, parameters={"unused": Parameter(default=3)})
    result = KfpCompiler().compile(pipeline, Target("kfp", "2"), settings)
    assert not errors_of(result.findings), result.findings
    assert "PORT205" in {finding.code for finding in result.findings}
    return run_spec(result.files["pipeline.yaml"], folder)[0]


MAKE = task(
    "make",
    'def make(n: int):\n    return {"numbers": list(range(n)), "texts": {"{{$}}": ["{{$}}"] * n}, "raw": b"xyz"}',
    {"n": Literal_(value=12_000)},
    {"numbers": NUMBERS, "texts": TEXTS, "raw": FILE},
    unpack="items",
)


def test_large_values_go_to_the_store_and_come_back_everywhere(tmp_path, monkeypatch):
    plain = task(
        "plain",
        "def plain(numbers, texts, one):\n    return [sum(numbers), len(texts['{{$}}']), one]",
        {
            "numbers": output("make", "numbers"),
            "texts": output("make", "texts"),
            "one": Index(base=output("make", "numbers"), key=Literal_(value=7)),
        },
        {"return": NUMBERS},
    )
    shell = Task(
        id="shell",
        action=Shell(command='printf "%s %s" "${#numbers}" "$(cat "$raw")"'),
        inputs={"numbers": output("make", "numbers"), "raw": output("make", "raw")},
        outputs={"return": StringType()},
        timeout=timedelta(seconds=60),
    )
    done = run(tmp_path, MAKE, plain, shell, monkeypatch=monkeypatch)
    [reference] = done["make"]["parameters"]["numbers"]
    assert reference.startswith('{{!artifact}}{"$artifact": ')
    assert done["plain"]["parameters"]["return"] == [sum(range(12_000)), 12_000, 7]
    length = len(json.dumps(list(range(12_000))))
    assert done["shell"]["parameters"]["return"] == f"{length} xyz"


def test_metrics_and_pages_are_shown_and_other_artifacts_referred_to(tmp_path, monkeypatch):
    score = task(
        "score",
        'def score(raw: bytes) -> Metrics:\n    return Metrics(length=len(raw), size=0.5, bad=float("nan"))',
        {"raw": output("make", "raw")},
        {"return": METRICS},
        imports=("from intermodal import Metrics",),
    )
    page = task(
        "page",
        "def page(length) -> Html:\n    return Html(f'<b>{length} {{{{$}}}}</b>')",
        {"length": Index(base=output("score"), key=Literal_(value="length"))},
        {"return": HTML},
        imports=("from intermodal.artifacts import Html",),
    )
    small = MAKE.model_copy(update={"inputs": {"n": Literal_(value=2)}})
    done = run(tmp_path, small, score, page, monkeypatch=monkeypatch)
    [raw] = done["make"]["artifacts"]["raw"]["artifacts"]
    assert raw["uri"] == str(tmp_path / "make" / "raw")
    reference = json.loads(raw["metadata"]["intermodal"])["$artifact"]
    assert raw["metadata"]["sha256"] == reference["sha256"]
    assert raw["metadata"]["store_uri"] == reference["uri"]
    assert json.loads((tmp_path / "make" / "raw").read_text())["$artifact"] == reference
    [metrics] = done["score"]["artifacts"]["return"]["artifacts"]
    assert metrics["metadata"] | {"intermodal": "", "store_uri": ""} == {
        "length": 3.0,
        "size": 0.5,
        "intermodal": "",
        "store_uri": "",
    }
    assert (tmp_path / "page" / "return").read_text() == "<b>3.0 {{$}}</b>"
    ends = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert {one["task"] for one in ends} == {"make", "score", "page"}


@pytest.mark.parametrize("artifact", ["raw", "numbers"])
def test_artifacts_are_found_by_the_run_and_the_task(tmp_path, monkeypatch, artifact):
    run(tmp_path, MAKE, monkeypatch=monkeypatch)
    found = list((tmp_path / "store" / "p" / "run-7" / "make" / "-" / "1").iterdir())
    assert artifact in {path.name for path in found}


def test_a_tracked_task_tells_the_runtime_the_parameters_of_the_run(tmp_path, monkeypatch):
    small = MAKE.model_copy(update={"inputs": {"n": Literal_(value=2)}})
    monkeypatch.setenv("INTERMODAL_TRACKING", "none")
    settings = Settings(tracking="http://localhost:1", store=str(tmp_path))
    parameters = {"rows": Parameter(type=IntegerType(), default=3)}
    pipeline = Pipeline(name="p", body=(small,), parameters=parameters)
    result = KfpCompiler().compile(pipeline, Target("kfp", "2"), settings)
    text = result.files["pipeline.yaml"]
    assert 'parameters={"rows": whole(values["intermodal-parameter-rows"])}' in text
    assert 'tracking="http://localhost:1"' in text
    assert "tags" not in text
    run_spec(text, tmp_path)


def test_the_runtime_is_told_the_tags_of_the_run(tmp_path, monkeypatch):
    told = {}
    monkeypatch.setattr(runtime, "run", lambda task, **given: told.update(given) or 1)
    say = task("say", "def say():\n    print('hello')\n", {}, {})
    tags = {"stage": 'it\'s "new" {{$}}\n', "a b": ""}
    pipeline = Pipeline(name="p", body=(say,), tracking=Tracking(tags=tags))
    settings = Settings(tracking="http://localhost:1", store=str(tmp_path))
    result = KfpCompiler().compile(pipeline, Target("kfp", "2"), settings)
    assert [finding.code for finding in result.findings if finding.code == "PORT204"] == []
    run_spec(result.files["pipeline.yaml"], tmp_path)
    assert told["context"].tags == tags
