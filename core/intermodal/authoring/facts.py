"""Values that are known only when a pipeline runs: run facts, secrets, states, and text made of them."""

from __future__ import annotations

import string
from typing import Any, NoReturn

from intermodal import ir
from intermodal.authoring.handles import Handle, TaskHandle, as_expression, wrong
from intermodal.authoring.regions import tracer_for
from intermodal.authoring.tracing import Tracer, current_tracer


class Run:
    """What the engine knows of a run: `run.logical_date`, `run.id`.

    `attempt` is the number of the task's own attempt, from 1; `state` (`succeeded` or `failed`) exists in
    exit tasks only. Timestamps can be moved, `run.logical_date - timedelta(days=1)`, and written as text,
    `run.logical_date.strftime("%Y-%m-%d")`.
    """

    @property
    def id(self) -> Handle:
        """The run's id, the same for all its tasks."""
        return _fact("run_id")

    @property
    def pipeline(self) -> Handle:
        """The pipeline's name."""
        return _fact("pipeline")

    @property
    def logical_date(self) -> Handle:
        """The moment a scheduled run stands for, as Airflow defines it."""
        return _fact("logical_date")

    @property
    def data_interval_start(self) -> Handle:
        """Where the data that a scheduled run is about begin."""
        return _fact("data_interval_start")

    @property
    def data_interval_end(self) -> Handle:
        """Where they end."""
        return _fact("data_interval_end")

    @property
    def attempt(self) -> Handle:
        """The number of the task's attempt, from 1."""
        return _fact("attempt")

    @property
    def state(self) -> Handle:
        """How the run ended; for exit tasks."""
        return _fact("state")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        known = ", ".join(f"`run.{fact}`" for fact, value in vars(Run).items() if _is_fact(value))
        wrong(f"there is no `run.{name}`", f"there are {known}")


def _is_fact(value: Any) -> bool:
    return isinstance(value, property)


run = Run()


class Sealed(Handle):
    """What can only be passed on, since nothing may be made of it before it is where it is used."""

    def __init__(self, expression: ir.Expression, label: str) -> None:
        super().__init__(current_tracer() or Tracer(), expression, label)

    def _sealed(self, *_: Any, **__: Any) -> NoReturn:
        self._misuse("compared, indexed or changed", "pass it to a task, and do that there")

    _compare = _logic = _moved = __invert__ = __getitem__ = strftime = _sealed


def secret(name: str, key: str | None = None) -> Sealed:
    """A secret, read on the worker and written nowhere: an argument of a task, or one of its `secrets`."""
    if not isinstance(name, str) or not (key is None or isinstance(key, str)):
        wrong("a secret is named by text", 'write `secret("warehouse", "password")`')
    return Sealed(ir.SecretRef.of(name=name, key=key), f"the secret `{name}`")


def text(template: str, **values: Any) -> Handle:
    """Text with values in it: `text("s3://lake/{day:%Y-%m-%d}/{name}", day=run.logical_date, name=name)`.

    Values that are no text are written as JSON. A format (`:%Y`) is for timestamps.
    """
    tracer = tracer_for("text")
    if not isinstance(template, str):
        wrong("`text` takes a template", 'write `text("{x}", x=handle)`')
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as problem:
        wrong(f"the template of `text`: {problem}", "write braces that are text twice: `{{`")
    parts: list[ir.Expression] = []
    for literal, name, pattern, conversion in fields:
        if literal:
            parts.append(ir.Literal_.of(value=literal))
        if name is None:
            continue
        if conversion:
            wrong(f"`text` takes no `!{conversion}`", "convert the value inside a task")
        if name not in values:
            wrong(f"`text` has no value for `{{{name}}}`", "pass each value by its plain name")
        value = as_expression(tracer, values[name])
        parts.append(ir.DateFormat.of(base=value, pattern=pattern) if pattern else value)
    return Handle(tracer, ir.Format.of(parts=tuple(parts)), "the text")


def default(value: Any, fallback: Any) -> Handle:
    """A value, or `fallback` where there is none: it is null, or its task did not run."""
    tracer = tracer_for("default")
    expression = ir.Default.of(
        value=as_expression(tracer, value), fallback=as_expression(tracer, fallback)
    )
    return Handle(tracer, expression, "the value or its fallback")


def is_in(value: Any, values: Any) -> Handle:
    """Whether a value is among others: `is_in(day, ["sat", "sun"])`; `~is_in(...)` is the opposite."""
    tracer = tracer_for("is_in")
    left, right = as_expression(tracer, value), as_expression(tracer, values)
    return Handle(tracer, ir.Compare.of(operator="in", left=left, right=right), "`is_in(...)`")


def state_of(task: Any) -> Handle:
    """How a task ended, as text: `succeeded`, `cached`, `failed`, `skipped` or `upstream_failed`."""
    tracer = tracer_for("state_of")
    if not isinstance(task, TaskHandle):
        wrong("`state_of` takes the result of a task call", "write `state_of(load())`")
    return Handle(tracer, ir.TaskState.of(node=task._draft.id), f"the state of `{task._draft.id}`")


def _fact(name: Any) -> Handle:
    return Handle(tracer_for("run"), ir.RunFact.of(fact=name), f"`run.{name}`")
