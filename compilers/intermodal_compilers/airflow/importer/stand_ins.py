"""What Airflow's own test helpers do to DAGs: providers' example DAGs import them, no distribution has them.

Each text says in Python what the module of that name amounts to while a file is loaded. A module of that
name below a root is read instead.
"""

from __future__ import annotations

from collections.abc import Mapping

WATCHER_FUNCTION = 'def watcher():\n    raise RuntimeError("a task failed")\n'
WATCHER = f"""
from airflow.decorators import task
from airflow.utils.trigger_rule import TriggerRule

@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0)
{WATCHER_FUNCTION}"""
RUNS = """
def get_test_run(dag, **parameters):
    return None

def get_test_env_id(name="SYSTEM_TESTS_ENV_ID"):
    import os
    return os.environ.get(name)
"""

STAND_INS: Mapping[str, str] = {
    "tests_common.test_utils.watcher": WATCHER,
    "tests_common.test_utils.system_tests": RUNS,
    "tests.system.utils.watcher": WATCHER,
    "tests.system.utils": RUNS,
}
