"""Data assets of tasks, and schedules that follow them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from intermodal.findings import Finding, error
from intermodal.ir import OnData, OnEvent, Pipeline, Task
from intermodal_compilers.airflow.dialects import Dialect
from intermodal_compilers.pysource import Expr, Value, call, list_of

LONGEST_URI = 1500

# Arguments of functions that Airflow makes assets of.
RESERVED = ("self", "context")


def asset_keywords(task: Task, dialect: Dialect) -> dict[str, Expr]:
    """`inlets` and `outlets`."""
    keywords: dict[str, Expr] = {}
    if task.reads:
        keywords["inlets"] = list_of(asset(uri, dialect) for uri in task.reads)
    if task.writes:
        keywords["outlets"] = list_of(asset(uri, dialect) for uri in task.writes)
    return keywords


def asset(uri: str, dialect: Dialect) -> Expr:
    """`Asset(uri)`, which Airflow 2 calls a dataset."""
    return call(dialect.asset, Value(uri))


def condition(triggers: Iterable[OnData | OnEvent], dialect: Dialect) -> Expr:
    """What updates start a run: any of the triggers."""
    parts = [_condition(trigger, dialect) for trigger in triggers]
    return parts[0] if len(parts) == 1 else call(f"{dialect.asset}Any", *parts)


def schedule_of(trigger: OnData | OnEvent, dialect: Dialect) -> Expr:
    """A single trigger as the DAG's schedule: all of a list, or a condition."""
    if isinstance(trigger, OnEvent):
        return list_of([asset(trigger.event, dialect)])
    if trigger.require == "all" or len(trigger.assets) == 1:
        return list_of(asset(uri, dialect) for uri in trigger.assets)
    return _condition(trigger, dialect)


def asset_findings(pipeline: Pipeline, tasks: Iterable[Task], target: str) -> Iterator[Finding]:
    """Names that Airflow takes for no asset."""
    triggers = pipeline.schedule.triggers if pipeline.schedule else ()
    named = [(uri, pipeline.span) for t in triggers if isinstance(t, OnData) for uri in t.assets]
    named += [(t.event, pipeline.span) for t in triggers if isinstance(t, OnEvent)]
    named += [(uri, task.span) for task in tasks for uri in (*task.reads, *task.writes)]
    for uri, span in named:
        problem = _problem(uri)
        if problem:
            yield error(
                "PORT203",
                f"{target}: `{uri[:60]}` cannot name an asset",
                span,
                why=problem,
                next="write a URI such as `s3://bucket/key`",
            )


def _condition(trigger: OnData | OnEvent, dialect: Dialect) -> Expr:
    if isinstance(trigger, OnEvent):
        return asset(trigger.event, dialect)
    assets = [asset(uri, dialect) for uri in trigger.assets]
    if len(assets) == 1:
        return assets[0]
    return call(f"{dialect.asset}{'All' if trigger.require == 'all' else 'Any'}", *assets)


def _problem(uri: str) -> str:
    if not uri.strip():
        return "it is empty"
    if not uri.isascii():
        return "Airflow's assets are named in ASCII"
    if not uri.isprintable():
        return "Airflow takes line breaks and other control characters out of it"
    if len(uri) > LONGEST_URI:
        return f"it is longer than {LONGEST_URI} characters"
    if uri in RESERVED:
        return f"Airflow keeps `{uri}` for itself"
    try:
        parts = urlsplit(uri)
    except ValueError as problem:
        return str(problem)
    if parts.password is not None:
        return "Airflow takes passwords out of it, and it stands in the DAG file for all to read"
    return "Airflow keeps the scheme `airflow` for itself" if parts.scheme == "airflow" else ""
