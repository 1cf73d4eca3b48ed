"""The task that fails a system test when any other failed."""

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowException


@task(trigger_rule="one_failed", retries=0)
def watcher():
    """Fail, as one of the tasks above did."""
    raise AirflowException("one or more upstream tasks failed")
