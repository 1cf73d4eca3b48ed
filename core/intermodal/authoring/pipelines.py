"""`@pipeline`: a function whose task calls make the graph."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from intermodal import ir
from intermodal.authoring import hints as type_hints
from intermodal.authoring.handles import Handle, as_expression
from intermodal.authoring.options import PIPELINE_SETTINGS, checked
from intermodal.authoring.spans import (
    caller_span,
    function_span,
    shown_below,
    shown_path,
    traceback_span,
)
from intermodal.authoring.tracing import Tracer, tracing
from intermodal.findings import Finding, FindingsError, Span, error, errors_of
from intermodal.ir.node import IDENTIFIER_PATTERN

TRIGGERS = (ir.Cron, ir.Interval, ir.OnData, ir.OnEvent, ir.Manual)


class PipelineFunction:
    """A pipeline as written. `trace()` gives its IR."""

    def __init__(self, function: Callable[..., Any], settings: Mapping[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.settings = settings

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.settings.get("name") or self.function.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - takes whatever it is given
        """Refused: a pipeline is compiled or run, not called."""
        raise FindingsError(
            [
                error(
                    "PORT116",
                    f"the pipeline `{self.name}` was called as a function",
                    caller_span(),
                    next="run it with `port run FILE`, or test its tasks, which are plain functions",
                )
            ]
        )

    def trace(self, root: Path | None = None) -> tuple[ir.Pipeline | None, list[Finding]]:
        """Run the function once with handles for its parameters; the pipeline, or findings."""
        with shown_below(root):
            return self._trace(root)

    def _trace(self, root: Path | None) -> tuple[ir.Pipeline | None, list[Finding]]:
        tracer = Tracer(root=root)
        span = function_span(self.function.__code__)
        parameters = _parameters(self.function, tracer, span)
        given = {
            name: Handle(tracer, ir.ParameterRef.of(name=name), f"parameter `{name}`")
            for name in parameters
        }
        outputs: dict[str, ir.Expression] = {}
        try:
            with tracing(tracer):
                outputs = _outputs(tracer, self.function(**given))
        except FindingsError as problem:
            tracer.findings.extend(problem.findings)
        except Exception as problem:
            tracer.findings.append(self._raised(problem))
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
            "body": tracer.tasks(),
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
        made[name] = ir.Parameter.of(
            type=type_,
            required=required,
            default=None if required else _default(tracer, parameter.default),
            choices=type_hints.choices_of(hint),
            span=span,
        )
    return made


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
    return model.of(**{name: given.pop(name) for name in model.model_fields if name in given})


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
