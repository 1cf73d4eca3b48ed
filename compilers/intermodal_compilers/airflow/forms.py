"""Which form each task of the plan takes: a call of a function, or one of Airflow's operators."""

from __future__ import annotations

from enum import Enum, auto

from intermodal.ir import Container, ItemRef, PythonCall, Shell, Wait
from intermodal_compilers.airflow.plan import Unit
from intermodal_compilers.airflow.views import (
    PlanView,
    TaskView,
    expressions_of,
    is_direct,
    is_text_part,
)
from intermodal_compilers.airflow.waiting import checking_task


class Form(Enum):
    """What a unit becomes.

    Members:
        CALL: A call of the user's function, or of one around it, with the inputs as arguments.
        COMPUTED: A call of a function that makes the inputs itself.
        WORK: A function that structures the DAG.
        OPERATOR: One of Airflow's operators.
    """

    CALL = auto()
    COMPUTED = auto()
    WORK = auto()
    OPERATOR = auto()


def form_of(unit: Unit, plan: PlanView) -> Form:
    """The form of a unit."""
    if unit.work is not None:
        return Form.WORK
    task, view = checking_task(unit.task), TaskView(plan, unit)
    if isinstance(task.action, Shell) and isinstance(unit.task.action, Wait):
        return Form.COMPUTED
    inputs = list(task.inputs.values())
    if isinstance(task.action, PythonCall) or plan.needs_runtime(task):
        items = sum(isinstance(value, ItemRef) for value in inputs)
        simple = unit.guard is None and items <= 1 and all(is_direct(e, view) for e in inputs)
        needs_index = bool(unit.index) and plan.needs_runtime(task)
        cached = plan.needs_runtime(task) and task.cache is not None and task.cache.enabled
        plain = simple and not task.secrets and not needs_index and not cached
        return Form.CALL if plain else Form.COMPUTED
    if isinstance(task.action, (Shell, Container)):
        texts = [*inputs, *(e for e in expressions_of(unit))]
        plain = unit.guard is None and not task.secrets
        plain = plain and all(is_text_part(e, view) for e in texts)
        return Form.OPERATOR if plain else Form.COMPUTED
    return Form.OPERATOR
