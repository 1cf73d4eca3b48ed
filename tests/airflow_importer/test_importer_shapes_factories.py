"""DAG factories of every kind, as real Airflow loads them."""

import pytest

SHAPES = {
    "globals_loop": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

def create_dag(dag_id, schedule, n):
    dag = DAG(dag_id, schedule=schedule, tags=["gen", str(n)])
    with dag:
        BashOperator(task_id="hello", bash_command="echo " + str(n))
    return dag
for n in range(1, 4):
    dag_id = "loop_{}".format(n)
    globals()[dag_id] = create_dag(dag_id, "@daily", n)
""",
        },
        "airflow": "3.3",
        "dags": {"loop_1": {"hello": ""}, "loop_2": {"hello": ""}, "loop_3": {"hello": ""}},
        "settings": {
            "loop_1:hello:bash_command": "echo 1",
            "loop_2:hello:bash_command": "echo 2",
            "loop_3:hello:bash_command": "echo 3",
        },
    },
    "globals_update_and_locals": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

def make(i):
    with DAG(f"gu_{i}", schedule=None) as d:
        EmptyOperator(task_id="t")
    return d
globals().update({f"d{i}": make(i) for i in "ab"})
vars()["zz"] = make("v")
locals()["yy"] = make("l")
""",
        },
        "airflow": "3.3",
        "dags": {"gu_a": {"t": ""}, "gu_b": {"t": ""}, "gu_l": {"t": ""}, "gu_v": {"t": ""}},
    },
    "builder_class": {
        "files": {
            "dags/f.py": """
from builderlib import DagBuilder
dag = DagBuilder("built").with_schedule("0 3 * * *").add("a").add("b", after=["a"]).add("c", after=["a", "b"]).build()
""",
            "dags/builderlib.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

class DagBuilder:
    def __init__(self, dag_id):
        self._id = dag_id
        self._steps = {}
        self._schedule = None
    def with_schedule(self, s):
        self._schedule = s
        return self
    def add(self, name, after=None):
        self._steps[name] = list(after or [])
        return self
    def build(self):
        dag = DAG(self._id, schedule=self._schedule)
        made = {}
        for name, after in self._steps.items():
            made[name] = EmptyOperator(task_id=name, dag=dag)
            for a in after:
                made[a] >> made[name]
        return dag
""",
        },
        "airflow": "3.3",
        "dags": {},
    },
    "yaml_driven": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import yaml, json
from pathlib import Path
HERE = Path(__file__).parent
cfg = yaml.safe_load(open(HERE / "conf" / "pipelines.yml"))
extra = json.loads((HERE / "conf/extra.json").read_text())
for name, spec in cfg["pipelines"].items():
    with DAG(dag_id=name, schedule=spec.get("schedule"), default_args={**cfg["defaults"], **spec.get("args", {})}) as dag:
        tasks = {}
        for t in spec["tasks"]:
            tasks[t["id"]] = BashOperator(task_id=t["id"], bash_command=t["command"], **extra.get(t["id"], {}))
        for t in spec["tasks"]:
            for d in t.get("depends_on", []):
                tasks[d] >> tasks[t["id"]]
    globals()[name] = dag
""",
            "dags/conf/pipelines.yml": """
defaults: {owner: data, retries: 2}
pipelines:
  y_one:
    schedule: "@daily"
    tasks:
      - {id: a, command: "echo a"}
      - {id: b, command: "echo b", depends_on: [a]}
  y_two:
    args: {retries: 5}
    tasks: [{id: only, command: x}]
""",
            "dags/conf/extra.json": """
{"b": {"pool": "slow"}}
""",
        },
        "airflow": "3.3",
        "dags": {"y_one": {"a": "b", "b": ""}, "y_two": {"only": ""}},
        "settings": {
            "y_one:a:retries": 2,
            "y_one:a:owner": "data",
            "y_one:a:bash_command": "echo a",
            "y_one:b:retries": 2,
            "y_one:b:pool": "slow",
            "y_one:b:owner": "data",
            "y_one:b:bash_command": "echo b",
            "y_two:only:retries": 5,
            "y_two:only:owner": "data",
            "y_two:only:bash_command": "x",
        },
    },
    "yaml_glob": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import os, glob, yaml
for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "specs", "*.yaml"))):
    with open(path) as fh:
        spec = yaml.load(fh, Loader=yaml.SafeLoader)
    name = os.path.splitext(os.path.basename(path))[0]
    dag = DAG(f"g_{name}", schedule=None)
    for s in spec:
        EmptyOperator(task_id=s, dag=dag)
    globals()[dag.dag_id] = dag
""",
            "dags/specs/x.yaml": """
[a, b]
""",
            "dags/specs/y.yaml": """
[c]
""",
        },
        "airflow": "3.3",
        "dags": {"g_x": {"a": "", "b": ""}, "g_y": {"c": ""}},
    },
    "pathlib_iter": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import json
from pathlib import Path
for p in sorted(Path(__file__).resolve().parent.joinpath("cfg").glob("*.json")):
    c = json.load(p.open())
    with DAG(p.stem + "_dag", schedule=c["schedule"]):
        prev = None
        for s in c["steps"]:
            cur = EmptyOperator(task_id=s)
            if prev is not None:
                prev >> cur
            prev = cur
""",
            "dags/cfg/one.json": """
{"schedule": null, "steps": ["a", "b", "c"]}
""",
            "dags/cfg/two.json": """
{"schedule": "@once", "steps": ["z"]}
""",
        },
        "airflow": "3.3",
        "dags": {"one_dag": {"a": "b", "b": "c", "c": ""}, "two_dag": {"z": ""}},
    },
    "dict_of_configs_dataclasses": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from dataclasses import dataclass, field, replace, asdict
from enum import Enum
from typing import NamedTuple, Optional
class Tier(Enum):
    GOLD = "gold"
    SILVER = "silver"
class Step(NamedTuple):
    name: str
    retries: int = 1
@dataclass(frozen=True)
class Conf:
    name: str
    tier: Tier = Tier.SILVER
    steps: list[Step] = field(default_factory=list)
    owner: Optional[str] = None
    @property
    def dag_id(self):
        return f"{self.tier.value}.{self.name}"
base = Conf("base", steps=[Step("one"), Step("two", retries=9)])
CONFIGS = {c.name: c for c in (base, replace(base, name="gold", tier=Tier.GOLD))}
for key, conf in CONFIGS.items():
    with DAG(conf.dag_id, schedule=None, default_args={"owner": conf.owner or "nobody"}):
        ops = [BashOperator(task_id=s.name, bash_command="x", retries=s.retries) for s in conf.steps]
        for a, b in zip(ops, ops[1:]):
            a >> b
""",
        },
        "airflow": "3.3",
        "dags": {"gold.gold": {"one": "two", "two": ""}, "silver.base": {"one": "two", "two": ""}},
        "settings": {
            "gold.gold:one:retries": 1,
            "gold.gold:one:owner": "nobody",
            "gold.gold:one:bash_command": "x",
            "gold.gold:two:retries": 9,
            "gold.gold:two:owner": "nobody",
            "gold.gold:two:bash_command": "x",
            "silver.base:one:retries": 1,
            "silver.base:one:owner": "nobody",
            "silver.base:one:bash_command": "x",
            "silver.base:two:retries": 9,
            "silver.base:two:owner": "nobody",
            "silver.base:two:bash_command": "x",
        },
    },
    "generators_and_partial": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from functools import partial
from itertools import chain as ichain, islice, count
cmd = partial(BashOperator, retries=3, bash_command="echo")
mk = partial(DAG, schedule=None, catchup=False)
def names():
    for i in range(3):
        if i == 1:
            continue
        yield f"n{i}"
    yield from ("x", "y")
def numbered():
    for i in count():
        if i > 1: return
        yield i
with mk("gen") as dag:
    for n in names():
        cmd(task_id=n)
    for i, n in enumerate(islice(names(), 2), start=5):
        cmd(task_id=f"{n}_{i}", bash_command=f"echo {i:03d}")
""",
        },
        "airflow": "3.3",
        "dags": {"gen": {"n0": "", "n0_5": "", "n2": "", "n2_6": "", "x": "", "y": ""}},
        "settings": {
            "gen:n0:retries": 3,
            "gen:n0:bash_command": "echo",
            "gen:n0_5:retries": 3,
            "gen:n0_5:bash_command": "echo 005",
            "gen:n2:retries": 3,
            "gen:n2:bash_command": "echo",
            "gen:n2_6:retries": 3,
            "gen:n2_6:bash_command": "echo 006",
            "gen:x:retries": 3,
            "gen:x:bash_command": "echo",
            "gen:y:retries": 3,
            "gen:y:bash_command": "echo",
        },
    },
    "decorator_factory": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import functools
REGISTRY = []
def pipeline(dag_id, **dag_args):
    def wrap(fn):
        @functools.wraps(fn)
        def inner(*a, **k):
            with DAG(dag_id, **dag_args) as d:
                fn(*a, **k)
            return d
        REGISTRY.append(fn.__name__)
        return inner
    return wrap
@pipeline("deco", schedule="@weekly")
def my_flow(n):
    for i in range(n):
        EmptyOperator(task_id=f"t{i}")
d = my_flow(2)
with DAG("reg_" + "_".join(REGISTRY), schedule=None):
    EmptyOperator(task_id="x")
""",
        },
        "airflow": "3.3",
        "dags": {"deco": {"t0": "", "t1": ""}, "reg_my_flow": {"x": ""}},
    },
    "dag_decorator_with_params": {
        "files": {
            "dags/f.py": """
from airflow.sdk import dag, task
@task
def hello(who): return who
def make(dag_id, tables):
    @dag(dag_id=dag_id, schedule=None, params={"a": 1})
    def flow(who: str = "me", n=3):
        prev = None
        for t in tables:
            cur = hello.override(task_id=f"do_{t}")(who)
            if prev is not None:
                prev >> cur
            prev = cur
    return flow()
made = [make("dd1", ["a", "b"]), make("dd2", ["c"])]
first = made[0]
@dag
def bare():
    hello("x")
bare()
""",
        },
        "airflow": "3.3",
        "dags": {"bare": {"hello": ""}, "dd1": {"do_a": "do_b", "do_b": ""}, "dd2": {"do_c": ""}},
    },
    "match_walrus": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

SPECS = [{"kind": "bash", "name": "b1"}, {"kind": "empty", "name": "e1"}, ("raw", 2), "lone", 7, None, ["l", "m", "n"]]
with DAG("mw", schedule=None):
    for s in SPECS:
        match s:
            case {"kind": "bash", "name": name}:
                BashOperator(task_id=name, bash_command="x")
            case {"kind": "empty", **rest}:
                EmptyOperator(task_id=rest["name"])
            case (str() as a, int(n)) if n > 1:
                EmptyOperator(task_id=f"{a}_{n}")
            case str(x):
                EmptyOperator(task_id=x)
            case int() | float():
                EmptyOperator(task_id=f"num{s}")
            case [first, *others]:
                EmptyOperator(task_id=first + str(len(others)))
            case None:
                EmptyOperator(task_id="none")
            case _:
                EmptyOperator(task_id="never")
    if (n := len(SPECS)) > 3:
        EmptyOperator(task_id=f"many_{n}")
    while (n := n - 1) > 5:
        EmptyOperator(task_id=f"down_{n}")
""",
        },
        "airflow": "3.3",
        "dags": {
            "mw": {
                "b1": "",
                "down_6": "",
                "e1": "",
                "l2": "",
                "lone": "",
                "many_7": "",
                "none": "",
                "num7": "",
                "raw_2": "",
            }
        },
        "settings": {"mw:b1:bash_command": "x"},
    },
    "text_methods": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import re, string, textwrap
raw = "  Sales Report-2024.CSV "
a = raw.strip().lower().replace(" ", "_").rsplit(".", 1)[0]
b = "{0}-{name!s:>5}".format("x", name="y").replace(" ", ".")
c = f"{3.14159:.2f}-{255:#06x}-{1234567:_}-{'q':-^5}"
d = "%s_%03d_%(k)s" if False else "%s_%03d" % ("p", 7)
e = re.sub(r"[^a-z0-9]+", "_", "Weird  Name!!")
f = "-".join(w.capitalize() for w in "one two".split())
g = "a,b;c".translate(str.maketrans(",;", ".."))
h = str(len("abc")).zfill(4) + "x".center(3, "z") + "ABC"[::-1].title() + "a\\tb".expandtabs(2).replace(" ", "")
m = re.match(r"(\\w+)_v(\\d+)", "model_v12")
k = f"{m.group(1)}{int(m.group(2)) + 1}" if m else "none"
with DAG("text", schedule=None):
    for x in (a, b, c, d, e, f, g, h, k):
        EmptyOperator(task_id=x)
""",
        },
        "airflow": "3.3",
        "dags": {
            "text": {
                "0003zxzCbaab": "",
                "3.14-0x00ff-1_234_567---q--": "",
                "One-Two": "",
                "_eird_ame_": "",
                "a.b.c": "",
                "model13": "",
                "p_007": "",
                "sales_report-2024": "",
                "x-....y": "",
            }
        },
    },
    "mutated_default_args": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from datetime import datetime, timedelta
import copy
default_args = {"owner": "a", "retries": 1}
default_args["retries"] = 2
default_args.update({"retry_delay": timedelta(minutes=7)}, email="x@y.z")
with DAG("md1", default_args=default_args, schedule=None):
    EmptyOperator(task_id="before")
    default_args["retries"] = 99
    EmptyOperator(task_id="after")
other = copy.deepcopy(default_args)
other |= {"owner": "b"}
del other["email"]
other.setdefault("pool", "p")
other.pop("retry_delay")
d = DAG("md2", default_args=other, schedule=None)
d.default_args["queue"] = "q"
EmptyOperator(task_id="x", dag=d)
""",
        },
        "airflow": "3.3",
        "dags": {"md1": {"after": "", "before": ""}, "md2": {"x": ""}},
        "settings": {
            "md1:after:retries": 2,
            "md1:after:owner": "a",
            "md1:before:retries": 2,
            "md1:before:owner": "a",
            "md2:x:retries": 99,
            "md2:x:pool": "p",
            "md2:x:queue": "q",
            "md2:x:owner": "b",
        },
    },
    "changes_after_construction": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from datetime import timedelta
with DAG("chg", schedule=None) as dag:
    a = BashOperator(task_id="a", bash_command="x")
    b = EmptyOperator(task_id="b")
a.retries = 3
a.retry_delay = timedelta(seconds=5)
b.trigger_rule = "one_success"
a.bash_command = "y"
dag.doc_md = "Hello"
dag.tags = {"x"}
dag.max_active_runs = 4
for t in dag.tasks:
    t.pool = "all"
setattr(b, "queue", "special")
a >> b
""",
        },
        "airflow": "3.3",
        "dags": {"chg": {"a": "b", "b": ""}},
        "settings": {
            "chg:a:retries": 3,
            "chg:a:pool": "all",
            "chg:a:bash_command": "y",
            "chg:b:pool": "all",
            "chg:b:queue": "special",
            "chg:b:trigger_rule": "one_success",
        },
    },
    "doc_attributes": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

'''The doc of the module.'''
with DAG("docs", schedule=None, doc_md=__doc__) as dag:
    a = EmptyOperator(task_id="a")
    a.doc_md = '''# Title'''
    a.doc = "plain"
""",
        },
        "airflow": "3.3",
        "dags": {"docs": {"a": ""}},
    },
    "dags_in_containers": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

def mk(i):
    with DAG(f"c{i}", schedule=None) as d:
        EmptyOperator(task_id="x")
    return d
class Holder:
    dag = DAG("held", schedule=None)
hidden = [DAG("in_list", schedule=None)]
def local():
    DAG("in_function", schedule=None)
local()
lst = [mk(0), mk(1)]
x, y = mk(2), mk(3)
""",
        },
        "airflow": "3.3",
        "dags": {"c0": {"x": ""}, "c1": {"x": ""}, "c2": {"x": ""}, "c3": {"x": ""}},
    },
    "zip_and_comprehension_arrows": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from itertools import pairwise, product
with DAG("zc", schedule=None):
    xs = [EmptyOperator(task_id=f"x{i}") for i in range(3)]
    ys = [EmptyOperator(task_id=f"y{i}") for i in range(3)]
    [x >> y for x, y in zip(xs, ys)]
    for p, q in pairwise(xs):
        p >> q
    for a, b in product(xs[:1], ys[1:]):
        a >> b
    by = {t.task_id: t for t in xs + ys}
    by["y0"] >> by["y2"]
    last = EmptyOperator(task_id="last")
    last << list(by.values())[:2]
    first, *rest = ys
    rest >> last
""",
        },
        "airflow": "3.3",
        "dags": {
            "zc": {
                "last": "",
                "x0": "last x1 y0 y1 y2",
                "x1": "last x2 y1",
                "x2": "y2",
                "y0": "y2",
                "y1": "last",
                "y2": "last",
            }
        },
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
