"""Python that files are written in: contexts, iterators, classes, enums; as real Airflow loads them."""

import pytest

SHAPES = {
    "own_contexts": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from contextlib import contextmanager, ExitStack
from airflow.sdk import TaskGroup
class Flow:
    def __init__(self, name):
        self.dag = DAG(name, schedule=None)
    def __enter__(self):
        self.dag.__enter__()
        return self
    def __exit__(self, *a):
        self.dag.__exit__(*a)
    def step(self, n):
        return EmptyOperator(task_id=n)
with Flow("ctx") as f:
    f.step("a") >> f.step("b")
@contextmanager
def grouped(name):
    with TaskGroup(name) as g:
        start = EmptyOperator(task_id="start")
        yield g
        EmptyOperator(task_id="end")
with DAG("cm2", schedule=None), grouped("g") as g:
    EmptyOperator(task_id="mid")
with ExitStack() as st:
    d = st.enter_context(DAG("stack", schedule=None))
    EmptyOperator(task_id="in_stack")
dag3 = f.dag
""",
        },
        "airflow": "3.3",
        "dags": {
            "cm2": {"g.end": "", "g.mid": "", "g.start": ""},
            "ctx": {"a": "b", "b": ""},
            "stack": {"in_stack": ""},
        },
    },
    "unread_context": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company.flows import flow_context, tracing
with flow_context("x") as dag:
    EmptyOperator(task_id="lost")
with DAG("known", schedule=None):
    with tracing("x"):
        EmptyOperator(task_id="traced")
""",
        },
        "dags": {"known": {"traced": ""}},
        "holes": ["known", "known:traced"],
        "codes": ["PORT803", "PORT804"],
    },
    "enum_compare": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import os
from enum import Enum, StrEnum, IntEnum, auto
class Env(str, Enum):
    PROD = "prod"
    DEV = "dev"
class Lvl(IntEnum):
    LOW = 1
    HIGH = 2
class Kind(StrEnum):
    A = auto()
    B = "bee"
class Plain(Enum):
    X = "x"
    Y = "y"
env = Env(os.environ["ENV"])
with DAG("enumc", schedule=None):
    if env == Env.PROD: EmptyOperator(task_id="is_prod")
    if env == "prod": EmptyOperator(task_id="eq_text")
    if os.environ["ENV"] in [Env.PROD, Env.DEV]: EmptyOperator(task_id="in_list")
    if os.environ["ENV"] == Env.DEV: EmptyOperator(task_id="never")
    if Lvl.HIGH > Lvl.LOW and Lvl.LOW == 1: EmptyOperator(task_id="lvl")
    EmptyOperator(task_id=Kind.B)
    EmptyOperator(task_id=f"k_{Kind.B}_{Env.PROD.value}_{Plain.X.name}")
    EmptyOperator(task_id=str(Kind.B) + "_s")
    if Plain("x") is Plain.X and Plain.X != "x": EmptyOperator(task_id="plain")
    for p in Plain: EmptyOperator(task_id="p_" + p.value)
    EmptyOperator(task_id=Plain["Y"].value + "_sub")
    EmptyOperator(task_id={"prod": "dict_ok"}[env])
    EmptyOperator(task_id=[*Env][1].name)
""",
        },
        "env": {"ENV": "prod"},
        "airflow": "3.3",
        "dags": {
            "enumc": {
                "DEV": "",
                "bee": "",
                "bee_s": "",
                "dict_ok": "",
                "eq_text": "",
                "in_list": "",
                "is_prod": "",
                "k_bee_prod_X": "",
                "lvl": "",
                "p_x": "",
                "p_y": "",
                "plain": "",
                "y_sub": "",
            }
        },
    },
    "iterators": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import itertools
ids = itertools.count(1)
names = iter(["n1", "n2"])
cyc = itertools.cycle(["p", "q"])
gen = (f"g{i}" for i in range(3))
with DAG("iters", schedule=None):
    EmptyOperator(task_id=f"c{next(ids)}")
    EmptyOperator(task_id=f"c{next(ids)}")
    EmptyOperator(task_id=next(names))
    EmptyOperator(task_id=next(names))
    EmptyOperator(task_id=next(names, "dflt"))
    for n, p in zip("abc", cyc): EmptyOperator(task_id=n + p)
    EmptyOperator(task_id=next(gen))
    for g in gen: EmptyOperator(task_id=g)
    for g in gen: EmptyOperator(task_id="never")
    for k, grp in itertools.groupby(["a1", "a2", "b1"], key=lambda s: s[0]):
        EmptyOperator(task_id=k + "_" + "_".join(grp))
    for a, b in itertools.combinations("xyz", 2): EmptyOperator(task_id=a + b)
    EmptyOperator(task_id=dict.fromkeys(["f1"]).popitem()[0])
    for n in sorted({"s2", "s1"}): EmptyOperator(task_id=n)
    list(map(lambda s: EmptyOperator(task_id=s), map(str.upper, ["u"])))
    for x in reversed(["r1"]): EmptyOperator(task_id=x)
    first, (second, *third) = "w", ("v", "k", "l")
    EmptyOperator(task_id=first + second + "".join(third))
""",
        },
        "airflow": "3.3",
        "dags": {
            "iters": {
                "U": "",
                "a_a1_a2": "",
                "ap": "",
                "b_b1": "",
                "bq": "",
                "c1": "",
                "c2": "",
                "cp": "",
                "dflt": "",
                "f1": "",
                "g0": "",
                "g1": "",
                "g2": "",
                "n1": "",
                "n2": "",
                "r1": "",
                "s1": "",
                "s2": "",
                "wvkl": "",
                "xy": "",
                "xz": "",
                "yz": "",
            }
        },
    },
    "recursion_and_closures": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

TREE = {"root": ["l", "r"], "l": ["ll"], "r": [], "ll": []}
def make(dag, node, made={}):
    t = EmptyOperator(task_id=node, dag=dag)
    made[node] = t
    for child in TREE[node]:
        t >> make(dag, child)
    return t
def counter():
    n = 0
    def inc():
        nonlocal n
        n += 1
        return n
    return inc
c = counter()
total = 0
def add(x):
    global total
    total += x
add(2); add(3)
with DAG("rec", schedule=None) as dag:
    make(dag, "root")
    EmptyOperator(task_id=f"n{c()}{c()}_{total}")
    fs = [lambda i=i: EmptyOperator(task_id=f"lam{i}") for i in range(2)]
    [f() for f in fs]
    late = [lambda: i for i in range(3)]
    EmptyOperator(task_id=f"late{late[0]()}")
""",
        },
        "airflow": "3.3",
        "dags": {
            "rec": {
                "l": "ll",
                "lam0": "",
                "lam1": "",
                "late2": "",
                "ll": "",
                "n12_5": "",
                "r": "",
                "root": "l r",
            }
        },
    },
    "kwargs_flow": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from datetime import timedelta
BASE = dict(retries=2, pool="a")
def op(task_id, *args, cls=BashOperator, bash_command="x", **kw):
    return cls(task_id=task_id, bash_command=bash_command, **{**BASE, **kw})
def defaults(**over):
    args = {"owner": "x", "retries": 0}
    args.update(over)
    return args
with DAG("kw", schedule=None, default_args=defaults(retries=9, queue="q")) as dag:
    op("a", pool="b")
    op(*["c"], **{"bash_command": "y"})
    EmptyOperator(task_id="d", **{k: v for k, v in BASE.items() if k != "pool"})
    BashOperator(task_id="e", bash_command="z", default_args={"retries": 4, "queue": "own"})
    BashOperator(task_id="f", bash_command="z", execution_timeout=timedelta(hours=1))
""",
        },
        "airflow": "3.3",
        "dags": {"kw": {"a": "", "c": "", "d": "", "e": "", "f": ""}},
        "settings": {
            "kw:a:retries": 2,
            "kw:a:pool": "b",
            "kw:a:queue": "q",
            "kw:a:owner": "x",
            "kw:a:bash_command": "x",
            "kw:c:retries": 2,
            "kw:c:pool": "a",
            "kw:c:queue": "q",
            "kw:c:owner": "x",
            "kw:c:bash_command": "y",
            "kw:d:retries": 2,
            "kw:d:queue": "q",
            "kw:d:owner": "x",
            "kw:e:retries": 4,
            "kw:e:queue": "own",
            "kw:e:owner": "x",
            "kw:e:bash_command": "z",
            "kw:f:retries": 9,
            "kw:f:queue": "q",
            "kw:f:owner": "x",
            "kw:f:bash_command": "z",
        },
    },
    "try_finally_else_loops": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

log = []
for i in range(5):
    if i == 3: break
    log.append(i)
else:
    log.append("else")
for i in range(2):
    pass
else:
    log.append("done")
try:
    x = {}["nope"]
except KeyError as e:
    log.append("caught")
else:
    log.append("never")
finally:
    log.append("fin")
try:
    int("zz")
except (TypeError, ValueError):
    log.append("ve")
class MyErr(Exception): pass
def risky(n):
    if n > 1: raise MyErr("x")
    return n
for n in (1, 2):
    try:
        log.append(f"ok{risky(n)}")
    except MyErr:
        log.append("my")
assert len(log) > 3
del log[0]
with DAG("tfe", schedule=None):
    for i, l in enumerate(log): EmptyOperator(task_id=f"t{i}_{l}")
""",
        },
        "airflow": "3.3",
        "dags": {
            "tfe": {
                "t0_1": "",
                "t1_2": "",
                "t2_done": "",
                "t3_caught": "",
                "t4_fin": "",
                "t5_ve": "",
                "t6_ok1": "",
                "t7_my": "",
            }
        },
    },
    "dunder_methods": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

class Step:
    def __init__(self, n): self.op = EmptyOperator(task_id=n)
    def __rshift__(self, other):
        self.op >> other.op
        return other
    def __call__(self, n): return EmptyOperator(task_id=n)
class Names:
    def __init__(self, *n): self._n = n
    def __iter__(self): return iter(self._n)
    def __len__(self): return len(self._n)
    def __contains__(self, x): return x in self._n
    def __getitem__(self, i): return self._n[i]
    def __str__(self): return "-".join(self._n)
    def __add__(self, o): return Names(*self._n, *o._n)
    def __bool__(self): return False
with DAG("dun", schedule=None):
    a, b = Step("a"), Step("b")
    a >> b
    a("called")
    ns = Names("x", "y") + Names("z")
    for n in ns: EmptyOperator(task_id=n)
    EmptyOperator(task_id=f"len{len(ns)}")
    EmptyOperator(task_id=str(ns))
    EmptyOperator(task_id=f"f_{ns}")
    if "x" in ns: EmptyOperator(task_id="has_x")
    if not ns: EmptyOperator(task_id="falsy")
    EmptyOperator(task_id=ns[0] + "_item")
""",
        },
        "airflow": "3.3",
        "dags": {
            "dun": {
                "a": "b",
                "b": "",
                "called": "",
                "f_x-y-z": "",
                "falsy": "",
                "has_x": "",
                "len3": "",
                "x": "",
                "x-y-z": "",
                "x_item": "",
                "y": "",
                "z": "",
            }
        },
    },
    "class_state": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

class Registry:
    items = []
    _inst = None
    count = 0
    @classmethod
    def register(cls, n):
        cls.items.append(n)
        cls.count += 1
        return cls
    def __new__(cls, *a, **k):
        if cls._inst is None:
            cls._inst = super().__new__(cls)
        return cls._inst
Registry.register("a").register("b")
class Sub(Registry):
    extra = "e"
Sub.items.append("c")
r = Registry()
r.flag = "set"
with DAG(f"st{Registry.count}", schedule=None):
    for i in Registry.items: EmptyOperator(task_id=i)
    EmptyOperator(task_id=getattr(Sub, "extra"))
    EmptyOperator(task_id=getattr(Sub, "nope", "fallback"))
    EmptyOperator(task_id=Registry().flag)
    if hasattr(r, "flag") and not hasattr(r, "zzz"): EmptyOperator(task_id="has")
    EmptyOperator(task_id=Sub.__name__ + "_" + Sub.__bases__[0].__name__)
""",
        },
        "airflow": "3.3",
        "dags": {
            "st2": {
                "Sub_Registry": "",
                "a": "",
                "b": "",
                "c": "",
                "e": "",
                "fallback": "",
                "has": "",
                "set": "",
            }
        },
    },
    "properties_setters": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from functools import cached_property
class C:
    __slots__ = ()
    def __init__(self): self._n = "one"
    @property
    def n(self): return self._n
    @n.setter
    def n(self, v): self._n = v + "_set"
    @cached_property
    def c(self): return self._n + "_c"
x = C.__new__(C) if False else type("D", (), {"v": "dyn"})()
class P:
    def __init__(self): self._n = "one"
    @property
    def n(self): return self._n
    @n.setter
    def n(self, v): self._n = v + "_set"
p = P()
with DAG("props", schedule=None):
    EmptyOperator(task_id=p.n)
    p.n = "two"
    EmptyOperator(task_id=p.n)
    EmptyOperator(task_id=x.v)
""",
        },
        "airflow": "3.3",
        "dags": {"props": {"dyn": "", "one": "", "two_set": ""}},
    },
    "abstract_builders": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar, Protocol
T = TypeVar("T")
class Pipeline(ABC):
    schedule: ClassVar[str] = "@daily"
    def __init__(self, name): self.name = name
    @property
    @abstractmethod
    def steps(self) -> list[str]: ...
    def build(self) -> DAG:
        with DAG(self.name, schedule=self.schedule) as dag:
            prev = None
            for s in self.steps:
                t = self.make(s)
                if prev: prev >> t
                prev = t
        return dag
    def make(self, s): return EmptyOperator(task_id=s)
class A(Pipeline):
    steps = ["a1", "a2"]
class B(Pipeline, Generic[T]):
    schedule = "@weekly"
    @property
    def steps(self): return [*("b1", "b2"), *super().schedule[:1]] if False else ["b1"]
    def make(self, s):
        t = super().make(s)
        t.retries = 7
        return t
for cls in Pipeline.__subclasses__():
    d = cls(cls.__name__.lower() + "_pipe").build()
    globals()[d.dag_id] = d
""",
        },
        "airflow": "3.3",
        "dags": {"a_pipe": {"a1": "a2", "a2": ""}, "b_pipe": {"b1": ""}},
        "settings": {"b_pipe:b1:retries": 7},
    },
    "string_ids_and_numbers": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("nums", schedule=None):
    for x in (1, 2.5, True, None, (1, 2)):
        EmptyOperator(task_id=f"v_{x!s}".replace(" ", "").replace("(", "_").replace(")", "_").replace(",", "_"))
    EmptyOperator(task_id="a" "b" 'c')
    EmptyOperator(task_id=f"{'x' * 3}_{10 // 3}_{10 % 3}_{2 ** 5}_{-7 // 2}_{7 / 2}_{round(2.567, 1)}_{abs(-3)}")
    EmptyOperator(task_id="%s-%d-%05.1f" % ("s", 3, 2.25))
    EmptyOperator(task_id="{:>4}|{:<3}|{:^5}|{:,}".format(1, 2, 3, 1234567).replace("|", "_").replace(" ", ".").replace(",", "-"))
    EmptyOperator(task_id=str(divmod(7, 3)[1]) + hex(255) + bin(5) + oct(8) + chr(97) + str(ord("a")))
    EmptyOperator(task_id="_".join(sorted(["b", "a"], reverse=True)) + str(max([3, 1])) + str(min(4, 2)) + str(sum([1, 2])))
    EmptyOperator(task_id="abcdef"[1:-1:2] + "x.y.z".split(".")[-1] + "q".join("ab"))
    EmptyOperator(task_id=str(bool([])) + str(any([0, 1])) + str(all([])) + str(1 < 2 < 3) + str(not 1))
    EmptyOperator(task_id=str(1_000) + str(0x10) + str(1e3) + "é".encode("ascii", "replace").decode().replace("?", "E"))
    EmptyOperator(task_id=str(3 & 1 | 4 ^ 1) + str(~5).replace("-", "m") + str(1 << 3))
""",
        },
        "airflow": "3.3",
        "dags": {
            "nums": {
                "...1_2.._..3.._1-234-567": "",
                "1000161000.0E": "",
                "10xff0b1010o10a97": "",
                "5m68": "",
                "FalseTrueTrueTrueFalse": "",
                "abc": "",
                "b_a323": "",
                "bdzaqb": "",
                "s-3-002.2": "",
                "v_1": "",
                "v_2.5": "",
                "v_None": "",
                "v_True": "",
                "v__1_2_": "",
                "xxx_3_1_32_-4_3.5_2.6_3": "",
            }
        },
    },
    "task_collections_ops": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

with DAG("tco", schedule=None) as dag:
    ts = [EmptyOperator(task_id=f"t{i}") for i in range(4)]
    ts[0] >> ts[1:3] >> ts[3]
    dag.get_task("t3") >> EmptyOperator(task_id="x")
    for t in dag.tasks: t.retries = 2
    d = {t.task_id: t for t in ts}
    d["t0"].set_downstream(d["t3"])
    print(ts[0].downstream_task_ids)
    if ts[0].downstream_list: EmptyOperator(task_id="had")
    for r in dag.roots: r.pool = "root"
    for l in dag.leaves: l.pool = "leaf"
    if "t0" in dag.task_dict and dag.has_task("t1"): EmptyOperator(task_id="yes")
    EmptyOperator(task_id="len%d" % len(dag.tasks))
    with TaskGroup("g") as g:
        a = EmptyOperator(task_id="a")
        EmptyOperator(task_id="b") << a
    g.get_child_by_label("a") >> EmptyOperator(task_id="after_a")
    EmptyOperator(task_id=g.group_id + "_" + a.task_id.replace(".", "-") + "_" + a.label)
    list(g)
""",
        },
        "airflow": "3.3",
        "dags": {
            "tco": {
                "after_a": "",
                "g.a": "after_a g.b",
                "g.b": "",
                "g_g-a_a": "",
                "had": "",
                "len7": "",
                "t0": "t1 t2 t3",
                "t1": "t3",
                "t2": "t3",
                "t3": "x",
                "x": "",
                "yes": "",
            }
        },
        "settings": {
            "tco:had:pool": "leaf",
            "tco:t0:retries": 2,
            "tco:t0:pool": "root",
            "tco:t1:retries": 2,
            "tco:t2:retries": 2,
            "tco:t3:retries": 2,
            "tco:x:retries": 2,
            "tco:x:pool": "leaf",
        },
    },
    "taskflow_flow_control": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@task
def extract(t): return t
@task
def load(x): ...
@task.branch
def choose(): return "a"
@task
def gather(xs): ...
@dag(schedule=None, default_args={"retries": 3})
def flow():
    outs = []
    for t in ("u", "v"):
        e = extract.override(task_id=f"extract_{t}")(t)
        outs.append(e)
    l = load.expand(x=outs)
    gather({"first": outs[0], "rest": outs[1:]}) >> [choose(), load("lit")]
    c = choose.override(task_id="second")()
    c >> [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")] >> EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
    l >> c
    @task_group
    def inner(k):
        x = extract(k)
        @task_group
        def deeper():
            return load(x)
        return deeper()
    inner("z") >> EmptyOperator(task_id="last")
    extract(l)
flow()
""",
        },
        "airflow": "3.3",
        "dags": {
            "flow": {
                "a": "join",
                "b": "join",
                "choose": "",
                "extract": "",
                "extract_u": "gather load",
                "extract_v": "gather load",
                "gather": "choose load__1",
                "inner.deeper.load": "last",
                "inner.extract": "inner.deeper.load",
                "join": "",
                "last": "",
                "load": "extract second",
                "load__1": "",
                "second": "a b",
            }
        },
        "settings": {
            "flow:a:retries": 3,
            "flow:b:retries": 3,
            "flow:choose:retries": 3,
            "flow:extract:retries": 3,
            "flow:extract_u:retries": 3,
            "flow:extract_v:retries": 3,
            "flow:gather:retries": 3,
            "flow:inner.deeper.load:retries": 3,
            "flow:inner.extract:retries": 3,
            "flow:join:retries": 3,
            "flow:join:trigger_rule": "none_failed_min_one_success",
            "flow:last:retries": 3,
            "flow:load:retries": 3,
            "flow:load__1:retries": 3,
            "flow:second:retries": 3,
        },
    },
    "dynamic_task_mapping_groups": {
        "files": {
            "dags/f.py": """
from airflow.sdk import DAG, dag, task, task_group, setup, teardown, Label, chain, chain_linear, cross_downstream, TaskGroup, XComArg, BaseOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator

@task
def a(): return [1]
@task_group
def g(x):
    return BashOperator(task_id="b", bash_command="echo").output
@task_group(group_id="custom", prefix_group_id=False)
def h():
    return EmptyOperator(task_id="e")
with DAG("dtm", schedule=None):
    r = g.expand(x=a())
    r >> h() >> g("plain")
    BashOperator.partial(task_id="m", bash_command="x", pool="p", retries=3, trigger_rule="all_done").expand(env=[{"a": "1"}])
    PythonOperator.partial(task_id="n", python_callable=print).expand(op_kwargs=a.override(task_id="a2")())
""",
        },
        "airflow": "3.3",
        "dags": {
            "dtm": {
                "a": "g.b",
                "a2": "n",
                "e": "g__1.b",
                "g.b": "e",
                "g__1.b": "",
                "m": "",
                "n": "",
            }
        },
        "settings": {
            "dtm:g.b:bash_command": "echo",
            "dtm:g__1.b:bash_command": "echo",
            "dtm:m:retries": 3,
            "dtm:m:pool": "p",
            "dtm:m:bash_command": "x",
            "dtm:m:trigger_rule": "all_done",
        },
    },
    "old_import_errors_and_conditionals": {
        "files": {
            "dags/f.py": """
from airflow import DAG
from datetime import datetime, timedelta

import airflow
from airflow.models import DAG as D, Variable
from airflow.operators.bash import BashOperator
from airflow.utils.task_group import TaskGroup
from airflow.utils.trigger_rule import TriggerRule
from airflow.utils.dates import days_ago
from airflow.models.baseoperator import chain
if airflow.__version__ < "2":
    from airflow.operators.dummy_operator import DummyOperator as Empty
else:
    from airflow.operators.empty import EmptyOperator as Empty
dag = D("old_cond", schedule_interval="@daily", start_date=datetime(2021, 1, 1))
with dag:
    a = Empty(task_id="a")
    with TaskGroup("g", tooltip="x", dag=dag) as g:
        b = Empty(task_id="b", trigger_rule=TriggerRule.ONE_FAILED)
    c = BashOperator(task_id="c", bash_command="x", trigger_rule=TriggerRule.ALL_DONE.value)
    chain(a, g, c)
    a.set_downstream(c)
if __name__ == "__main__":
    dag.cli()
""",
        },
        "airflow": "2.10",
        "dags": {"old_cond": {"a": "c g.b", "c": "", "g.b": "c"}},
        "settings": {
            "old_cond:c:bash_command": "x",
            "old_cond:c:trigger_rule": "all_done",
            "old_cond:g.b:trigger_rule": "one_failed",
        },
        "codes": ["PORT802"],
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
