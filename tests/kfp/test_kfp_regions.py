"""Branches, loops, guards, exit tasks: what is emitted, held against the official messages and the linter."""

import json
import re
import subprocess
import sys
from datetime import timedelta

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from intermodal.analysis.validate import validate
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    Arm,
    ArtifactType,
    Branch,
    Cache,
    CapturedSource,
    Compare,
    Container,
    Cron,
    Default,
    ForEach,
    Format,
    Group,
    Index,
    InputRef,
    IntegerType,
    ItemRef,
    Items,
    Join,
    ListType,
    Literal_,
    Logic,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Retry,
    RunFact,
    Schedule,
    SecretRef,
    SecretVariable,
    Shell,
    StringType,
    Task,
    TaskState,
    Wait,
)
from intermodal_compilers.kfp import spec
from intermodal_compilers.kfp.facts import facts_of
from intermodal_compilers.kfp.gates import FALSE, TRUE, Atom, atom, cel, conjoin, disjoin, negate
from intermodal_compilers.kfp.joins import move_last_tasks
from intermodal_compilers.kfp.lift import lift
from intermodal_compilers.kfp.lint import lint

TARGET = Target("kfp", "2")
INTEGER, NUMBERS = IntegerType(), ListType(item=IntegerType())
SAME = CapturedSource(function="def same(value):\n    return value\n")
PARAMETERS = {
    "n": Parameter(type=INTEGER, default=3),
    "name": Parameter(type=StringType(), default="a"),
    "items": Parameter(type=NUMBERS, default=[1, 2]),
}


def same(identity, value=1, output=INTEGER, **more):
    return Task(
        id=identity,
        action=more.pop("action", PythonCall(module="m", function="same", source=SAME)),
        inputs={"value": value if hasattr(value, "op") else Literal_(value=value)},
        outputs={"return": output} if output else {},
        **more,
    )


def out(node, name="return"):
    return OutputRef(node=node, output=name)


def compare(left, operator, value):
    return Compare(operator=operator, left=left, right=Literal_(value=value))


N, NAME = ParameterRef(name="n"), ParameterRef(name="name")


def compile_(*body, settings=None, **fields):
    pipeline = Pipeline(name="p", body=body, parameters=PARAMETERS, **fields)
    return compile_pipeline(pipeline, TARGET, settings or Settings())


def root_of(*body, **fields):
    """The specification, linted, as the official message and as data."""
    result = compile_(*body, **fields)
    assert not errors_of(result.findings), result.findings
    text = result.files["pipeline.yaml"]
    assert lint(text) == []
    document = next(yaml.safe_load_all(text))
    json_format.ParseDict(document, pb.PipelineSpec())
    assert spec.load(text).pipeline == json_format.ParseDict(document, pb.PipelineSpec())
    return document


def dag_of(document, name):
    return document["components"][f"comp-{name}"]["dag"]


def refusal(*body, **fields):
    result = compile_(*body, **fields)
    [finding] = errors_of(result.findings)
    assert finding.why
    assert finding.next
    return f"{finding.code} {finding.what} {finding.why}"


def branch(condition, *, otherwise=True, outputs=True, identity="pick", **more):
    references = (out(f"{identity}_a"), *((out(f"{identity}_b"),) if otherwise else ()))
    return Branch(
        id=identity,
        arms=(Arm(name="yes", condition=condition, body=(same(f"{identity}_a", N),)),),
        otherwise=(same(f"{identity}_b", 2),) if otherwise else None,
        outputs={"v": references} if outputs else {},
        **more,
    )


# --- branches


def test_a_branch_is_written_as_the_sdk_writes_one():
    document = root_of(branch(compare(N, ">", 2)), same("end", out("pick", "v")))
    tasks = document["root"]["dag"]["tasks"]
    assert set(tasks) == {"condition-branches-pick", "end"}
    assert tasks["end"]["dependentTasks"] == ["condition-branches-pick"]
    arms = dag_of(document, "condition-branches-pick")["tasks"]
    conditions = {name: task["triggerPolicy"]["condition"] for name, task in arms.items()}
    assert conditions == {
        "condition-pick-yes": "int(inputs.parameter_values['n']) > 2",
        "condition-pick-otherwise": "!(int(inputs.parameter_values['n']) > 2)",
    }
    [output] = dag_of(document, "condition-branches-pick")["outputs"]["parameters"].values()
    producers = [one["producerSubtask"] for one in output["valueFromOneof"]["parameterSelectors"]]
    assert producers == ["condition-pick-yes", "condition-pick-otherwise"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (compare(NAME, "==", "b c"), "inputs.parameter_values['name'] == 'b c'"),
        (compare(N, "!=", -4), "int(inputs.parameter_values['n']) != -4"),
        (Compare(operator="<", left=Literal_(value=4), right=N), "int(inputs.parameter_values['n']) > 4"),
    ],
)  # fmt: skip
def test_plain_comparisons_need_no_task(condition, expected):
    document = root_of(branch(condition, outputs=False))
    arms = dag_of(document, "condition-branches-pick")["tasks"]
    assert arms["condition-pick-yes"]["triggerPolicy"]["condition"] == expected


@pytest.mark.parametrize(
    "condition",
    [
        compare(NAME, "==", "it's"),
        compare(NAME, "==", "a && b"),
        compare(NAME, "==", "2026-01-01T00:00:00Z"),
        compare(N, "in", [1, 2]),
        compare(N, "<", 2**60),
        compare(N, "<", 2.5),
        N,
        Logic(operator="or", operands=(compare(N, ">", 1), compare(NAME, "==", "x"))),
    ],
)
def test_other_conditions_are_computed_by_a_task(condition):
    document = root_of(branch(condition, outputs=False))
    assert "pick-choice" in document["root"]["dag"]["tasks"]
    arms = dag_of(document, "condition-branches-pick")["tasks"]
    given = arms["condition-pick-yes"]["triggerPolicy"]["condition"]
    assert re.fullmatch(r"inputs\.parameter_values\['[\w-]+'\] == true", given)


def test_without_an_otherwise_outputs_have_a_stand_in_and_dependants_a_condition():
    document = root_of(
        branch(compare(N, ">", 2), otherwise=False), same("end", out("pick", "v"), join=Join.NONE_FAILED),
        same("after", after=("pick",)),
    )  # fmt: skip
    tasks = document["root"]["dag"]["tasks"]
    assert set(tasks) == {"condition-branches-pick", "condition-branches-after", "end"}
    arms = dag_of(document, "condition-branches-pick")["tasks"]
    assert set(arms) == {"condition-pick-yes", "condition-pick-otherwise"}
    [after] = dag_of(document, "condition-branches-after")["tasks"].values()
    assert after["triggerPolicy"]["condition"] == "int(inputs.parameter_values['n']) > 2"


def test_a_chooser_checks_the_names_that_it_is_given():
    chooser = Branch(id="pick", chooser=NAME, arms=(Arm(name="a", body=(same("x"),)), Arm(name="b", body=(same("y"),))))  # fmt: skip
    document = root_of(chooser)
    program = document["deploymentSpec"]["executors"]["exec-compute"]["container"]["command"][2]
    assert 'unknown = [name for name in chosen if name not in ("a", "b",)]' in program


# --- guards


def test_what_runs_by_the_same_condition_stands_in_one_dag():
    document = root_of(
        same("a", guard=compare(N, ">", 2)), same("b", out("a")), same("c", out("b")), same("d")
    )
    assert set(document["root"]["dag"]["tasks"]) == {"condition-branches-a", "d"}
    inner = dag_of(document, "condition-a")["tasks"]
    assert inner["c"]["dependentTasks"] == ["b"]
    assert "triggerPolicy" not in inner["c"]


def test_a_task_that_waits_for_more_does_not_hold_the_others_up():
    document = root_of(
        same("a", guard=compare(N, ">", 2)), same("x"), same("b", out("a"), after=("x",))
    )
    tasks = document["root"]["dag"]["tasks"]
    assert set(tasks) == {"condition-branches-a", "condition-branches-b", "x"}
    assert set(tasks["condition-branches-b"]["dependentTasks"]) == {"condition-branches-a", "x"}
    assert set(dag_of(document, "condition-branches-a")["tasks"]) == {
        "condition-a",
        "condition-no-a",
    }


def test_conditions_are_simplified():
    one = atom(Atom("parameter", "n", "", ">", "2", "int"))
    two = atom(Atom("parameter", "m", "", "==", "true"))
    assert conjoin((one, TRUE, one)) == one
    assert conjoin((one, negate(one))) == FALSE
    assert disjoin((one, negate(one), two)) == TRUE
    assert negate(negate(one)) == one
    text = cel(conjoin((disjoin((one, two)), negate(two))), lambda found: found.name)
    values = "inputs.parameter_values"
    assert text == f"(int({values}['n']) > 2 || {values}['m'] == true) && !({values}['m'] == true)"


# --- loops


def loop(items, *body, identity="each", outputs=None, **more):
    return ForEach(
        id=identity, items=Items(lists=(items,)), body=body, outputs=outputs or {}, **more
    )


ITEM = ItemRef(loop="each")


def test_a_loop_goes_over_a_parameter_itself():
    document = root_of(loop(ParameterRef(name="items"), same("x", ITEM), max_parallel=2))
    task = document["root"]["dag"]["tasks"]["for-loop-each"]
    # The backend knows the item by what its name begins with, kfp.local the list by its name outside.
    assert task["parameterIterator"] == {"itemInput": "loop-item-each", "items": {"inputParameter": "items"}}  # fmt: skip
    assert task["inputs"]["parameters"]["items"] == {"componentInputParameter": "items"}
    assert task["iteratorPolicy"] == {"parallelismLimit": 2}


def test_literal_items_stand_in_the_specification():
    document = root_of(
        loop(Literal_(value=[1, 2]), same("x", ITEM), outputs={"v": out("x")}),
        same("end", out("each", "v")),
    )
    task = document["root"]["dag"]["tasks"]["for-loop-each"]
    assert json.loads(task["parameterIterator"]["items"]["raw"]) == [1, 2]
    inner = document["components"]["comp-for-loop-each"]
    assert inner["outputDefinitions"]["parameters"]["each-v"] == {"parameterType": "LIST"}


def test_an_outer_item_has_another_name_inside_an_inner_loop():
    inner = loop(Literal_(value=["a"]), same("x", ITEM), same("y", ItemRef(loop="inner"), StringType()), identity="inner")  # fmt: skip
    document = root_of(loop(Literal_(value=[1, 2]), inner))
    task = dag_of(document, "for-loop-each")["tasks"]["for-loop-inner"]
    assert task["inputs"]["parameters"] == {
        "each-item": {"componentInputParameter": "loop-item-each"}
    }


def test_a_dynamic_list_with_outputs_may_be_empty():
    document = root_of(
        loop(ParameterRef(name="items"), same("x", ITEM), outputs={"v": out("x")}),
        same("end", out("each", "v")),
    )
    arms = dag_of(document, "condition-branches-each")["tasks"]
    assert set(arms) == {"condition-each", "condition-no-each"}
    [stand_in] = dag_of(document, "condition-no-each")["tasks"]
    label = document["components"][f"comp-{stand_in}"]["executorLabel"]
    program = document["deploymentSpec"]["executors"][label]["container"]["command"][2]
    assert 'result = "[]"' in program


def test_only_the_iterations_know_whether_anything_in_a_loop_ran():
    guarded = same("x", ITEM, guard=compare(ITEM, ">", 2))
    document = root_of(loop(Literal_(value=[1, 2]), guarded), same("end", after=("each",)))
    tasks = document["root"]["dag"]["tasks"]
    assert set(tasks) == {"for-loop-each", "each-any-ran", "condition-branches-end"}
    assert tasks["each-any-ran"]["dependentTasks"] == ["for-loop-each"]
    [end] = dag_of(document, "condition-branches-end")["tasks"].values()
    assert end["triggerPolicy"]["condition"] == "inputs.parameter_values['each-any-ran'] == true"


def test_no_more_iterations_than_the_backend_runs():
    assert "13422" in refusal(loop(Literal_(value=list(range(476))), same("x", ITEM)))
    root_of(loop(Literal_(value=list(range(475))), same("x", ITEM)))
    both = Items(lists=(Literal_(value=list(range(30))), Literal_(value=list(range(30)))), combine="product")  # fmt: skip
    assert "900" in refusal(ForEach(id="each", items=both, body=(same("x", Literal_(value=1)),)))


def test_tasks_that_use_the_runtime_are_told_their_positions():
    frame = ArtifactType(artifact="Dataset")
    inner = loop(Literal_(value=["a"]), same("x", ITEM, frame), identity="inner")
    document = root_of(loop(Literal_(value=[1, 2]), inner))
    task = dag_of(document, "for-loop-each")["tasks"]["for-loop-inner"]
    assert json.loads(task["parameterIterator"]["items"]["raw"]) == ['[0, "a"]']
    program = document["deploymentSpec"]["executors"]["exec-same"]["container"]["command"][2]
    assert 'json.loads(values["intermodal-item-each"])[0]' in program
    assert 'json.loads(values["intermodal-item-inner"])[0]' in program


def test_a_parameter_that_is_called_as_an_item_gets_another_name():
    pipeline = Pipeline(name="p", body=(same("x", ParameterRef(name="loop-item-1")),), parameters={"loop-item-1": Parameter(type=INTEGER, default=1)})  # fmt: skip
    result = compile_pipeline(pipeline, TARGET, Settings())
    document = yaml.safe_load(result.files["pipeline.yaml"])
    assert list(document["root"]["inputDefinitions"]["parameters"]) == ["_loop-item-1_"]


# --- exit tasks and join rules

STATE = RunFact(fact="state")


def test_an_exit_task_follows_the_body_however_it_ends():
    document = root_of(same("a"), exit_tasks=(same("bye", STATE, StringType()),))
    tasks = document["root"]["dag"]["tasks"]
    assert tasks["bye"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert tasks["bye"]["dependentTasks"] == ["exit-handler-1"]
    [given] = tasks["bye"]["inputs"]["parameters"].values()
    assert given == {"taskFinalStatus": {"producerTask": "exit-handler-1"}}
    assert set(dag_of(document, "exit-handler-1")["tasks"]) == {"a"}


def test_several_exit_tasks_are_one_hook():
    exits = (same("one", STATE, StringType()), same("two", out("one"), StringType()))
    document = root_of(same("a"), exit_tasks=exits)
    tasks = document["root"]["dag"]["tasks"]
    assert set(tasks) == {"exit-handler-1", "exit-tasks"}
    assert tasks["exit-tasks"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert dag_of(document, "exit-tasks")["tasks"]["two"]["dependentTasks"] == ["one"]


def test_the_last_task_of_all_runs_as_an_exit_task():
    result = compile_(same("a"), same("z", after=("a",), join=Join.ALL_DONE))
    assert "calls the run failed" in "".join(f.what for f in result.findings)
    document = yaml.safe_load(result.files["pipeline.yaml"])
    assert document["root"]["dag"]["tasks"]["z"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}  # fmt: skip


def test_a_last_task_is_given_outputs_of_what_runs_before_the_body():
    z = same("z", out("b"), after=("c",), join=Join.ALL_DONE)
    body = (same("a"), same("b", out("a")), same("c", out("b")), same("d"), z)
    result = compile_(*body)
    said = [f.what for f in result.findings if "at the end" in f.what]
    assert len(said) == 1
    assert "leaves it out if one of `a`, `b` fails" in said[0]
    document = yaml.safe_load(result.files["pipeline.yaml"])
    root = document["root"]["dag"]["tasks"]
    assert {name: task.get("dependentTasks") for name, task in root.items()} == {
        "a": None,
        "b": ["a"],
        "exit-handler-1": ["a", "b"],
        "z": ["exit-handler-1"],
    }
    given = root["z"]["inputs"]["parameters"].values()
    assert {"taskOutputParameter": {"producerTask": "b", "outputParameterKey": "return"}} in given
    inside = document["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert sorted(inside) == ["c", "d"]


def test_where_all_else_runs_before_it_the_body_does_nothing():
    result = compile_(same("a"), same("z", out("a"), join=Join.ALL_DONE))
    document = yaml.safe_load(result.files["pipeline.yaml"])
    inside = document["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert list(inside) == ["nothing-else"]


def test_a_last_task_is_given_no_states():
    state = same("z", TaskState(node="a"), StringType(), after=("a",), join=Join.ALL_DONE)
    result = compile_(same("a"), state)
    assert ["no states" in f.why for f in errors_of(result.findings)] == [True]


def test_what_waits_for_last_tasks_alone_runs_with_them():
    z, y = (same(n, after=(a,), join=Join.ALL_DONE) for n, a in (("z", "a"), ("y", "z")))
    result = compile_(same("a"), z, y, same("e", after=("y",)))
    said = [f.what for f in result.findings if "at the end" in f.what]
    assert [("leaves it out if `z` fails" in text, "`y`" in text) for text in said] == [
        (False, False),
        (True, True),
    ]
    document = yaml.safe_load(result.files["pipeline.yaml"])
    tasks = document["components"]["comp-exit-tasks"]["dag"]["tasks"]
    assert {name: task.get("dependentTasks") for name, task in tasks.items()} == {
        "z": None,
        "y": ["z"],
        "e": ["y"],
    }


@pytest.mark.parametrize(
    ("body", "fields", "words"),
    [
        ((loop(Literal_(value=[1]), same("x")),), {"exit_tasks": (same("bye"),)}, "12390"),
        ((same("a"),), {"exit_tasks": (same("bye", out("a")),)}, "has no outputs"),
        ((same("a"),), {"exit_tasks": (same("bye", TaskState(node="a"), StringType()),)}, "the state of `a`"),
        ((same("a"), same("z", after=("a",), join=Join.ALL_DONE), same("e", after=("a", "z"))), {}, "such tasks can wait"),
        ((same("a"), same("b"), same("z", after=("a", "b"), join=Join.ONE_SUCCESS)), {}, "one_success"),
        ((same("a"), same("z", out("a"), join=Join.ALWAYS)), {}, "before what it uses"),
        ((same("a"), same("z", after=("a",), join=Join.ONE_FAILED)), {}, "PORT200"),
        ((same("a", RunFact(fact="attempt"), retry=Retry(max=1)),), {}, "attempt"),
        ((same("a", action=Wait(check=Container(image="x"), interval=timedelta(seconds=1))),), {}, "again and again"),
        ((same("a", output=None, action=Wait(check=Shell(command="true"), interval=timedelta(seconds=1), timeout=timedelta(seconds=5)), retry=Retry(max=2)),), {}, "retried"),
        ((Task(id="a", action=Container(image="x"), inputs={"s": SecretRef(name="s")}),), {}, "environment variables only"),
    ],
)  # fmt: skip
def test_what_would_behave_differently_is_refused(body, fields, words):
    assert words in refusal(*body, **fields)


# --- expressions, secrets, dates, waits


def test_expressions_are_computed_in_the_tasks_own_program():
    value = Format(parts=(Literal_(value="n="), Default(value=N, fallback=Literal_(value=0))))
    document = root_of(same("a", value, StringType()))
    program = document["deploymentSpec"]["executors"]["exec-same"]["container"]["command"][2]
    assert '("n=" + as_text(default(whole(values["value"]), 0)))' in program


def test_a_container_is_given_texts_that_a_task_computes():
    task = Task(
        id="c",
        action=Container(image="x", args=(Format(parts=(Literal_(value="--n="), N)), InputRef(name="t"))),
        inputs={"t": Index(base=out("a"), key=Literal_(value=0))},
    )  # fmt: skip
    document = root_of(same("a", [1], NUMBERS), task)
    assert document["root"]["dag"]["tasks"]["c"]["dependentTasks"] == ["c-inputs"]
    args = document["deploymentSpec"]["executors"]["exec-c"]["container"]["args"]
    assert args[0].startswith("--n={{$.inputs.parameters[")


def test_secrets_come_from_kubernetes_and_stand_nowhere():
    secrets = (SecretVariable(variable="PASSWORD", secret=SecretRef(name="Data_Base", key="password")),)  # fmt: skip
    result = compile_(
        same("a", SecretRef(name="token"), StringType(), secrets=secrets),
        Task(id="c", action=Container(image="x"), secrets=secrets),
    )
    text = result.files["pipeline.yaml"]
    assert lint(text) == []
    _, platform = yaml.safe_load_all(text)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    names = {
        label: [(one["secretName"], one["keyToEnv"][0]["secretKey"], one["keyToEnv"][0]["envVar"]) for one in settings["secretAsEnv"]]
        for label, settings in executors.items()
    }  # fmt: skip
    assert names == {
        "exec-same": [
            ("token", "value", "INTERMODAL_SECRET_TOKEN"),
            ("data-base", "password", "INTERMODAL_SECRET_DATA_BASE_PASSWORD"),
        ],
        "exec-c": [("data-base", "password", "PASSWORD")],
    }
    assert 'os.environ["PASSWORD"] = os.environ["INTERMODAL_SECRET_DATA_BASE_PASSWORD"]' in text


def test_the_schedule_fills_the_date_in():
    task = same("a", RunFact(fact="logical_date"), StringType())
    result = compile_(task, schedule=Schedule(triggers=(Cron(expression="0 6 * * *"),)))
    document = yaml.safe_load(result.files["pipeline.yaml"])
    assert document["root"]["inputDefinitions"]["parameters"]["intermodal_logical_date"]["isOptional"]  # fmt: skip
    [run] = [json.loads(t) for name, t in result.files.items() if name.startswith("recurring_run")]
    assert run["runtime_config"]["parameters"] == {
        "intermodal_logical_date": "[[ScheduledTime.2006-01-02T15:04:05+00:00]]"
    }
    assert "logical-date" not in result.names


def run_program(document, label, folder, *, shell=False):
    command = document["deploymentSpec"]["executors"][label]["container"]["command"]
    execution = {"inputs": {"parameterValues": {}}, "outputs": {"outputFile": str(folder / "out")}}
    words = [sys.executable, *command[1:], json.dumps(execution)]
    assert len(command) == 3 + shell
    return subprocess.run(words, capture_output=True, text=True, check=False)


def wait_(check, **more):
    action = Wait(check=check, interval=timedelta(milliseconds=10), timeout=timedelta(milliseconds=50), **more)  # fmt: skip
    return Task(id="w", action=action)


def test_a_wait_polls_until_it_is_true_or_its_time_has_passed(tmp_path):
    def check(answer):
        source = CapturedSource(function=f"def ready():\n    return {answer}\n")
        return PythonCall(module="m", function="ready", source=source)

    assert run_program(root_of(wait_(check("True"))), "exec-w", tmp_path).returncode == 0
    late = run_program(root_of(wait_(check("False"))), "exec-w", tmp_path)
    assert late.returncode == 1
    assert "it did not come within 0.05 s" in late.stderr
    soft = run_program(root_of(wait_(check("False"), soft_fail=True)), "exec-w", tmp_path)
    assert soft.returncode == 0, soft.stderr
    assert json.loads((tmp_path / "out").read_text()) == {"parameterValues": {"came": False}}
    shell = root_of(wait_(Shell(command="test -e /")))
    assert run_program(shell, "exec-w", tmp_path, shell=True).returncode == 0


def test_results_that_expire_are_kept_by_the_runtime():
    document = root_of(same("a", cache=Cache(ttl=timedelta(hours=1), key="k")))
    program = document["deploymentSpec"]["executors"]["exec-same"]["container"]["command"][2]
    assert 'cache = {"key": "k", "ttl": 3600.0, "code": ""}' in program
    assert document["root"]["dag"]["tasks"]["a"]["cachingOptions"] == {}


# --- the passes


def test_groups_are_dissolved_and_what_is_lifted_is_valid():
    pipeline = Pipeline(
        name="p",
        parameters=PARAMETERS,
        body=(
            Group(id="g", body=(same("a", guard=Logic(operator="not", operands=(N,))),)),
            branch(Logic(operator="and", operands=(compare(N, ">", 1), NAME)), identity="b1"),
            same("last", after=("g",), join=Join.ALL_DONE),
        ),
        outputs={"o": Format(parts=(N,))},
    )
    assert validate(pipeline) == []
    facts = facts_of(pipeline, Settings())
    lifted = lift(move_last_tasks(pipeline), facts)
    assert validate(lifted.pipeline) == []
    assert lifted.computing == {"a-guard", "b1-choice", "output-o"}
    names = compile_pipeline(pipeline, TARGET, Settings()).names
    assert set(names) == {"a", "b1_a", "b1_b", "last"}


def test_the_names_of_groups_stand_before_those_of_tasks_and_their_docs_are_not_lost_in_silence():
    inner = Group(id="inner", body=(same("a"),), display_name="Inside")
    result = compile_(Group(id="outer", body=(inner, same("b")), docs="What it is for."))
    tasks = yaml.safe_load(result.files["pipeline.yaml"])["root"]["dag"]["tasks"]
    shown = {name: task["taskInfo"]["name"] for name, task in tasks.items()}
    assert shown == {"a": "outer / Inside / a", "b": "outer / b"}
    assert "PORT204" in {finding.code for finding in result.findings}


def test_identical_input_gives_identical_bytes():
    body = (branch(compare(N, ">", 2)), loop(ParameterRef(name="items"), same("x", ITEM)))
    assert compile_(*body).files == compile_(*body).files
