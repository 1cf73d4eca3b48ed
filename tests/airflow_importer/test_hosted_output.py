"""DAG files of hosted pipelines: goldens, lint, versions, and text that must never become code."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hosted_cases import (
    BASH,
    CASES,
    PYTHON,
    TASK,
    call,
    expression,
    hosted,
    minutes,
    out,
    pipeline,
    source,
    task,
)
from hypothesis import given
from hypothesis import strategies as st

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    Cache,
    CapturedSource,
    Compare,
    Group,
    ListOf,
    Literal_,
    MapOf,
    Pipeline,
    PythonCall,
    Retry,
    RunFact,
    Shell,
    Task,
)
from intermodal_compilers.airflow import AirflowCompiler
from intermodal_compilers.airflow.hosted.paths import retarget
from intermodal_compilers.airflow.hosted.scopes import renamed

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("3.3", "2.11")


def compiled(made, version="3.3"):
    return compile_pipeline(made, Target("airflow", version), Settings())


def text_of(made, version="3.3"):
    result = compiled(made, version)
    assert errors_of(result.findings) == []
    return result.files[f"{made.name}.py"]


def problems(made, version="3.3"):
    result = compiled(made, version)
    assert result.files == {}
    return [(finding.code, finding.what) for finding in errors_of(result.findings)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CASES)
def test_output_is_as_before(name, version, golden):
    result = compiled(CASES[name](), version)
    assert errors_of(result.findings) == []
    for file, text in result.files.items():
        if file != "manifest.json":
            place = file.replace("etl", name).replace("requirements", f"{name}-requirements")
            golden(GOLDEN / version / place, text)


def test_golden_files_are_formatted_and_free_of_lint():
    rules = "E4,E7,E9,F,I,UP,B,SIM"
    for command in (
        ["format", "--diff", "--line-length", "88", str(GOLDEN)],
        ["check", "--select", f"{rules},AIR", str(GOLDEN / "3.3")],
        ["check", "--select", f"{rules},AIR0", str(GOLDEN / "2.11")],
    ):
        line = [sys.executable, "-m", "ruff", command[0], "--isolated", "--no-cache", *command[1:]]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", AirflowCompiler.versions)
@pytest.mark.parametrize("name", CASES)
def test_every_version_gets_python(name, version):
    ast.parse(text_of(CASES[name](), version))


def test_the_same_input_gives_the_same_bytes():
    for make in CASES.values():
        assert compiled(make()).files == compiled(make()).files


# Values


HOSTILE = [
    '"""\nimport os\nos.system("x")\n"""',
    "' + __import__('os').system('x') + '",
    "\\",
    "a\x00b\r\n\t\u2028",
    "{{ ds }}{% raw %}",
    '"; import os #',
    "\n\n",
]


def values_of(text):
    """All texts that stand in a file as literals, and the names that it uses."""
    tree = ast.parse(text)
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return texts, names


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_the_user_never_becomes_code(text):
    made = pipeline(
        task("a", BASH, bash_command=text, env={text: [text]}),
        task("b", BASH, ("a",), bash_command="true", doc=text),
        Group(id="g", body=(task("g.c", after=("b",)),)),
        description=text,
        groups={"g": {"tooltip": text}},
        labels=[("a", "b", text)],
    )
    texts, names = values_of(text_of(made))
    assert text in texts
    classes = {"DAG", "TaskGroup", "BashOperator", "EmptyOperator", "Label"}
    assert names == {*classes, "dag", "a", "b", "c"} - ({"c"} - names)


KEYS = ["x=print(1), y", "a b", "class", "", "1", "\n", '"']


@pytest.mark.parametrize("key", KEYS)
def test_names_of_arguments_never_become_code(key):
    given = {key: 1}
    made = pipeline(
        task("a", BASH, **given),
        task("b", BASH, expand=given),
        call("f", "def f():\n    pass\n", **given),
        call("g", "def g(**x):\n    pass\n", op_kwargs=given),
        Group(id="h", body=(task("h.c"),)),
        groups={"h": given},
        **given,
    )
    result = compiled(made)
    if result.files:
        texts, names = values_of(result.files["etl.py"])
        assert key in texts or key == "1"
        classes = {"DAG", "TaskGroup", "BashOperator", "EmptyOperator", "task"}
        assert names == {*classes, "dag", "f", "g"}


def test_a_variant_is_a_name():
    made = pipeline(task("a", "airflow.task.x(print(1))", python_callable=source("f")))
    assert {code for code, _ in problems(made)} == {"PORT204"}


@given(st.text())
def test_any_text_comes_out_as_it_was(text):
    texts, names = values_of(text_of(pipeline(task("a", BASH, bash_command=text))))
    assert text in texts
    assert names == {"DAG", "dag", "BashOperator"}


def test_names_that_are_no_python_names_are_passed_by_a_dict():
    made = pipeline(call("f", "def f(**x):\n    pass\n", op_kwargs={"a-b": 1, "class": 2, "c": 3}))
    assert 'f(**{"a-b": 1, "class": 2}, c=3)' in text_of(made)


@pytest.mark.parametrize(
    ("text", "imports", "definitions"),
    [
        ("import os", (), ()),
        ("1) or (2", (), ()),
        ("", (), ()),
        ("(x := 1)", (), ()),
        ("await x", (), ()),
        ("1 +\x00", (), ()),
        ("f", ("print('hello')",), ()),
        ("f", ("from os import *",), ()),
        ("f", ("from . import x",), ()),
        ("f", ("import os; os.system('x')",), ()),
        ("f", (), ("def f(:\n",)),
        ("f", (), ("# nothing\n",)),
        ("(" * 3000 + ")" * 3000, (), ()),
    ],
)
def test_what_is_no_expression_import_or_definition_is_refused(text, imports, definitions):
    made = pipeline(task("a", BASH, bash_command=source(text, imports, definitions)))
    assert [code for code, _ in problems(made)] == ["PORT204"]


def test_a_comment_does_not_swallow_what_comes_after_it():
    text = text_of(
        pipeline(task("a", BASH, bash_command=source("x  # why", (), ("x = 1\n",)), cwd="/"))
    )
    assert 'bash_command=x, cwd="/"' in text


# Names


def test_two_meanings_of_a_name_are_kept_apart():
    """Each function calls what it called, with its own constant."""
    text = text_of(CASES["sources"]())
    scope = {}
    body = [n for n in ast.parse(text).body if isinstance(n, (ast.FunctionDef, ast.Assign))]
    exec(compile(ast.Module(body, []), "file", "exec"), scope)
    assert scope["run"]() == 2
    assert scope["go"]() == 3


def test_functions_of_one_name_are_defined_where_they_are_used():
    made = pipeline(
        call("f", "def f():\n    return 1\n"),
        Group(id="g", body=(call("g.f", "def f():\n    return 2\n"),)),
        call("again", "def f():\n    return 1\n", after=("g.f",)),
    )
    text = text_of(made)
    assert text.count("def f():") == 3
    assert "        g_f = f()\n" in text


def test_a_variable_hides_nothing_that_functions_use():
    made = pipeline(
        call("f", "def f():\n    return sum(data)\n", function=None),
        task("sum", after=("f",)),
        task("data", after=("sum",)),
        task("end", after=("data",)),
    )
    names = {n.id for n in ast.walk(ast.parse(text_of(made))) if isinstance(n, ast.Name)}
    assert {"sum_task", "data_task"} <= names


def test_tasks_come_after_what_they_use():
    made = pipeline(
        task("b", BASH, bash_command=out("a")),
        Group(id="g", body=(task("g.c", BASH, bash_command=out("b")),)),
        task("a", BASH, bash_command="1"),
    )
    text = text_of(made)
    assert text.index('task_id="a"') < text.index('task_id="b"') < text.index('task_id="c"')


@pytest.mark.parametrize(
    ("before", "names", "after"),
    [
        ("x = x.x(x=x)\n", {"x": "y"}, "y = y.x(x=y)\n"),
        ("def f(x):\n    return x\n", {"x": "y"}, "def f(x):\n    return x\n"),
        ("def f():\n    x = 1\n    return x\n", {"x": "y"}, "def f():\n    x = 1\n    return x\n"),
        ("def f(a=x):  # x\n    return x\n", {"x": "y"}, "def f(a=y):  # x\n    return y\n"),
        ("def x():\n    global x\n    x()\n", {"x": "y"}, "def y():\n    global y\n    y()\n"),
        ("a = f'{x!r}'\n", {"x": "y"}, "a = f'{y!r}'\n"),
        ("a = [x for x in x]\n", {"x": "y"}, None),
        ("class C:\n    x = 1\n    b = x\n", {"x": "y"}, "class C:\n    x = 1\n    b = x\n"),
        ("ä = 'ü'; x = ä\n", {"x": "y"}, "ä = 'ü'; y = ä\n"),
    ],
)
def test_renaming_follows_scopes(before, names, after):
    found = renamed(before, names)
    if after is not None:
        assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(after))
        if sys.version_info >= (3, 12) or "f'" not in before:
            assert found == after


# Arguments and versions


def test_what_default_args_say_is_not_repeated():
    text = text_of(CASES["operators"]())
    assert text.count("owner") == 1
    assert text.count("retry_delay") == 1
    assert 'check = BashOperator(task_id="check", bash_command="true", retries=0)' in text


def test_parameters_of_a_task_are_not_those_of_default_args():
    text = text_of(pipeline(task("a", params={"x": 1}), default_args={"params": {"x": 1}}))
    assert 'EmptyOperator(task_id="a", params={"x": 1})' in text


def test_default_args_that_are_not_known_by_name_leave_the_tasks_as_they_are():
    defaults = source("DEFAULTS", (), ('DEFAULTS = {"retries": 2}\n',))
    text = text_of(pipeline(task("a", retries=2), default_args=defaults))
    assert "default_args=DEFAULTS" in text
    assert 'EmptyOperator(task_id="a", retries=2)' in text


def test_a_rule_of_default_args_is_overruled():
    text = text_of(pipeline(task("a"), default_args={"trigger_rule": "all_done"}))
    assert 'EmptyOperator(task_id="a", trigger_rule="all_success")' in text


@pytest.mark.parametrize(
    ("version", "kept"), [("3.3", False), ("3.0", False), ("2.11", True), ("2.10", True)]
)
def test_what_a_version_has_no_longer_is_said(version, kept):
    made = pipeline(
        task("a", sla=minutes(5)),
        default_view="graph",
        default_args=MapOf(entries={"sla": minutes(1)}),
    )
    result = compiled(made, version)
    lost = [f.what.split("`")[1] for f in result.findings if f.code == "PORT209"]
    assert lost == ([] if kept else ["default_view", "sla", "sla"])
    assert ("sla=timedelta" in result.files["etl.py"]) is kept


@pytest.mark.parametrize(
    ("path", "version", "wanted"),
    [
        ("airflow.models.DAG", "3.3", "airflow.sdk.DAG"),
        ("airflow.sdk.DAG", "2.11", "airflow.DAG"),
        (
            "airflow.operators.bash_operator.BashOperator",
            "3.3",
            "airflow.providers.standard.operators.bash.BashOperator",
        ),
        (BASH, "2.10", BASH),
        (
            "airflow.providers.standard.operators.bash.BashOperator",
            "2.11",
            BASH,
        ),
        ("airflow.datasets.Dataset", "3.1", "airflow.sdk.Asset"),
        ("airflow.sdk.Asset", "2.11", "airflow.datasets.Dataset"),
        ("airflow.utils.trigger_rule.TriggerRule", "3.3", "airflow.sdk.TriggerRule"),
        (
            "airflow.utils.trigger_rule.TriggerRule",
            "3.0",
            "airflow.utils.trigger_rule.TriggerRule",
        ),
        (
            "airflow.providers.common.compat.sdk.AirflowSkipException",
            "3.3",
            "airflow.sdk.exceptions.AirflowSkipException",
        ),
        (
            "airflow.contrib.operators.ssh_operator.SSHOperator",
            "3.3",
            "airflow.providers.ssh.operators.ssh.SSHOperator",
        ),
        (
            "airflow.operators.http_operator.SimpleHttpOperator",
            "3.3",
            "airflow.providers.http.operators.http.HttpOperator",
        ),
        ("company.operators.BashOperator", "3.3", "company.operators.BashOperator"),
    ],
)
def test_paths_of_any_age_are_those_of_the_version(path, version, wanted):
    assert retarget(path, version) == wanted


def test_imports_inside_functions_are_those_of_the_version():
    inner = (
        "def f():\n    from airflow.operators.python import get_current_context\n"
        "    return get_current_context()\n"
    )
    text = text_of(pipeline(call("f", inner)))
    assert "    from airflow.sdk import get_current_context\n" in text


def test_a_class_that_a_version_has_not_is_refused():
    made = pipeline(task("a", "airflow.operators.subdag.SubDagOperator"))
    assert ["SubDagOperator" in what for _, what in problems(made)] == [True]
    watcher = source("AssetWatcher", ("from airflow.sdk import AssetWatcher",))
    made = pipeline(task("a", BASH, bash_command="x", inlets=ListOf(items=(watcher,))))
    assert ["airflow.sdk.AssetWatcher" in what for _, what in problems(made, "2.11")] == [True]
    assert "AssetWatcher" in text_of(made, "3.3")


# What has no place


def test_neutral_settings_beside_hosted_classes_are_refused():
    first = task("a")
    for change in ({"retry": Retry(max=1)}, {"pool": "p"}, {"docs": "x"}, {"guard": expression(1)}):
        made = pipeline(first.model_copy(update=change))
        (name,) = change
        assert [f"`{name}`" in what for _, what in problems(made)] == [True]
    made = pipeline(first).model_copy(update={"description": "x"})
    assert ["`description`" in what for _, what in problems(made)] == [True]


def test_actions_that_are_not_hosted_are_refused():
    for action in (Shell(command="x"), PythonCall(module="m", function="f")):
        made = pipeline(Task(id="a", action=action))
        assert [code for code, _ in problems(made)] == ["PORT204"]


@pytest.mark.parametrize(
    "broken",
    [
        task("a", TASK),
        task("a", TASK, python_callable="no source"),
        call("a", "def a(x):\n    pass\n", op_args=source("ARGS", (), ("ARGS = [1]\n",))),
        call("a", "def a(x):\n    pass\n", op_args=[1], expand={"x": [1]}),
        task("a", "no path"),
        task("a", "Lonely"),
        task(
            "a", BASH, bash_command=expression("x"), expand={"env": [{}]}, maps=Literal_(value=[])
        ),
    ],
)
def test_what_cannot_be_written_is_refused(broken):
    assert {code for code, _ in problems(pipeline(broken))} == {"PORT204"}


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": {"x": expression(1)}},
        {"environment": {"A": "b"}},
        {"cache": Cache()},
        {"action": hosted(BASH, bash_command=RunFact(fact="attempt"))},
        {
            "action": hosted(
                BASH, bash_command=Compare(operator="<", left=expression(1), right=expression(2))
            )
        },
        {"action": hosted(BASH, **{"no name": 1})},
        {"action": hosted("Lonely")},
    ],
)
def test_what_a_class_among_other_tasks_cannot_be_given_is_refused(change):
    made = Pipeline(name="etl", body=(task("a", BASH).model_copy(update=change),))
    assert {code for code, _ in problems(made)} == {"PORT204"}


def test_source_outside_of_classes_is_refused():
    text = "def f(x):\n    return x\n"
    function = PythonCall(module="m", function="f", source=CapturedSource(function=text))
    made = Pipeline(name="etl", body=(Task(id="a", action=function, inputs={"x": source("1")}),))
    assert {code for code, _ in problems(made)} == {"PORT204"}


def test_names_of_the_users_own_do_not_meet_those_of_the_file():
    """`json` is a function of the user's here, and `dag` a constant."""
    check = source("json", (), ("dag = 3\n", "def json(n):\n    return n < dag\n"))
    body = (task("a", PYTHON, python_callable=check), *CASES["mixed"]().body)
    made = CASES["mixed"]().model_copy(update={"body": body})
    text = text_of(made)
    assert "def json_2(n):\n    return n < dag_2\n" in text


def test_ids_that_no_group_of_airflow_gives_are_refused():
    made = pipeline(Group(id="g", body=(task("g.a"), task("b"))))
    assert ["cannot name `b` in group `g`" in what for _, what in problems(made)] == [True]


def test_packages_are_named_by_what_is_imported():
    requirements = compiled(CASES["sources"]()).files["requirements.txt"]
    assert requirements == "apache-airflow-providers-google\n"
    made = pipeline(
        task("a", "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator")
    )
    assert "apache-airflow-providers-cncf-kubernetes\n" in compiled(made).files["requirements.txt"]


def test_own_packages_are_named_too():
    action = hosted(PYTHON, python_callable=source("print")).model_copy(
        update={"packages": ("pandas",)}
    )
    made = pipeline(Task(id="a", action=action))
    assert compiled(made).files["requirements.txt"] == "pandas\n"


def test_a_large_pipeline_takes_linear_time():
    """Ten times the tasks make ten times the lines, not a hundred times the work."""
    body = [task("t0")]
    body += [task(f"t{n}", after=(f"t{n - 1}",)) for n in range(1, 1500)]
    text = text_of(pipeline(*body))
    assert text.count("EmptyOperator(") == 1500


def test_tracking_that_does_not_happen_is_said():
    settings = Settings(tracking="http://localhost:5000")
    result = compile_pipeline(CASES["groups"](), Target("airflow", "3.3"), settings)
    assert [f.code for f in result.findings] == ["PORT209"]


def test_a_pipeline_without_tasks_is_a_dag():
    assert text_of(Pipeline(name="etl", hosted=pipeline().hosted)).endswith(" as dag:\n    pass\n")


def test_labels_and_arrows_of_nothing_are_refused():
    made = pipeline(task("a"), task("b"), labels=[("a", "nothing", "x")], groups={"g": {}})
    assert {code for code, _ in problems(made)} == {"PORT204"}
