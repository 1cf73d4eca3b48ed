"""What cannot be known without running a file: holes that are told, never guesses."""

import pytest

SHAPES = {
    "db_at_parse": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import psycopg2, requests
from airflow.providers.postgres.hooks.postgres import PostgresHook
rows = PostgresHook("pg").get_records("select 1")
conn = psycopg2.connect("x")
names = requests.get("http://x").json()["names"]
with DAG("db", schedule=None):
    for r in rows:
        EmptyOperator(task_id=f"t_{r[0]}")
    for n in names:
        BashOperator(task_id=n, bash_command="x")
    with conn.cursor() as cur:
        cur.execute("x")
        for row in cur.fetchall():
            EmptyOperator(task_id=row)
    BashOperator(task_id="ok", bash_command=names[0])
""",
        },
        "dags": {"db": {"unknown_12": "", "unknown_14": "", "unknown_18": "", "ok": ""}},
        "holes": ["db", "db:unknown_12", "db:unknown_14", "db:unknown_18"],
        "codes": ["PORT803", "PORT804"],
    },
    "dynamic_class": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import importlib
from airflow.providers.standard.operators import bash as ops
Cls = getattr(ops, "BashOperator")
mod = importlib.import_module("airflow.providers.standard.operators.empty")
Other = getattr(mod, "EmptyOperator")
local = importlib.import_module("locallib")
Kind = getattr(importlib.import_module("company.ops"), local.KIND)
with DAG("dyn", schedule=None):
    a = Cls(task_id="a", bash_command="x")
    b = Other(task_id="b")
    c = Kind(task_id="c")
    a >> b >> c
""",
            "dags/locallib.py": """
KIND = 'CompanyThing'
""",
        },
        "dags": {"dyn": {"a": "b", "b": "c", "c": ""}},
    },
    "exec_eval": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

exec("X = 'made'")
n = eval("1 + 1")
with DAG("ee", schedule=None):
    EmptyOperator(task_id=X)
    for i in range(n):
        EmptyOperator(task_id=f"t{i}")
    exec("EmptyOperator(task_id='secret')")
    eval("EmptyOperator(task_id='secret2')")
    compile("1", "x", "eval")
    EmptyOperator(task_id="sure")
""",
        },
        "dags": {"ee": {"unknown_8": "", "unknown_10": "", "sure": ""}},
        "holes": ["ee", "ee:unknown_10", "ee:unknown_8"],
        "codes": ["PORT803", "PORT804"],
    },
    "type_made_classes": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

K = type("Dyn", (BashOperator,), {"ui_color": "#fff"})
def make_class(base):
    class Made(base):
        pass
    Made.__name__ = "Renamed"
    return Made
M = make_class(EmptyOperator)
with DAG("tm", schedule=None):
    K(task_id="k", bash_command="x")
    M(task_id="m")
""",
        },
        "airflow": "3.3",
        "dags": {"tm": {"k": "", "m": ""}},
        "settings": {"tm:k:bash_command": "x"},
    },
    "metaclass_and_getattr": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

class Reg(type):
    items = {}
    def __new__(m, n, b, ns):
        c = super().__new__(m, n, b, ns)
        Reg.items[n] = c
        return c
class Base(metaclass=Reg): pass
class One(Base): pass
class Lazy:
    def __getattr__(self, name):
        return name.upper()
class Auto:
    registry = []
    def __init_subclass__(cls, **kw):
        Auto.registry.append(cls.__name__)
class P1(Auto): pass
class P2(Auto): pass
with DAG("meta", schedule=None):
    for n in Reg.items:
        EmptyOperator(task_id=n)
    EmptyOperator(task_id=Lazy().abc)
    for n in Auto.registry:
        EmptyOperator(task_id=n)
""",
        },
        "dags": {"meta": {"unknown_24": "", "ABC": "", "P1": "", "P2": ""}},
        "holes": ["meta:unknown_24"],
        "codes": ["PORT802", "PORT803"],
    },
    "subprocess_and_files_outside": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import subprocess, socket, getpass, os, platform
host = socket.gethostname()
out = subprocess.check_output(["ls"]).decode().split()
with DAG("sp_" + getpass.getuser(), schedule=None):
    EmptyOperator(task_id=host)
    for o in out: EmptyOperator(task_id=o)
    for line in open("/etc/passwd"): EmptyOperator(task_id=line.split(":")[0])
    for f in os.listdir("/nonexistent"): EmptyOperator(task_id=f)
    EmptyOperator(task_id=os.getcwd())
    EmptyOperator(task_id="p" + str(os.getpid()))
    EmptyOperator(task_id=platform.node())
""",
        },
        "dags": {
            "unknown_8": {
                "unknown_9": "",
                "unknown_10": "",
                "unknown_11": "",
                "unknown_12": "",
                "unknown_13": "",
                "unknown_14": "",
                "unknown_15": "",
            }
        },
        "holes": [
            "unknown_8",
            "unknown_8:unknown_10",
            "unknown_8:unknown_11",
            "unknown_8:unknown_12",
            "unknown_8:unknown_13",
            "unknown_8:unknown_14",
            "unknown_8:unknown_15",
            "unknown_8:unknown_9",
        ],
        "codes": ["PORT803", "PORT809"],
    },
    "unknown_decorators_and_wrappers": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company.lib import instrument, wrap_dag, with_defaults, GroupMaker
from airflow.sdk import task
@instrument
def helper(name):
    return EmptyOperator(task_id=name)
@task
@instrument
def deco(): ...
@with_defaults
class Op(EmptyOperator): pass
with DAG("ud", schedule=None) as dag:
    a = helper("a")
    b = deco()
    c = Op(task_id="c")
    a >> b >> c
wrap_dag(dag)
""",
        },
        "dags": {"ud": {"a": "deco", "deco": "c", "c": ""}},
        "holes": ["ud"],
        "codes": ["PORT802", "PORT804"],
    },
    "unknown_kwargs": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company.lib import defaults, common
with DAG("uk", schedule=None, default_args=defaults()) as dag:
    a = BashOperator(task_id="a", **common())
    b = BashOperator(task_id="b", bash_command="x", **{"retries": 2, **common()})
    c = BashOperator(**common())
""",
        },
        "dags": {"uk": {"a": "", "b": "", "unknown_9": ""}},
        "holes": ["uk", "uk:a", "uk:b", "uk:unknown_9"],
        "codes": ["PORT803", "PORT804"],
    },
    "unknown_iteration_mutations": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company.lib import items
seen = []
count = 0
table = {}
for i in items():
    seen.append(i.name)
    count += 1
    table[i.name] = count
names = ["fixed"]
names.extend(items())
flag = False
for i in items():
    if i: flag = True
with DAG("um", schedule=None):
    for s in seen: EmptyOperator(task_id="s" + s)
    EmptyOperator(task_id=f"c{count}")
    for n in names: EmptyOperator(task_id=n)
    for k, v in table.items(): EmptyOperator(task_id=k)
    if flag: EmptyOperator(task_id="flagged")
    EmptyOperator(task_id="len" + str(len(seen)))
""",
        },
        "dags": {
            "um": {
                "unknown_19": "",
                "unknown_20": "",
                "fixed": "",
                "unknown_22": "",
                "flagged": "",
                "unknown_24": "",
            }
        },
        "holes": [
            "um:fixed",
            "um:flagged",
            "um:unknown_19",
            "um:unknown_20",
            "um:unknown_22",
            "um:unknown_24",
        ],
        "codes": ["PORT803"],
    },
    "unknown_condition_edges": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company.lib import cond, pick
with DAG("uc", schedule=None):
    a, b, c = [EmptyOperator(task_id=x) for x in "abc"]
    if cond():
        a >> b
        x = a
    else:
        x = b
    x >> c
    pick(a, b) >> c
    try:
        risky = cond().thing
        a >> risky
    except Exception:
        a >> c
    a.retries = cond()
    if cond():
        b.trigger_rule = "all_done"
        b.retries = 5
""",
        },
        "dags": {"uc": {"a": "b", "b": "", "c": ""}},
        "holes": ["uc", "uc:b"],
        "codes": ["PORT803", "PORT804"],
    },
    "while_unknown_and_break": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company.lib import cond
n = 0
while cond():
    n += 1
names = []
for x in ["a", "b", "c"]:
    if cond():
        break
    names.append(x)
kept = []
for x in ["a", "b", "c"]:
    if cond(): continue
    kept.append(x)
def first():
    for x in ["p", "q"]:
        if cond(): return x
    return "r"
with DAG("wu", schedule=None):
    EmptyOperator(task_id=f"n{n}")
    for x in names: EmptyOperator(task_id=x)
    for x in kept: EmptyOperator(task_id="k" + x)
    EmptyOperator(task_id=first())
""",
        },
        "dags": {
            "wu": {
                "unknown_23": "",
                "a": "",
                "b": "",
                "c": "",
                "ka": "",
                "kb": "",
                "kc": "",
                "unknown_26": "",
            }
        },
        "holes": [
            "wu",
            "wu:a",
            "wu:b",
            "wu:c",
            "wu:ka",
            "wu:kb",
            "wu:kc",
            "wu:unknown_23",
            "wu:unknown_26",
        ],
        "codes": ["PORT803", "PORT804"],
    },
    "raise_in_try_unknown": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company.lib import load
try:
    cfg = load()
except Exception:
    cfg = {"names": ["fallback"]}
def get():
    try:
        return load()["x"]
    except KeyError:
        return "dflt"
with DAG("rt", schedule=None):
    for n in cfg["names"]: EmptyOperator(task_id=n)
    EmptyOperator(task_id=get())
""",
        },
        "dags": {"rt": {"unknown_16": "", "unknown_17": ""}},
        "holes": ["rt", "rt:unknown_16", "rt:unknown_17"],
        "codes": ["PORT803", "PORT804"],
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
