"""Tasks and edges of every way to draw them; what Airflow itself makes of each was checked by hand."""

import pytest

HEAD = """
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator as E
from airflow.utils.edgemodifier import Label
from airflow.utils.task_group import TaskGroup
from airflow.models.baseoperator import chain, cross_downstream
from airflow.sdk import task, task_group, setup, teardown, dag, XComArg, chain_linear
with DAG("d") as the_dag:
    a, b, c, d = [E(task_id=name) for name in "abcd"]
"""

CASES = {
    "a >> b >> [c, d]": {"a": "b", "b": "c d"},
    "[a, b] >> c << d": {"a": "c", "b": "c", "d": "c"},
    "a << [b, c]": {"b": "a", "c": "a"},
    "a.set_downstream([b, c])": {"a": "b c"},
    "a.set_upstream(b)": {"b": "a"},
    "a >> Label('x') >> b": {"a": "b"},
    "chain(a, [b, c], d)": {"a": "b c", "b": "d", "c": "d"},
    "chain([a, b], [c, d])": {"a": "c", "b": "d"},
    "chain(a, [Label('x'), Label('y')], [b, c], d)": {"a": "b c", "b": "d", "c": "d"},
    "chain_linear([a, b], [c, d])": {"a": "c d", "b": "c d"},
    "cross_downstream([a, b], [c, d])": {"a": "c d", "b": "c d"},
    "the_dag.set_dependency('a', 'b')": {"a": "b"},
    "the_dag.get_task('a') >> the_dag.task_dict['b']": {"a": "b"},
    "BashOperator(task_id='e', bash_command=a.output)": {"a": "e"},
    "BashOperator(task_id='e', env={'x': [XComArg(a)]})": {"a": "e"},
    "BashOperator.partial(task_id='e').expand(bash_command=a.output.map(len)) >> b": {
        "a": "e",
        "e": "b",
    },
    "a.as_setup() >> b >> c.as_teardown(setups=a)": {"a": "b c", "b": "c"},
}


@pytest.mark.parametrize("line", CASES)
def test_arrows(edges, line):
    found = {name: below for name, below in edges(f"{HEAD}    {line}\n").items() if below}
    assert found == CASES[line]


def test_groups_prefix_ids_and_stand_for_their_roots_and_leaves(edges):
    found = edges(
        HEAD
        + """
    with TaskGroup("g") as g:
        x, y = E(task_id="x"), E(task_id="y")
        with TaskGroup("inner", prefix_group_id=False):
            z = E(task_id="z")
        x >> y
    a >> g >> b
"""
    )
    assert {k: v for k, v in found.items() if v} == {
        "a": "g.x z",
        "g.x": "g.y",
        "g.y": "b",
        "z": "b",
    }


def test_taskflow_with_overrides_groups_and_mapping(edges, read):
    text = """
from airflow.decorators import dag, task, task_group

@task
def one(): ...

@task.branch(task_id="pick")
def two(x, y=None): ...

@task_group
def pair(n):
    return two(one(), y=n)

@dag(schedule=None)
def flow():
    first = one()
    one()
    out = two.override(task_id="other")(first["key"])
    pair.expand(n=first)
    two.partial(x=1).expand(y=[1, 2])

flow()
"""
    assert edges(text) == {
        "one": "other pair.one pair.pick",
        "one__1": "",
        "other": "",
        "pair.one": "pair.pick",
        "pair.pick": "",
        "pick": "",
    }
    (found,) = read(text).dags
    assert found.id == "flow"
    assert found.tasks["pick"].mapped
    assert found.tasks["pair.pick"].group == ("pair",)


def test_work_inside_a_setup_stands_between_it_and_its_teardown(edges):
    text = """
from airflow.sdk import DAG, setup, task, teardown

@setup
def up(): ...

@teardown
def down(x): ...

@task
def work(): ...

with DAG("d"):
    u = up()
    t = down(u)
    with t:
        work() >> work()
"""
    assert edges(text) == {"up": "down work", "down": "", "work": "work__1", "work__1": "down"}


def test_a_label_joins_branches_through_groups(edges):
    text = HEAD + "    a >> [b, c] >> Label('x') >> d\n"
    assert edges(text) == {"a": "b c", "b": "d", "c": "d", "d": ""}
