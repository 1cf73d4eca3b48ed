"""Spellings of Airflow 1.10, as Airflow 2.10 loads them."""

import pytest

SHAPES = {
    "old_basic": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from airflow.operators.bash_operator import BashOperator
from airflow.operators.python_operator import PythonOperator, BranchPythonOperator, ShortCircuitOperator
from airflow.operators.dummy_operator import DummyOperator
from airflow.utils.dates import days_ago
args = {"owner": "airflow", "depends_on_past": False, "start_date": datetime(2020, 1, 1), "email_on_failure": False, "retries": 1, "retry_delay": timedelta(minutes=5)}
dag = DAG("old_basic", default_args=args, schedule_interval="0 0 * * *", catchup=False, concurrency=4)
def fn(ds, **kwargs): return ds
def pick(**context): return "b"
start = DummyOperator(task_id="start", dag=dag)
t = PythonOperator(task_id="py", python_callable=fn, op_kwargs={"x": 1}, dag=dag)
br = BranchPythonOperator(task_id="br", python_callable=pick, dag=dag)
sc = ShortCircuitOperator(task_id="sc", python_callable=lambda: True, dag=dag)
b = BashOperator(task_id="b", bash_command="echo {{ ds }}", dag=dag, trigger_rule="one_success")
end = DummyOperator(task_id="end", dag=dag)
start.set_downstream([t, br])
br.set_downstream(b)
end.set_upstream([t, b, sc])
sc << start
""",
        },
        "airflow": "2.10",
        "dags": {
            "old_basic": {
                "b": "end",
                "br": "b",
                "end": "",
                "py": "end",
                "sc": "end",
                "start": "br py sc",
            }
        },
        "settings": {
            "old_basic:b:retries": 1,
            "old_basic:b:bash_command": "echo {{ ds }}",
            "old_basic:b:trigger_rule": "one_success",
            "old_basic:br:retries": 1,
            "old_basic:end:retries": 1,
            "old_basic:py:retries": 1,
            "old_basic:sc:retries": 1,
            "old_basic:start:retries": 1,
        },
    },
    "old_provide_context": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from airflow.operators.python_operator import PythonOperator
from airflow.contrib.operators.ssh_operator import SSHOperator
from airflow.contrib.sensors.file_sensor import FileSensor
from airflow.contrib.operators.bigquery_operator import BigQueryOperator
from airflow.hooks.base_hook import BaseHook
dag = DAG("old_ctx", schedule_interval=None, start_date=datetime(2020, 1, 1))
with dag:
    a = PythonOperator(task_id="a", python_callable=print, provide_context=True)
    b = SSHOperator(task_id="b", ssh_conn_id="x", command="ls")
    c = FileSensor(task_id="c", filepath="/tmp/x")
    d = BigQueryOperator(task_id="d", sql="select 1")
a >> b >> c >> d
""",
        },
        "dags": {"old_ctx": {"a": "b", "b": "c", "c": "d", "d": ""}},
    },
    "old_helpers_chain": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from airflow.utils.helpers import chain as old_chain, cross_downstream
from airflow.operators.dummy_operator import DummyOperator
dag = DAG("old_chain", schedule_interval=None, start_date=datetime(2020, 1, 1))
a, b, c, d = [DummyOperator(task_id=x, dag=dag) for x in "abcd"]
old_chain(a, [b, c], d)
e = DummyOperator(task_id="e", dag=dag)
cross_downstream(from_tasks=[b, c], to_tasks=[e])
""",
        },
        "airflow": "2.10",
        "dags": {"old_chain": {"a": "b c", "b": "d e", "c": "d e", "d": "", "e": ""}},
    },
    "old_dag_task_operator": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from airflow.operators.dummy_operator import DummyOperator
dag = DAG("old_dagop", schedule_interval=None, start_date=datetime(2020, 1, 1))
a = DummyOperator(task_id="a")
b = DummyOperator(task_id="b")
dag >> a
a >> b
""",
        },
        "dags": {"old_dagop": {"a": "b", "b": ""}},
    },
    "old_subdag": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from airflow.operators.dummy_operator import DummyOperator
from airflow.operators.subdag_operator import SubDagOperator
def sub(parent, child, args):
    d = DAG("%s.%s" % (parent, child), default_args=args, schedule_interval="@daily")
    for i in range(2):
        DummyOperator(task_id="%s-task-%s" % (child, i + 1), default_args=args, dag=d)
    return d
args = {"owner": "me", "start_date": datetime(2020, 1, 1)}
dag = DAG("old_subdag", default_args=args, schedule_interval="@daily")
s = DummyOperator(task_id="start", dag=dag)
sec = SubDagOperator(task_id="section-1", subdag=sub("old_subdag", "section-1", args), dag=dag)
s >> sec
""",
        },
        "airflow": "2.10",
        "dags": {
            "old_subdag": {"section-1": "", "start": "section-1"},
            "old_subdag.section-1": {"section-1-task-1": "", "section-1-task-2": ""},
        },
        "settings": {
            "old_subdag:section-1:owner": "me",
            "old_subdag:start:owner": "me",
            "old_subdag.section-1:section-1-task-1:owner": "me",
            "old_subdag.section-1:section-1-task-2:owner": "me",
        },
    },
    "old_plugins_and_apply_defaults": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from my_plugin_ops import MyOperator
dag = DAG("old_plug", schedule_interval=None, start_date=datetime(2020, 1, 1), default_args={"my_param": "from_defaults"})
a = MyOperator(task_id="a", dag=dag)
b = MyOperator(my_param="given", task_id="b", dag=dag)
a >> b
""",
            "plugins/my_plugin_ops.py": """
import logging
from airflow.models import BaseOperator
from airflow.plugins_manager import AirflowPlugin
from airflow.utils.decorators import apply_defaults
log = logging.getLogger(__name__)
class MyOperator(BaseOperator):
    @apply_defaults
    def __init__(self, my_param, *args, **kwargs):
        self.my_param = my_param
        super(MyOperator, self).__init__(*args, **kwargs)
    def execute(self, context):
        log.info("x")
class MyPlugin(AirflowPlugin):
    name = "my_plugin"
    operators = [MyOperator]
""",
        },
        "airflow": "2.10",
        "dags": {"old_plug": {"a": "b", "b": ""}},
    },
    "old_sensors_and_macros": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from airflow.sensors.external_task_sensor import ExternalTaskSensor
from airflow.operators.sensors import ExternalTaskSensor as E2
from airflow.operators.dagrun_operator import TriggerDagRunOperator
from airflow.models import Variable, BaseOperator
from airflow.operators.email_operator import EmailOperator
default_args = dict(owner="x", start_date=datetime(2019, 5, 1), email=["a@b.c"], wait_for_downstream=True, sla=timedelta(hours=2))
with DAG("old_sens", default_args=default_args, schedule_interval=timedelta(days=1), max_active_runs=1, dagrun_timeout=timedelta(hours=3), template_searchpath="/x", user_defined_macros={"m": 1}) as dag:
    w = ExternalTaskSensor(task_id="w", external_dag_id="o", external_task_id="p", poke_interval=30, timeout=60 * 60, mode="reschedule", soft_fail=True)
    t = TriggerDagRunOperator(task_id="t", trigger_dag_id="z")
    m = EmailOperator(task_id="m", to="x@y.z", subject="s", html_content="<b/>")
    w >> t >> m
""",
        },
        "dags": {"old_sens": {"w": "t", "t": "m", "m": ""}},
    },
    "old_percent_and_python2ish": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from builtins import range
from airflow.operators.bash_operator import BashOperator
import airflow
args = {"owner": "airflow", "start_date": datetime.combine(datetime(2020, 1, 2).date(), datetime.min.time())}
dag = DAG(dag_id="old_py2", default_args=args, schedule_interval="@once")
last = None
for i in range(3):
    task = BashOperator(task_id="runme_" + str(i), bash_command="echo '{{ task_instance_key_str }}' && sleep %d" % i, dag=dag)
    if last: task.set_upstream(last)
    last = task
print("loaded", len(dag.tasks))
""",
        },
        "airflow": "2.10",
        "dags": {"old_py2": {"runme_0": "runme_1", "runme_1": "runme_2", "runme_2": ""}},
        "settings": {
            "old_py2:runme_0:bash_command": "echo '{{ task_instance_key_str }}' && sleep 0",
            "old_py2:runme_1:bash_command": "echo '{{ task_instance_key_str }}' && sleep 1",
            "old_py2:runme_2:bash_command": "echo '{{ task_instance_key_str }}' && sleep 2",
        },
    },
    "old_days_ago": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

from airflow.utils.dates import days_ago
from airflow.operators.dummy import DummyOperator
with DAG("old_days", start_date=days_ago(2), schedule_interval="@daily", default_args={"start_date": days_ago(1)}) as dag:
    DummyOperator(task_id="a")
""",
        },
        "airflow": "2.10",
        "dags": {"old_days": {"a": ""}},
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
