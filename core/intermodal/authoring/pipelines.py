"""`@pipeline`: a function whose task calls make the graph."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from intermodal import ir
from intermodal.authoring import hints as type_hints
from intermodal.authoring.habits import habits
from intermodal.authoring.handles import Handle, TaskHandle, as_expression, wrong
from intermodal.authoring.options import PIPELINE_SETTINGS, checked
from intermodal.authoring.regions import new_group, tracer_for
from intermodal.authoring.spans import (
    caller_span,
    function_span,
    shown_below,
    shown_path,
    traceback_span,
)
from intermodal.authoring.tasks import shown_signature
from intermodal.authoring.tracing import RegionDraft, Tracer, current_tracer, set_defaults, tracing
from intermodal.findings import Finding, FindingsError, Span, error, errors_of, note
from intermodal.ir.node import IDENTIFIER_PATTERN

USED_IN_CALLS = frozenset({"name", "description", "defaults"})
"""Settings of a pipeline that keep their meaning where another pipeline calls it."""

INSTEAD = {
    "map": "write `with for_each(items) as item: result = {name}(item)`, and `collect(result)` after it",
    "with_options": "call it in a group: `with group('first', after=[...]): {name}(...)`",
}
"""What is written instead of what tasks have and pipelines have not."""

TRIGGERS = (ir.Cron, ir.Interval, ir.OnData, ir.OnEvent, ir.Manual)


class PipelineFunction:
    """A pipeline as written. `trace()` gives its IR."""

    def __init__(self, function: Callable[..., Any], settings: Mapping[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.settings = settings

    def __getattr__(self, name: str) -> NoReturn:
        if name in INSTEAD:
            wrong(f"a pipeline has no `.{name}`", INSTEAD[name].format(name=self.name))
        raise AttributeError(name)

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.settings.get("name") or self.function.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add this pipeline's tasks to the pipeline that is being written, as a group.

        Their ids begin with the group's. What the function returns can be used like task results; where
        it returns nothing, the group stands for all of it in `after=` and `>>`.

        Raises:
            FindingsError: It is called outside a pipeline, or wrongly.
        """
        tracer = current_tracer()
        if tracer is None:
            raise FindingsError([_called_alone(self.name)])
        span = caller_span()
        given = self._bound(tracer, args, kwargs, span)
        if self in tracer.calling:
            raise FindingsError([_called_by_itself(self.name, span)])
        ignored = sorted(set(self.settings) - USED_IN_CALLS)
        if ignored:
            tracer.findings.append(_ignored_settings(self.name, ignored, span))
        settings = {"docs": inspect.getdoc(self.function) or ""}
        draft = new_group(tracer, self.name, settings)
        outside = tracer.prefix
        tracer.prefix = f"{draft.id}."
        tracer.calling.append(self)
        try:
            with tracer.collecting(draft.body):
                returned = self.function(**given)
        finally:
            tracer.prefix = outside
            tracer.calling.pop()
        if self.settings.get("defaults"):
            set_defaults(draft.body, self.settings["defaults"])
        return TaskHandle(tracer, draft, {}) if returned is None else returned

    def _bound(
        self, tracer: Tracer, args: Sequence[Any], kwargs: Mapping[str, Any], span: Span | None
    ) -> dict[str, Any]:
        """The arguments of a call, as handles: the function is written for nothing else."""
        signature = inspect.signature(self.function)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as problem:
            what = f"the pipeline `{self.name}` was called wrongly: {problem}"
            advice = f"its signature is `{self.name}{shown_signature(self.function)}`"
            raise FindingsError([error("PORT116", what, span, next=advice)]) from None
        bound.apply_defaults()
        return {
            name: value
            if isinstance(value, Handle)
            else Handle(tracer, as_expression(tracer, value), f"`{name}` of `{self.name}`")
            for name, value in bound.arguments.items()
        }

    def trace(self, root: Path | None = None) -> tuple[ir.Pipeline | None, list[Finding]]:
        """Run the function once with handles for its parameters; the pipeline, or findings."""
        with shown_below(root):
            return self._trace(root)

    def _trace(self, root: Path | None) -> tuple[ir.Pipeline | None, list[Finding]]:
        tracer = Tracer(root=root, calling=[self])
        span = function_span(self.function.__code__)
        parameters = _parameters(self.function, tracer, span)
        given = {
            written: Handle(tracer, ir.ParameterRef.of(name=name), f"parameter `{name}`")
            for written, name in _names(self.function).items()
            if name in parameters
        }
        outputs: dict[str, ir.Expression] = {}
        try:
            with tracing(tracer):
                outputs = _outputs(tracer, self.function(**given))
        except FindingsError as problem:
            tracer.findings.extend(problem.findings)
        except Exception as problem:
            tracer.findings.append(self._raised(problem))
        tracer.findings.extend(habits(self.function))
        if errors_of(tracer.findings):
            return None, tracer.findings
        made = self._built(tracer, parameters, outputs, span)
        return (None if errors_of(tracer.findings) else made), tracer.findings

    def _built(
        self,
        tracer: Tracer,
        parameters: Mapping[str, ir.Parameter],
        outputs: Mapping[str, ir.Expression],
        span: Span,
    ) -> ir.Pipeline | None:
        if not re.match(IDENTIFIER_PATTERN, self.name):
            tracer.findings.append(
                error(
                    "PORT109",
                    f"`{self.name}` cannot be the name of a pipeline",
                    span,
                    why="names hold letters, digits, `_`, `-` and `.`, and start with a letter or `_`",
                    next="choose another name",
                )
            )
            return None
        fields = {
            "description": inspect.getdoc(self.function) or "",
            **self.settings,
            "name": self.name,
            "parameters": parameters,
            "body": tracer.top.nodes(),
            "exit_tasks": tracer.exits.nodes(),
            "outputs": outputs,
            "span": span,
        }
        return ir.Pipeline.of(**fields)

    def _raised(self, problem: Exception) -> Finding:
        file = Path(self.function.__code__.co_filename)
        span = traceback_span(problem.__traceback__, file)
        return error(
            "PORT117",
            f"the pipeline function `{self.name}` raised {type(problem).__name__}: {problem}",
            span,
            why="the function is executed once to find its tasks",
            next=f"correct it; `{shown_path(str(file))}` can also be run with plain Python to debug",
        )


def on_exit(task: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run a task once, after everything else, however that ended: `on_exit(tidy_up, state=run.state)`."""
    tracer = tracer_for("on_exit")
    if not callable(task) or isinstance(task, (Handle, PipelineFunction)):
        wrong(
            "`on_exit` takes a task and its arguments, not the result of a call",
            "write `on_exit(tidy_up, path)`",
        )
    with tracer.collecting(tracer.exits):
        result = task(*args, **kwargs)
    if any(isinstance(draft, RegionDraft) for draft in tracer.exits.drafts):
        wrong("`on_exit` takes single tasks", "loop or decide inside the task")
    return result


def _called_alone(name: str) -> Finding:
    return error(
        "PORT116",
        f"the pipeline `{name}` was called as a function",
        caller_span(),
        next="run it with `port run FILE`, call it in another pipeline, or test its tasks, which are "
        "plain functions",
    )


def _called_by_itself(name: str, span: Span | None) -> Finding:
    return error(
        "PORT116",
        f"the pipeline `{name}` calls itself",
        span,
        why="its tasks are put in the place of the call, which would never end",
        next=f"start a run of its own with `trigger({name}, ...)`",
    )


def _ignored_settings(name: str, ignored: list[str], span: Span | None) -> Finding:
    settings = ", ".join(f"`{setting}`" for setting in ignored)
    return note(
        "PORT122",
        f"settings of the pipeline `{name}` are not used where it is called: {settings}",
        span,
        why="its tasks become part of the pipeline that calls it, which has its own",
        next="set them there, or start a run of its own with `trigger(...)`",
    )


def _parameters(
    function: Callable[..., Any], tracer: Tracer, span: Span
) -> dict[str, ir.Parameter]:
    hints, findings = type_hints.hints_of(function, span)
    tracer.findings.extend(findings)
    made: dict[str, ir.Parameter] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints.get(name, parameter.empty)
        try:
            type_ = type_hints.type_of(hint)
        except type_hints.Unsupported as problem:
            tracer.findings.append(
                type_hints.unsupported(f"parameter `{name}`", hint, problem, span)
            )
            continue
        if isinstance(type_, ir.ArtifactType) or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            tracer.findings.append(_no_parameter(name, parameter, span))
            continue
        required = parameter.default is parameter.empty
        facts = type_hints.param_of(hint)
        made[facts.name or name] = ir.Parameter.of(
            type=type_,
            required=required,
            default=None if required else _default(tracer, parameter.default),
            choices=type_hints.choices_of(hint),
            help=facts.help,
            span=span,
        )
    return made


def _names(function: Callable[..., Any]) -> dict[str, str]:
    """The names of a pipeline's parameters by those that its function has for them."""
    hints, _ = type_hints.hints_of(function, function_span(function.__code__))
    return {
        name: type_hints.param_of(hints.get(name)).name or name
        for name in inspect.signature(function).parameters
    }


def _no_parameter(name: str, parameter: inspect.Parameter, span: Span) -> Finding:
    return error(
        "PORT115",
        f"`{parameter}` cannot be a parameter of a pipeline",
        span,
        why="a run's parameters are JSON values with names",
        next=f"pass text, such as a path, as `{name}: str` and load it in a task",
    )


def _default(tracer: Tracer, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return tracer.json_value(value)


def _outputs(tracer: Tracer, returned: Any) -> dict[str, ir.Expression]:
    if returned is None:
        return {}
    if isinstance(returned, Mapping):
        return {str(name): as_expression(tracer, value) for name, value in returned.items()}
    if isinstance(returned, tuple) and hasattr(returned, "_asdict"):
        return {name: as_expression(tracer, value) for name, value in returned._asdict().items()}
    return {"return": as_expression(tracer, returned)}


def _schedule(given: Any) -> ir.Schedule | None:
    if given is None or isinstance(given, ir.Schedule):
        return given
    triggers = given if isinstance(given, (list, tuple)) else [given]
    for trigger in triggers:
        if not isinstance(trigger, TRIGGERS):
            raise FindingsError(
                [
                    error(
                        "PORT118",
                        f"`schedule` takes no `{type(trigger).__name__}`",
                        caller_span(),
                        next='write Cron("0 6 * * *"), Interval("1h") or Schedule(...)',
                    )
                ]
            )
    return ir.Schedule.of(triggers=tuple(triggers), span=triggers[0].span)


def _inner(model: type[ir.Node], given: dict[str, Any]) -> Any:
    """A part of the pipeline, made of those of the given settings that are its fields."""
    return model.of(**{name: given.pop(name) for name in model.field_names if name in given})


def pipeline(  # noqa: PLR0913 - one argument for each thing a pipeline can say
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    schedule: ir.Schedule | ir.Trigger | Sequence[ir.Trigger] | None = None,
    owners: Sequence[str] | str | None = None,
    labels: Mapping[str, str] | None = None,
    defaults: ir.TaskDefaults | None = None,
    image: str | None = None,
    packages: Sequence[str] = (),
    max_active_runs: int | None = None,
    max_active_tasks: int | None = None,
    tracking: ir.Tracking | None = None,
    notifications: Sequence[ir.Notification] | ir.Notification | None = None,
) -> Any:
    """Make a function a pipeline: its parameters are the run's, its task calls the graph."""
    given = checked(
        PIPELINE_SETTINGS,
        {
            "name": name,
            "description": description,
            "owners": owners,
            "labels": labels,
            "defaults": defaults,
            "image": image,
            "packages": packages,
            "max_active_runs": max_active_runs,
            "max_active_tasks": max_active_tasks,
            "tracking": tracking,
            "notifications": notifications,
        },
        "a pipeline",
    )
    inner = {model: _inner(model, given) for model in (ir.Environment, ir.Concurrency)}
    settings = {**given, "environment": inner[ir.Environment], "concurrency": inner[ir.Concurrency]}
    if schedule is not None:
        settings["schedule"] = _schedule(schedule)
    if function is not None:
        return PipelineFunction(function, settings)
    return lambda decorated: PipelineFunction(decorated, settings)
