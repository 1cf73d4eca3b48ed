"""Broken, hostile and odd files: a finding or nothing at all, never a traceback, in bounded work."""

import os
import random
import re
import socket

import pytest

from intermodal_compilers.airflow.importer import Inputs, read_files

TASKFLOW = '''
"""What this file does."""
from datetime import datetime, timedelta
from airflow.decorators import dag, task, task_group
from airflow.operators.bash import BashOperator

@task(retries=2, multiple_outputs=True)
def extract(day: str = "{{ ds }}"):
    return {"rows": 1, "day": day}

@task.branch
def choose(rows): return ["load"] if rows else []

@task_group(group_id="checks")
def checks(rows):
    one = BashOperator(task_id="one", bash_command=f"check {rows}")
    one >> BashOperator(task_id="two", bash_command="x", trigger_rule="all_done")
    return one.output

@dag(schedule="@daily", start_date=datetime(2024, 1, 1), default_args={"retry_delay": timedelta(minutes=5)})
def etl(limit: int = 3):
    data = extract()
    picked = choose(data["rows"])
    for number in range(3):
        picked >> extract.override(task_id=f"more_{number}")(number)
    checks.partial(rows=1)
    checks(data["rows"]) >> extract.partial(day="x").expand(day=[1, 2])

etl()
'''
FACTORY = """
import os, json, yaml, re, itertools
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from airflow import DAG
from airflow.models import BaseOperator, Variable
from airflow.operators.dummy_operator import DummyOperator
from airflow.utils.task_group import TaskGroup
from airflow.utils.edgemodifier import Label
from airflow.models.baseoperator import chain, cross_downstream

class Env(str, Enum):
    PROD = "prod"
    DEV = "dev"

@dataclass
class Conf:
    name: str
    steps: list = field(default_factory=list)
    def ids(self, prefix="s"):
        yield from (f"{prefix}_{step}" for step in self.steps)

class Load(BaseOperator):
    template_fields = ("table",)
    def __init__(self, table, *args, **kwargs):
        super().__init__(*args, **{"pool": "p", **kwargs})
        self.table = table

ENV = Env(os.environ.get("ENV", "dev"))
CONFS = [Conf("a", ["x", "y"]), Conf(name="b", steps=list("zw"))]
settings = {"retries": 1, **({"queue": "q"} if ENV == Env.PROD else {})}
settings |= dict(owner="me")
try:
    extra = json.loads(Variable.get("extra", "{}"))
except (KeyError, ValueError) as problem:
    extra = {}
for conf in CONFS:
    with DAG(f"{ENV.value}_{conf.name}", schedule_interval=None, default_args=settings) as dag:
        made = [Load(table=i, task_id=i, **extra) for i in conf.ids()]
        with TaskGroup("g", prefix_group_id=False) as group:
            a, *rest = (DummyOperator(task_id=f"d{n}") for n in range(3))
            a >> rest
        chain(*made, group)
        made[0] >> Label("quick") >> DummyOperator(task_id="end", trigger_rule="one_success")
        cross_downstream(made, [DummyOperator(task_id="e")])
        if (count := len(dag.tasks)) > 3 and re.match(r"d(\\d+)", "d12").group(1) == "12":
            match conf:
                case Conf(name="a"): a.retries = count
                case _: settings["late"] = 1
    globals()[dag.dag_id] = dag
"""
UNKNOWN = """
from airflow.sdk import DAG, task, setup, teardown
from company.lib import names, ready, helper
from airflow.providers.standard.operators.empty import EmptyOperator
@setup
def up(): ...
@teardown
def down(x): ...
table = {}
def first():
    for name in names():
        if ready(name):
            return name
    return "none"
with DAG("unknown", schedule="@once") as dag:
    for name in names():
        if not ready(name):
            continue
        table[name] = EmptyOperator(task_id=name)
    while ready():
        helper(dag)
        break
    else:
        EmptyOperator(task_id=first())
    with down(up()):
        helper("x") >> list(table.values())
    x = EmptyOperator(task_id="a") if ready() else EmptyOperator(task_id="b")
    x >> table.get("q", helper)
"""
TEXTS = (TASKFLOW, FACTORY, UNKNOWN)
PIECES = [*"()[]{}:,.'\"\\é=*+-<>%@#0\0\r\t", "None", "lambda:", "*", "**", "yield ", "await ", "[]", "{}", "10**9",
          "b'x'", "...", "-1", "globals()", "print", "range(3)", "dag", "super()", "type", "open", "1j"]  # fmt: skip


def mutated(text, chance):
    """The text with one thing about it changed."""
    lines = text.splitlines(keepends=True)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    place = chance.randrange(len(text))
    words = re.findall(r"\w+", text)
    match chance.randrange(9):
        case 0:
            return text[:place]
        case 1:
            del lines[one : one + chance.randrange(1, 4)]
        case 2:
            lines.insert(one, lines[other])
        case 3:
            lines[one], lines[other] = lines[other], lines[one]
        case 4:
            return text[:place] + chance.choice(PIECES) + text[place:]
        case 5:
            return re.sub(rf"\b{chance.choice(words)}\b", chance.choice(words), text)
        case 6:
            return text.replace(chance.choice(words), chance.choice(PIECES), 2)
        case 7:
            lines[one] = "    " + lines[one] if chance.random() < 0.5 else lines[one].lstrip()
        case _:
            return text + text[place:]
    return "".join(lines)


def codes_of(path, **inputs):
    """Codes of what is found in a file or folder; a fault of the reader itself is let out."""
    files = list(read_files([path], Inputs(root=path if path.is_dir() else path.parent, **inputs)))
    found = [finding for file in files for finding in file.findings]
    assert [finding for finding in found if finding.code == "PORT011"] == []
    return [finding.code for finding in found]


@pytest.mark.parametrize("seed", range(12))
def test_changed_texts_are_read_or_refused(tmp_path, seed):
    chance = random.Random(seed)
    path = tmp_path / "m.py"
    for round_ in range(25):
        text = chance.choice(TEXTS)
        for _ in range(chance.randrange(1, 4)):
            text = mutated(text, chance) or "x"
        encoding = chance.choice(["utf-8", "utf-8", "utf-8", "latin-1", "utf-16", "utf-8-sig"])
        path.write_bytes(text.encode(encoding, "replace"))
        codes_of(path, steps=20_000, debug=round_ % 5 != 0)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("# -*- coding: latin-1 -*-\nfrom airflow import DAG\nDAG('é')\n".encode("latin-1"), None),
        (b"# -*- coding: no-such-thing -*-\nfrom airflow import DAG\n", "PORT002"),
        ("\ufefffrom airflow import DAG\n".encode(), None),
        ("from airflow import DAG\n".encode("utf-16"), "PORT002"),
        ("from airflow import DAG # é\n".encode("latin-1"), "PORT002"),
        (b"from airflow import DAG\x00\n", "PORT003"),
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe airflow dag", "PORT002"),
        (b"print 'airflow dag'\n", "PORT003"),
        (b"try:\n    airflow\nexcept Exception, dag:\n    pass\n", "PORT003"),
        (b"", None),
        (b"\n" * 100, None),
        (b"# airflow dag\r\nx = 1\rfrom airflow import DAG\r\n", None),
    ],
)
def test_encodings_and_old_python(tmp_path, data, code):
    path = tmp_path / "m.py"
    path.write_bytes(data)
    assert codes_of(path) == ([code] if code else [])


HEAD = "from airflow import DAG\nfrom airflow.operators.empty import EmptyOperator as E\nfrom lib import c\n"
TAIL = "\nwith DAG('d'):\n    E(task_id='t')\n"
HOSTILE = {
    "parentheses": f"x = {'(' * 10_000}{')' * 10_000}",
    "lists": f"x = {'[' * 10_000}{']' * 10_000}",
    "calls": f"x = str{'(' * 150}{')' * 150}",
    "call chains": f"x = c{'()' * 20_000}",
    "signs": f"x = {'-' * 50_000}1",
    "sums": f"x = {'+'.join(['1'] * 20_000)}",
    "else-ifs": f"if c: pass\n{''.join(f'elif c == {i}: pass' + chr(10) for i in range(2_000))}",
    "nested ifs": "".join(f"{' ' * i}if c:\n" for i in range(90)) + " " * 90 + "pass",
    "nested fors": "".join(f"{' ' * i}for i{i} in range(999):\n" for i in range(15)) + " " * 15 + "pass",
    "digits": f"x = {'9' * 100_000}",
    "numbers": f"x = 0x{'f' * 100_000}\ny = x * x * x\nz = x ** 50\ns = str(x)",
    "powers": "x = 10 ** 10 ** 8\ny = 1 << 10 ** 9",
    "repeats": "x = 'x' * 10 ** 9\ny = [0] * 10 ** 9",
    "many repeats": "many = []\nfor i in range(999):\n    many.append([0] * 999_999)",
    "without end": "while True:\n    pass",
    "counting": "i = 0\nwhile i >= 0:\n    i += 1",
    "recursion": "def f(n): return f(n + 1) + f(n + 2)\nf(0)",
    "generators": "def g():\n    while True: yield 1\nlist(g())\nfor x in g(): pass",
    "ranges": "x = sum(range(10 ** 8))\nfor i in range(10 ** 9): pass\ny = [list(range(99_999)) for _ in range(999)]",
    "patterns": "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')\nre.match('a*' * 30 + 'b', 'a' * 200)\n"
    "re.search(r'(?:a?){40}a{40}', 'a' * 40)\nre.sub(r'(x+x+)+y', '', 'x' * 50)\nre.compile('(' * 5_000)",
    "laughs": "a = [1] * 9\nfor i in range(30): a = [a] * 9\nx = str(a)\ny = a == list(a)\nimport copy, json\n"
    "copy.deepcopy(a)\njson.dumps(a)\nwith DAG('l', default_args={'x': a}):\n    E(task_id=f'{a}', params=a)",
    "tuples": "t = ()\nfor i in range(60): t = (t, t)\nd = {t: 1}\ns = {t}\nx = t == (t, t)\nfrozenset([t])\nd[t] = 1",
    "loops in values": "d = {}\nd['d'] = d\nl = []\nl.append(l)\nx = str(l)\n"
    "with DAG('s', default_args=d):\n    E(task_id=f'{l}', params=l)",
    "widths": "x = '%99999d' % 1\ny = '{:>999999999}'.format(1)\nz = f'{1:999999999}'\nw = 'x'.zfill(10 ** 9)",
    "products": "import itertools\nlist(itertools.product(range(99), repeat=9))\nlist(itertools.cycle([1]))",
    "edges": "with DAG('m'):\n    many = [E(task_id=f'a{i}') for i in range(600)]\n    for x in many: x >> many[:300]",
    "classes": "class A: pass\nfor i in range(500):\n    class A(A): pass\nA()",
    "doubts": "".join(f"if c({i}): x{i} = 1\nelse: x{i} = 2\n" for i in range(300)),
    "nested doubts": "def f(n):\n    if c(n): f(n + 1)\n    else: f(n + 2)\nf(0)",
    "modules": "import importlib\nimportlib.import_module('a' * 5_000)\nimportlib.import_module('a\\0b')\n"
    f"importlib.import_module('')\nfrom ....... import q\nimport {'a' * 4_000}",
    "files": "import glob, os\nfrom pathlib import Path\nhere = Path(__file__).parent\nglob.glob('/**', recursive=True)\n"
    "list(here.glob('/x'))\nlist(here.glob(''))\nopen('x' * 5_000)\nopen('\\0')\nos.listdir('x' * 9_999)\n"
    "(here / 'loop' / 'loop').exists()\nopen(here / 'pipe.json').read()\n(here / '.').rglob('**/*')",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_left_in_time(tmp_path, name):
    path = tmp_path / "m.py"
    path.write_text(f"{HEAD}{HOSTILE[name]}{TAIL}")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "loop").symlink_to(tmp_path)
    codes_of(path, steps=40_000)


def test_what_is_no_regular_file_is_told_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.relpath(tmp_path / "socket.py"))
    server.close()
    (tmp_path / "itself.py").symlink_to(tmp_path / "itself.py")
    (tmp_path / "nowhere.py").symlink_to(tmp_path / "missing")
    (tmp_path / "around").symlink_to(tmp_path)
    (tmp_path / "folder.py").mkdir()
    assert codes_of(tmp_path) == ["PORT001"] * 4
    assert codes_of(tmp_path / "itself.py") == ["PORT001"]


def test_files_too_large_are_told(tmp_path):
    path = tmp_path / "m.py"
    path.write_bytes(b"# airflow dag\n" + b"x = 1\n" * 1_800_000)
    assert codes_of(path) == ["PORT002"]


def test_folders_of_many_files(tmp_path):
    for number in range(1_000):
        (tmp_path / f"f{number}.py").write_text("import airflow\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x.py").write_text("(")
    assert codes_of(tmp_path) == []
    assert len(list(read_files([tmp_path]))) == 1_000
