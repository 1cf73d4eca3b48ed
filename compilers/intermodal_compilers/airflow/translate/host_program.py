"""Runs one operator of Airflow 3 in this process: the text of its definitions goes into emitted tasks.

Everything below the imports is copied as it is, so it uses nothing of Intermodal's.
"""

# mypy: ignore-errors
# ruff: noqa: ANN001, ANN003, ANN201, ANN202, ANN204

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import json
import time
import types


class HostedTask:
    """What an operator sees as its task instance: facts of this run, and values passed between tasks."""

    map_index, max_tries, state, hostname, log_url = -1, 0, "running", "", ""

    def __init__(self, operator, dag_id, run_id, xcoms, try_number):
        self.task, self.task_id, self.dag_id = operator, operator.task_id, dag_id
        self.run_id, self.try_number = run_id, try_number
        self.start_date = dt.datetime.now(dt.UTC)
        self.xcoms, self.pushed = xcoms, {}

    def __getattr__(self, name):
        raise AttributeError(f"there is no task instance with `{name}` outside of Airflow")

    def xcom_push(self, key, value, **_):
        """Keep a value for the tasks after this one."""
        self.pushed[key] = value

    def xcom_pull(self, task_ids=None, dag_id=None, key="return_value", default=None, **_):
        """A value that another task gave; a list of them for a list of ids."""
        if dag_id not in (None, self.dag_id):
            raise LookupError(f"values of the DAG {dag_id!r} stay in Airflow")
        if isinstance(task_ids, (list, tuple, set)):
            return [self.xcom_pull(one, None, key, default) for one in task_ids]
        if task_ids in (None, self.task_id):
            return self.pushed.get(key, default)
        if task_ids not in self.xcoms:
            raise LookupError(f"this task was given nothing of {task_ids!r}")
        found = self.xcoms[task_ids].get("return" if key == "return_value" else key)
        return default if found is None else found

    def get_template_context(self):
        """The context that templates and `execute` see."""
        return self.context

    def get_first_reschedule_date(self, _context):
        """When a sensor first looked."""
        return self.start_date


def run_operator(
    operator,
    dag_id,
    run_id,
    logical_date,
    params=None,
    xcoms=None,
    outputs=("return",),
    try_number=1,
    **dag_settings,
):
    """Run an operator of Airflow as Airflow's own worker would, and give its outputs.

    Connections and Variables come from the variables `AIRFLOW_CONN_...` and `AIRFLOW_VAR_...`.
    """
    from airflow.sdk import DAG
    from airflow.sdk.bases.operator import ExecutorSafeguard
    from airflow.sdk.exceptions import AirflowSkipException
    from airflow.sdk.execution_time.context import set_current_context

    if operator.inherits_from_skipmixin and "chosen" not in outputs:
        raise RuntimeError(
            "the operator skips tasks after it, which nobody knew when this was made"
        )
    DAG(dag_id, schedule=None, **dag_settings).add_task(operator)
    operator = operator.prepare_for_execution()
    task = HostedTask(operator, dag_id, run_id, xcoms or {}, try_number)
    given = {**(params or {}), **{name: operator.params[name] for name in operator.params}}
    context = task.context = hosted_context(task, logical_date, given)
    chosen = []
    operator.skip_all_except = lambda _ti, branch_task_ids: chosen.extend(listed(branch_task_ids))
    ExecutorSafeguard.tracker.set(operator)
    with set_current_context(context):
        operator.render_template_fields(context)
        if getattr(operator, "mode", "") == "reschedule":
            operator.mode = "poke"
        try:
            for hook in (operator._pre_execute_hook, operator.pre_execute):
                hook and hook(context)
            result = finished(functools.partial(operator.execute, context), operator, context)
            for hook in (operator._post_execute_hook, operator.post_execute):
                hook and hook(context, result)
        except AirflowSkipException as skip:
            if "ran" not in outputs:
                raise RuntimeError(
                    f"the task skips itself ({skip}), which cannot be told"
                ) from skip
            return {**dict.fromkeys(outputs), "ran": False}
    parts = result if isinstance(result, dict) else {}
    given = {**parts, **task.pushed, "return": result, "ran": True, "chosen": chosen}
    found = {name: as_json(given.get(name)) for name in outputs}
    return found["return"] if outputs == ("return",) else found


def finished(step, operator, context):
    """The result of a step; an operator that pauses goes on when what it waits for has come."""
    from airflow.sdk.exceptions import AirflowRescheduleException, TaskDeferred

    while True:
        try:
            return step()
        except TaskDeferred as pause:
            event = asyncio.run(first_event(pause.trigger, pause.timeout))
            given = {**(pause.kwargs or {}), "event": event.payload}
            step = functools.partial(operator.resume_execution, pause.method_name, given, context)
        except AirflowRescheduleException as pause:
            left = pause.reschedule_date - dt.datetime.now(dt.UTC)
            time.sleep(max(left.total_seconds(), 0))


async def first_event(trigger, timeout):
    """What a trigger waits for."""

    async def wait():
        async for event in trigger.run():
            return event
        raise RuntimeError("the trigger ended without an event")

    try:
        return await asyncio.wait_for(wait(), timeout and timeout.total_seconds())
    finally:
        await trigger.cleanup()


def hosted_context(task, logical_date, params):
    """What templates and `execute` see; the data interval is the moment of the logical date."""
    import pendulum
    from airflow.sdk.execution_time import context as airflow

    moment = pendulum.parse(logical_date)
    names = ("logical_date", "data_interval_start", "data_interval_end")
    dates = dict.fromkeys(names, moment)
    day, iso = moment.to_date_string(), moment.isoformat()
    none = {"partition_key": None, "partition_date": None}
    known = {"start_date": task.start_date, "queued_at": task.start_date, **dates, **none}
    facts = {"dag_id": task.dag_id, "run_id": task.run_id, "conf": params, "run_type": "manual"}
    return {
        **none,
        **dates,
        "execution_date": moment,
        "ds": day,
        "ds_nodash": day.replace("-", ""),
        "ts": iso,
        "ts_nodash": moment.strftime("%Y%m%dT%H%M%S"),
        "ts_nodash_with_tz": iso.replace("-", "").replace(":", ""),
        "yesterday_ds": moment.subtract(days=1).to_date_string(),
        "tomorrow_ds": moment.add(days=1).to_date_string(),
        "next_ds": day,
        "next_execution_date": moment,
        "run_id": task.run_id,
        "dag": task.task.dag,
        "dag_run": types.SimpleNamespace(**facts, **known),
        "task": task.task,
        "ti": task,
        "task_instance": task,
        "task_instance_key_str": f"{task.dag_id}__{task.task_id}__{day.replace('-', '')}",
        "params": params,
        "var": {
            "value": airflow.VariableAccessor(deserialize_json=False),
            "json": airflow.VariableAccessor(deserialize_json=True),
        },
        "conn": airflow.ConnectionAccessor(),
        "macros": airflow.MacrosAccessor(),
        "inlets": task.task.inlets,
        "outlets": task.task.outlets,
        "outlet_events": airflow.OutletEventAccessors(),
        "triggering_asset_events": {},
        "test_mode": False,
    }


def listed(value):
    """A list of task ids, of what may be one or none."""
    return [value] if isinstance(value, str) else list(value or ())


def as_json(value):
    """A value as JSON text can hold it; dates and other objects as text."""
    return json.loads(json.dumps(value, default=str))


def with_chosen(result, convert):
    """What a function returned, and what that means for the tasks after it."""
    return {"return": result, "chosen": convert(result)}
