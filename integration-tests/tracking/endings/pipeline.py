"""Three tasks in a row; the second ends as it is told."""

import os
import signal

from intermodal import pipeline, task, tracking


@task
def first() -> int:
    """Do something to be seen."""
    tracking.log_metric("value", 1.0)
    return 1


@task
def middle(number: int, ending: str) -> int:
    """End well, fail, or be killed as by the system."""
    tracking.log_metric("value", 2.0)
    if ending == "fail":
        raise ValueError("as it was told")
    if ending == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    return number + 1


@task
def last(number: int) -> int:
    """Come after."""
    tracking.log_metric("value", float(number))
    return number


@pipeline
def endings(ending: str = "well"):
    """End as it is told."""
    return last(middle(first(), ending))
