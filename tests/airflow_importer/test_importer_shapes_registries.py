"""Registries, mappings, scopes, callbacks and libraries that make DAGs, as real Airflow loads them."""

import pytest

SHAPES = {
    "helper_opens_the_dag": {
        "files": {
            "dags/f.py": """
# airflow dag
from makers import make
make('h1')
for n in 'ab':
    make('h_' + n)
""",
            "dags/makers.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

def make(n):
    with DAG(n, schedule=None):
        EmptyOperator(task_id="x")
def unused():
    with DAG("never", schedule=None):
        EmptyOperator(task_id="x")
""",
        },
        "airflow": "3.3",
        "dags": {"h1": {"x": ""}, "h_a": {"x": ""}, "h_b": {"x": ""}},
    },
    "registry_of_modules": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import importlib, pkgutil
from pathlib import Path
from reg import REGISTRY
for f in sorted((Path(__file__).parent / "parts").glob("p_*.py")):
    importlib.import_module(f"parts.{f.stem}")
for name, make in REGISTRY.items():
    with DAG(f"reg_{name}", schedule=None) as d:
        make()
""",
            "dags/reg.py": """
REGISTRY = {}
def register(name):
    def wrap(fn):
        REGISTRY[name] = fn
        return fn
    return wrap
""",
            "dags/parts/__init__.py": "",
            "dags/parts/p_one.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from reg import register
@register('one')
def one():
    return EmptyOperator(task_id='o')
""",
            "dags/parts/p_two.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from reg import register
@register('two')
def two():
    a = EmptyOperator(task_id='t1')
    a >> EmptyOperator(task_id='t2')
""",
        },
        "airflow": "3.3",
        "dags": {"reg_one": {"o": ""}, "reg_two": {"t1": "t2", "t2": ""}},
    },
    "module_setattr": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import sys
def mk(i):
    d = DAG(f"sm_{i}", schedule=None)
    EmptyOperator(task_id="t", dag=d)
    return d
for i in range(2):
    setattr(sys.modules[__name__], f"dag_{i}", mk(i))
globals().setdefault("dag_x", mk("x"))
globals()["dag_y"], other = mk("y"), mk("z")
sys.modules[__name__].__dict__["dag_w"] = mk("w")
""",
        },
        "airflow": "3.3",
        "dags": {
            "sm_0": {"t": ""},
            "sm_1": {"t": ""},
            "sm_w": {"t": ""},
            "sm_x": {"t": ""},
            "sm_y": {"t": ""},
            "sm_z": {"t": ""},
        },
    },
    "dag_factory_library": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from dagfactory import DagFactory, load_yaml_dags
load_yaml_dags(globals_dict=globals())
f = DagFactory("/x.yml")
f.clean_dags(globals())
f.generate_dags(globals())
""",
        },
        "dags": {},
        "codes": ["PORT809"],
    },
    "templated_config": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import yaml, jinja2, string, configparser, csv, os
from pathlib import Path
text = jinja2.Template((Path(__file__).parent / "c.yml").read_text()).render(env="x")
cfg = yaml.safe_load(text)
cp = configparser.ConfigParser()
cp.read(Path(__file__).parent / "c.ini")
with DAG("tc", schedule=None):
    for n in cfg["names"]: EmptyOperator(task_id=n)
    EmptyOperator(task_id=cp["a"]["b"])
    EmptyOperator(task_id=cp.get("a", "c", fallback="fb"))
    EmptyOperator(task_id=string.Template("t_$y").substitute(y=1))
    for row in csv.DictReader(open(Path(__file__).parent / "t.csv")):
        EmptyOperator(task_id=row["name"], retries=int(row["retries"]))
""",
            "dags/c.yml": """
names: [{{ env }}]
""",
            "dags/c.ini": """
[a]
b = bee
""",
            "dags/t.csv": """
name,retries
r1,2
r2,3
""",
        },
        "dags": {
            "tc": {
                "unknown_12": "",
                "unknown_13": "",
                "unknown_14": "",
                "unknown_15": "",
                "r1": "",
                "r2": "",
            }
        },
        "holes": ["tc:unknown_12", "tc:unknown_13", "tc:unknown_14", "tc:unknown_15"],
        "codes": ["PORT803"],
    },
    "merging_mappings": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from collections import ChainMap, OrderedDict, defaultdict, Counter, deque
from types import MappingProxyType, SimpleNamespace
from datetime import timedelta
base = {"owner": "b", "retries": 1}
merged = base | {"retries": 2}
cfg = {"minutes": 4}
ns = SimpleNamespace(name="ns", items=["i1"])
dd = defaultdict(list)
dd["k"].append("v")
od = OrderedDict([("x", 1)]); od["y"] = 2
cnt = Counter("aab")
dq = deque(["q1", "q2"]); dq.appendleft("q0")
with DAG("mm", schedule=None, default_args={**merged, "retry_delay": timedelta(**cfg)}):
    EmptyOperator(task_id=ns.name + ns.items[0])
    for k, v in dd.items(): EmptyOperator(task_id=k + v[0])
    for k in od: EmptyOperator(task_id=f"{k}{od[k]}")
    EmptyOperator(task_id=MappingProxyType({"m": "mp"})["m"])
""",
        },
        "airflow": "3.3",
        "dags": {"mm": {"kv": "", "mp": "", "nsi1": "", "x1": "", "y2": ""}},
        "settings": {
            "mm:kv:retries": 2,
            "mm:kv:owner": "b",
            "mm:mp:retries": 2,
            "mm:mp:owner": "b",
            "mm:nsi1:retries": 2,
            "mm:nsi1:owner": "b",
            "mm:x1:retries": 2,
            "mm:x1:owner": "b",
            "mm:y2:retries": 2,
            "mm:y2:owner": "b",
        },
    },
    "functional_edges": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from functools import reduce
import operator
from itertools import chain as ich, tee, starmap, accumulate, takewhile
from airflow.sdk import chain
with DAG("fe", schedule=None) as dag:
    ts = [EmptyOperator(task_id=f"t{i}") for i in range(4)]
    reduce(lambda a, b: a >> b, ts)
    us = [EmptyOperator(task_id=f"u{i}") for i in range(3)]
    reduce(operator.rshift, us)
    maybe = [ts[0], None, us[0]]
    chain(*filter(None, maybe))
    for p, n in zip(us[:-1], us[1:]): n.set_downstream(EmptyOperator(task_id="after_" + n.task_id))
    chain(*(EmptyOperator(task_id=f"g{i}") for i in range(2)), ts[3])
    dict(a=us[2])["a"] >> {"b": EmptyOperator(task_id="z")}["b"]
    us[0].__rshift__(EmptyOperator(task_id="explicit"))
""",
        },
        "airflow": "3.3",
        "dags": {
            "fe": {
                "after_u1": "",
                "after_u2": "",
                "explicit": "",
                "g0": "g1",
                "g1": "t3",
                "t0": "t1 u0",
                "t1": "t2",
                "t2": "t3",
                "t3": "",
                "u0": "explicit u1",
                "u1": "after_u1 u2",
                "u2": "after_u2 z",
                "z": "",
            }
        },
    },
    "methods_as_tasks": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

class Steps:
    @staticmethod
    @task
    def st(x): return x
    @classmethod
    def build(cls):
        return cls.st(1)
@task
async def later(): return 1
@task(task_id="renamed", trigger_rule="all_done")
def orig(): ...
with DAG("mt", schedule=None):
    Steps.build() >> later() >> orig()
    s = Steps()
    Steps.st("z")
""",
        },
        "airflow": "3.3",
        "dags": {"mt": {"later": "renamed", "renamed": "", "st": "later", "st__1": ""}},
        "settings": {"mt:renamed:trigger_rule": "all_done"},
    },
    "dag_from_kwargs": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from datetime import datetime
kw = dict(dag_id="fk", schedule="@daily", start_date=datetime(2024, 1, 1), catchup=False, tags=["a"])
dag: DAG = DAG(**kw)
x: BashOperator = BashOperator(task_id="x", bash_command="y", dag=dag, **{"retries": 2})
def configure(d, **extra):
    for k, v in extra.items():
        setattr(d, k, v)
    return d
configure(dag, max_active_runs=2, doc_md="hi")
configure(x, pool="pp")
with DAG("fk2", description="desc") as other: EmptyOperator(task_id="o")
dag2 = None
if dag2 is None:
    dag2 = DAG("fk3", schedule=None)
""",
        },
        "airflow": "3.3",
        "dags": {"fk": {"x": ""}, "fk2": {"o": ""}, "fk3": {}},
        "settings": {"fk:x:retries": 2, "fk:x:pool": "pp", "fk:x:bash_command": "y"},
    },
    "own_partial_and_sensors": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.sdk import BaseOperator, BaseSensorOperator, BaseHook, task
class Mine(BaseOperator):
    def __init__(self, *, a, b=2, **kwargs):
        super().__init__(**kwargs)
        self.a, self.b = a, b
class Poke(BaseSensorOperator):
    def __init__(self, path, **kw):
        kw.setdefault("poke_interval", 5)
        super(Poke, self).__init__(**kw)
        self.path = path
    def poke(self, context): return True
class Hook(BaseHook):
    def get(self): return ["x"]
class Explicit(BashOperator):
    def __init__(self, task_id, **kw):
        BashOperator.__init__(self, task_id=task_id + "_ex", bash_command="c", **kw)
class NoInit(BashOperator):
    ui_color = "red"
    retries_default = 4
with DAG("ops2", schedule=None):
    m = Mine.partial(task_id="m", b=3, retries=2).expand(a=[1, 2])
    p = Poke(task_id="p", path="/x", mode="reschedule", timeout=10)
    p >> m >> Explicit(task_id="e", pool="q") >> NoInit(task_id="n", bash_command="z")
""",
        },
        "airflow": "3.3",
        "dags": {"ops2": {"e_ex": "n", "m": "e_ex", "n": "", "p": "m"}},
        "settings": {
            "ops2:e_ex:pool": "q",
            "ops2:e_ex:bash_command": "c",
            "ops2:m:retries": 2,
            "ops2:n:bash_command": "z",
        },
    },
    "scopes_and_shadowing": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

x = "outer"
def f():
    x = "inner"
    return [x for x in "ab"] + [x]
class K:
    names = ["k1", "k2"]
    loud = [n.upper() for n in names]
    x = "cls"
    def get(self): return x
def shadow(list): return list[0]
def late(): return defined_later
defined_later = "later"
i = 9
squares = [i * i for i in range(3)]
for j in range(2): pass
try:
    raise ValueError("boom")
except ValueError as err:
    pass
def star(a, /, b, *, c=3, **d): return f"{a}{b}{c}{sorted(d)}"
with DAG("scope", schedule=None):
    for n in f() + K.loud + [K().get(), shadow(["s"]), late(), f"i{i}{j}", f"sq{squares[2]}"]:
        EmptyOperator(task_id=n)
    EmptyOperator(task_id=star(1, b=2, z=4).replace("['z']", "_z"))
    _ = EmptyOperator(task_id="under")
    EmptyOperator(task_id=(lambda x, *a, k=5: f"l{x}{len(a)}{k}")(1, 2, 3))
""",
        },
        "airflow": "3.3",
        "dags": {
            "scope": {
                "123_z": "",
                "K1": "",
                "K2": "",
                "a": "",
                "b": "",
                "i91": "",
                "inner": "",
                "l125": "",
                "later": "",
                "outer": "",
                "s": "",
                "sq4": "",
                "under": "",
            }
        },
    },
    "rebinding_dags": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

for i in range(3):
    dag = DAG(f"last_{i}", schedule=None)
    EmptyOperator(task_id="t", dag=dag)
with DAG("registered", schedule=None) as d2:
    EmptyOperator(task_id="t")
d2 = None
gone = DAG("gone", schedule=None)
del gone
holder = {"d": DAG("in_dict", schedule=None)}
tup = (DAG("in_tuple", schedule=None),)
class C: pass
C.dag = DAG("on_class", schedule=None)
""",
        },
        "airflow": "3.3",
        "dags": {"last_2": {"t": ""}, "registered": {"t": ""}},
    },
    "trigger_rules_and_enums": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.task.trigger_rule import TriggerRule as TR
from airflow.utils.trigger_rule import TriggerRule
RULES = {"a": TR.ALL_DONE, "b": "one_failed", "c": TriggerRule.NONE_SKIPPED}
with DAG("tr2", schedule=None, default_args={"trigger_rule": TR.ALL_FAILED}):
    for k, r in RULES.items(): EmptyOperator(task_id=k, trigger_rule=r)
    EmptyOperator(task_id="d")
    e = EmptyOperator(task_id="e")
    e.trigger_rule = TR.ALWAYS
    EmptyOperator(task_id="f", trigger_rule=TR("all_success"))
    EmptyOperator(task_id="g", trigger_rule=TR["ALWAYS"])
""",
        },
        "airflow": "3.3",
        "dags": {"tr2": {"a": "", "b": "", "c": "", "d": "", "e": "", "f": "", "g": ""}},
        "settings": {
            "tr2:a:trigger_rule": "all_done",
            "tr2:b:trigger_rule": "one_failed",
            "tr2:c:trigger_rule": "none_skipped",
            "tr2:d:trigger_rule": "all_failed",
            "tr2:e:trigger_rule": "always",
            "tr2:g:trigger_rule": "always",
        },
    },
    "nested_data_and_callbacks": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.sdk import Param, Variable
import json
def cb(ctx): ...
class Notify:
    def __init__(self, ch): self.ch = ch
    def __call__(self, ctx): ...
with DAG("ndc", schedule=None, on_failure_callback=cb, params={"n": Param(1, type="integer"), "s": "x", "l": [1, {"a": 2}]}, user_defined_macros={"f": cb, "k": 1}, default_args={"on_failure_callback": Notify("c"), "params": {"q": 1}}) as dag:
    BashOperator(task_id="b", bash_command="echo {{ params.n }} {{ var.value.get('x') }}", env={"A": "{{ ds }}", "N": str(len("abc"))}, append_env=True, on_success_callback=[cb, Notify("z")])
    EmptyOperator(task_id="t_" + json.loads('{"k": ["v"]}')["k"][0] + "_" + json.dumps({"b": 1}).replace('"', "").replace(" ", "").strip("{}").replace(":", "-"))
""",
        },
        "airflow": "3.3",
        "dags": {"ndc": {"b": "", "t_v_b-1": ""}},
        "settings": {"ndc:b:bash_command": "echo {{ params.n }} {{ var.value.get('x') }}"},
    },
    "early_exit_and_main": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import logging, warnings, sys
logging.basicConfig()
log = logging.getLogger(__name__)
warnings.filterwarnings("ignore")
log.info("x %s", 1)
def build(kind):
    if kind == "skip":
        log.warning("skip")
        return
    for i in range(3):
        if i == 1: continue
        if i > 1: break
        yield f"{kind}{i}"
try:
    import nonexistent_optional_module_zz
    HAVE = True
except ImportError:
    HAVE = False
with DAG("eem", schedule=None) as dag:
    for k in ("a", "skip", "b"):
        for t in build(k) or (): EmptyOperator(task_id=t)
if __name__ == "__main__":
    dag.test()
    sys.exit(1)
""",
        },
        "airflow": "3.3",
        "dags": {"eem": {"a0": "", "b0": ""}},
        "codes": ["PORT802"],
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
