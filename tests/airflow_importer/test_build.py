"""DAGs as pipelines that hold them whole: values as data or source, functions with what they need."""

import pytest

from intermodal.analysis.validate import validate
from intermodal.findings import errors_of
from intermodal.ir import Group, ListOf, OutputRef, SourceExpression
from intermodal.ir.read import read
from intermodal.ir.write import to_yaml
from intermodal_compilers.airflow.importer.build import build
from intermodal_compilers.airflow.importer.reader import read_files

HEAD = """
from datetime import datetime, timedelta
import pendulum
from airflow import DAG
from airflow.models import BaseOperator
from airflow.operators.python import PythonOperator
from airflow.operators.bash import BashOperator
from airflow.decorators import task
"""


@pytest.fixture
def built(tmp_path):
    def make(body, **files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        path = tmp_path / "etl.py"
        path.write_text(HEAD + body)
        [read] = read_files([path])
        [dag] = read.dags
        return build(dag)

    return make


def tasks_of(made):
    def walk(body):
        for node in body:
            if isinstance(node, Group):
                yield from walk(node.body)
            else:
                yield node

    return {task.id: task for task in walk(made.pipeline.body)}


def argument(made, task, name):
    return tasks_of(made)[task].action.arguments[name]


def output(found):
    assert isinstance(found, OutputRef)
    return found.node, found.output


def dag(*lines):
    return '\nwith DAG("d", schedule=None) as dag:\n' + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("written", "text", "imports"),
    [
        ("timedelta(seconds=90)", "timedelta(seconds=90)", ("from datetime import timedelta",)),
        ("timedelta(hours=24)", "timedelta(days=1)", ("from datetime import timedelta",)),
        ("datetime(2024, 2, 1)", "datetime(2024, 2, 1)", ("from datetime import datetime",)),
        (
            'pendulum.datetime(2024, 2, 1, 3, tz="Europe/Paris")',
            "pendulum.datetime(2024, 2, 1, 3, tz='Europe/Paris')",
            ("import pendulum",),
        ),
        ("{1: 'a'}", "{1: 'a'}", ()),
        ("b'x'", "b'x'", ()),
        ("2 ** 60", "1152921504606846976", ()),
    ],
)
def test_values_that_are_no_json_are_source(built, written, text, imports):
    made = built(dag(f'BashOperator(task_id="a", bash_command="b", extra={written})'))
    found = argument(made, "a", "extra")
    assert isinstance(found, SourceExpression)
    assert (found.text, found.imports) == (text, imports)


def test_values_that_are_json_stay_data(built):
    made = built(dag('BashOperator(task_id="a", bash_command="{{ ds }}", env={"A": ["1", None]})'))
    assert argument(made, "a", "bash_command").value == "{{ ds }}"
    assert argument(made, "a", "env").value == {"A": ["1", None]}


def test_outputs_are_references_and_edges(built):
    made = built(
        dag(
            'a = BashOperator(task_id="a", bash_command="x")',
            'b = BashOperator(task_id="b", bash_command=a.output)',
            'c = BashOperator(task_id="c", bash_command=f"echo {a.output}", env={"K": b.output["k"]})',
            "a >> c",
        )
    )
    assert output(argument(made, "b", "bash_command")) == ("a", "return")
    assert argument(made, "c", "bash_command").value == (
        "echo {{ task_instance.xcom_pull(task_ids='a', dag_id='d', key='return_value') }}"
    )
    assert output(argument(made, "c", "env").entries["K"]) == ("b", "k")
    assert set(tasks_of(made)["b"].outputs) == {"return", "k"}
    assert (tasks_of(made)["b"].after, tasks_of(made)["c"].after) == ((), ("a",))


def test_a_function_brings_what_it_needs(built):
    made = built(
        """
LIMIT = 3  # at most

def helper(n):
    return min(n, LIMIT)

def work(n):
    # said here
    return helper(n), timedelta(n)
"""
        + dag('PythonOperator(task_id="a", python_callable=work, op_args=[1])')
    )
    found = argument(made, "a", "python_callable")
    assert found.text == "work"
    assert found.imports == ("from datetime import timedelta",)
    assert found.definitions == (
        "LIMIT = 3  # at most\n",
        "def helper(n):\n    return min(n, LIMIT)\n",
        "def work(n):\n    # said here\n    return helper(n), timedelta(n)\n",
    )


def test_a_function_of_a_factory_brings_the_values_around_it(built):
    made = built(
        """
def make(n, shift=timedelta(hours=1)):
    def work():
        return n, shift
    return work
"""
        + dag("for i in range(2):", '    PythonOperator(task_id=f"a{i}", python_callable=make(i))')
    )
    for i in (0, 1):
        found = argument(made, f"a{i}", "python_callable")
        assert found.definitions == (
            f"n = {i}\n",
            "shift = timedelta(hours=1)\n",
            "def work():\n    return n, shift\n",
        )


def test_decorated_functions_lose_airflows_decorator_only(built):
    made = built(
        dag(
            "from functools import cache",
            "@task(retries=2)",
            "@cache",
            "def a(x=1):",
            "    return x",
            "a()",
        )
    )
    found = argument(made, "a", "python_callable")
    assert found.definitions == ("@cache\ndef a(x=1):\n    return x\n",)
    assert found.imports == ("from functools import cache",)
    assert argument(made, "a", "retries").value == 2


def test_a_function_that_uses_tasks_is_a_hole(built):
    made = built(
        dag(
            'a = BashOperator(task_id="a", bash_command="x")',
            "def work():",
            "    return a.task_id, dag.dag_id",
            'PythonOperator(task_id="b", python_callable=work)',
        )
    )
    assert [f.code for f in made.findings] == ["PORT811"]
    assert "`a`" in made.findings[0].what
    assert "python_callable" not in tasks_of(made)["b"].action.arguments
    assert set(made.holes) == {"b"}


def test_a_value_only_the_run_knows_stays_source_or_is_a_hole(built):
    made = built(
        """
from airflow.models import Variable
WHERE = Variable.get("where")
"""
        + dag(
            'BashOperator(task_id="a", bash_command=WHERE)',
            "for one in [1]:",
            '    BashOperator(task_id="b", bash_command=Variable.get(f"x{one}") + "!")',
        )
    )
    found = argument(made, "a", "bash_command")
    assert found.text == 'Variable.get("where")'
    assert found.imports == ("from airflow.models import Variable",)
    assert all(f.code == "PORT811" for f in made.findings)


def test_the_users_own_operators_come_along(built):
    made = built(
        """
from lib import LibOperator

class Mine(BaseOperator):
    def __init__(self, table, **kwargs):
        super().__init__(retries=9, **kwargs)
"""
        + dag('Mine(task_id="a", table="t")', 'LibOperator(task_id="b", table="t")'),
        lib=HEAD + "class LibOperator(BaseOperator):\n    pass\n",
    )
    found = tasks_of(made)
    mine, lib = found["a"].action, found["b"].action
    assert (mine.class_path, lib.class_path) == ("etl.Mine", "lib.LibOperator")
    assert mine.class_source.text == "Mine"
    assert mine.class_source.definitions[0].startswith("class Mine(BaseOperator):\n")
    assert lib.class_source.imports == ("from lib import LibOperator",)
    assert lib.class_source.local_modules == ("lib",)
    assert set(mine.arguments) == {"table"}


def test_what_is_built_is_valid_and_written_as_read(built):
    made = built(
        """
def work(): return 1
"""
        + dag(
            "from airflow.utils.task_group import TaskGroup",
            "from airflow.utils.edgemodifier import Label",
            'with TaskGroup("g", tooltip="t"):',
            '    a = PythonOperator(task_id="a", python_callable=work, retry_delay=timedelta(1))',
            'b = BashOperator(task_id="b", bash_command="x", trigger_rule="all_done")',
            'a >> Label("then") >> b',
            'BashOperator.partial(task_id="c").expand(bash_command=["x", "y"])',
            'PythonOperator(task_id="e", python_callable=print, op_args=[1, a.output])',
        )
    )
    assert errors_of([*validate(made.pipeline), *made.findings]) == []
    again, findings = read(to_yaml(made.pipeline), "x.yaml")
    assert (again, findings) == (made.pipeline, [])
    hosted = made.pipeline.hosted
    assert hosted.groups["g"]["tooltip"].value == "t"
    assert [(e.upstream, e.downstream, e.text) for e in hosted.edge_labels] == [
        ("g.a", "b", "then")
    ]
    assert tasks_of(made)["c"].action.expand["bash_command"].value == ["x", "y"]
    assert tasks_of(made)["b"].join == "all_done"
    assert isinstance(argument(made, "e", "op_args"), ListOf)


def test_a_path_of_this_machine_is_told_of(built, tmp_path):
    made = built(
        "from pathlib import Path\nHERE = Path(__file__).parent\n"
        + dag('BashOperator(task_id="a", bash_command=f"cat {HERE}/x", env={"Q": "/tmp/y"})')
    )
    assert argument(made, "a", "bash_command").value == f"cat {tmp_path}/x"
    assert [(f.code, f.severity, f.what) for f in made.findings] == [
        ("PORT813", "warning", "`bash_command` of `a` holds a path of this machine")
    ]


def test_strings_keep_their_lines_when_a_function_moves_to_the_margin(built):
    made = built(
        dag(
            "@task",
            "def a():",
            '    text = """one',
            "        two",
            '"""',
            "    return f'''",
            "  {text}'''",
            "a()",
        ).replace('\n    """\n', '\n"""\n')
    )
    assert argument(made, "a", "python_callable").definitions == (
        "def a():\n    text = \"\"\"one\n            two\n\"\"\"\n    return f'''\n      {text}'''\n",
    )


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ('schedule="@daily"', "catchup"),
        ('schedule_interval="@daily", catchup=True', None),
        ("", "schedule"),
        ("schedule=None", None),
    ],
)
def test_what_a_file_leaves_to_a_version_of_airflow_is_told(built, settings, left):
    made = built(f'\nwith DAG("d", {settings}):\n    BashOperator(task_id="a", bash_command="b")\n')
    assert [f.what for f in made.findings] == ([f"`d` does not say its `{left}`"] if left else [])


def test_a_file_for_airflow_3_means_its_defaults(built):
    made = built(
        "\nfrom airflow.sdk import DAG\n"
        '\nwith DAG("d", schedule="@daily"):\n    BashOperator(task_id="a", bash_command="b")\n'
    )
    assert made.findings == ()
