"""The dates of a run: a parameter that the schedule fills in, or else the time at which the run starts.

KFP knows no data interval. As for a pipeline that nothing schedules, it is the moment of the logical date.
"""

from __future__ import annotations

from intermodal.analysis import graph
from intermodal.ir import Parameter, Pipeline, RunFact, StringType
from intermodal_compilers.kfp.build import Build
from intermodal_compilers.kfp.encoding import Code
from intermodal_compilers.kfp.inputs import DATES
from intermodal_compilers.kfp.model import InputPlan, RunParameter, TaskPlan
from intermodal_compilers.kfp.tasks import TaskLowering

PARAMETER = "intermodal_logical_date"
NOW = "datetime.datetime.now(datetime.timezone.utc).isoformat()"
TEXT = StringType.of()


def uses_dates(pipeline: Pipeline) -> bool:
    """Whether anything in a pipeline asks for a date of its run."""
    values = [value for placed in graph.walk(pipeline) for value in graph.expressions(placed.node)]
    values += [value for task in pipeline.exit_tasks for value in graph.expressions(task)]
    values += pipeline.outputs.values()
    return any(
        isinstance(part, RunFact) and part.fact in DATES
        for value in values
        for part in graph.parts(value)
    )


def add_date(build: Build, tasks: TaskLowering) -> None:
    """Add the parameter, and the task that every other one takes the date from."""
    name = build.root.keys.take(PARAMETER, "_")
    help_ = "The date that the run is for, in ISO 8601; a schedule fills it in, empty means now"
    parameter = Parameter.of(type=TEXT, default="", help=help_)
    build.plan.parameters = {**build.plan.parameters, name: parameter}
    build.plan.date_parameter = name
    plan = TaskPlan(build.task_names.take("logical-date"), "logical date")
    plan.inputs["given"] = InputPlan("given", "STRING", RunParameter(name))
    code = Code(f'values["given"] or {NOW}')
    made = tasks.computing(plan, build.root, {"date": code}, {"date": TEXT})
    build.dates = made["date"]
