"""What is emitted for what: sharing, names, policies, schedules, containers, and refusals."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from intermodal.compiling import Settings, Target
from intermodal.features import Refused, undeclared
from intermodal.ir import (
    AnyType,
    ArtifactType,
    Cache,
    CapturedSource,
    Container,
    Cron,
    Environment,
    FloatType,
    Format,
    InputRef,
    IntegerType,
    Interval,
    ListType,
    Literal_,
    Noop,
    OptionalType,
    OutputRef,
    Parameter,
    ParameterRef,
    PathRef,
    Pipeline,
    PythonCall,
    Resources,
    Retry,
    RunFact,
    Schedule,
    Shell,
    StringType,
    Task,
)
from intermodal_compilers.kfp import KfpCompiler, spec
from intermodal_compilers.kfp.lint import lint
from intermodal_compilers.kfp.names import Names, dashed, key

TARGET = Target("kfp", "2")
ADD = CapturedSource(function="def add(a: int, b: int) -> int:\n    return a + b\n")
INTEGER = IntegerType()
DATASET = ArtifactType(artifact="Dataset")


def add(identity, a, b=1, **more):
    values = {"a": a, "b": b}
    return Task(
        id=identity,
        action=more.pop("action", PythonCall(module="shop.sums", function="add", source=ADD)),
        inputs={k: v if hasattr(v, "op") else Literal_(value=v) for k, v in values.items()},
        input_types={"a": INTEGER, "b": INTEGER},
        outputs=more.pop("outputs", {"return": INTEGER}),
        **more,
    )


def compile_(*body, settings=None, **fields):
    pipeline = Pipeline(name=fields.pop("name", "sums"), body=body, **fields)
    return KfpCompiler().compile(pipeline, TARGET, settings or Settings())


def documents(result):
    assert result.files, result.findings
    text = result.files["pipeline.yaml"]
    assert [f for f in lint(text) if f.code != "PORT327"] == []
    return list(yaml.safe_load_all(text))


def codes(result):
    return sorted({finding.code for finding in result.findings})


def container(document, label):
    return document["deploymentSpec"]["executors"][label]["container"]


def test_every_feature_is_declared_and_versions_resolve():
    compiler = KfpCompiler()
    capabilities = compiler.capabilities("2")
    assert undeclared(capabilities) == []
    refusals = [one for one in capabilities.values() if isinstance(one, Refused)]
    assert all(one.why for one in refusals)
    assert [compiler.resolve_version(v) for v in ("2", "2.17", "2.17.0", "1", "2.x", "")] == [
        "2",
        "2",
        "2",
        None,
        None,
        None,
    ]


def test_one_executor_for_all_calls_of_a_function_and_one_component_for_each():
    tasks = [add("add_0", 1)]
    tasks += [add(f"add_{n}", OutputRef(node=f"add_{n - 1}"), n) for n in range(1, 200)]
    result = compile_(*tasks)
    [document] = documents(result)
    assert list(document["deploymentSpec"]["executors"]) == ["exec-add"]
    assert len(document["components"]) == 200
    assert all(name == f"comp-add-{n}" for n, name in enumerate(sorted(document["components"], key=lambda c: int(c[9:]))))  # fmt: skip
    # The SDK (2.17) needs 376,485 bytes for this pipeline.
    assert len(result.files["pipeline.yaml"]) < 376_485 / 5
    assert result.names["add_7"] == "add-7"


def test_different_settings_or_literal_types_make_different_executors():
    [document] = documents(
        compile_(
            add("a", 1),
            add("b", 1, environment={"X": "1"}),
            add("c", 1, resources=Resources(cpu=2)),
            add("d", 1, timeout=timedelta(seconds=1.5)),
            add("e", 2),
        )
    )
    labels = {name[5:]: c["executorLabel"] for name, c in document["components"].items()}
    assert labels == {
        "a": "exec-add",
        "b": "exec-add-2",
        "c": "exec-add-3",
        "d": "exec-add-4",
        "e": "exec-add",
    }
    assert container(document, "exec-add-2")["env"] == [{"name": "X", "value": "1"}]
    assert "faulthandler.dump_traceback_later(1.5, exit=True)" in container(document, "exec-add-4")["command"][2]  # fmt: skip


def test_the_program_is_readable_formatted_python(tmp_path):
    source = CapturedSource(
        function='def longer(alpha: int, beta: list[str], gamma: float) -> str:\n    """Join."""\n    return f"{alpha}{beta}{gamma}"',
        imports=("import math",),
        definitions=("RATE = math.pi",),
    )
    task = Task(
        id="join",
        action=PythonCall(module="m", function="longer", source=source),
        inputs={
            "alpha": ParameterRef(name="a"),
            "beta": ParameterRef(name="b"),
            "gamma": Literal_(value=0.5),
        },
        outputs={"return": StringType()},
        docs="Join.",
        timeout=timedelta(minutes=2),
    )
    parameters = {
        "a": Parameter(type=INTEGER, required=True),
        "b": Parameter(type=ListType(item=StringType()), default=["x"]),
    }
    shell = Task(
        id="show",
        action=Shell(command="echo $x"),
        inputs={"x": OutputRef(node="join")},
        outputs={"return": ListType(item=OptionalType(item=INTEGER))},
        docs="Shows it.",
        timeout=timedelta(seconds=3),
    )
    result = compile_(task, shell, parameters=parameters)
    assert "        - |\n          import math\n\n          RATE = math.pi\n\n\n          def longer(" in result.files["pipeline.yaml"]  # fmt: skip
    [document] = documents(result)
    ruff = [sys.executable, "-m", "ruff"]
    for label in ("exec-longer", "exec-show"):
        path = tmp_path / f"{label}.py"
        path.write_text(container(document, label)["command"][2])
        checks = "E4,E7,E9,F,I,UP,B,SIM"
        for command in (["format", "--isolated", "--diff"], ["check", "--isolated", "--select", checks]):  # fmt: skip
            run = subprocess.run(
                [*ruff, *command, path], capture_output=True, text=True, check=False
            )
            assert run.returncode == 0, run.stdout
    assert '"""Shows it."""' in container(document, "exec-show")["command"][2]


def test_names_are_dashed_unique_and_shown_as_written():
    result = compile_(
        add("with_dash-and_dot", 1),
        add("with-dash.and_dot", 2),
        add("___", 3, display_name='Three "3"'),
        name="Odd_name.here",
    )
    [document] = documents(result)
    tasks = document["root"]["dag"]["tasks"]
    assert {n: t["taskInfo"]["name"] for n, t in tasks.items()} == {
        "with-dash-and-dot": "with_dash-and_dot",
        "with-dash-and-dot-2": "with-dash.and_dot",
        "x": 'Three "3"',
    }
    assert document["pipelineInfo"] == {"name": "odd-name-here", "displayName": "Odd_name.here"}
    assert [f.code for f in result.findings].count("PORT202") == 3
    assert dashed("é" * 300) == "x"
    assert (key("a b"), key("-a"), key("ok_1")) == ("a_b", "a", "ok_1")
    names = Names()
    assert [names.take(n) for n in ("a", "a", "a-2", "a")] == ["a", "a-2", "a-2-2", "a-3"]


def test_parameters_and_outputs_of_the_pipeline():
    parameters = {
        "need": Parameter(type=INTEGER, required=True, help="How many."),
        "mode": Parameter(type=StringType(), default="fast", choices=("fast", "{{$}}")),
        "limit": Parameter(type=OptionalType(item=INTEGER)),
        "sizes": Parameter(type=ListType(item=FloatType()), default=[1, 2.5]),
        "free": Parameter(default={"a": None}),
    }
    result = compile_(
        add("first", ParameterRef(name="need")),
        parameters=parameters,
        outputs={"sum": OutputRef(node="first")},
    )
    [document] = documents(result)
    assert document["root"]["inputDefinitions"]["parameters"] == {
        "need": {"parameterType": "NUMBER_INTEGER", "description": "How many."},
        "mode": {
            "parameterType": "STRING",
            "defaultValue": "fast",
            "isOptional": True,
            "literals": ["fast", "{{!$}}"],
        },
        "limit": {"parameterType": "STRING", "defaultValue": "null", "isOptional": True},
        "sizes": {"parameterType": "LIST", "defaultValue": [1, 2.5], "isOptional": True},
        "free": {"parameterType": "STRING", "defaultValue": '{"a": null}', "isOptional": True},
    }
    assert document["root"]["dag"]["outputs"]["parameters"]["sum"]["valueFromParameter"] == {
        "producerSubtask": "first",
        "outputParameterKey": "return",
    }


def test_policies():
    retry = Retry(max=3, delay=timedelta(seconds=1.2), factor=2, ceiling=timedelta(seconds=90))
    resources = Resources(cpu=0.5, cpu_limit=2, memory="1Gi", memory_limit="2Gi", gpu=1)
    result = compile_(
        add("a", 1, retry=retry, resources=resources, cache=Cache(key="k")),
        add("b", OutputRef(node="a"), retry=Retry(max=4, delay=timedelta(hours=1), factor=3)),
        add("c", 1, after=("a", "b"), retry=Retry(max=0)),
        environment=Environment(image="registry/image:1"),
    )
    [document] = documents(result)
    tasks = document["root"]["dag"]["tasks"]
    assert tasks["a"]["retryPolicy"] == {
        "maxRetryCount": 3,
        "backoffDuration": "2s",
        "backoffFactor": 2,
        "backoffMaxDuration": "90s",
    }
    assert tasks["b"]["retryPolicy"]["backoffMaxDuration"] == "97200s"
    assert tasks["a"]["cachingOptions"] == {"enableCache": True, "cacheKey": "k"}
    assert tasks["c"]["cachingOptions"] == {}
    assert "retryPolicy" not in tasks["c"]
    assert tasks["c"]["dependentTasks"] == ["a", "b"]
    assert container(document, "exec-add")["image"] == "registry/image:1"
    assert container(document, "exec-add")["resources"] == {
        "resourceCpuRequest": "500m",
        "resourceCpuLimit": "2",
        "resourceMemoryRequest": "1Gi",
        "resourceMemoryLimit": "2Gi",
        "accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "1"},
    }
    assert codes(result) == ["PORT204"]


def test_labels_owners_and_docs_are_visible():
    result = compile_(
        add("a", 1, labels={"tier": "gold", "a b": "c d"}, owners=("ada", "o'hara"), docs='Q """.'),
        description="Sums.",
        labels={"team": "x"},
        owners=("bob",),
    )
    first, second = documents(result)
    assert first["pipelineInfo"]["description"] == "Sums.\n\nOwners: bob\n\nLabels: team=x"
    executors = second["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors == {
        "exec-add": {
            "podMetadata": {
                "labels": {"tier": "gold"},
                "annotations": {"intermodal/a_b": "c d", "intermodal/owners": "ada, o'hara"},
            }
        }
    }
    assert container(first, "exec-add")["command"][2].startswith('"""Q \\"\\"\\"."""\n')
    on_vertex = compile_(
        add("a", 1, labels={"tier": "gold"}), settings=Settings(targets={"kfp": {"vertex": "true"}})
    )
    assert len(documents(on_vertex)) == 1
    assert codes(on_vertex) == ["PORT204"]


def test_containers():
    words = (
        Literal_(value="run"),
        Format(parts=(Literal_(value="--n="), InputRef(name="n"))),
        PathRef(direction="output", name="data"),
        PathRef(direction="output", name="count"),
    )
    make = Task(
        id="make",
        action=Container(image="tool:1", command=words[:1], args=words[1:]),
        inputs={"n": Literal_(value=3)},
        outputs={"data": DATASET, "count": INTEGER},
        timeout=timedelta(seconds=90),
    )
    use = Task(
        id="use",
        action=Container(
            image="tool:1", args=(PathRef(direction="input", name="d"), InputRef(name="run"))
        ),
        inputs={"d": OutputRef(node="make", output="data"), "run": RunFact(fact="run_id")},
    )
    first, second = documents(compile_(make, use))
    assert container(first, "exec-make") == {
        "image": "tool:1",
        "command": ["run"],
        "args": [
            "--n={{$.inputs.parameters['n']}}",
            "{{$.outputs.artifacts['data'].path}}",
            "{{$.outputs.parameters['count'].output_file}}",
        ],
    }
    assert container(first, "exec-use")["args"] == [
        "{{$.inputs.artifacts['d'].path}}",
        "{{$.inputs.parameters['run']}}",
    ]
    executors = second["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors == {"exec-make": {"activeDeadlineSeconds": 90}}


def test_a_task_that_does_nothing_runs():
    [document] = documents(compile_(Task(id="meet", action=Noop())))
    assert container(document, "exec-meet")["command"][:2] == ["python3", "-c"]


def test_an_imported_function_comes_without_its_source():
    [document] = documents(compile_(add("a", 1), settings=Settings(code="import")))
    text = container(document, "exec-add")["command"][2]
    assert text.startswith("from shop.sums import add\n\n\ndef _main(task=add):")


SEVEN = timedelta(days=7)
NO_SOURCE = PythonCall(module="m", function="add")
MAKES = Task(
    id="make",
    action=PythonCall(module="m", function="add", source=ADD),
    outputs={"return": DATASET},
)


@pytest.mark.parametrize(
    ("body", "fields", "code"),
    [
        ([add("a", 1, action=NO_SOURCE)], {}, "PORT120"),
        ([add("a", 1, environment={"A": "{{$}}"})], {}, "PORT204"),
        ([add("a", 1, resources=Resources(gpu=1, gpu_type="a100"))], {}, "PORT204"),
        ([Task(id="a", action=Container(image="x", args=(Literal_(value="{{$}}"),)))], {}, "PORT204"),
        ([Task(id="a", action=Container(image="x"), inputs={"t": Literal_(value="{{$.pipeline_root}}")})], {}, "PORT204"),
        ([MAKES, Task(id="a", action=Container(image="x"), inputs={"t": OutputRef(node="make")})], {}, "PORT204"),
        ([Task(id="a", action=Container(image="x", args=(PathRef(direction="input", name="n"),)), inputs={"n": Literal_(value=1)})], {}, "PORT204"),
        ([Task(id="a", action=Container(image="x"), inputs={"p": ParameterRef(name="p")})], {"parameters": {"p": Parameter(type=AnyType())}}, "PORT204"),
        ([Task(id="a", action=Container(image="x"), inputs={"t": Literal_(value="\x00")})], {}, "PORT204"),
        ([Task(id="a", action=Shell(command="\x00"))], {}, "PORT204"),
        ([add("a", 1)], {"parameters": {"p": Parameter(type=INTEGER, default=2**53)}}, "PORT204"),
        ([add("a", 1)], {"concurrency": {"max_active_runs": 3}}, "PORT204"),
        ([add("a", 1)], {"schedule": Schedule(triggers=(Cron(expression="0 6 * * 5-7"),))}, "PORT204"),
        ([add("a", 1)], {"schedule": Schedule(triggers=(Interval(every=timedelta(seconds=1.5)),))}, "PORT204"),
        ([add("a", 1)], {"parameters": {"p": Parameter(required=True)}, "schedule": Schedule(triggers=(Interval(every=SEVEN),))}, "PORT204"),
        ([add("a", 1, action=PythonCall(module="m", function="add", source=CapturedSource(function=f"def add(a, b):\n    return {'9' * 140_000!r}")))], {}, "PORT203"),
    ],
)  # fmt: skip
def test_refusals(body, fields, code):
    result = compile_(*body, **fields)
    assert result.files == {}
    assert code in codes(result)
    assert all(finding.why or finding.next for finding in result.findings)


def test_schedules_become_recurring_runs():
    schedule = Schedule(
        triggers=(Cron(expression="30 6 * * 7"), Interval(every=timedelta(hours=6))),
        start=datetime(2026, 1, 1, 1, tzinfo=UTC),
        end=datetime(2027, 1, 1, tzinfo=UTC),
        catch_up=True,
    )
    result = compile_(add("a", 1), schedule=schedule, concurrency={"max_active_runs": 2})
    assert sorted(result.files) == ["pipeline.yaml", "recurring_run-2.json", "recurring_run.json"]
    first = json.loads(result.files["recurring_run.json"])
    assert first == {
        "display_name": "sums",
        "max_concurrency": "2",
        "mode": "ENABLE",
        "no_catchup": False,
        "runtime_config": {"parameters": {}},
        "trigger": {
            "cron_schedule": {
                "start_time": "2026-01-01T01:00:00Z",
                "end_time": "2027-01-01T00:00:00Z",
                "cron": "0 30 6 * * 0",
            }
        },
    }
    second = json.loads(result.files["recurring_run-2.json"])
    assert second["trigger"]["periodic_schedule"]["interval_second"] == "21600"


def test_compiling_twice_gives_the_same_and_loads_as_the_official_message():
    body = [add("a", 1), add("b", OutputRef(node="a"))]
    first, second = compile_(*body), compile_(*body)
    assert first == second
    loaded = spec.load(first.files["pipeline.yaml"])
    assert sorted(loaded.pipeline.root.dag.tasks) == ["a", "b"]
    assert loaded.pipeline.schema_version == "2.1.0"


def test_a_spec_that_no_object_can_hold_is_a_warning():
    result = compile_(*(add(f"task_with_a_long_name_{n}", n) for n in range(4000)))
    assert codes(result) == ["PORT203"]
    assert result.files
