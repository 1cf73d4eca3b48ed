"""Tasks that wait: sensors, approvals by people, and runs of other pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from intermodal.analysis.needs import needs_runtime
from intermodal.findings import Finding, error, warning
from intermodal.ir import (
    Approval,
    BooleanType,
    Expression,
    OutputRef,
    PythonCall,
    Shell,
    Task,
    TriggerRun,
    Wait,
)
from intermodal_compilers.airflow import templates
from intermodal_compilers.airflow.dialects import Dialect
from intermodal_compilers.airflow.operators import Operator, TextInput
from intermodal_compilers.pysource import Expr, Value, dict_of, list_of

# Airflow's own limit is a week where a sensor names none.
NO_LIMIT = timedelta(days=3650)

# How often a task looks whether the run that it started is over.
LOOKS_EVERY = 5


def checking_task(task: Task) -> Task:
    """The task that a sensor runs at each look: its check; any other task as it is."""
    if not isinstance(task.action, Wait):
        return task
    outputs = {"return": BooleanType.of()}
    return task.model_copy(update={"action": task.action.check, "outputs": outputs})


def sensor_keywords(action: Wait) -> dict[str, Expr]:
    """What the decorator of a sensor takes."""
    keywords: dict[str, Expr] = {
        "poke_interval": Value(_number(action.interval)),
        "timeout": Value(_number(NO_LIMIT if action.timeout is None else action.timeout)),
        "mode": Value("reschedule"),
    }
    if action.soft_fail:
        keywords["soft_fail"] = Value(True)
    return keywords


def approval_operator(action: Approval, message: TextInput | Expr, dialect: Dialect) -> Operator:
    """`ApprovalOperator`, which fails when it is rejected."""
    operator = Operator("ApprovalOperator")
    if isinstance(message, TextInput):
        message = Value(templates.join([(message.text, message.is_template)]))
    operator.settings = {"subject": message, "fail_on_reject": Value(True)}
    if action.approvers:
        users = [Value({"id": name, "name": name}) for name in action.approvers]
        operator.settings["assigned_users"] = list_of(users)
    if action.timeout is not None:
        operator.settings[dialect.approval_timeout] = Value(action.timeout)
    operator.settings["retries"] = Value(0)
    return operator


def trigger_operator(action: TriggerRun, value: Callable[[Expression], Expr]) -> Operator:
    """`TriggerDagRunOperator`."""
    operator = Operator("TriggerDagRunOperator")
    operator.settings["trigger_dag_id"] = Value(action.pipeline)
    if action.parameters:
        conf = {key: value(expression) for key, expression in action.parameters.items()}
        operator.settings["conf"] = dict_of(conf)
        operator.linked = {e.node for e in action.parameters.values() if isinstance(e, OutputRef)}
    if action.wait:
        operator.settings["wait_for_completion"] = Value(True)
        operator.settings["poke_interval"] = Value(LOOKS_EVERY)
    return operator


def waiting_findings(task: Task, target: str) -> Iterator[Finding]:
    """What Airflow cannot do of a task that waits."""
    match task.action:
        case Wait(check=check) if not isinstance(check, (PythonCall, Shell)):
            yield error(
                "PORT204",
                f"{target} cannot look at a {check.kind} action again and again for `{task.id}`",
                task.span,
                why="its sensors call a function or run a command",
                next="check it in a Python function",
            )
        case Wait() if needs_runtime(checking_task(task)):
            yield error(
                "PORT204",
                f"{target} cannot give the check of `{task.id}` artifacts or typed values",
                task.span,
                why="a look of a sensor is no attempt of a task, which the runtime handles",
                next="pass plain values",
            )
        case Approval() if task.retry is not None and task.retry.max > 0:
            yield warning(
                "PORT204",
                f"{target} does not ask for `{task.id}` again",
                task.span,
                why="a rejection, or no answer in time, is final",
                next="leave its retries out",
            )
        case _:
            return


def _number(length: timedelta) -> float:
    seconds = length.total_seconds()
    return int(seconds) if seconds == int(seconds) else seconds
