"""Airflow's classes as neutral tasks where there are such, and as calls that run the class where not."""

import ast
from datetime import timedelta

import pytest

from intermodal.ir import (
    AnyType,
    Container,
    DateFormat,
    DateShift,
    Format,
    InputRef,
    Literal_,
    MapOf,
    Noop,
    OutputRef,
    ParameterRef,
    PythonCall,
    RunFact,
    Shell,
    StringType,
    TriggerRun,
    Wait,
)
from intermodal_compilers.airflow.translate import table

HEAD = """\
import json
from datetime import datetime, timedelta
from airflow import DAG
from airflow.decorators import task
from airflow.exceptions import AirflowSkipException
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.latest_only import LatestOnlyOperator
from airflow.operators.python import PythonOperator
from airflow.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.amazon.aws.operators.s3 import S3CreateBucketOperator
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sensors.bash import BashSensor
from airflow.sensors.date_time import DateTimeSensor
from airflow.sensors.external_task import ExternalTaskSensor
from airflow.sensors.filesystem import FileSensor
from airflow.sensors.python import PythonSensor
from airflow.sensors.time_delta import TimeDeltaSensor

LIMIT = 3

def scale(x):
    return x * LIMIT

def add(a, b=1):
    "Adds."
    return json.dumps(scale(a) + b)

def say():
    print("hello")

def told(ds, run_id, params, **kwargs):
    return ds

def asks(ti):
    return ti.xcom_pull(task_ids="first")

def skips():
    raise AirflowSkipException

def there():
    return True

def keywords(**context):
    return context["ds"]

def unused(**context):
    return 1

def waits_or_skips():
    raise AirflowSkipException

with DAG("d", schedule=None, params={"word": "x", "number": 1, "items": {}}) as dag:
"""
LOGICAL = RunFact.of(fact="logical_date")
DAY = DateFormat.of(base=LOGICAL, pattern="%Y-%m-%d")


@pytest.fixture
def tasks(translated):
    """`tasks(text)` gives the tasks of a DAG by id, and what was found."""

    def run(text, target="local"):
        found = translated(HEAD + "".join(f"    {line}\n" for line in text.splitlines()), target)
        body = () if found.pipeline is None else found.pipeline.body
        return {node.id: node for node in body}, found.findings

    return run


@pytest.fixture
def task(tasks):
    """`task(text)` gives the DAG's task `t`."""
    return lambda text: tasks(text)[0]["t"]


def is_hosted(made):
    return isinstance(made.action, PythonCall) and "run_operator(" in made.action.source.function


# Python


def test_a_function_is_called_as_it_is(task):
    made = task(
        "PythonOperator(task_id='t', python_callable=add, op_args=[2], op_kwargs={'b': '{{ ds }}'})"
    )
    assert made.inputs == {"a": Literal_.of(value=2), "b": DAY}
    assert made.outputs == {"return": AnyType.of()}
    source = made.action.source
    assert made.action.function == "add"
    assert source.function.startswith("def add(a, b=1):\n")
    assert source.imports == ("import json",)
    assert [one.split("(")[0].strip() for one in source.definitions] == ["LIMIT = 3", "def scale"]


def test_a_decorated_function_is_called_as_it_is(task):
    made = task("@task\ndef t(x: int) -> str:\n    return str(x)\nt(3)")
    assert made.inputs == {"x": Literal_.of(value=3)}
    assert made.outputs == {"return": StringType.of()}
    assert made.action.source.function == "def t(x: int) -> str:\n    return str(x)\n"


def test_a_function_that_gives_nothing_has_no_output(task):
    assert task("PythonOperator(task_id='t', python_callable=say)").outputs == {}


def test_texts_of_the_context_are_inputs(task):
    made = task("PythonOperator(task_id='t', python_callable=told)")
    names = ("word", "number", "items")
    parameters = MapOf.of(entries={name: ParameterRef.of(name=name) for name in names})
    assert made.inputs == {"ds": DAY, "run_id": RunFact.of(fact="run_id"), "params": parameters}


def test_what_needs_the_context_is_hosted(tasks):
    found, _ = tasks(
        "first = PythonOperator(task_id='first', python_callable=there)\n"
        "first >> PythonOperator(task_id='t', python_callable=asks)"
    )
    made = found["t"]
    assert is_hosted(made)
    pulled = MapOf.of(entries={"return": OutputRef.of(node="first")})
    assert made.inputs["xcoms"] == MapOf.of(entries={"first": pulled})
    assert made.after == ()


@pytest.mark.parametrize("argument", ["templates_dict={'a': 1}", "op_args=[datetime(2026, 1, 1)]"])
def test_arguments_that_other_engines_cannot_give_are_hosted(task, argument):
    assert is_hosted(task(f"PythonOperator(task_id='t', python_callable=add, {argument})"))


def test_values_between_functions(tasks):
    found, _ = tasks(
        "@task(multiple_outputs=True)\ndef pair() -> dict:\n    return {'a': 1}\n"
        "@task\ndef t(a, whole):\n    return a\n"
        "both = pair()\nt(both['a'], both)"
    )
    inputs = found["t"].inputs
    assert inputs["whole"] == OutputRef.of(node="pair")
    assert inputs["a"].base == OutputRef.of(node="pair")
    assert inputs["a"].key == Literal_.of(value="a")


# Commands


def bash(command, more=""):
    return f"BashOperator(task_id='t', bash_command={command!r}{more})"


COMMANDS = {
    "echo hello": ("echo hello", {}),
    "echo {{ ds }}": ("echo ${DS}", {"DS": DAY}),
    'echo "{{ ds }} {{ ds }}"': ('echo "${DS} ${DS}"', {"DS": DAY}),
    "echo '{{ ds }}'": ("echo ''\"${DS}\"''", {"DS": DAY}),
    'echo "{{ params.word }}"': ('echo "${WORD}"', {"WORD": ParameterRef.of(name="word")}),
    "x --run {{ run_id }}": ("x --run ${RUN_ID}", {"RUN_ID": RunFact.of(fact="run_id")}),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_templates_in_commands_become_variables(task, command):
    made = task(bash(command))
    text, inputs = COMMANDS[command]
    assert made.action == Shell.of(command=text)
    assert made.inputs == inputs
    assert made.outputs == {"return": StringType.of()}


@pytest.mark.parametrize(
    "command",
    [
        "{{ params.word }}",
        "cat <<E\n{{ ds }}\nE",
        "echo `date` {{ ds }}",
        'echo "$(x "{{ ds }}")"',
        "echo {{ var.value.x }}",
        "run.sh",
        "exit 99",
    ],
)
def test_commands_that_the_shell_would_read_otherwise_are_hosted(task, command):
    assert is_hosted(task(bash(command)))


def test_variables_of_a_command(task):
    made = task(bash("env", ", env={'A': 'x', 'B': '{{ ds }}'}, append_env=True, cwd='/my data'"))
    assert made.environment == {"A": "x"}
    assert made.inputs == {"B": DAY}
    assert made.action.command == "cd '/my data'\nenv"


# Containers


def test_docker(task):
    made = task(
        "DockerOperator(task_id='t', image='x:1', command='run \"a b\"', auto_remove='force')"
    )
    words = tuple(Literal_.of(value=word) for word in ("run", "a b"))
    assert made.action == Container.of(image="x:1", args=words)


def test_a_pod(task):
    made = task(
        "KubernetesPodOperator(task_id='t', name='n', image='x:1', cmds=['sh', '-c'], "
        "arguments=['echo {{ ds }}'], env_vars={'A': 'b'})"
    )
    assert made.action.command == (Literal_.of(value="sh"), Literal_.of(value="-c"))
    assert made.action.args == (InputRef.of(name="word_0"),)
    assert made.inputs["word_0"] == Format.of(parts=(Literal_.of(value="echo "), DAY))
    assert made.environment == {"A": "b"}


def test_a_container_with_more_is_hosted(task):
    assert is_hosted(task("DockerOperator(task_id='t', image='x:1', mounts=[])"))


# Waiting


def test_sensors_with_functions_wait(task):
    made = task(
        "PythonSensor(task_id='t', python_callable=there, poke_interval=5, "
        "timeout=timedelta(minutes=1), soft_fail=True, mode='reschedule')"
    )
    assert isinstance(made.action, Wait)
    assert made.action.check.function == "there"
    assert (made.action.interval, made.action.timeout) == (
        timedelta(seconds=5),
        timedelta(minutes=1),
    )
    assert made.action.soft_fail


def test_sensors_of_time_wait_for_a_moment(task):
    made = task("TimeDeltaSensor(task_id='t', delta=timedelta(hours=1))")
    end = RunFact.of(fact="data_interval_end")
    assert made.inputs == {"moment": DateShift.of(base=end, by=timedelta(hours=1))}
    assert made.action.timeout == timedelta(days=7)
    made = task("DateTimeSensor(task_id='t', target_time='{{ data_interval_end.isoformat() }}')")
    assert made.inputs == {"moment": Format.of(parts=(end,))}


def test_sensors_with_commands_wait(task):
    made = task("BashSensor(task_id='t', bash_command='test -f {{ ds }}')")
    assert made.action.check == Shell.of(command="test -f ${DS}")


# The rest


def test_joints(task):
    assert task("EmptyOperator(task_id='t')").action == Noop.of()


def test_latest_only_lets_everything_run_and_says_so(tasks):
    found, findings = tasks("LatestOnlyOperator(task_id='t')")
    assert found["t"].action == Noop.of()
    assert [one.code for one in findings] == ["PORT209"]


def test_starting_another_pipeline(tasks):
    found, findings = tasks(
        "TriggerDagRunOperator(task_id='t', trigger_dag_id='other', conf={'day': '{{ ds }}', 'n': 1}, "
        "wait_for_completion=True, reset_dag_run=True)"
    )
    parameters = {"day": DAY, "n": Literal_.of(value=1)}
    assert found["t"].action == TriggerRun.of(pipeline="other", parameters=parameters, wait=True)
    assert [one.code for one in findings] == ["PORT209"]


def test_what_asks_airflows_database_is_refused(tasks):
    found, findings = tasks("ExternalTaskSensor(task_id='t', external_dag_id='other')")
    assert found == {}
    assert [one.code for one in findings] == ["PORT208"]


def test_everything_else_is_hosted_and_tells_what_to_install(tasks):
    found, findings = tasks(
        "S3CreateBucketOperator(task_id='t', bucket_name='{{ params.word }}-x', retries=2)"
    )
    made = found["t"]
    assert made.action.source.function == (
        "def t(run_id, logical_date, params):\n"
        '    """Run Airflow\'s S3CreateBucketOperator."""\n'
        "    from airflow.providers.amazon.aws.operators.s3 import S3CreateBucketOperator\n"
        "\n"
        '    operator = S3CreateBucketOperator(task_id="t", bucket_name="{{ params.word }}-x")\n'
        '    return run_operator(operator, "d", run_id, logical_date, params=params)\n'
    )
    assert made.retry.max == 2
    [note] = findings
    assert note.code == "PORT207"
    assert "apache-airflow-providers-amazon" in note.why


def test_hosted_functions_can_be_read(tasks):
    """Whatever stands in a task, its source is Python that defines its function."""
    found, _ = tasks(
        "PythonOperator(task_id='print', python_callable=asks)\n"
        "PythonOperator(task_id='asks', python_callable=asks)\n"
        "FileSensor(task_id='run', filepath='/x', fs_conn_id='fs')\n"
        "S3CreateBucketOperator(task_id='1-b.c', bucket_name=f'{LIMIT}')"
    )
    for made in found.values():
        source = made.action.source
        tree = ast.parse("\n".join((*source.imports, *source.definitions, source.function)))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert names.count(made.action.function) == 1
        compile(tree, "made", "exec")


def test_a_task_that_may_skip_itself_tells(tasks):
    found, _ = tasks(
        "first = PythonOperator(task_id='t', python_callable=skips)\n"
        "first >> EmptyOperator(task_id='after')"
    )
    made = found["t"]
    assert set(made.outputs) == {"return", "ran"}
    assert made.action.function == "skips_unless_skipped"
    assert not is_hosted(made)
    assert found["t_ran"].guard == OutputRef.of(node="t", output="ran")
    assert found["after"].after == ("t_ran",)


def test_a_hosted_task_that_may_skip_itself_tells(tasks):
    found, _ = tasks("FileSensor(task_id='t', filepath='/x', soft_fail=True)")
    assert is_hosted(found["t"])
    assert set(found["t"].outputs) == {"return", "ran"}
    assert found["t_ran"].guard == OutputRef.of(node="t", output="ran")


def test_a_lambda_is_a_function(task):
    made = task("PythonOperator(task_id='t', python_callable=lambda x: x * LIMIT, op_args=[2])")
    assert made.action.source.function == "def function(x):\n    return x * LIMIT\n"
    assert made.inputs == {"x": Literal_.of(value=2)}


def test_users_add_their_own_translations(tasks, monkeypatch):
    def own(task, context):
        return task.model_copy(update={"action": Shell.of(command="true"), "outputs": {}})

    path = "airflow.providers.amazon.aws.operators.s3.S3CreateBucketOperator"
    monkeypatch.setattr(table, "own_names", lambda: frozenset({path}))
    monkeypatch.setattr("intermodal.registry.load", lambda group, name: own)
    found, findings = tasks("S3CreateBucketOperator(task_id='t', bucket_name='b')")
    assert found["t"].action == Shell.of(command="true")
    assert findings == ()


def test_a_function_with_an_environment_of_its_own_is_called_in_the_workers(tasks):
    found, findings = tasks(
        "@task.virtualenv(requirements=['colorama==0.4.0'], system_site_packages=False)\n"
        "def t():\n    import colorama\n    return 1\nt()"
    )
    assert found["t"].action.function == "t"
    assert not is_hosted(found["t"])
    [warning] = findings
    assert warning.code == "PORT209"
    assert "colorama==0.4.0" in warning.next


def test_keywords_that_a_function_uses_are_airflows_context(task):
    assert is_hosted(task("PythonOperator(task_id='t', python_callable=keywords)"))
    assert not is_hosted(task("PythonOperator(task_id='t', python_callable=unused)"))


def test_a_sensor_whose_function_skips_is_hosted(task):
    made = task("PythonSensor(task_id='t', python_callable=waits_or_skips)")
    assert is_hosted(made)
    assert "ran" in made.outputs
