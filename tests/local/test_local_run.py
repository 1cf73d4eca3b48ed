"""Whole runs: values, artifacts, parameters, shells, environment, and what is left in the run's folder."""

import json
import os
from datetime import timedelta

import pytest
from local_pipelines import FRAME, VALUE, attempts, output, ref, shell, states, task

from intermodal.artifacts import ArtifactStore
from intermodal.findings import FindingsError
from intermodal.ir import (
    AnyType,
    ArtifactType,
    CapturedSource,
    Compare,
    Concurrency,
    DurationType,
    ForEach,
    Format,
    Index,
    IntegerType,
    ItemRef,
    Items,
    Literal_,
    MapType,
    Noop,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Retry,
    RunFact,
    SecretRef,
    SecretVariable,
    StringType,
    Task,
    TaskDefaults,
    TimestampType,
    TriggerRun,
    Wait,
)
from intermodal.running import RunOptions
from intermodal_backends.local import run_pipeline


def literal(value):
    return Literal_(value=value)


def test_a_diamond_passes_values(run):
    result = run(
        task("one"),
        task("add", id="left", inputs={"a": ref("one"), "b": literal(10)}),
        task("add", id="right", inputs={"a": ref("one"), "b": literal(20)}),
        task("add", id="sum", inputs={"a": ref("left"), "b": ref("right")}),
        outputs={"sum": ref("sum")},
    )
    assert result.state == "succeeded"
    assert result.outputs == {"sum": 32}
    assert output(result, "sum") == 32
    assert set(attempts(result).values()) == {1}
    assert all(instance.ordered for instance in result.trace.instances.values())


def test_several_outputs(run):
    result = run(
        task("pair", unpack="attributes", outputs={"left": IntegerType(), "right": StringType()}),
        task("echo", inputs={"value": Format(parts=(ref("pair", "left"), ref("pair", "right")))}),
    )
    assert output(result, "echo") == "3x"


def test_large_values_travel_by_reference_and_nobody_sees_it(run):
    result = run(
        task("big", inputs={"size": literal(20_000)}),
        task("length", inputs={"values": ref("big")}),
        task("echo", inputs={"value": Index(base=ref("big"), key=literal(19_999))}),
    )
    assert output(result, "length") == 20_000
    assert output(result, "echo") == 19_999
    assert list(output(result, "big")) == ["$sha256"]


def test_artifacts_are_stored_with_their_lineage(run):
    result = run(
        task("frame", outputs=FRAME),
        task("rows", inputs={"data": ref("frame")}),
        task(
            "score",
            inputs={"data": ref("frame")},
            outputs={"return": ArtifactType(artifact="Metrics")},
        ),
        task("echo", inputs={"value": Index(base=ref("score"), key=literal("share"))}),
        task(
            "nothing",
            guard=Compare(
                operator=">", left=Index(base=ref("score"), key=literal("rows")), right=literal(5)
            ),
        ),
    )
    assert output(result, "rows") == 3
    assert output(result, "echo") == 0.5
    assert states(result)["nothing"] == "skipped"
    made, used = ArtifactStore(run.store).records("p", result.run_id)
    assert made.ref.sha256 == result.trace.instances["frame"].artifacts["return"]
    assert used.inputs[0].sha256 == made.ref.sha256
    assert len(made.code_hash) == 64


def test_parameters_have_defaults_and_types(run):
    pipeline = Pipeline(
        name="p",
        parameters={
            "at": Parameter(type=TimestampType(), default="2026-01-01T00:00:00+01:00"),
            "by": Parameter(type=DurationType(), required=True),
        },
        body=(
            task(
                "later",
                inputs={"moment": ParameterRef(name="at"), "by": ParameterRef(name="by")},
                outputs={"return": TimestampType()},
            ),
        ),
    )
    options = RunOptions(store=str(run.store))
    result = run_pipeline(pipeline, {"by": 90}, options)
    assert output(result, "later") == "2025-12-31T23:01:30+00:00"
    with pytest.raises(FindingsError) as wrong:
        run_pipeline(pipeline, {"by": "soon", "bye": 1}, options)
    assert [finding.code for finding in wrong.value.findings] == ["PORT603", "PORT603"]
    with pytest.raises(FindingsError, match="`by` has no value"):
        run_pipeline(pipeline, {}, options)


def test_a_function_from_captured_source(run):
    source = CapturedSource(
        imports=("import math",),
        definitions=("OFFSET = 1\n",),
        function="def circle(radius: float) -> float:\n    return OFFSET + math.floor(radius)\n",
    )
    call = PythonCall(module="no_such_module", function="circle", source=source)
    result = run(Task(id="c", action=call, inputs={"radius": literal(2)}, outputs=VALUE))
    assert output(result, "c") == 3.0


def test_a_shell_task_takes_variables_and_gives_its_last_line(run):
    result = run(
        shell(
            "sh",
            'echo first; echo "{\\"text\\": \\"$text\\", \\"more\\": $more, \\"from\\": \\"$FROM\\"}"',
            inputs={"text": literal("a b"), "more": literal([1, True])},
            outputs={"return": MapType()},
            environment={"FROM": "task"},
        ),
        shell("text", "echo 42", outputs={"return": StringType()}),
        shell("number", "echo 42", outputs={"return": IntegerType()}),
    )
    assert output(result, "sh") == {"text": "a b", "more": [1, True], "from": "task"}
    assert output(result, "text") == "42"
    assert output(result, "number") == 42


def test_what_a_shell_task_is_given_is_never_run(run, tmp_path):
    hostile = f"$(touch {tmp_path}/hit); `touch {tmp_path}/hit`"
    result = run(
        shell(
            "sh",
            'echo "$text"',
            inputs={"text": literal(hostile)},
            outputs={"return": StringType()},
        )
    )
    assert output(result, "sh") == hostile
    assert not (tmp_path / "hit").exists()


def test_noop_and_ordering(run):
    result = run(Task(id="point", action=Noop(), after=("one",)), task("one"))
    assert states(result) == {"one": "succeeded", "point": "succeeded"}
    assert result.trace.instances["point"].ordered


def test_a_loop_and_a_branch_in_processes(run):
    each = ForEach(
        id="each",
        items=Items(lists=(literal([1, 2, 3]),)),
        body=(task("double", inputs={"item": ItemRef(loop="each")}),),
        outputs={"all": ref("double")},
    )
    result = run(each, task("total", inputs={"values": ref("each", "all")}))
    assert output(result, "total") == 12
    assert output(result, "double[1]") == 4
    assert result.trace.instances["total"].ordered


def test_run_facts(run):
    facts = ("run_id", "pipeline", "logical_date", "attempt")
    result = run(*(task("echo", id=f, inputs={"value": RunFact(fact=f)}) for f in facts))
    assert output(result, "run_id") == result.run_id
    assert output(result, "pipeline") == "p"
    assert output(result, "logical_date") == "2026-01-02T03:04:05+00:00"
    assert output(result, "attempt") == 1


def test_exit_tasks_run_at_the_end(run):
    result = run(
        task("fail"),
        exit_tasks=(task("echo", inputs={"value": RunFact(fact="state")}),),
    )
    assert output(result, "echo") == "failed"
    assert result.trace.instances["echo"].ordered


def test_variables_of_a_task_are_its_own(run):
    result = run(
        task(
            "environment",
            id="with",
            inputs={"name": literal("COLOUR")},
            environment={"COLOUR": "red"},
        ),
        task("environment", "with", id="without", inputs={"name": literal("COLOUR")}),
        options={"workers": 1},
    )
    assert (output(result, "with"), output(result, "without")) == ("red", "")


def test_default_policies_reach_the_tasks(run):
    result = run(task("fail"), defaults=TaskDefaults(retry=Retry(max=1)))
    assert attempts(result) == {"fail": 2}


def test_secrets_reach_the_task_and_no_file(run, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_WAREHOUSE_TOKEN", "hunter2-secret")
    secret = SecretRef(name="warehouse", key="token")
    result = run(
        task("use_secret", inputs={"token": secret}),
        task(
            "use_secret", id="joined", inputs={"token": Format(parts=(literal("Bearer "), secret))}
        ),
        task("leak_secret", inputs={"token": secret}),
        task(
            "environment",
            inputs={"name": literal("MISSING")},
            secrets=(SecretVariable(variable="DB", secret=secret),),
        ),
        shell("sh", "echo $DB", secrets=(SecretVariable(variable="DB", secret=secret),)),
    )
    assert output(result, "use_secret") == len("hunter2-secret")
    assert output(result, "joined") == len("Bearer hunter2-secret")
    assert "cannot log in with ***" in result.failures[0].message
    written = [path for path in run.folder.rglob("*") if path.is_file()]
    assert [path for path in written if b"hunter2" in path.read_bytes()] == []
    assert any(b"the token is ***" in path.read_bytes() for path in written)


def test_a_missing_secret_is_no_fault_of_the_users_code(run):
    result = run(task("use_secret", inputs={"token": SecretRef(name="nowhere")}))
    assert result.failures[0].kind == "infrastructure"
    assert "INTERMODAL_SECRET_NOWHERE" in result.failures[0].message


def test_output_of_tasks_is_kept_in_logs_and_not_mixed(run, capfd):
    result = run(task("talk"), task("talk", id="again"), task("nothing"))
    assert result.instances["talk"].log.read_text() == "to stdout\nto stderr\n"
    assert result.instances["again"].log.read_text() == "to stdout\nto stderr\n"
    assert result.instances["nothing"].log is None
    assert capfd.readouterr() == ("", "")


def test_the_run_folder_says_what_happened(run):
    result = run(task("one"), outputs={"x": ref("one")})
    state = json.loads((result.folder / "run.json").read_text())
    assert result.folder == run.store / "p" / result.run_id
    assert result.run_id.startswith("20260102T030405-")
    assert state["state"] == "succeeded"
    assert state["outputs"] == {"x": 1}
    assert state["instances"] == {"one": {"state": "succeeded", "attempts": 1}}


def test_progress_is_told_in_order(run):
    guard = Compare(operator="==", left=ref("one"), right=literal(2))
    run(task("one"), task("nothing", guard=guard))
    told = [(p.instance, p.state, p.attempt) for p in run.told]
    assert told == [("one", "running", 1), ("one", "succeeded", 1), ("nothing", "skipped", 0)]


def test_workers_are_kept_between_tasks_and_not_more_than_asked(run):
    names = [f"t{n}" for n in range(12)]
    result = run(*(task("process_id", id=name) for name in names))
    workers = {output(result, name) for name in names}
    assert 1 <= len(workers) <= 2
    assert os.getpid() not in workers


def test_max_active_tasks(run):
    names = [f"t{n}" for n in range(4)]
    result = run(
        *(task("process_id", id=name) for name in names),
        concurrency=Concurrency(max_active_tasks=1),
    )
    assert len({output(result, name) for name in names}) == 1


NO_LOOK = Wait(check=TriggerRun(pipeline="other"), interval=timedelta(seconds=1))


def test_what_the_engine_cannot_run_is_said_first(run):
    with pytest.raises(FindingsError) as refused:
        run(task("one"), Task(id="get", action=NO_LOOK))
    assert refused.value.findings[0].code == "PORT606"
    assert not run.store.exists()


def test_a_store_that_cannot_be_written_is_a_finding(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FindingsError) as refused:
        run(task("one"), options={"store": str(tmp_path / "file" / "store")})
    assert refused.value.findings[0].code == "PORT006"


def test_an_output_of_the_pipeline_without_a_value_is_null(run):
    result = run(task("fail"), outputs={"x": ref("fail")})
    assert result.outputs == {"x": None}


def test_an_unknown_type_travels_as_it_is(run):
    result = run(
        task(
            "echo",
            inputs={"value": literal({"$artifact": 1, "b": [None]})},
            outputs={"return": AnyType()},
        )
    )
    assert output(result, "echo") == {"$artifact": 1, "b": [None]}


def test_the_options_go_before_the_environment(run, monkeypatch, tmp_path):
    monkeypatch.setenv("INTERMODAL_STORE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("INTERMODAL_EVENTS", str(tmp_path / "elsewhere.jsonl"))
    result = run(task("frame", outputs=FRAME), task("rows", inputs={"data": ref("frame")}))
    assert output(result, "rows") == 3
    assert not list(tmp_path.glob("elsewhere*"))
