"""Switches by environment, Variables and configuration; values that depend on the clock or on chance."""

import pytest

SHAPES = {
    "environ_given": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import os
from os import environ, getenv
ENV = os.environ["ENV"]
IS_PROD = ENV.lower() == "prod"
N = int(environ.get("N", 1))
SCHEDULE = "@daily" if IS_PROD else None
with DAG(f"env_{getenv('ENV')}", schedule=SCHEDULE, max_active_runs=4 if IS_PROD else 1):
    for i in range(N):
        BashOperator(task_id=f"t{i}", bash_command="x", pool="big" if IS_PROD else "default_pool")
    if ENV == "prod":
        EmptyOperator(task_id="only_prod")
    elif ENV == "dev":
        EmptyOperator(task_id="only_dev")
    else:
        EmptyOperator(task_id="other")
    if "ENV" in os.environ and not os.environ.get("SKIP"):
        EmptyOperator(task_id="not_skipped")
""",
        },
        "env": {"ENV": "prod", "N": "3"},
        "airflow": "3.3",
        "dags": {"env_prod": {"not_skipped": "", "only_prod": "", "t0": "", "t1": "", "t2": ""}},
        "settings": {
            "env_prod:t0:pool": "big",
            "env_prod:t0:bash_command": "x",
            "env_prod:t1:pool": "big",
            "env_prod:t1:bash_command": "x",
            "env_prod:t2:pool": "big",
            "env_prod:t2:bash_command": "x",
        },
        "codes": ["PORT802"],
    },
    "environ_defaults": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import os
ENV = os.getenv("DEPLOY_ENV", "dev")
with DAG(f"envd_{ENV}", schedule=None):
    if ENV == "prod":
        EmptyOperator(task_id="only_prod")
    if os.environ.get("UNSET_FLAG"):
        EmptyOperator(task_id="flagged")
    EmptyOperator(task_id="x", retries=int(os.environ.get("RETRIES") or "2"))
""",
        },
        "airflow": "3.3",
        "dags": {"envd_dev": {"x": ""}},
        "settings": {"envd_dev:x:retries": 2},
        "codes": ["PORT802"],
    },
    "environ_missing_is_hole": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

import os
with DAG("envm", schedule=None):
    if os.environ["MODE"] == "full":
        EmptyOperator(task_id="full")
    EmptyOperator(task_id="sure")
""",
        },
        "dags": {"envm": {"full": "", "sure": ""}},
        "holes": ["envm:full"],
        "codes": ["PORT802", "PORT803"],
    },
    "variables_given": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.models import Variable
conf = Variable.get("conf", deserialize_json=True)
with DAG("var_" + Variable.get("team"), schedule=None):
    for t in conf["tables"]:
        EmptyOperator(task_id=t, pool=conf.get("pool"))
    for i in range(int(Variable.get("n", default_var=0))):
        EmptyOperator(task_id=f"n{i}")
    if Variable.get("missing", default_var=None) is None:
        EmptyOperator(task_id="no_missing")
""",
        },
        "variables": {"team": "core", "conf": {"tables": ["a", "b"], "pool": "p"}, "n": "2"},
        "airflow": "3.3",
        "dags": {"var_core": {"a": "", "b": "", "n0": "", "n1": "", "no_missing": ""}},
        "settings": {"var_core:a:pool": "p", "var_core:b:pool": "p"},
        "codes": ["PORT802"],
    },
    "variables_defaults": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.models import Variable
from airflow.sdk import Variable as V3
cfg = Variable.get("settings", default_var={"k": ["x"]}, deserialize_json=True)
with DAG("vard", schedule=Variable.get("sched", "@daily")):
    [EmptyOperator(task_id=i) for i in cfg["k"]]
    EmptyOperator(task_id=V3.get("nm", default="fallback"))
""",
        },
        "airflow": "3.3",
        "dags": {"vard": {"fallback": "", "x": ""}},
        "codes": ["PORT802"],
    },
    "conf_get": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.configuration import conf
folder = conf.get("core", "nonexistent_option", fallback="fb")
with DAG("conf", schedule=None):
    EmptyOperator(task_id=f"a_{folder}")
    BashOperator(task_id="b", bash_command=conf.get("core", "dags_folder"))
    if conf.getboolean("core", "load_examples"):
        EmptyOperator(task_id="maybe")
""",
        },
        "dags": {"conf": {"unknown_8": "", "b": "", "maybe": ""}},
        "holes": ["conf:maybe", "conf:unknown_8"],
        "codes": ["PORT802", "PORT803"],
    },
    "ternary_unknown_schedule": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from company import flags
from airflow.models import Variable
with DAG("tern", schedule="@daily" if flags.on() else None) as dag:
    a = EmptyOperator(task_id="a")
    b = EmptyOperator(task_id="b", retries=2 if flags.x else 2)
    a >> b if flags.x else b >> a
""",
        },
        "dags": {"tern": {"a": "b", "b": "a"}},
        "holes": ["tern"],
        "codes": ["PORT804"],
    },
    "early_return_and_config_class": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from settings_mod import settings
def build():
    if not settings.enabled:
        return None
    with DAG(settings.dag_id, schedule=settings["schedule"]) as d:
        for name, on in settings.flags.items():
            if not on: continue
            EmptyOperator(task_id=name)
    return d
dag = build()
""",
            "dags/settings_mod.py": """
import os
class Settings:
    def __init__(self):
        self.env = os.environ.get("APP_ENV", "dev")
        self.enabled = self.env in {"staging", "prod"}
        self._data = {"schedule": {"staging": "@weekly"}.get(self.env)}
        self.flags = dict(a=True, b=False, c=self.env != "prod")
    @property
    def dag_id(self):
        return "conf_" + self.env
    def __getitem__(self, key):
        return self._data[key]
settings = Settings()
""",
        },
        "env": {"APP_ENV": "staging"},
        "airflow": "3.3",
        "dags": {"conf_staging": {"a": "", "c": ""}},
    },
    "now_is_a_hole": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from datetime import datetime, timedelta, date
import random, uuid, time
import pendulum
today = datetime.now()
start = today - timedelta(days=1)
with DAG("now", schedule=None, start_date=start):
    BashOperator(task_id="a", bash_command=f"echo {start:%Y-%m-%d}")
    EmptyOperator(task_id=f"t_{today.strftime('%Y')}")
    EmptyOperator(task_id=f"r_{random.randint(1, 9)}")
    EmptyOperator(task_id="u_" + uuid.uuid4().hex)
    EmptyOperator(task_id="u_" + str(uuid.uuid1()))
    EmptyOperator(task_id="c_" + random.choice(["a", "b"]))
    EmptyOperator(task_id="k_" + time.strftime("%Y"))
    if date.today().weekday() == 0:
        EmptyOperator(task_id="monday")
    EmptyOperator(task_id="p_" + pendulum.now("UTC").to_date_string())
""",
        },
        "dags": {
            "now": {
                "a": "",
                "unknown_12": "",
                "unknown_13": "",
                "unknown_14": "",
                "unknown_15": "",
                "unknown_16": "",
                "unknown_17": "",
                "monday": "",
                "unknown_20": "",
            }
        },
        "holes": [
            "now:monday",
            "now:unknown_12",
            "now:unknown_13",
            "now:unknown_14",
            "now:unknown_15",
            "now:unknown_16",
            "now:unknown_17",
            "now:unknown_20",
        ],
        "codes": ["PORT803"],
    },
    "datetime_arithmetic": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from datetime import datetime, timedelta, timezone
import pendulum
base = datetime(2024, 1, 31)
later = base + timedelta(days=1)
p = pendulum.datetime(2023, 5, 1, tz="Europe/Berlin")
with DAG("dta", schedule=timedelta(hours=2) * 3, start_date=later):
    BashOperator(task_id=f"d_{later:%Y%m%d}", bash_command=later.isoformat(), execution_timeout=timedelta(days=1) / 4)
    EmptyOperator(task_id=f"p_{p.year}_{(later - base).days}")
    EmptyOperator(task_id=pendulum.datetime(2024, 1, 1).format("YYYY-MM") if False else "plain")
    EmptyOperator(task_id="z" + p.add(months=1).strftime("%m"))
    EmptyOperator(task_id="s" + datetime.strptime("2020-02-03", "%Y-%m-%d").strftime("%d"))
    EmptyOperator(task_id=pendulum.parse("2021-01-02").strftime("q%Y"))
""",
        },
        "airflow": "3.3",
        "dags": {
            "dta": {
                "d_20240201": "",
                "p_2023_1": "",
                "plain": "",
                "q2021": "",
                "s03": "",
                "z06": "",
            }
        },
        "settings": {"dta:d_20240201:bash_command": "2024-02-01T00:00:00"},
    },
    "try_variable_fallback": {
        "files": {
            "dags/f.py": """
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

from airflow.models import Variable
import os
try:
    name = Variable.get("certainly_missing")
except KeyError:
    name = "fallback"
try:
    other = os.environ["CERTAINLY_MISSING"]
except KeyError:
    other = "dflt"
with DAG("tvf", schedule=None):
    EmptyOperator(task_id=name)
    EmptyOperator(task_id=other)
""",
        },
        "airflow": "3.3",
        "dags": {"tvf": {"dflt": "", "fallback": ""}},
        "codes": ["PORT802"],
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(read_shape, name):
    read_shape(SHAPES[name])
