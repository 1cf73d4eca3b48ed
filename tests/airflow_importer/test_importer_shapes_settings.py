"""Settings, switches of structure, very old imports and threads, as real Airflow loads them."""

import pytest

SHAPES = {
    "threads": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from concurrent.futures import ThreadPoolExecutor
def make(n):
    with DAG(f"th_{n}", schedule=None) as d:
        EmptyOperator(task_id="x")
    globals()[n] = d
with ThreadPoolExecutor() as ex:
    list(ex.map(make, ["a", "b"]))
with DAG("th_main", schedule=None):
    with ThreadPoolExecutor() as ex:
        ex.submit(EmptyOperator, task_id="q")
""",
        },
        "dags": {"th_main": {"q": ""}},
        "holes": ["th_main:q"],
        "codes": ["PORT803", "PORT809"],
    },
    "very_old_imports": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from airflow.operators import BashOperator, PythonOperator, MyPluginOperator
from airflow.operators.my_plugin import OtherOperator
from airflow.contrib.operators.emr_create_job_flow_operator import EmrCreateJobFlowOperator
from airflow.contrib.sensors.emr_job_flow_sensor import EmrJobFlowSensor
from airflow.sensors.s3_key_sensor import S3KeySensor
from airflow.operators.subdag_operator import SubDagOperator
from airflow.operators.latest_only_operator import LatestOnlyOperator
from airflow import utils
dag = DAG("very_old", default_args={"start_date": datetime(2019, 1, 1)}, schedule_interval="@daily")
chain = [LatestOnlyOperator(task_id="lo", dag=dag), S3KeySensor(task_id="s3", bucket_key="k", dag=dag), EmrCreateJobFlowOperator(task_id="emr", dag=dag), EmrJobFlowSensor(task_id="wait", job_flow_id="{{ ti.xcom_pull('emr') }}", dag=dag), MyPluginOperator(task_id="mine", dag=dag), OtherOperator(task_id="other", dag=dag)]
utils.helpers.chain(*chain)
dag >> BashOperator(task_id="b", bash_command="x")
py = PythonOperator(task_id="py", python_callable=lambda **k: 1, provide_context=True, dag=dag)
dag.set_dependency("mine", "py")
dag.doc_md = __doc__
""",
        },
        "dags": {
            "very_old": {
                "lo": "s3",
                "s3": "emr",
                "emr": "wait",
                "wait": "mine",
                "mine": "other py",
                "other": "",
                "b": "",
                "py": "",
            }
        },
    },
    "conditional_groups_and_lists": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

import os
FULL = os.environ.get("FULL", "false").lower() in ("1", "true")
def block(name, n, parent=None):
    with TaskGroup(name, default_args={"pool": name}) as g:
        prev = None
        for i in range(n):
            t = EmptyOperator(task_id=f"s{i}")
            prev and prev >> t
            prev = t
    return g
with DAG("cgl", schedule="@daily" if FULL else None):
    blocks = [block(n, c) for n, c in {"a": 2, "b": 1}.items()]
    if FULL:
        blocks.append(block("extra", 3))
    start, end = EmptyOperator(task_id="start"), EmptyOperator(task_id="end", trigger_rule="all_done")
    start >> blocks >> end
    chain(start, *blocks, end)
    tail = EmptyOperator(task_id="tail") if FULL else end
    end >> tail if FULL else None
    cross_downstream([start], [tail])
    with TaskGroup("outer", prefix_group_id=False) as o:
        with TaskGroup("inner") as i1: x = EmptyOperator(task_id="x")
        with TaskGroup("inner2") as i2: y = EmptyOperator(task_id="y")
        i1 >> Label("l") >> i2
    [start, tail] >> o
""",
        },
        "env": {"FULL": "true"},
        "airflow": "3.3",
        "dags": {
            "cgl": {
                "a.s0": "a.s1",
                "a.s1": "b.s0 end",
                "b.s0": "end extra.s0",
                "end": "tail",
                "extra.s0": "extra.s1",
                "extra.s1": "extra.s2",
                "extra.s2": "end",
                "inner.x": "inner2.y",
                "inner2.y": "",
                "start": "a.s0 b.s0 extra.s0 inner.x tail",
                "tail": "inner.x",
            }
        },
        "settings": {
            "cgl:a.s0:pool": "a",
            "cgl:a.s1:pool": "a",
            "cgl:b.s0:pool": "b",
            "cgl:end:trigger_rule": "all_done",
            "cgl:extra.s0:pool": "extra",
            "cgl:extra.s1:pool": "extra",
            "cgl:extra.s2:pool": "extra",
        },
    },
    "sensor_and_params_settings": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

from datetime import timedelta
from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
COMMON = {"mode": "reschedule", "poke_interval": timedelta(minutes=1).total_seconds(), "timeout": 60 * 60}
with DAG("sps", schedule="0 6 * * 1-5", max_active_runs=1, dagrun_timeout=timedelta(hours=2), default_args={"retries": 2, "retry_exponential_backoff": True, "max_retry_delay": timedelta(hours=1)}, params={"a": 1}) as dag:
    f = FileSensor(task_id="f", filepath="/x", **COMMON)
    e = ExternalTaskSensor(task_id="e", external_dag_id="o", external_task_id="p", allowed_states=["success"], soft_fail=True, **{**COMMON, "timeout": 5})
    t = TriggerDagRunOperator(task_id="t", trigger_dag_id="z", conf={"k": "{{ ds }}"}, wait_for_completion=True, retries=0)
    f >> e >> t
    b = BashOperator(task_id="b", bash_command=["echo"] and "echo {{ params.a }}", env={**{"A": "1"}, "B": "2"}, priority_weight=5, weight_rule="upstream", max_active_tis_per_dag=2, depends_on_past=True, do_xcom_push=False)
    b.set_upstream([f, t])
""",
        },
        "airflow": "3.3",
        "dags": {"sps": {"b": "", "e": "t", "f": "b e", "t": "b"}},
        "settings": {
            "sps:b:retries": 2,
            "sps:b:bash_command": "echo {{ params.a }}",
            "sps:e:retries": 2,
            "sps:f:retries": 2,
        },
    },
    "nested_setup_contexts": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@setup
def up(): return 1
@teardown
def down(x): ...
@task
def work(x=None): ...
with DAG("nsc", schedule=None):
    with EmptyOperator(task_id="d1").as_teardown(setups=EmptyOperator(task_id="s1")):
        EmptyOperator(task_id="before")
        with EmptyOperator(task_id="d2").as_teardown(setups=EmptyOperator(task_id="s2")):
            work() >> work()
        EmptyOperator(task_id="after_inner")
    with EmptyOperator(task_id="s3").as_setup() as scope:
        outside = EmptyOperator(task_id="in3")
        BashOperator.partial(task_id="mapped").expand(bash_command=["a"])
    u = up()
    w = work.override(task_id="added")()
    with down(u) as scope:
        scope.add_task(w)
        work.override(task_id="last")(u)
""",
        },
        "airflow": "3.3",
        "dags": {
            "nsc": {
                "added": "down",
                "after_inner": "",
                "before": "d1",
                "d1": "",
                "d2": "d1",
                "down": "",
                "in3": "",
                "last": "down",
                "mapped": "",
                "s1": "before d1 s2",
                "s2": "d2 work",
                "s3": "in3",
                "up": "added down last",
                "work": "work__1",
                "work__1": "d2",
            }
        },
        "settings": {
            "nsc:d1:trigger_rule": "all_done_setup_success",
            "nsc:d2:trigger_rule": "all_done_setup_success",
            "nsc:down:trigger_rule": "all_done_setup_success",
        },
    },
    "labels_from_group_outputs": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@task
def one(x=None): return x
@task_group
def pair(x=None):
    a = one(x)
    a >> EmptyOperator(task_id="two")
    return a
with DAG("lgo", schedule=None):
    out = pair()
    t = EmptyOperator(task_id="t")
    out >> Label("through") >> t
    t << Label("back") << one.override(task_id="alone")()
    again = pair(out)
    [out, t] >> Label("both") >> again
""",
        },
        "airflow": "3.3",
        "dags": {
            "lgo": {
                "alone": "t",
                "pair.one": "pair.two pair__1.one",
                "pair.two": "t",
                "pair__1.one": "pair__1.two",
                "pair__1.two": "",
                "t": "pair__1.one",
            }
        },
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
