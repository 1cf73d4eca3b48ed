"""What goes on beside a run of `dag.test()`: people answer, and DAGs that it triggers run.

Both are the work of servers that a test does not start, so a forked process does it.
"""

from __future__ import annotations

import os
import time
import traceback
from typing import Any

LOOKS_EVERY = 0.3
OPTIONS = {"approve": "Approve", "reject": "Reject"}


def start(dag_id: str, answers: dict[str, str], others: dict[str, Any]) -> None:
    """Start the process; who serves the case ends it, with all else that the case has started.

    Args:
        dag_id: The DAG that is run.
        answers: What people answer, by task id.
        others: DAGs that may be triggered, by id.
    """
    if not (answers or others) or os.fork():
        return
    # The log of events is that of the case's own pipeline.
    os.environ.pop("INTERMODAL_EVENTS", None)
    from airflow import settings
    from sqlalchemy.exc import OperationalError

    try:
        settings.dispose_orm()
        settings.configure_orm()
        while True:
            time.sleep(LOOKS_EVERY)
            try:
                _answer(dag_id, answers)
                _run_triggered(others)
            except OperationalError as problem:
                print(f"the database was busy: {problem}")
    except BaseException:  # the process must end here
        traceback.print_exc()
    finally:
        os._exit(1)


def _answer(dag_id: str, answers: dict[str, str]) -> None:
    """Answer what waits for a person; again, if `dag.test()` has just overwritten the state."""
    if not answers:
        return
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import handle_event_submit
    from airflow.sdk.timezone import utcnow
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        waiting = select(TaskInstance).where(
            TaskInstance.dag_id == dag_id, TaskInstance.state == "awaiting_input"
        )
        for task_instance in session.scalars(waiting).all():
            option = OPTIONS.get(answers.get(task_instance.task_id, ""))
            asked = select(HITLDetail).where(HITLDetail.ti_id == task_instance.id)
            detail = session.scalar(asked)
            if option is None or detail is None:
                continue
            detail.responded_by = {"id": "somebody", "name": "somebody"}
            detail.responded_at = utcnow()
            detail.chosen_options = [option]
            detail.params_input = {}
            event = TriggerEvent(detail.as_resume_event_payload())
            handle_event_submit(event, task_instance=task_instance, session=session)


def _run_triggered(others: dict[str, Any]) -> None:
    """Run what has been triggered, in a run of its own, and copy how that ended."""
    if not others:
        return
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    queued = select(DagRun).where(DagRun.dag_id.in_(others), DagRun.state == "queued")
    with create_session() as session:
        triggered = [(run.id, run.dag_id, run.conf) for run in session.scalars(queued)]
    for key, dag_id, conf in triggered:
        ended = others[dag_id].test(run_conf=conf or {})
        with create_session() as session:
            run = session.get(DagRun, key)
            run.set_state(ended.state)
