"""What files compute before they make tasks: values, helpers, other modules, and what is not known."""

import datetime as dt

import pytest

from intermodal.findings import Severity
from intermodal_compilers.airflow.importer.model import Built, TaskOutput

HEAD = """
import json, os, yaml
from datetime import datetime, timedelta
from pathlib import Path
from airflow.models import DAG, Variable, BaseOperator
from airflow.operators.dummy_operator import DummyOperator
"""


def ids(file):
    return {dag.id: list(dag.tasks) for dag in file.dags}


def test_factories_called_in_a_loop_with_formatted_ids(read):
    file = read(
        HEAD
        + """
CONFIG = {"eu": {"steps": ["load", "clean"]}, "us": {"steps": ["load"]}}

def make(region, steps, *, prefix="etl"):
    dag = DAG(dag_id="%s_%s" % (prefix, region), default_args={"retries": 2})
    last = None
    for number, step in enumerate(steps, start=1):
        done = DummyOperator(task_id=f"{step.upper()}_{number:02d}", dag=dag)
        if last is not None:
            last >> done
        last = done
    return dag

for region, config in CONFIG.items():
    globals()[f"dag_{region}"] = make(region, **config)
"""
    )
    assert ids(file) == {"etl_eu": ["LOAD_01", "CLEAN_02"], "etl_us": ["LOAD_01"]}
    task = file.dags[0].tasks["LOAD_01"]
    assert task.arguments["retries"].value == 2
    assert task.arguments["retries"].origin == "default_args"
    assert task.downstream == ("CLEAN_02",)
    assert task.operator == "airflow.operators.dummy_operator.DummyOperator"


def test_local_modules_operators_and_data_files_are_read(read):
    file = read(
        HEAD
        + """
from plugins.ops import Loader
from plugins import settings as s
conf = yaml.safe_load((Path(__file__).parent / "tables.yaml").read_text())
with open(os.path.join(os.path.dirname(__file__), "more.json")) as f:
    conf["tables"] += json.load(f)
with DAG(s.NAME, start_date=datetime(2024, 1, 1)):
    for table in conf["tables"]:
        Loader(table)
""",
        {
            "plugins/__init__.py": "",
            "plugins/settings.py": "NAME = '_'.join(['a', 'b'])\n",
            "plugins/ops.py": """
                from airflow.models import BaseOperator

                class Base(BaseOperator):
                    def __init__(self, table, **kwargs):
                        super().__init__(task_id=f"load_{table}", **kwargs)
                        self.table = table

                class Loader(Base):
                    pass
                """,
            "dags/tables.yaml": "tables: [x, y]\n",
            "dags/more.json": '["z"]',
        },
    )
    assert ids(file) == {"a_b": ["load_x", "load_y", "load_z"]}
    task = file.dags[0].tasks["load_x"]
    assert task.operator == "plugins.ops.Loader"
    assert task.bases == ("airflow.models.BaseOperator",)
    assert file.dags[0].arguments["start_date"].value == dt.datetime(2024, 1, 1)  # noqa: DTZ001
    assert file.findings == ()


VARIABLE = HEAD + "with DAG('d'):\n    DummyOperator(task_id='t_' + Variable.get('team'))\n"


def test_variables_are_given_or_holes(read):
    assert ids(read(VARIABLE, variables={"team": "x"})) == {"d": ["t_x"]}
    file = read(VARIABLE)
    (task,) = file.dags[0].tasks.values()
    assert task.holes
    assert {f.code for f in file.findings} == {"PORT802", "PORT803"}


def test_a_default_is_an_assumption(read):
    file = read(
        HEAD
        + "with DAG(os.environ.get('ENV', 'dev') + os.getenv('N', '1')):\n    DummyOperator(task_id='t')\n",
        environment={"N": "2"},
    )
    assert ids(file) == {"dev2": ["t"]}
    (assumed,) = file.findings
    assert (assumed.code, assumed.severity) == ("PORT802", Severity.NOTE)


@pytest.mark.parametrize(
    "body",
    [
        "    if unknown():\n        DummyOperator(task_id='maybe')\n",
        "    for x in unknown():\n        DummyOperator(task_id='maybe')\n",
        "    [DummyOperator(task_id='maybe') for x in unknown()]\n",
        "    DummyOperator(task_id='maybe') if unknown() else None\n",
    ],
)
def test_what_may_not_exist_is_a_hole_with_a_finding(read, body):
    file = read(HEAD + "from elsewhere import unknown\nwith DAG('d'):\n" + body)
    assert file.dags[0].tasks["maybe"].holes
    assert "PORT803" in {f.code for f in file.findings}


def test_edges_of_unknown_things_are_told(read):
    file = read(
        HEAD
        + "from elsewhere import thing\nwith DAG('d'):\n    DummyOperator(task_id='t') >> thing()\n"
    )
    assert {f.code for f in file.findings} == {"PORT804"}
    assert file.dags[0].holes


def test_arguments_keep_their_source_and_say_what_is_not_known(read):
    file = read(
        HEAD
        + """
from somewhere import hook
from airflow.operators.python import PythonOperator
def work(): ...
with DAG("d"):
    first = DummyOperator(task_id="first")
    PythonOperator(task_id="t", python_callable=work, op_args=[hook.find("é"), first.output["k"], 1 + 1])
"""
    )
    task = file.dags[0].tasks["t"]
    unknown, output, number = task.arguments["op_args"].value
    assert output == TaskOutput(("first",), "k")
    assert number == 2
    assert isinstance(unknown, Built)
    assert unknown.path == "somewhere.hook.find"
    assert task.arguments["op_args"].source == '[hook.find("é"), first.output["k"], 1 + 1]'
    assert task.function is not None
    assert (task.function.name, task.function.span.line) == ("work", 10)


def test_code_is_never_run(read, tmp_path):
    mark = tmp_path / "ran"
    read(HEAD + f"open({str(mark)!r}, 'w').write('x')\n__import__('os').system('touch {mark}')\n")
    assert not mark.exists()


@pytest.mark.parametrize(
    "text",
    [
        "while True: x = 1\n",
        "def f(): return f()\nf()\n",
        "x = [0] * 10 ** 12\n",
        "x = '%1000000000d' % 1\n",
        "x = f'{1:{10**9}}'\n",
        "x = 'a'.ljust(10**10)\n",
        "x = list(range(10**9))\n",
        "x = 9 ** 9 ** 9\n",
        "x = 'ab'\nfor i in range(99): x = x + x\n",
        "x = 'ab'\nfor i in range(99): x = f'{x}{x}'\n",
        "x = 'ab'\nfor i in range(99): x = '%s%s' % (x, x)\n",
        "x = 'ab'\nfor i in range(99): x = '{0}{0}'.format(x)\n",
        "x = 'ab'\nfor i in range(99): x = x.replace('a', 'aa')\n",
        "x = [1]\nfor i in range(99): x = [*x, *x]\n",
        "x = [1]\nfor i in range(99): x += x\n",
        "x = [1]\nfor i in range(99): x.extend(x)\n",
        "import itertools\nx = list(itertools.product(range(99), repeat=9))\n",
    ],
)
def test_files_that_compute_without_end_are_left(read, text):
    file = read(
        "import airflow  # dag\n" + text + "from airflow import DAG\nwith DAG('d'): pass\n",
        steps=20_000,
    )
    assert [f for f in file.findings if f.code == "PORT011"] == []


@pytest.mark.parametrize(
    "data", [b"print 'dag airflow'\n", b"\xff\xfe\x00", b"airflow dag \x00", b"("]
)
def test_files_that_are_no_python_give_a_finding_each(tmp_path, data):
    from intermodal_compilers.airflow.importer import read_files

    (tmp_path / "bad.py").write_bytes(data)
    (tmp_path / "good.py").write_text("from airflow import DAG\nwith DAG('good'): pass\n")
    bad, good = read_files([tmp_path])
    assert [f.code for f in bad.findings] in (["PORT002"], ["PORT003"])
    assert [dag.id for dag in good.dags] == ["good"]


def test_a_file_that_raises_is_read_on(read):
    file = read(HEAD + "x = {}['missing']\nwith DAG('d'):\n    DummyOperator(task_id='t')\n")
    assert [f.code for f in file.findings] == ["PORT805"]
    assert ids(file) == {"d": ["t"]}


def test_a_with_of_the_users_own_runs_its_body_where_the_function_yields(read):
    file = read(
        HEAD
        + """
from contextlib import contextmanager
@contextmanager
def my_dag(name):
    with DAG(name) as dag:
        yield dag
        DummyOperator(task_id="last")
with my_dag("cm") as opened:
    DummyOperator(task_id="first", dag=opened)
"""
    )
    assert ids(file) == {"cm": ["first", "last"]}


def test_builders_enums_and_data_classes(read):
    file = read(
        HEAD
        + """
from dataclasses import dataclass, field
from enum import Enum
from collections import defaultdict, namedtuple
Step = namedtuple("Step", "name")
class Env(str, Enum):
    PROD = "prod"
@dataclass
class Conf:
    name: str
    steps: list = field(default_factory=list)
    env: Env = Env.PROD
class Builder:
    def __init__(self, conf):
        self.conf = conf
    @property
    def dag_id(self):
        return f"{self.conf.name}_{self.conf.env.value}"
    def build(self):
        with DAG(self.dag_id) as dag:
            for step in self.conf.steps:
                DummyOperator(task_id=step.name)
        return dag
made = Builder(Conf("etl", steps=[Step("x"), Step(name="y")])).build()
"""
    )
    assert ids(file) == {"etl_prod": ["x", "y"]}


def test_only_dags_that_airflow_would_find(read):
    file = read(HEAD + "def f():\n    dag = DAG('hidden')\n    return 1\nf()\nkept = DAG('kept')\n")
    assert [dag.id for dag in file.dags] == ["kept"]


def test_dags_given_to_code_that_is_not_read_are_marked(read):
    file = read(
        HEAD
        + """
from company.lib import add_monitoring, make_dag
with DAG("d") as dag:
    DummyOperator(task_id="t")
add_monitoring(dag)
other = make_dag("more")
"""
    )
    assert [f.code for f in file.findings] == ["PORT804", "PORT809"]
    assert file.dags[0].holes


@pytest.mark.parametrize(
    "change",
    ["names.append('b')", "names += ['b']", "names.extend(['b'])", "names[0] = 'c'"],
)
def test_a_list_that_may_have_changed_makes_tasks_that_may_not_exist(read, change):
    file = read(
        HEAD
        + f"""
names = ["a"]
if Variable.get("more") == "1":
    {change}
with DAG("d"):
    for name in names:
        DummyOperator(task_id=name)
"""
    )
    assert all(task.holes for task in file.dags[0].tasks.values())
