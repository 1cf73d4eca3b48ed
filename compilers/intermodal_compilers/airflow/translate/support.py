"""What becomes of each task of a pipeline: read off what translation makes of it, not off its class's name."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal.findings import errors_of
from intermodal.frozen import Frozen
from intermodal.importing import Support
from intermodal.ir import Noop, Pipeline, PythonCall, Task, Wait
from intermodal_compilers.airflow.translate.context import hosted_of
from intermodal_compilers.airflow.translate.hosting import host_program
from intermodal_compilers.airflow.translate.kinds import name_of
from intermodal_compilers.airflow.translate.pipelines import (
    TranslatedTasks,
    is_airflow,
    translate_tasks,
)
from intermodal_compilers.airflow.translate.table import BY_KIND, translator_of
from intermodal_compilers.airflow.translate.waits import HAS_COME

# Classes that do nothing in Airflow either.
NOTHING = frozenset({"EmptyOperator", "DummyOperator"})


class Becomes(Frozen):
    """What a task becomes, and why where that is not native."""

    support: Support
    why: str = ""


def what_becomes(pipeline: Pipeline, target: str) -> Mapping[str, Becomes]:
    """What becomes of each task of Airflow's, also where the pipeline as a whole is refused."""
    made = translate_tasks(pipeline, target)
    refused = {f.span: f.why or f.what for f in errors_of(made.context.findings) if f.span}
    return {
        name: _becomes(task, made, refused.get(task.span, "") if task.span else "")
        for name, task in made.context.tasks.items()
        if is_airflow(task)
    }


def _becomes(task: Task, made: TranslatedTasks, refused: str) -> Becomes:
    name = name_of(hosted_of(task).class_path)
    if refused:
        return Becomes("hosted", refused)
    after = made.made[task.id]
    if _runs_class(after):
        if translator_of(task) in BY_KIND.values():
            return Becomes("hosted", f"`{name}` has no neutral form: the class itself is run")
        return Becomes("hosted", f"it uses what only `{name}` itself can do: the class is run")
    if task.id in made.context.choices:
        return Becomes("lowered", "what it decides becomes a condition of the tasks after it")
    if isinstance(after.action, Noop) and name not in NOTHING:
        return Becomes("lowered", f"what `{name}` does has no meaning outside of Airflow")
    if _waits_for_a_moment(after):
        return Becomes("lowered", "a function looks again and again whether the moment has come")
    return Becomes("native")


def _runs_class(task: Task) -> bool:
    action = task.action
    if not isinstance(action, PythonCall) or action.source is None:
        return False
    return host_program()[1][0] in action.source.definitions


def _waits_for_a_moment(task: Task) -> bool:
    action = task.action
    if not isinstance(action, Wait) or not isinstance(action.check, PythonCall):
        return False
    return action.check.source is not None and action.check.source.function == HAS_COME
