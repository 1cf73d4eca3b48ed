"""Repositories of modules, plugins and in-house operators, as real Airflow loads them."""

import pytest

SHAPES = {
    "helpers_beside_absolute": {
        "files": {
            "dags/team/etl.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from helpers import step
from team.names import NAMES, PREFIX as P
with DAG(f"{P}_etl", schedule=None) as dag:
    first = step("first")
    for n in NAMES:
        first >> step(n)
""",
            "dags/helpers.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

def step(name, **kw):
    return BashOperator(task_id=name, bash_command=f"run {name}", retries=2, **kw)
""",
            "dags/team/__init__.py": "",
            "dags/team/names.py": """
NAMES = ['a', 'b']
PREFIX = 'team'
""",
        },
        "airflow": "3.3",
        "dags": {"team_etl": {"a": "", "b": "", "first": "a b"}},
        "settings": {
            "team_etl:a:retries": 2,
            "team_etl:a:bash_command": "run a",
            "team_etl:b:retries": 2,
            "team_etl:b:bash_command": "run b",
            "team_etl:first:retries": 2,
            "team_etl:first:bash_command": "run first",
        },
    },
    "relative_imports": {
        "files": {
            "dags/proj/__init__.py": "",
            "dags/proj/jobs/__init__.py": """
from .factory import build as make
""",
            "dags/proj/jobs/factory.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from ..settings import OWNER
from . import consts
def build(name):
    with DAG(name, schedule="@daily", default_args={"owner": OWNER}) as d:
        EmptyOperator(task_id=consts.START) >> EmptyOperator(task_id=consts.END)
    return d
""",
            "dags/proj/jobs/consts.py": """
START, END = 'begin', 'finish'
""",
            "dags/proj/settings.py": """
import os
OWNER = 'data-' + 'team'
""",
            "dags/main.py": """
# airflow dag
from proj.jobs import make
mine = make('rel')
""",
        },
        "dags": {"rel": {"begin": "finish", "finish": ""}},
    },
    "sys_path_append": {
        "files": {
            "dags/flows/daily.py": """
import os, sys
sys.path.append(os.path.dirname(__file__))
sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "lib")))
from common_bits import TASKS
from deeper.things import make
from airflow.sdk import DAG
with DAG("sp", schedule=None):
    for t in TASKS:
        make(t)
""",
            "dags/flows/common_bits.py": """
TASKS = ('one', 'two')
""",
            "lib/deeper/__init__.py": "",
            "lib/deeper/things.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

def make(t):
    return EmptyOperator(task_id=f"{t}_made")
""",
        },
        "airflow": "3.3",
        "dags": {"sp": {"one_made": "", "two_made": ""}},
    },
    "plugins_folder": {
        "files": {
            "dags/p.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company_ops.loader import LoadOperator
from hooks_x import CONN
with DAG("plug", schedule=None):
    LoadOperator(task_id="load", table="t1", conn_id=CONN)
""",
            "plugins/company_ops/__init__.py": "",
            "plugins/company_ops/loader.py": """
from airflow.sdk import BaseOperator
class LoadOperator(BaseOperator):
    template_fields = ("table",)
    ui_color = "#fff"
    def __init__(self, *, table, conn_id="default", **kwargs):
        super().__init__(**kwargs)
        self.table = table
        self.conn_id = conn_id
    def execute(self, context): ...
""",
            "plugins/hooks_x.py": """
CONN = 'warehouse'
""",
        },
        "airflow": "3.3",
        "dags": {"plug": {"load": ""}},
    },
    "namespace_package": {
        "files": {
            "dags/n.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import nsx.inner.mod as m
import nsx.inner.other
from nsx import top
with DAG("ns", schedule=None):
    EmptyOperator(task_id=m.A) >> EmptyOperator(task_id=nsx.inner.other.B) >> EmptyOperator(task_id=top.C)
""",
            "dags/nsx/inner/mod.py": """
A = 'a'
""",
            "dags/nsx/inner/other.py": """
B = 'b'
""",
            "dags/nsx/top.py": """
C = 'c'
""",
        },
        "airflow": "3.3",
        "dags": {"ns": {"a": "b", "b": "c", "c": ""}},
    },
    "star_import": {
        "files": {
            "dags/s.py": """
from starred import *
from starred_all import *
with DAG("star", schedule=None):
    EmptyOperator(task_id=NAME)
    EmptyOperator(task_id=OTHER)
""",
            "dags/starred.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
NAME = 'n'
_HIDDEN = 1
""",
            "dags/starred_all.py": """
__all__ = ['OTHER']
OTHER = 'o'
NAME = 'not this'
""",
        },
        "airflow": "3.3",
        "dags": {},
    },
    "circular_imports": {
        "files": {
            "dags/c.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import circ_a
with DAG("circ", schedule=None):
    for n in circ_a.names():
        EmptyOperator(task_id=n)
""",
            "dags/circ_a.py": """
import circ_b
X = 'x'
def names():
    return [X, circ_b.other()]
""",
            "dags/circ_b.py": """
import circ_a
def other():
    return circ_a.X + 'y'
""",
        },
        "airflow": "3.3",
        "dags": {"circ": {"x": "", "xy": ""}},
    },
    "reexports": {
        "files": {
            "dags/r.py": """
from libx import DAG, Op, default_args
with DAG('re', default_args=default_args, schedule=None) as dag:
    Op(task_id='x')
""",
            "dags/libx/__init__.py": """
from libx.ops import *
from .conf import default_args
from airflow.sdk import DAG
__all__ = ['DAG', 'Op', 'default_args']
""",
            "dags/libx/ops.py": """
from airflow.providers.standard.operators.bash import BashOperator as _B
class Op(_B):
    def __init__(self, task_id, **kw):
        super().__init__(task_id=task_id, bash_command='echo ' + task_id, **kw)
""",
            "dags/libx/conf.py": """
from datetime import timedelta
default_args = {'retries': 4, 'retry_delay': timedelta(minutes=2)}
""",
        },
        "airflow": "3.3",
        "dags": {},
    },
    "try_import_error": {
        "files": {
            "dags/t.py": """
try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except (ImportError, ModuleNotFoundError):
    from airflow.operators.dummy import DummyOperator as EmptyOperator
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from nothing import Here
try:
    import company_secret_lib
except ImportError:
    company_secret_lib = None
with DAG("tr", schedule=None):
    EmptyOperator(task_id="x")
""",
        },
        "airflow": "3.3",
        "dags": {"tr": {"x": ""}},
        "codes": ["PORT802"],
    },
    "inhouse_operators": {
        "files": {
            "dags/i.py": """
from airflow.sdk import DAG
from ops.special import ExtractOperator, AuditMixin, MultiOperator, make_default
with DAG("inhouse", schedule=None, default_args={"retries": 1, "conn_id": "main"}):
    a = ExtractOperator(task_id="a", source="s3")
    b = ExtractOperator(task_id="b", source="ftp", retries=7)
    c = MultiOperator(task_id="c")
    a >> [b, c] >> make_default()
""",
            "dags/ops/__init__.py": "",
            "dags/ops/special.py": """
from datetime import timedelta
from airflow.sdk import BaseOperator
from airflow.providers.standard.operators.bash import BashOperator
class AuditMixin:
    audit = True
    def __init__(self, *args, audit_name=None, **kwargs):
        kwargs.setdefault("pool", "audit_pool")
        super().__init__(*args, **kwargs)
        self.audit_name = audit_name
class Base(AuditMixin, BaseOperator):
    template_fields = ("source",)
    def __init__(self, task_id, source=None, conn_id="x", *args, **kwargs):
        kwargs["retry_delay"] = timedelta(seconds=30)
        super().__init__(task_id=task_id, *args, **kwargs)
        self.source = source
        self.conn_id = conn_id
class ExtractOperator(Base):
    ui_color = "#123"
    def execute(self, context): pass
class MultiOperator(BashOperator):
    def __init__(self, **kwargs):
        kwargs.update(bash_command="echo multi", execution_timeout=timedelta(hours=1))
        super().__init__(**kwargs)
def make_default(name="last"):
    return MultiOperator(task_id=name, trigger_rule="all_done")
""",
        },
        "airflow": "3.3",
        "dags": {"inhouse": {"a": "b c", "b": "last", "c": "last", "last": ""}},
        "settings": {
            "inhouse:a:retries": 1,
            "inhouse:a:pool": "audit_pool",
            "inhouse:b:retries": 7,
            "inhouse:b:pool": "audit_pool",
            "inhouse:c:retries": 1,
            "inhouse:c:bash_command": "echo multi",
            "inhouse:last:retries": 1,
            "inhouse:last:bash_command": "echo multi",
            "inhouse:last:trigger_rule": "all_done",
        },
    },
    "operator_making_subtasks": {
        "files": {
            "dags/o.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.sdk import TaskGroup
class Quality(TaskGroup):
    def __init__(self, table, **kw):
        super().__init__(group_id=f"quality_{table}", **kw)
        with self:
            a = EmptyOperator(task_id="count")
            b = EmptyOperator(task_id="nulls")
            a >> b
def quality(table):
    with TaskGroup(group_id=f"q_{table}") as g:
        [EmptyOperator(task_id=c) for c in ("x", "y")]
    return g
with DAG("subt", schedule=None) as dag:
    s = EmptyOperator(task_id="s")
    s >> Quality("t1") >> quality("t2") >> EmptyOperator(task_id="e")
""",
        },
        "airflow": "3.3",
        "dags": {
            "subt": {
                "e": "",
                "q_t2.x": "e",
                "q_t2.y": "e",
                "quality_t1.count": "quality_t1.nulls",
                "quality_t1.nulls": "q_t2.x q_t2.y",
                "s": "quality_t1.count",
            }
        },
    },
    "taskgroup_builder_with_dag_arg": {
        "files": {
            "dags/o.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.sdk import TaskGroup
def build(dag, name):
    g = TaskGroup(group_id=name, dag=dag)
    a = EmptyOperator(task_id="a", task_group=g, dag=dag)
    b = EmptyOperator(task_id="b", task_group=g, dag=dag)
    a.set_downstream(b)
    return g
dag = DAG("tgd", schedule=None)
s = EmptyOperator(task_id="s", dag=dag)
one, two = build(dag, "one"), build(dag, "two")
s >> one
two << one
""",
        },
        "airflow": "3.3",
        "dags": {
            "tgd": {"one.a": "one.b", "one.b": "two.a", "s": "one.a", "two.a": "two.b", "two.b": ""}
        },
    },
    "dag_subclass": {
        "files": {
            "dags/o.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

class TeamDAG(DAG):
    def __init__(self, dag_id, team="core", **kw):
        args = {"owner": team, "retries": 3}
        args.update(kw.pop("default_args", {}))
        super().__init__(dag_id=f"{team}__{dag_id}", default_args=args, catchup=False, **kw)
    def step(self, name):
        return BashOperator(task_id=name, bash_command="x", dag=self)
with TeamDAG("sub", team="growth", schedule="@hourly") as dag:
    a = BashOperator(task_id="a", bash_command="1")
    a >> dag.step("b")
""",
        },
        "airflow": "3.3",
        "dags": {"growth__sub": {"a": "b", "b": ""}},
        "settings": {
            "growth__sub:a:retries": 3,
            "growth__sub:a:owner": "growth",
            "growth__sub:a:bash_command": "1",
            "growth__sub:b:retries": 3,
            "growth__sub:b:owner": "growth",
            "growth__sub:b:bash_command": "x",
        },
    },
    "module_attribute_style": {
        "files": {
            "dags/o.py": """
import airflow
from airflow.providers.standard.operators import bash, python
import airflow.sdk as sdk
def fn(): pass
dag = sdk.DAG(dag_id="ma", schedule=None)
a = bash.BashOperator(task_id="a", bash_command="x", dag=dag)
b = python.PythonOperator(task_id="b", python_callable=fn, dag=dag)
a >> b
""",
        },
        "airflow": "3.3",
        "dags": {"ma": {"a": "b", "b": ""}},
        "settings": {"ma:a:bash_command": "x"},
    },
    "main_guard_and_package_init_dag": {
        "files": {
            "dags/pkg/__init__.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("in_init", schedule=None):
    EmptyOperator(task_id="x")
if __name__ == "__main__":
    EmptyOperator(task_id="never")
""",
        },
        "airflow": "3.3",
        "dags": {"in_init": {"x": ""}},
    },
    "imported_dag_object": {
        "files": {
            "dags/a.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("shared", schedule=None) as dag:
    EmptyOperator(task_id="x")
""",
            "dags/b.py": """
# airflow DAG
from a import dag as other
""",
        },
        "airflow": "3.3",
        "dags": {"shared": {"x": ""}},
    },
    "class_constants_and_inheritance": {
        "files": {
            "dags/o.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

class Config:
    NAME = "cfg"
    TABLES = ["u", "v"]
    @classmethod
    def ids(cls, prefix="load"):
        return [f"{prefix}_{t}" for t in cls.TABLES]
    @staticmethod
    def end():
        return "end"
class Prod(Config):
    NAME = Config.NAME + "_prod"
    TABLES = Config.TABLES + ["w"]
with DAG(Prod.NAME, schedule=None):
    e = EmptyOperator(task_id=Prod.end())
    for i in Prod.ids():
        EmptyOperator(task_id=i) >> e
""",
        },
        "airflow": "3.3",
        "dags": {"cfg_prod": {"end": "", "load_u": "end", "load_v": "end", "load_w": "end"}},
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
