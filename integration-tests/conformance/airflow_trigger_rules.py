"""Asks a real Airflow's `TriggerRuleDep`; run in an engine's environment, needs no database.

Standard input: a JSON list of questions `{"rule": ..., "states": [...], "setups": [...], "mapped": bool}`; a
state is null while the upstream is not done. Standard output, last line: a list of answers `run`, `wait`,
`skipped`, `upstream_failed`.
"""

import json
import sys
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace

from airflow import __version__
from airflow.ti_deps.dep_context import DepContext
from airflow.ti_deps.deps.trigger_rule_dep import TriggerRuleDep

if __version__.startswith("2."):
    from airflow import DAG
    from airflow.decorators import task as python_task
    from airflow.operators.empty import EmptyOperator
else:
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.sdk import DAG
    from airflow.sdk import task as python_task

WORDS = {"succeeded": "success"}


class Rows(list):
    """What a session gives for a query."""

    def all(self):
        return self


class Session:
    """Answers the one question of the rule: how many instances each upstream has."""

    def __init__(self, counts):
        self.counts = counts

    def execute(self, _):
        return Rows(self.counts)


class Instance:
    """The task instance whose upstreams are looked at."""

    dag_id = run_id = "d"
    map_index = -1

    def __init__(self, task):
        self.task = task
        self.task_id = task.task_id
        self.state = None

    def get_dagrun(self, session=None):
        return None

    def set_state(self, state, session=None):
        self.state = state
        return True


@cache
def dag_of(rule, ups, setups, mapped):
    """A DAG of so many upstreams and `last` under the rule, as the scheduler holds it."""
    with DAG("d", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        if setups:
            last = EmptyOperator(task_id="last")
            before = [EmptyOperator(task_id=f"setup{n}").as_setup() for n in range(setups)]
            for n in range(ups):
                before >> EmptyOperator(task_id=f"up{n}") >> last
            last.as_teardown(setups=before)
        else:
            last = EmptyOperator(task_id="last", trigger_rule=rule)
            if mapped:

                @python_task
                def up0(x):
                    return x

                up0.expand(x=list(range(ups))) >> last
            else:
                for n in range(ups):
                    EmptyOperator(task_id=f"up{n}") >> last
    if __version__.startswith("2."):
        return dag
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def answer(rule, states, setups, mapped):
    dag = dag_of(rule, len(states), len(setups), mapped)
    named = [("up0" if mapped else f"up{n}", n, state) for n, state in enumerate(states)]
    named += [(f"setup{n}", n, state) for n, state in enumerate(setups)]
    finished = [
        SimpleNamespace(
            task_id=name,
            map_index=place if mapped else -1,
            state=WORDS.get(state, state),
            task=dag.get_task(name),
        )
        for name, place, state in named
        if state is not None
    ]
    instance = Instance(dag.get_task("last"))
    context = DepContext(flag_upstream_failed=True, finished_tis=finished)
    session = Session([("up0", len(states))])
    statuses = list(
        TriggerRuleDep()._get_dep_statuses(instance, dep_context=context, session=session)
    )
    if instance.state is not None:
        return str(getattr(instance.state, "value", instance.state))
    return "run" if all(status.passed for status in statuses) else "wait"


if __name__ == "__main__":
    print(json.dumps([answer(**question) for question in json.load(sys.stdin)]))
