"""The settings of a DAG that have a neutral meaning, and those that have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intermodal.ir import Concurrency, Expression, Pipeline
from intermodal_compilers.airflow.translate.context import Context
from intermodal_compilers.airflow.translate.schedules import NAMES, schedule_of
from intermodal_compilers.airflow.translate.sources import read

# Settings that are read elsewhere, or that mean nothing outside of Airflow's own pages.
KNOWN = frozenset(
    {
        *NAMES,
        "dag_id",
        "start_date",
        "end_date",
        "params",
        "tags",
        "description",
        "doc_md",
        "owner",
        "owner_links",
        "default_args",
        "max_active_runs",
        "max_active_tasks",
        "concurrency",
        "catchup",
        "dag_display_name",
        "default_view",
        "orientation",
        "is_paused_upon_creation",
        "full_filepath",
        "fileloc",
        "auto_register",
        "rerun_with_latest_version",
        "user_defined_macros",
        "user_defined_filters",
        "render_template_as_native_obj",
        "template_searchpath",
        "template_undefined",
        "jinja_environment_kwargs",
    }
)
# What decides how operators render their templates; a hosted one needs it.
RENDERING = (
    "user_defined_macros",
    "user_defined_filters",
    "render_template_as_native_obj",
    "template_undefined",
    "jinja_environment_kwargs",
)
# What these say where they say nothing.
DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "dagrun_timeout": (None,),
    "sla_miss_callback": (None,),
    "on_success_callback": (None,),
    "on_failure_callback": (None,),
    "access_control": (None,),
    "fail_fast": (False, None),
    "fail_stop": (False, None),
    "max_consecutive_failed_dag_runs": (0, None),
    "deadline": (None,),
    "disable_bundle_versioning": (False, None),
    "allowed_run_types": (None,),
}
REASONS: Mapping[str, str] = {
    "dagrun_timeout": "a pipeline has no time limit of its own; give the tasks timeouts",
    "on_failure_callback": "it is a function of Airflow's; a notification of the pipeline can take its place",
    "on_success_callback": "it is a function of Airflow's; a notification of the pipeline can take its place",
    "access_control": "who may see and run a pipeline is a setting of its engine",
    "template_searchpath": "the files there have to be where the tasks run",
}
OTHER = "it belongs to Airflow's own scheduler"


def settle(pipeline: Pipeline, context: Context) -> Pipeline:
    """The pipeline with the settings of its DAG in neutral terms; its tasks stay as they are."""
    if pipeline.hosted is None:
        return pipeline
    arguments = pipeline.hosted.arguments
    for name, value in arguments.items():
        _warn(name, value, context)
    runs = _whole(read(arguments.get("max_active_runs")))
    tasks = _whole(read(arguments.get("max_active_tasks", arguments.get("concurrency"))))
    description = read(arguments.get("description")) or read(arguments.get("doc_md"))
    shown = read(arguments.get("dag_display_name"))
    labels = dict.fromkeys(_texts(read(arguments.get("tags"))), "")
    return pipeline.model_copy(
        update={
            "description": description if isinstance(description, str) else _text(shown),
            "labels": labels,
            "parameters": dict(context.parameters),
            "schedule": schedule_of(pipeline, context),
            "concurrency": Concurrency.of(max_active_runs=runs, max_active_tasks=tasks),
            "hosted": None,
        }
    )


def rendering_of(pipeline: Pipeline) -> dict[str, Expression]:
    """Arguments of the DAG by which operators render their templates otherwise."""
    arguments = pipeline.hosted.arguments if pipeline.hosted else {}
    return {name: arguments[name] for name in RENDERING if name in arguments}


def _warn(name: str, value: Expression, context: Context) -> None:
    if name in KNOWN and name not in REASONS:
        return
    given = read(value)
    if name.isdigit() or given in DEFAULTS.get(name, ()) or (given is None and name in REASONS):
        return
    context.warn_once(name, REASONS.get(name, OTHER), context.pipeline.span)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _texts(value: Any) -> list[str]:
    return (
        sorted(item for item in value if isinstance(item, str)) if isinstance(value, list) else []
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
