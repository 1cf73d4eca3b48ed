"""Control flow and policies in Prefect output: golden files, what is controlled, what is refused."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from control_cases import CASES, compare, literal, loop
from prefect_cases import add, echo, out, totals

from intermodal.analysis.dissolve_groups import dissolve_groups
from intermodal.analysis.validate import validate
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    Approval,
    Arm,
    Branch,
    Container,
    Group,
    ItemRef,
    Join,
    Noop,
    Parameter,
    Pipeline,
    SecretRef,
    Task,
    Wait,
)
from intermodal_compilers.prefect.control import control_of
from intermodal_compilers.prefect.parts import closure, names_in_flow, prelude

GOLDEN = Path(__file__).parent / "golden" / "control"
TARGET = Target("prefect", "3")
RUFF = [sys.executable, "-m", "ruff"]


def compiled(pipeline, settings=None):
    result = compile_pipeline(pipeline, TARGET, settings or Settings())
    assert errors_of(result.findings) == []
    return result


def flow_text(*body, **more):
    return compiled(Pipeline(name="flow", body=body, **more)).files["flow.py"]


@pytest.mark.parametrize("name", CASES)
def test_output_is_as_before(name, golden):
    make, settings = CASES[name]
    for file, text in compiled(make(), settings).files.items():
        if file != "manifest.json":
            golden(GOLDEN / name / file, text)


def test_emitted_files_are_formatted_and_free_of_lint():
    files = [str(path) for path in sorted(GOLDEN.glob("*/flow.py"))]
    assert len(files) == len(CASES)
    rules = ["check", "--isolated", "--no-cache", "--select", "E4,E7,E9,F,I,UP,B,SIM,AIR"]
    for arguments in (rules, ["format", "--isolated", "--no-cache", "--check"]):
        done = subprocess.run(
            [*RUFF, *arguments, *files], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_the_control_prelude_fits_the_width_of_emitted_files():
    path = Path(sys.modules[control_of.__module__].__file__).parent / "control_prelude.py"
    arguments = ["format", "--isolated", "--no-cache", "--check", str(path)]
    done = subprocess.run([*RUFF, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", CASES)
def test_a_file_holds_what_it_uses_of_the_preludes_and_no_more(name):
    make, settings = CASES[name]
    tree = ast.parse(compiled(make(), settings).files["flow.py"])
    held = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    ours = held & set(prelude().parts)
    assert ours <= used
    parts, _ = closure(ours)
    assert {
        part for part in prelude().parts if prelude().parts[part] in parts
    } & names_in_flow() <= (held | used)


def test_plain_pipelines_need_no_control():
    assert control_of(totals()).is_plain
    assert "def submit(" not in compiled(totals()).files["flow.py"]


def test_what_follows_a_skip_is_controlled_and_what_does_not_is_plain():
    text = flow_text(
        add("first", literal(1)),
        add("guarded", literal(1), guard=compare(out("first"), "==", literal(2))),
        add("after", out("guarded")),
        add("beside", out("first")),
    )
    assert "after_future = submit(" in text
    assert "beside_future = submit(" not in text
    assert ".submit(x=first_future)" in text


def test_what_lies_before_a_tolerant_task_never_stays_not_ready():
    pipeline = Pipeline(
        name="chain",
        body=(
            add("a", literal(1)),
            add("b", out("a")),
            add("c", out("b")),
            add("d", literal(1), after=("c",), join=Join.ALL_DONE),
            add("e", out("a")),
        ),
    )
    assert control_of(pipeline).joined == {"b", "c", "d"}


def test_an_always_task_waits_for_data_only_and_what_it_names_is_no_leaf():
    text = flow_text(add("a", literal(1)), add("b", literal(2), after=("a",), join=Join.ALWAYS))
    assert "upstreams=" not in text.split("@flow")[1]
    assert "return [b_future]" in text
    assert "wait([a_future])" in text


def test_teardowns_are_no_leaves_but_are_waited_for():
    make, settings = CASES["rules"]
    flow = compiled(make(), settings).files["flow.py"].split("@flow")[1]
    leaves = flow.split("leaves = [")[1].split("]")[0]
    assert "cleared_future" not in leaves
    assert "cleared_future" in flow.split("wait(")[1].split(")")[0]


def test_a_semaphore_takes_the_place_of_a_small_pool_of_threads_that_regions_could_fill():
    make, settings = CASES["rounds"]
    text = compiled(make(), settings).files["flow.py"]
    assert "TURNS = threading.BoundedSemaphore(4)" in text
    assert "ThreadPoolTaskRunner" not in text


def test_parameters_keep_clear_of_helpers_only_where_there_are_some():
    parameters = {"submit": Parameter(default=1)}
    plain = flow_text(add("a", literal(1)), parameters=parameters)
    controlled = flow_text(echo("a", literal(1), guard=literal(True)), parameters=parameters)
    assert "submit: Any" in plain
    assert "submit_: Any" in controlled


def test_secrets_are_named_and_never_read_when_compiling(monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_WAREHOUSE", "open sesame")
    text = flow_text(echo("a", SecretRef(name="warehouse")))
    assert 'secret_of("warehouse")' in text
    assert "open sesame" not in text


def test_triggers_of_data_and_events_are_those_that_tasks_emit():
    make, settings = CASES["policies"]
    files = compiled(make(), settings).files
    (deployment,) = yaml.safe_load(files["prefect.yaml"])["deployments"]
    either, alone, event = deployment["triggers"]
    assert (either["type"], either["require"], len(either["triggers"])) == ("compound", "any", 2)
    assert either["triggers"][0]["match"] == {"prefect.resource.id": "asset.s3://b/one"}
    assert event["expect"] == ["file.arrived"]
    assert "{{ x }}" not in alone["match"]["prefect.resource.id"]
    assert (
        'emit_event("asset.written", {"prefect.resource.id": f"asset.{asset}"})' in files["flow.py"]
    )


@pytest.mark.parametrize("check", [Container(image="alpine"), Noop()])
def test_a_wait_that_cannot_be_looked_for_is_refused(check):
    task = Task(id="w", action=Wait(check=check, interval="1s"))
    result = compile_pipeline(Pipeline(name="p", body=(task,)), TARGET, Settings())
    assert {finding.code for finding in errors_of(result.findings)} == {"PORT204"}


def test_approvers_are_named_in_a_warning():
    task = Task(id="ask", action=Approval(message=literal("Go on?"), approvers=("ann",)))
    result = compiled(Pipeline(name="p", body=(task,)))
    assert any("anybody who may resume" in finding.what for finding in result.findings)


def test_compiling_is_the_same_every_time_and_does_not_grow_faster_than_the_pipeline():
    def made(count):
        body = [echo("first", literal([1]))]
        for number in range(count):
            inside = echo(f"x{number}", ItemRef(loop=f"l{number}"))
            body.append(loop(f"l{number}", out("first"), inside))
        return Pipeline(name="many", body=tuple(body))

    small, large = (compiled(made(count)).files["flow.py"] for count in (50, 500))
    assert compiled(made(50)).files["flow.py"] == small
    assert len(large) < 11 * len(small)
    assert small.count("def run_loop(") == large.count("def run_loop(") == 1


def test_groups_dissolve_into_edges_that_mean_the_same():
    inner = Group(id="inner", body=(add("c", out("b")),), outputs={"v": out("c")})
    group = Group(
        id="g",
        body=(add("b", literal(1)), inner, add("x", literal(2))),
        outputs={"v": out("inner", "v")},
        after=("a",),
    )
    arm = Arm(
        name="yes",
        body=(Group(id="h", body=(add("q", literal(1)),)), add("r", literal(1), after=("h",))),
    )
    pipeline = Pipeline(
        name="groups",
        body=(
            add("a", literal(1)),
            group,
            Branch(id="if", arms=(arm,), after=("g",)),
            add("d", out("g", "v"), after=("g",)),
        ),
        outputs={"v": out("g", "v")},
    )
    flat = dissolve_groups(pipeline)
    assert errors_of(validate(flat)) == []
    nodes = {node.id: node for node in flat.body}
    assert list(nodes) == ["a", "b", "c", "x", "if", "d"]
    assert nodes["b"].after == nodes["x"].after == ("a",)
    assert nodes["c"].after == ()
    assert set(nodes["d"].after) == {"c", "x"}
    assert nodes["d"].inputs["x"] == out("c")
    assert set(nodes["if"].after) == {"c", "x"}
    assert nodes["if"].arms[0].body[1].after == ("q",)
    assert flat.outputs["v"] == out("c")
    assert dissolve_groups(flat) is flat
