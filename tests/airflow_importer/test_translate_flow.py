"""Branches, short circuits, skips and expanded tasks in neutral terms: run on this machine, where they decide."""

import pytest

from intermodal.analysis import graph
from intermodal.findings import errors_of
from intermodal.ir import (
    Arm,
    Branch,
    Compare,
    Default,
    ForEach,
    Group,
    Hosted,
    Index,
    ItemRef,
    Literal_,
    Logic,
    Noop,
    OutputRef,
    Pipeline,
    Task,
)
from intermodal_backends.local import RunOptions, run_pipeline
from intermodal_compilers.airflow.translate import translate_pipeline

HEAD = """\
from airflow import DAG
from airflow.decorators import task, task_group
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import BranchPythonOperator, PythonOperator, ShortCircuitOperator
from airflow.utils.task_group import TaskGroup
from airflow.utils.trigger_rule import TriggerRule

def left() -> str:
    return "a"

def some():
    return ["b", "c"]

def nobody():
    return None

def no():
    return []

def yes() -> bool:
    return True

def fails():
    raise ValueError("it fails")

def empty(name, **more):
    return EmptyOperator(task_id=name, **more)

with DAG("d", schedule=None) as dag:
"""


@pytest.fixture
def flow(translated):
    """`flow(text)` gives a DAG in neutral terms."""

    def run(text, target="local"):
        found = translated(HEAD + "".join(f"    {line}\n" for line in text.splitlines()), target)
        assert errors_of(found.findings) == []
        return found.pipeline

    return run


@pytest.fixture
def states(flow, tmp_path, monkeypatch):
    """`states(text)` runs a DAG here, and gives the state of each instance and its outputs."""
    for name in ("INTERMODAL_EVENTS", "INTERMODAL_STORE", "INTERMODAL_TRACKING"):
        monkeypatch.delenv(name, raising=False)

    def run(text):
        result = run_pipeline(flow(text), {}, RunOptions(store=str(tmp_path / "store"), workers=1))
        words = {name: one.state for name, one in result.instances.items()}
        outputs = {name: dict(one.outputs) for name, one in result.trace.instances.items()}
        return words, outputs

    return run


def by_id(pipeline):
    return {placed.node.id: placed.node for placed in graph.walk(pipeline)}


def is_in(name, output="return"):
    return Compare.of(
        operator="in",
        left=Literal_.of(value=name),
        right=OutputRef.of(node="pick", output=output),
    )


def test_a_branch_that_gives_one_name_is_compared(flow):
    pipeline = flow(
        "pick = BranchPythonOperator(task_id='pick', python_callable=left)\n"
        "pick >> [empty('a'), empty('b')]"
    )
    reference = OutputRef.of(node="pick")
    expected = Compare.of(operator="==", left=reference, right=Literal_.of(value="a"))
    assert by_id(pipeline)["a"].guard == expected


def test_a_branch_whose_answer_is_open_gives_a_list(flow):
    nodes = by_id(
        flow(
            "pick = BranchPythonOperator(task_id='pick', python_callable=some)\n"
            "pick >> [empty('a'), empty('b')]"
        )
    )
    assert nodes["a"].guard == is_in("a")
    assert nodes["pick"].action.function == "some_chosen"
    assert "list(answer or ())" in nodes["pick"].action.source.function


def test_a_join_right_after_the_branch_runs_with_what_leads_to_it(flow):
    nodes = by_id(
        flow(
            "pick = BranchPythonOperator(task_id='pick', python_callable=some)\n"
            "join = empty('join', trigger_rule='none_failed_min_one_success')\n"
            "pick >> [empty('a'), join]\nempty('b')\ndag.get_task('a') >> join\n"
        )
    )
    guard = nodes["join"].guard
    assert isinstance(guard, Logic)
    assert [one.left.value for one in guard.operands] == ["join", "a"]
    assert all(isinstance(one.right, Default) for one in guard.operands)


def test_a_branch_may_name_a_group(flow):
    nodes = by_id(
        flow(
            "pick = BranchPythonOperator(task_id='pick', python_callable=some)\n"
            "with TaskGroup('g') as g:\n    empty('x') >> empty('y')\npick >> g"
        )
    )
    assert [one.left.value for one in nodes["g.x"].guard.operands] == ["g.x", "g"]
    assert nodes["g.y"].guard is None


def test_branches_decide_as_in_airflow(states):
    words, _ = states(
        "pick = BranchPythonOperator(task_id='pick', python_callable=some)\n"
        "join = empty('join', trigger_rule='none_failed_min_one_success')\n"
        "pick >> [empty('a'), empty('b'), empty('c')] >> join >> empty('end')"
    )
    assert words == dict.fromkeys(("pick", "b", "c", "join", "end"), "succeeded") | {"a": "skipped"}


def test_a_branch_that_chooses_nothing_skips_everything(states):
    words, _ = states(
        "pick = BranchPythonOperator(task_id='pick', python_callable=nobody)\n"
        "pick >> [empty('a'), empty('b')]"
    )
    assert words == {"pick": "succeeded", "a": "skipped", "b": "skipped"}


def test_a_branch_that_fails_chooses_nothing(states):
    words, _ = states(
        "pick = BranchPythonOperator(task_id='pick', python_callable=fails)\n"
        "pick >> [empty('a'), empty('done', trigger_rule='all_done')]"
    )
    assert words == {"pick": "failed", "a": "upstream_failed", "done": "succeeded"}


def test_a_branch_whose_answer_others_read_gives_both(states):
    words, outputs = states(
        "@task.branch\ndef pick():\n    return 'a'\n"
        "@task\ndef a(answer):\n    return answer\n"
        "answer = pick()\nanswer >> [a(answer), empty('b', trigger_rule='none_failed')]"
    )
    assert words == {"pick": "succeeded", "a": "succeeded", "b": "skipped"}
    assert outputs["pick"] == {"return": "a", "chosen": ["a"]}
    assert outputs["a"] == {"return": "a"}


def test_a_short_circuit_skips_everything_after_it(states):
    words, _ = states(
        "stop = ShortCircuitOperator(task_id='stop', python_callable=no)\n"
        "stop >> empty('near') >> empty('far', trigger_rule='all_done')"
    )
    assert words == {"stop": "succeeded", "near": "skipped", "far": "skipped"}


def test_a_short_circuit_may_leave_the_rest_to_the_join_rules(states):
    words, _ = states(
        "stop = ShortCircuitOperator(task_id='stop', python_callable=no, "
        "ignore_downstream_trigger_rules=False)\n"
        "stop >> empty('near') >> empty('far', trigger_rule='all_done')"
    )
    assert words == {"stop": "succeeded", "near": "skipped", "far": "succeeded"}


def test_a_short_circuit_that_holds_lets_everything_run(states):
    words, _ = states(
        "go = ShortCircuitOperator(task_id='go', python_callable=yes)\ngo >> empty('a') >> empty('b')"
    )
    assert set(words.values()) == {"succeeded"}


# Expanded tasks


def test_an_expanded_task_is_a_loop(flow):
    pipeline = flow(
        "@task\ndef one(x, k):\n    return x\n"
        "@task\ndef total(xs):\n    return sum(xs)\n"
        "total(one.partial(k=2).expand(x=[1, 2]))"
    )
    nodes = by_id(pipeline)
    loop = nodes["each_one"]
    assert isinstance(loop, ForEach)
    assert loop.items.lists == (Literal_.of(value=[1, 2]),)
    assert nodes["one"].inputs == {"k": Literal_.of(value=2), "x": ItemRef.of(loop="each_one")}
    assert nodes["total"].inputs == {"xs": OutputRef.of(node="each_one")}


def test_expanded_tasks_run(states):
    words, outputs = states(
        "@task\ndef numbers():\n    return [1, 2, 3]\n"
        "@task\ndef double(x):\n    return 2 * x\n"
        "@task\ndef pair(x, y):\n    return [x, y]\n"
        "@task\ndef named(a, b):\n    return a + b\n"
        "@task\ndef total(xs, pairs, sums):\n    return [list(xs), list(pairs), list(sums)]\n"
        "total(double.expand(x=numbers()), pair.expand(x=[1, 2], y=['a', 'b']), "
        "named.expand_kwargs([{'a': 1, 'b': 2}, {'a': 3, 'b': 4}]))"
    )
    assert set(words.values()) == {"succeeded"}
    assert {"double[0]", "double[2]", "pair[3]"} <= set(words)
    pairs = [[1, "a"], [1, "b"], [2, "a"], [2, "b"]]
    assert outputs["total"] == {"return": [[2, 4, 6], pairs, [3, 7]]}


def test_an_expanded_group_is_a_loop(states):
    _, outputs = states(
        "@task\ndef add(x):\n    return x + 1\n"
        "@task\ndef double(x):\n    return 2 * x\n"
        "@task_group\ndef work(x):\n    return double(add(x))\n"
        "@task\ndef total(xs):\n    return sum(xs)\n"
        "total(work.expand(x=[1, 2, 3]))"
    )
    assert outputs["total"] == {"return": 18}


def test_an_expanded_task_takes_several_items(flow):
    nodes = by_id(flow("@task\ndef one(x, y):\n    return x\none.expand(x=[1], y=[2])"))
    item = ItemRef.of(loop="each_one")
    parts = [Index.of(base=item, key=Literal_.of(value=n)) for n in (0, 1)]
    assert nodes["each_one"].items.combine == "product"
    assert list(nodes["one"].inputs.values()) == parts


def test_an_expanded_task_with_a_trigger_rule_is_refused(translated):
    text = (
        HEAD + "    EmptyOperator.partial(task_id='t', trigger_rule='all_done').expand(doc=['a'])\n"
    )
    found = translated(text)
    assert [one.code for one in errors_of(found.findings)] == ["PORT208"]


# What only Airflow needs


WATCHED = """\
@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
def watcher():
    raise RuntimeError("a task failed")
[empty('a') >> empty('b', trigger_rule='all_done')] >> watcher()
"""


def test_a_watcher_stays_where_it_can_run(flow):
    assert "watcher" in by_id(flow(WATCHED, "prefect"))


def test_a_watcher_is_left_out_where_runs_fail_by_themselves(translated):
    text = HEAD + "".join(f"    {line}\n" for line in WATCHED.splitlines())
    found = translated(text, "kfp")
    assert set(by_id(found.pipeline)) == {"a", "b"}
    assert [one.code for one in found.findings] == ["PORT209"]


# Airflow's classes in pipelines of one's own


def test_hosted_tasks_anywhere_in_a_neutral_pipeline():
    empty = Hosted.of(
        ecosystem="airflow", class_path="airflow.providers.standard.operators.empty.EmptyOperator"
    )

    def task(name, **more):
        return Task.of(id=name, action=empty, **more)

    condition = Literal_.of(value=True)
    arm = Arm.of(name="yes", condition=condition, body=(task("in_arm"),))
    pipeline = Pipeline.of(
        name="p",
        body=(
            Branch.of(id="b", arms=(arm,), otherwise=(task("otherwise"),)),
            Group.of(id="g", body=(task("in_group", guard=condition),)),
        ),
        exit_tasks=(task("last"),),
    )
    found = translate_pipeline(pipeline, "local")
    assert errors_of(found.findings) == []
    tasks = list(graph.tasks(found.pipeline))
    assert [one.id for one in tasks] == ["in_arm", "otherwise", "in_group", "last"]
    assert {type(one.action) for one in tasks} == {Noop}
    assert tasks[2].guard == condition


ENDINGS = """\
@task
def work():
    raise ValueError("it fails")
@task(trigger_rule="all_done")
def first(word):
    import os
    with open(os.environ["ENDINGS"], "a") as file:
        file.write(word)
    raise ValueError("it fails, too")
@task(trigger_rule="all_done")
def second():
    import os
    with open(os.environ["ENDINGS"], "a") as file:
        file.write("second")
work() >> first("first ") >> second()
"""


def test_endings_that_wait_for_each_other_become_one_where_nothing_can_wait_for_one(
    translated, tmp_path, monkeypatch
):
    for name in ("INTERMODAL_EVENTS", "INTERMODAL_STORE", "INTERMODAL_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    log = tmp_path / "log"
    found = translated(HEAD + "".join(f"    {line}\n" for line in ENDINGS.splitlines()), "kfp")
    assert set(by_id(found.pipeline)) == {"work", "endings"}
    assert [one.code for one in found.findings] == ["PORT201"]
    store, environment = str(tmp_path / "store"), {"ENDINGS": str(log)}
    options = RunOptions(store=store, workers=1, environment=environment)
    result = run_pipeline(found.pipeline, {}, options)
    assert {name: one.state for name, one in result.instances.items()} == {
        "work": "failed",
        "endings": "failed",
    }
    assert log.read_text() == "first second"
    assert (
        "first: it fails, too" in {one.instance: one.message for one in result.failures}["endings"]
    )


def test_endings_stay_as_they_are_elsewhere(flow):
    assert {"first", "second"} <= set(by_id(flow(ENDINGS, "prefect")))


OWN = """\
from airflow import DAG
from airflow.models import BaseOperator
from airflow.operators.branch import BaseBranchOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import ShortCircuitOperator
from airflow.sensors.base import BaseSensorOperator

class Choosing(BaseBranchOperator):
    def choose_branch(self, context):
        return "a"

class Chooser(Choosing):
    pass

class Stop(ShortCircuitOperator):
    pass

class Look(BaseSensorOperator):
    def poke(self, context):
        return False

with DAG("d", schedule=None) as dag:
    Chooser(task_id="pick") >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")]
    Stop(task_id="stop", python_callable=print) >> EmptyOperator(task_id="c")
    Look(task_id="look", soft_fail=True) >> EmptyOperator(task_id="d")
"""


def test_classes_of_the_users_own_decide_as_what_they_derive_from(translated):
    found = translated(OWN)
    assert errors_of(found.findings) == []
    nodes = by_id(found.pipeline)
    assert nodes["a"].guard == is_in("a", "chosen")
    assert nodes["c"].guard == OutputRef.of(node="stop")
    assert 'outputs=("return", "chosen")' in nodes["stop"].action.source.function
    assert nodes["d"].after == ("look_ran",)


def test_a_choice_for_each_item_is_refused(translated):
    text = HEAD + (
        "    @task.short_circuit\n    def stop(x):\n        return x\n"
        "    stop.expand(x=[1, 2]) >> empty('after')\n"
    )
    [finding] = errors_of(translated(text).findings)
    assert finding.code == "PORT208"
    assert "`stop` decides many times whether `after` runs" in finding.what


def test_a_task_that_raises_after_success_is_no_watcher(translated):
    lines = WATCHED.replace("ONE_FAILED", "ALL_SUCCESS").splitlines()
    found = translated(HEAD + "".join(f"    {line}\n" for line in lines), "kfp")
    assert "watcher" in by_id(found.pipeline)


def test_endings_that_something_else_waits_for_stay_as_they_are(translated):
    text = ENDINGS + "dag.get_task('second') >> empty('more')\n"
    found = translated(HEAD + "".join(f"    {line}\n" for line in text.splitlines()), "kfp")
    assert {"first", "second", "more"} <= set(by_id(found.pipeline))
