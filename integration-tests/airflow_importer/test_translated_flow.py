"""What decides which tasks run: the original in a real Airflow, its translation on this machine, states compared."""

import pytest

from intermodal.findings import errors_of
from intermodal_backends.engines.airflow import AirflowEngine
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import install
from intermodal_backends.local import RunOptions, run_pipeline
from intermodal_compilers.airflow.importer.build import build
from intermodal_compilers.airflow.importer.reader import read_files
from intermodal_compilers.airflow.translate import translate_pipeline

pytestmark = pytest.mark.engine

HEAD = """\
import pendulum
from airflow.exceptions import AirflowSkipException
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import (
    BranchPythonOperator,
    PythonOperator,
    ShortCircuitOperator,
)
from airflow.sdk import DAG, TaskGroup, task, task_group


def one():
    return "a"


def two():
    return ["b", "c"]


def group():
    return "g"


def nothing():
    return None


def no():
    return ""


def fails():
    raise ValueError("it fails")


def skips():
    raise AirflowSkipException("not today")


def empty(name, rule="all_success"):
    return EmptyOperator(task_id=name, trigger_rule=rule)


START = pendulum.datetime(2026, 1, 1)
with DAG("flow", schedule=None, start_date=START, catchup=False, default_args={"retries": 0}):
"""
RULES = (
    "all_success",
    "all_done",
    "none_failed",
    "none_failed_min_one_success",
    "one_success",
    "none_skipped",
)
JOINS = "\n".join(f"after >> empty('{rule}', '{rule}')" for rule in RULES)
FLOWS = {
    "one of a branch": f"""
pick = BranchPythonOperator(task_id='pick', python_callable=one)
after = [empty('a'), empty('b')]
pick >> after
{JOINS}
""",
    "two of a branch": f"""
pick = BranchPythonOperator(task_id='pick', python_callable=two)
after = [empty('a'), empty('b'), empty('c')]
pick >> after
{JOINS}
""",
    "none of a branch": f"""
pick = BranchPythonOperator(task_id='pick', python_callable=nothing)
after = [empty('a'), empty('b')]
pick >> after
{JOINS}
""",
    "a branch straight to its join": """
pick = BranchPythonOperator(task_id='pick', python_callable=one)
a, b, join = empty('a'), empty('b'), empty('join', 'none_failed_min_one_success')
pick >> [a, b, join]
a >> join
b >> empty('only_b') >> empty('end', 'none_failed')
""",
    "a branch to a group": """
pick = BranchPythonOperator(task_id='pick', python_callable=group)
with TaskGroup('g') as g:
    [empty('x'), empty('y')] >> empty('z')
pick >> [g, empty('other')] >> empty('end', 'none_failed_min_one_success')
""",
    "a branch that fails": f"""
pick = BranchPythonOperator(task_id='pick', python_callable=fails)
after = [empty('a'), empty('b', 'all_done')]
pick >> after
{JOINS}
""",
    "a branch that is skipped": f"""
first = PythonOperator(task_id='first', python_callable=skips)
pick = BranchPythonOperator(task_id='pick', python_callable=one)
after = [empty('a'), empty('b', 'none_failed')]
first >> pick >> after
{JOINS}
""",
    "a branch in a branch": """
outer = BranchPythonOperator(task_id='outer', python_callable=lambda: 'inner')
inner = BranchPythonOperator(task_id='inner', python_callable=lambda: ['a'])
join = empty('join', 'none_failed_min_one_success')
outer >> [inner, empty('other')]
inner >> [empty('a'), empty('b')] >> join >> empty('end')
""",
    "a short circuit": """
stop = ShortCircuitOperator(task_id='stop', python_callable=no)
stop >> empty('near') >> empty('far', 'all_done')
empty('beside') >> empty('end', 'none_failed')
""",
    "a short circuit by the rules": """
stop = ShortCircuitOperator(
    task_id='stop', python_callable=no, ignore_downstream_trigger_rules=False
)
stop >> empty('near') >> empty('far', 'all_done') >> empty('end')
""",
    "a task that skips itself": f"""
after = [PythonOperator(task_id='skips', python_callable=skips), empty('b')]
{JOINS}
""",
    "failures": f"""
after = [PythonOperator(task_id='fails', python_callable=fails), empty('b')]
{JOINS}
after >> empty('one_failed', 'one_failed')
after >> empty('all_failed', 'all_failed')
""",
    "expanded tasks": """
@task
def numbers():
    return [1, 2, 3]

@task
def odd(x):
    if x % 2 == 0:
        raise ValueError('even')

@task
def double(x):
    return 2 * x

odd.expand(x=numbers()) >> empty('all_done', 'all_done')
double.expand(x=[1, 2]) >> empty('end')
""",
    "an expanded group": """
@task
def double(x):
    return 2 * x

@task_group
def work(x):
    double(double(x))

work.expand(x=[1, 2]) >> empty('end')
""",
}
# A task that skips itself tells so by a task beside it, and hosted ones have their own word for it.
MARKED = ("_ran",)


@pytest.fixture(scope="module")
def engine():
    with AirflowEngine(install("airflow@3.3")) as warm:
        yield warm


@pytest.mark.parametrize("name", FLOWS)
def test_the_same_tasks_run(engine, name, tmp_path, monkeypatch):
    for variable in ("INTERMODAL_EVENTS", "INTERMODAL_STORE", "INTERMODAL_TRACKING"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "dags"
    folder.mkdir()
    lines = (f"    {line}" if line else "" for line in FLOWS[name].strip().splitlines())
    path = folder / "flow.py"
    path.write_text(HEAD + "\n".join(lines) + "\n")
    there = engine.run(EngineCase(folder=folder, pipeline="flow", timeout=120))
    [file] = read_files([path])
    translated = translate_pipeline(build(file.dags[0]).pipeline, "local")
    assert errors_of(translated.findings) == []
    options = RunOptions(store=str(tmp_path / "store"), workers=1)
    here = run_pipeline(translated.pipeline, {}, options)
    assert states_of(here) == dict(there.states)
    assert (here.state == "succeeded") == there.succeeded


def states_of(result):
    """States as Airflow tells them: a task that skipped itself is skipped."""
    words = {name: one.state for name, one in result.instances.items()}
    for name in [name for name in words if name.endswith(MARKED)]:
        marker = words.pop(name)
        if marker == "skipped" and words[name.removesuffix("_ran")] == "succeeded":
            words[name.removesuffix("_ran")] = "skipped"
    return words
