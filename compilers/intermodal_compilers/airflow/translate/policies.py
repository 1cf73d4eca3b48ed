"""What every operator of Airflow takes: retries, timeouts, pools, callbacks; in neutral terms or as a finding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from intermodal.ir import Expression, Hosted, Retry, Task
from intermodal_compilers.airflow.translate.context import Context, hosted_of
from intermodal_compilers.airflow.translate.schedules import asset_uri
from intermodal_compilers.airflow.translate.sources import Called, Referred, Unknown, read

DELAY = dt.timedelta(minutes=5)
"""The pause between attempts where Airflow is told none."""
LONGEST_DELAY = dt.timedelta(hours=24)

# Settings read together below.
RETRIES = ("retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay")
# Settings that mean nothing outside of Airflow's pages, or that the DAG's own settings repeat.
SILENT = frozenset(
    {
        "start_date",
        "owner",
        "default_args",
        "ui_color",
        "ui_fgcolor",
        "dag_id",
        "map_index_template",
        "render_template_as_native_obj",
        "logger_name",
        "executor",
        "allow_nested_operators",
        "task_concurrency",
        "provide_context",
        "xcom_push",
        "adhoc",
    }
)
CALLBACK = "it is a function of Airflow's; a notification of the task can take its place"
WORKERS = "it chooses Airflow's own workers"
# Settings without a neutral meaning: the values that mean nothing, and why others have no effect.
WITHOUT_EFFECT: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "end_date": ((None,), "a task has no dates of its own"),
    "depends_on_past": (
        (False, None),
        "runs are no longer chained: a task starts although the same task failed in the run before",
    ),
    "wait_for_downstream": (
        (False, None),
        "runs are no longer chained: a task does not look at the tasks of the run before",
    ),
    "wait_for_past_depends_before_skipping": ((False, None), "runs are not chained"),
    "ignore_first_depends_on_past": ((False, True, None), "runs are not chained"),
    "on_failure_callback": ((None, []), CALLBACK),
    "on_success_callback": ((None, []), CALLBACK),
    "on_retry_callback": ((None, []), CALLBACK),
    "on_execute_callback": ((None, []), CALLBACK),
    "on_skipped_callback": ((None, []), CALLBACK),
    "email_on_failure": ((False, None), "Airflow sent it through its own mail server"),
    "email": ((None, "", []), "Airflow sent it through its own mail server"),
    "email_on_retry": ((False, None), "Airflow sent it through its own mail server"),
    "sla": ((None,), "Airflow's scheduler watched it; give the task a timeout"),
    "queue": ((None, "default"), WORKERS),
    "executor_config": ((None, {}), WORKERS),
    "run_as_user": ((None, ""), WORKERS),
    "resources": ((None,), WORKERS),
    "weight_rule": ((None,), "the priority of a task is its own here, whatever comes after it"),
    "max_active_tis_per_dag": ((None,), "runs do not limit each other's tasks; use a pool"),
    "max_active_tis_per_dagrun": ((None,), "instances of a loop are limited by the loop"),
    "trigger_rule": ((), "it is no rule that Airflow documents"),
    "retry_policy": ((None,), "it is code that only Airflow runs"),
}


def apply_policies(task: Task, context: Context) -> Task:
    """The task with its policies in neutral terms, and its class with the other arguments only."""
    action = hosted_of(task)
    updates: dict[str, Any] = {"owners": _owners(action.arguments) or task.owners}
    rest: dict[str, Expression] = {}
    for name, value in action.arguments.items():
        if name in RETRIES and isinstance(read(value), UNREAD):
            context.warn_once(name, "its value is made while the file runs", task.span)
        if name in RETRIES or name in SILENT or (name == "email" and _is_quiet(action)):
            continue
        if name in WITHOUT_EFFECT:
            _warn(task, name, value, context)
        elif name in FIELDS:
            field, convert = FIELDS[name]
            found = convert(read(value))
            if found is None and read(value) not in NOTHING:
                why = "its value is made while the file runs, or has no neutral form"
                context.warn_once(name, why, task.span)
            elif found is not None:
                updates[field] = found
        elif name.isdigit() or name.startswith("doc_"):
            continue
        else:
            rest[name] = value
    retry = retry_of(action.arguments)
    updates |= {"retry": retry} if retry else {}
    docs = next((t for n in DOCS if isinstance(t := read(action.arguments.get(n)), str)), "")
    return task.model_copy(
        update={**updates, "docs": docs or task.docs, "action": _with_arguments(action, rest)}
    )


def _with_arguments(action: Hosted, arguments: Mapping[str, Expression]) -> Hosted:
    return action.model_copy(update={"arguments": dict(arguments)})


def retry_of(arguments: Mapping[str, Expression]) -> Retry | None:
    """How often and when a failed task is tried again."""
    count = read(arguments.get("retries"))
    if not isinstance(count, int) or isinstance(count, bool) or count <= 0:
        return None
    delay = _duration(read(arguments.get("retry_delay")))
    delay = DELAY if delay is None else delay
    backoff = read(arguments.get("retry_exponential_backoff"))
    if not backoff:
        return Retry.of(max=min(count, 1000), delay=delay)
    factor = float(backoff) if isinstance(backoff, (int, float)) and backoff > 1 else 2.0
    ceiling = _duration(read(arguments.get("max_retry_delay"))) or LONGEST_DELAY
    return Retry.of(max=min(count, 1000), delay=delay, factor=factor, ceiling=ceiling)


def _warn(task: Task, name: str, value: Expression, context: Context) -> None:
    harmless, why = WITHOUT_EFFECT[name]
    given = read(value)
    word = given.name.lower() if isinstance(given, Referred) else given
    if given in harmless or (name == "weight_rule" and word == "absolute"):
        return
    context.warn_once(name, why, task.span)


def _is_quiet(action: Hosted) -> bool:
    """Whether Airflow sends no mail about a task that has an address."""
    return read(action.arguments.get("email_on_failure")) is False


def _owners(arguments: Mapping[str, Expression]) -> tuple[str, ...]:
    owner = read(arguments.get("owner"))
    if not isinstance(owner, str) or owner == "airflow":
        return ()
    return tuple(name.strip() for name in owner.split(",") if name.strip())


def _duration(value: Any) -> dt.timedelta | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)) and value >= 0:
        return dt.timedelta(seconds=value)
    return value if isinstance(value, dt.timedelta) and value >= dt.timedelta(0) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    return value if _whole(value) is not None and value >= 1 else None


def _pool(value: Any) -> str | None:
    """A pool of one's own: every task of Airflow is in `default_pool`."""
    return None if value == "default_pool" else _text(value)


def _uris(value: Any) -> tuple[str, ...] | None:
    items = value if isinstance(value, list) else [value]
    found: list[str] = []
    for item in items:
        uri = asset_uri(item) if isinstance(item, Called) else None
        if uri is None:
            return None
        found.append(uri)
    return tuple(found)


UNREAD = (Unknown, Called, Referred)
NOTHING: tuple[Any, ...] = (None, "default_pool", "", [], 0)
DOCS = ("doc_md", "doc", "doc_rst", "doc_json", "doc_yaml")
FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "execution_timeout": ("timeout", _duration),
    "pool": ("pool", _pool),
    "pool_slots": ("pool_slots", _count),
    "priority_weight": ("priority", _whole),
    "task_display_name": ("display_name", _text),
    "inlets": ("reads", _uris),
    "outlets": ("writes", _uris),
    **dict.fromkeys(DOCS, ("docs", _text)),
}
