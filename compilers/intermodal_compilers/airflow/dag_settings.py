"""Arguments of the DAG itself, and what Airflow refuses of a pipeline as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.compiling import Settings, Target
from intermodal.findings import Finding, error
from intermodal.ir import Cron, Interval, OptionalType, Parameter, Pipeline
from intermodal_compilers.airflow.assets import asset_findings
from intermodal_compilers.airflow.callbacks import callback_findings, pipeline_callbacks
from intermodal_compilers.airflow.dialects import DIALECTS, Dialect
from intermodal_compilers.airflow.parameters import param
from intermodal_compilers.airflow.python_tasks import annotation
from intermodal_compilers.airflow.schedules import schedule_findings, schedule_keywords
from intermodal_compilers.exposed_secrets import exposed_secret_findings
from intermodal_compilers.pysource import Expr, Name, Value, dict_of, list_of

LONGEST_TAG = 100


def dag_keywords(
    pipeline: Pipeline, dialect: Dialect, function: str, *, with_filter: bool, tracked: bool
) -> dict[str, Expr]:
    """Arguments of `@dag` or `DAG`; `function` is the name under `@dag`, which is the id by default."""
    keywords: dict[str, Expr] = {}
    if function != pipeline.name:
        keywords["dag_id"] = Value(pipeline.name)
    text = pipeline.description.strip()
    if text:
        keywords["description"] = Value(text.splitlines()[0].strip())
    keywords |= schedule_keywords(pipeline, dialect)
    if pipeline.concurrency.max_active_runs is not None:
        keywords["max_active_runs"] = Value(pipeline.concurrency.max_active_runs)
    if pipeline.concurrency.max_active_tasks is not None:
        keywords["max_active_tasks"] = Value(pipeline.concurrency.max_active_tasks)
    keywords |= pipeline_callbacks(pipeline, tracked=tracked)
    if pipeline.owners:
        keywords["default_args"] = Value({"owner": ", ".join(pipeline.owners)})
    if pipeline.parameters:
        keywords["params"] = dict_of({n: param(p) for n, p in pipeline.parameters.items()})
    if with_filter:
        keywords["user_defined_filters"] = dict_of({"as_text": Name("as_text")})
    if "\n" in text:
        # Airflow takes a text that ends in `.md` for the name of a file.
        keywords["doc_md"] = Value(f"{text}\n" if text.endswith(".md") else text)
    if pipeline.labels:
        keywords["tags"] = list_of(Value(tag) for tag in tags(pipeline))
    return keywords


def tags(pipeline: Pipeline) -> list[str]:
    """Labels as tags."""
    return [f"{key}:{value}" if value else key for key, value in pipeline.labels.items()]


def signature_type(parameter: Parameter) -> str:
    """The annotation of a parameter in the function under `@dag`."""
    if isinstance(parameter.type, OptionalType):
        inner = annotation(parameter.type.item)
        return f"{inner} | None" if inner else ""
    return annotation(parameter.type)


def pipeline_findings(pipeline: Pipeline, target: Target, settings: Settings) -> Iterator[Finding]:
    """What Airflow cannot do of the pipeline as a whole."""
    if settings.code == "bundle":
        yield error(
            "PORT204",
            f"{target}: code cannot reach the workers as a bundle yet",
            pipeline.span,
            next="use `--code embed` or `--code import`",
        )
    yield from callback_findings(pipeline, target_name := str(target))
    yield from asset_findings(pipeline, graph.tasks(pipeline), target_name)
    yield from schedule_findings(pipeline, target_name, DIALECTS[target.version])
    yield from exposed_secret_findings(pipeline, target_name, "XComs, in Airflow's database")
    for tag in tags(pipeline):
        if len(tag) > LONGEST_TAG:
            yield error(
                "PORT203",
                f"{target}: the label `{tag[:40]}...` is longer than {LONGEST_TAG} characters",
                pipeline.span,
                why="labels become tags, which Airflow limits",
                next="shorten it",
            )
    if pipeline.schedule and pipeline.schedule.catch_up and pipeline.schedule.start is None:
        yield error(
            "PORT204",
            f"{target} cannot catch up `{pipeline.name}` from no start",
            pipeline.schedule.span or pipeline.span,
            why="it would run once for every time of the schedule since an arbitrary day",
            next="give the schedule a `start`, or switch catch-up off",
        )
    yield from _required_findings(pipeline, target)


def _required_findings(pipeline: Pipeline, target: Target) -> Iterator[Finding]:
    schedule = pipeline.schedule
    scheduled = schedule and any(isinstance(t, (Cron, Interval)) for t in schedule.triggers)
    if not scheduled:
        return
    for name, parameter in pipeline.parameters.items():
        if parameter.required:
            yield error(
                "PORT204",
                f"{target} cannot start `{pipeline.name}` on a schedule: its parameter `{name}` "
                "has no default",
                parameter.span or pipeline.span,
                why="nobody gives a value when a schedule starts a run, and Airflow refuses to "
                "load such a DAG",
                next=f"give `{name}` a default, or take the schedule off",
            )
