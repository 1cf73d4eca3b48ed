"""TaskFlow, groups, edges, assets, setup and teardown, as real Airflow loads them."""

import pytest

SHAPES = {
    "variants": {
        "files": {
            "dags/f.py": """
from airflow.decorators import dag, task
from datetime import datetime
@dag(schedule=None, start_date=datetime(2024, 1, 1))
def variants():
    @task.virtualenv(requirements=["pandas"], system_site_packages=False)
    def venv(): return 1
    @task.external_python(python="/usr/bin/python3")
    def ext(): return 1
    @task.branch
    def br(x): return "bashy"
    @task.short_circuit(ignore_downstream_trigger_rules=False)
    def sc(): return True
    @task.sensor(poke_interval=10, timeout=100, mode="reschedule")
    def sens(): return True
    @task.bash
    def bashy(): return "echo"
    @task.branch_virtualenv(requirements=[])
    def brv(): return "x"
    @task.branch_external_python(python="/usr/bin/python3")
    def bre(): return "x"
    @task.docker(image="python:3.12")
    def dock(): return 1
    @task(multiple_outputs=True, retries=4)
    def multi(): return {"a": 1, "b": 2}
    @task.python
    def plain(a, b=None): return a
    m = multi()
    p = plain(m["a"], b=m["b"])
    br(venv()) >> bashy() >> [sc(), sens()]
    ext() >> brv() >> bre() >> dock() >> p
variants()
""",
        },
        "airflow": "3.3",
        "dags": {
            "variants": {
                "bashy": "sc sens",
                "br": "bashy",
                "bre": "dock",
                "brv": "bre",
                "dock": "plain",
                "ext": "brv",
                "multi": "plain",
                "plain": "",
                "sc": "",
                "sens": "",
                "venv": "br",
            }
        },
        "settings": {"variants:multi:retries": 4},
    },
    "kubernetes_variant": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

with DAG("kv", schedule=None):
    @task.kubernetes(image="python", name="n", namespace="default")
    def k(): return 1
    @task.pyspark(conn_id="spark")
    def sp(spark, sc): return 1
    @task.kubernetes_cmd(image="x")
    def kc(): return ["x"]
    @task.sql(conn_id="c")
    def sq(): return "select 1"
    k() >> sp() >> kc() >> sq()
""",
        },
        "dags": {"kv": {"k": "sp", "sp": "kc", "kc": "sq", "sq": ""}},
    },
    "expand_everything": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@task
def nums(): return [1, 2]
@task
def names(): return ["a"]
@task
def kw(): return [{"a": 1, "b": 2}]
@task
def add(a, b=0): return a + b
@task
def total(xs): return sum(xs)
with DAG("exp", schedule=None):
    n = nums()
    s = names()
    r = add.partial(b=3).expand(a=n)
    total(r)
    add.override(task_id="lit").expand(a=[1, 2, 3], b=[4, 5])
    add.override(task_id="kwargs").expand_kwargs(kw())
    add.override(task_id="kwlist").expand_kwargs([{"a": 1}, {"a": 2, "b": n}])
    add.override(task_id="mapped_x").expand(a=n.map(lambda x: x + 1))
    add.override(task_id="zipped").expand(a=n.zip(s, fillvalue=None))
    add.override(task_id="concatenated").expand(a=n.concat(s))
    b = BashOperator.partial(task_id="bash", retries=2).expand(bash_command=s)
    b2 = BashOperator.partial(task_id="bash2", env={"X": "1"}).expand_kwargs(kw())
    b >> b2
    total.override(task_id="filtered")(n.map(str))
    PythonOperator.partial(task_id="po", python_callable=print).expand(op_args=[[1], [2]])
""",
        },
        "airflow": "3.3",
        "dags": {
            "exp": {
                "add": "total",
                "bash": "bash2",
                "bash2": "",
                "concatenated": "",
                "filtered": "",
                "kw": "kwargs",
                "kw__1": "bash2",
                "kwargs": "",
                "kwlist": "",
                "lit": "",
                "mapped_x": "",
                "names": "bash concatenated zipped",
                "nums": "add concatenated filtered kwlist mapped_x zipped",
                "po": "",
                "total": "",
                "zipped": "",
            }
        },
        "settings": {"exp:bash:retries": 2},
    },
    "mapped_groups": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@task
def gen(): return [1, 2]
@task
def work(x, y=1): return x
@task
def done(x): ...
@task_group
def per(x, y):
    a = work(x)
    b = work(a, y=y)
    return b
@task_group(group_id="renamed", tooltip="hi", default_args={"retries": 6})
def other():
    work(1)
    EmptyOperator(task_id="e")
with DAG("mg", schedule=None):
    g = gen()
    out = per.partial(y=2).expand(x=g)
    done(out)
    o = other()
    g >> o
    per.override(group_id="again").expand_kwargs(gen())
    other.override(group_id="third")()
    other()
""",
        },
        "airflow": "3.3",
        "dags": {
            "mg": {
                "again.work": "again.work__1",
                "again.work__1": "",
                "done": "",
                "gen": "per.work renamed.e renamed.work",
                "gen__1": "again.work again.work__1",
                "per.work": "per.work__1",
                "per.work__1": "done",
                "renamed.e": "",
                "renamed.work": "",
                "renamed__1.e": "",
                "renamed__1.work": "",
                "third.e": "",
                "third.work": "",
            }
        },
        "settings": {
            "mg:renamed.e:retries": 6,
            "mg:renamed.work:retries": 6,
            "mg:renamed__1.e:retries": 6,
            "mg:renamed__1.work:retries": 6,
            "mg:third.e:retries": 6,
            "mg:third.work:retries": 6,
        },
    },
    "setup_teardown": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@setup
def make(): return "c"
@teardown(on_failure_fail_dagrun=True)
def kill(c): ...
@task
def use(c): ...
with DAG("std", schedule=None):
    c = make()
    k = kill(c)
    u = use(c)
    c >> u >> k
    s1 = EmptyOperator(task_id="s1").as_setup()
    s2 = EmptyOperator(task_id="s2").as_setup()
    w = EmptyOperator(task_id="w")
    td = EmptyOperator(task_id="td")
    [s1, s2] >> w >> td.as_teardown(setups=[s1, s2])
    with EmptyOperator(task_id="td2").as_teardown(setups=EmptyOperator(task_id="s3")):
        a = EmptyOperator(task_id="ia")
        b = EmptyOperator(task_id="ib")
        a >> b
    with EmptyOperator(task_id="s4").as_setup() as s4:
        s4.add_task(EmptyOperator(task_id="extra")) if False else None
        EmptyOperator(task_id="in4")
    with TaskGroup("g") as g:
        gs = EmptyOperator(task_id="gs").as_setup()
        gw = EmptyOperator(task_id="gw")
        gt = EmptyOperator(task_id="gt").as_teardown(setups=gs, on_failure_fail_dagrun=True)
        gs >> gw >> gt
    g >> EmptyOperator(task_id="after_g")
""",
        },
        "airflow": "3.3",
        "dags": {
            "std": {
                "after_g": "",
                "g.gs": "g.gt g.gw",
                "g.gt": "",
                "g.gw": "after_g g.gt",
                "ia": "ib",
                "ib": "td2",
                "in4": "",
                "kill": "",
                "make": "kill use",
                "s1": "td w",
                "s2": "td w",
                "s3": "ia td2",
                "s4": "in4",
                "td": "",
                "td2": "",
                "use": "kill",
                "w": "td",
            }
        },
        "settings": {
            "std:g.gt:trigger_rule": "all_done_setup_success",
            "std:kill:trigger_rule": "all_done_setup_success",
            "std:td:trigger_rule": "all_done_setup_success",
            "std:td2:trigger_rule": "all_done_setup_success",
        },
    },
    "overrides_and_suffixes": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@task(retries=2, pool="p")
def t(x=None): return x
with DAG("ov", schedule=None, default_args={"retries": 1, "owner": "o"}):
    a = t()
    b = t(a)
    c = t.override(retries=5, trigger_rule="all_done")(b)
    d = t.override(task_id="named", pool="q")([a, {"k": [b]}])
    e = t.override(task_id="named")(c)
    with TaskGroup("g", default_args={"retries": 8, "queue": "gq"}) as g:
        f = t(1)
        EmptyOperator(task_id="z")
        with TaskGroup("h", default_args={"queue": "hq"}, prefix_group_id=False):
            EmptyOperator(task_id="zz")
            t(2)
            with TaskGroup("i"):
                EmptyOperator(task_id="deep", queue="own")
    for i in range(3):
        t.override(task_id=f"loop_{i}")(i)
""",
        },
        "airflow": "3.3",
        "dags": {
            "ov": {
                "g.t": "",
                "g.z": "",
                "i.deep": "",
                "loop_0": "",
                "loop_1": "",
                "loop_2": "",
                "named": "",
                "named__1": "",
                "t": "named t__1",
                "t__1": "named t__2",
                "t__2": "named__1",
                "t__3": "",
                "zz": "",
            }
        },
        "settings": {
            "ov:g.t:retries": 2,
            "ov:g.t:pool": "p",
            "ov:g.t:queue": "gq",
            "ov:g.t:owner": "o",
            "ov:g.z:retries": 8,
            "ov:g.z:queue": "gq",
            "ov:g.z:owner": "o",
            "ov:i.deep:retries": 8,
            "ov:i.deep:queue": "own",
            "ov:i.deep:owner": "o",
            "ov:loop_0:retries": 2,
            "ov:loop_0:pool": "p",
            "ov:loop_0:owner": "o",
            "ov:loop_1:retries": 2,
            "ov:loop_1:pool": "p",
            "ov:loop_1:owner": "o",
            "ov:loop_2:retries": 2,
            "ov:loop_2:pool": "p",
            "ov:loop_2:owner": "o",
            "ov:named:retries": 2,
            "ov:named:pool": "q",
            "ov:named:owner": "o",
            "ov:named__1:retries": 2,
            "ov:named__1:pool": "p",
            "ov:named__1:owner": "o",
            "ov:t:retries": 2,
            "ov:t:pool": "p",
            "ov:t:owner": "o",
            "ov:t__1:retries": 2,
            "ov:t__1:pool": "p",
            "ov:t__1:owner": "o",
            "ov:t__2:retries": 5,
            "ov:t__2:pool": "p",
            "ov:t__2:owner": "o",
            "ov:t__2:trigger_rule": "all_done",
            "ov:t__3:retries": 2,
            "ov:t__3:pool": "p",
            "ov:t__3:queue": "hq",
            "ov:t__3:owner": "o",
            "ov:zz:retries": 8,
            "ov:zz:queue": "hq",
            "ov:zz:owner": "o",
        },
    },
    "edge_labels_groups": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

with DAG("el", schedule=None) as dag:
    a, b, c, d, e = (EmptyOperator(task_id=x) for x in "abcde")
    with TaskGroup("g") as g:
        x = EmptyOperator(task_id="x"); y = EmptyOperator(task_id="y")
    with TaskGroup("h", prefix_group_id=False) as h:
        z = EmptyOperator(task_id="z")
        with TaskGroup("n") as n:
            w = EmptyOperator(task_id="w")
        z >> n
    a >> Label("to b") >> b
    a >> Label("fan") >> [c, d]
    [c, d] >> Label("join") >> e
    b >> Label("into") >> g >> Label("out") >> h
    e << Label("back") << b
    chain(a, Label("ch"), e) if False else None
    a.set_downstream(e, edge_modifier=Label("sd"))
""",
        },
        "airflow": "3.3",
        "dags": {
            "el": {
                "a": "b c d e",
                "b": "e g.x g.y",
                "c": "e",
                "d": "e",
                "e": "",
                "g.x": "z",
                "g.y": "z",
                "n.w": "",
                "z": "n.w",
            }
        },
    },
    "chain_with_groups": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

with DAG("cg", schedule=None) as dag:
    def grp(n):
        with TaskGroup(n) as g:
            EmptyOperator(task_id="i") >> EmptyOperator(task_id="o")
        return g
    ops = {x: EmptyOperator(task_id=x) for x in "abcdefghijk"}
    a, b, c, d, e, f, g, h, i, j, k = ops.values()
    g1, g2, g3 = map(grp, ["g1", "g2", "g3"])
    chain(a, [b, c], [d, e], f)
    chain(g1, [g2, h], g3) if False else chain(g1, g2, g3)
    chain_linear(f, [g, h], [i, j], k)
    chain_linear(k, g1)
    cross_downstream([a, b], [i, j])
    empty = TaskGroup("empty")
    d >> empty >> j
    chain(*[EmptyOperator(task_id=f"s{n}") for n in range(3)])
""",
        },
        "airflow": "3.3",
        "dags": {
            "cg": {
                "a": "b c i j",
                "b": "d i j",
                "c": "e",
                "d": "f j",
                "e": "f",
                "f": "g h",
                "g": "i j",
                "g1.i": "g1.o",
                "g1.o": "g2.i",
                "g2.i": "g2.o",
                "g2.o": "g3.i",
                "g3.i": "g3.o",
                "g3.o": "",
                "h": "i j",
                "i": "k",
                "j": "k",
                "k": "g1.i",
                "s0": "s1",
                "s1": "s2",
                "s2": "",
            }
        },
    },
    "assets_and_metadata": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

from airflow.sdk import Asset, AssetAlias, asset, Metadata, AssetAll, AssetAny
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.trigger import CronTriggerTimetable
raw = Asset("s3://b/raw")
other = Asset(name="other", uri="s3://b/other", group="g")
with DAG("producer", schedule="@daily"):
    BashOperator(task_id="p", bash_command="x", outlets=[raw])
    @task(outlets=[other])
    def produce():
        yield Metadata(other, {"k": 1})
    produce()
with DAG("consumer", schedule=[raw]):
    EmptyOperator(task_id="c")
with DAG("either", schedule=raw | other):
    EmptyOperator(task_id="c")
with DAG("both", schedule=(raw & other)):
    EmptyOperator(task_id="c", inlets=[raw])
with DAG("ast", schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("0 1 * * 3", timezone="UTC"), assets=(raw & other))):
    EmptyOperator(task_id="c")
@asset(uri="s3://x", schedule="@daily")
def my_asset(context): ...
@asset(schedule=my_asset)
def downstream_asset(my_asset): ...
@asset.multi(schedule=None, outlets=[Asset("m1"), Asset("m2")])
def many(): ...
""",
        },
        "airflow": "3.3",
        "dags": {
            "ast": {"c": ""},
            "both": {"c": ""},
            "consumer": {"c": ""},
            "downstream_asset": {"downstream_asset": ""},
            "either": {"c": ""},
            "many": {"many": ""},
            "my_asset": {"my_asset": ""},
            "producer": {"p": "", "produce": ""},
        },
        "settings": {"producer:p:bash_command": "x"},
    },
    "dag_decorator_params_doc": {
        "files": {
            "dags/f.py": """
from airflow.sdk import dag, task, Param
from datetime import datetime, timedelta
@dag(
    "explicit_id", schedule="@daily", start_date=datetime(2024, 1, 1), catchup=True,
    default_args={"retries": 2}, params={"n": Param(3, type="integer")}, tags=["t"], max_active_tasks=3,
    dagrun_timeout=timedelta(hours=1))
def flow(limit: int = 10, name="x"):
    '''Doc of the flow.'''
    @task
    def go(l, n): ...
    go(limit, name)
the = flow()
other = flow(limit=99)
""",
        },
        "airflow": "3.3",
        "dags": {"explicit_id": {"go": ""}},
        "settings": {"explicit_id:go:retries": 2},
        "codes": ["PORT809"],
    },
    "taskflow_outside_dag": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@task
def one(): return 1
@task
def two(x): ...
def late():
    return one()
with DAG("tod", schedule=None) as dag:
    two(late())
PythonOperator(task_id="p", python_callable=print, dag=dag)
with dag:
    two.override(task_id="again")(one())
""",
        },
        "airflow": "3.3",
        "dags": {"tod": {"again": "", "one": "two", "one__1": "again", "p": "", "two": ""}},
    },
    "class_methods_as_tasks": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

class Job:
    def __init__(self, name): self.name = name
    def run(self): ...
    @staticmethod
    def st(): ...
    def task(self):
        return PythonOperator(task_id=self.name, python_callable=self.run)
@task
def plain(f): ...
def raw(x): return x
wrapped = task(raw)
configured = task(task_id="conf", retries=2)(raw)
with DAG("cmt", schedule=None):
    Job("j").task() >> PythonOperator(task_id="s", python_callable=Job.st) >> wrapped(1) >> configured(2)
    task(lambda: 1, task_id="lam")() if False else None
    @task
    def inner(): return plain.function
    inner()
""",
        },
        "airflow": "3.3",
        "dags": {"cmt": {"conf": "", "inner": "", "j": "s", "raw": "conf", "s": "raw"}},
        "settings": {"cmt:conf:retries": 2},
    },
    "xcomarg_args": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

with DAG("xa", schedule=None):
    a = BashOperator(task_id="a", bash_command="x")
    b = PythonOperator(task_id="b", python_callable=print, op_args=[a.output], op_kwargs={"y": a.output["k"]})
    c = BashOperator(task_id="c", bash_command="echo " + str(b.output))
    d = BashOperator(task_id="d", bash_command=f"echo {b.output}")
    e = BashOperator(task_id="e", bash_command="x", env={"A": b.output})
    f = PythonOperator(task_id="f", python_callable=print, op_args=[XComArg(e, key="z")])
    a.output >> EmptyOperator(task_id="g")
""",
        },
        "airflow": "3.3",
        "dags": {"xa": {"a": "b g", "b": "e", "c": "", "d": "", "e": "f", "f": "", "g": ""}},
        "settings": {
            "xa:a:bash_command": "x",
            "xa:c:bash_command": "echo {{ task_instance.xcom_pull(task_ids='b', dag_id='xa', "
            "key='return_value') }}",
            "xa:d:bash_command": "echo {{ task_instance.xcom_pull(task_ids='b', dag_id='xa', "
            "key='return_value') }}",
            "xa:e:bash_command": "x",
        },
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
