"""Run and load one DAG file in a real Airflow; started by `engines.airflow`.

`dag.test()` needs a migrated database: each case gets a copy of its own, named in its environment.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from pathlib import Path
from typing import Any

from airflow import __version__, settings

from intermodal_backends.engines.workers import airflow_beside
from intermodal_backends.engines.workers.airflow_words import ANSWERS, instance_states
from intermodal_backends.engines.workers.serve import Request, serve

AIRFLOW_2 = __version__.startswith("2.")


def main() -> None:
    """Import what the first `dag.test()` would import, then serve."""
    _import_what_runs_need()
    if AIRFLOW_2:
        _go_on_after_timeouts()
    settings.dispose_orm()
    serve({"run": run, "load": load})


def run(request: Request) -> dict[str, Any]:
    """Run the folder's DAG once; its state, those of its task instances, what its tasks wait for."""
    bag = _open_bag(request)
    dag = _dag_of(bag, request["pipeline"])
    others = {name: other for name, other in bag.dags.items() if other is not dag}
    _register(others)
    answers = json.loads(request["environment"].get(ANSWERS, "{}"))
    airflow_beside.start(dag.dag_id, answers, others)
    dag_run = dag.test(run_conf=request["parameters"])
    rows = [(one.task_id, one.map_index, one.state) for one in dag_run.get_task_instances()]
    names = {task.task_id: task.task_display_name for task in dag.tasks}
    return {
        "succeeded": str(dag_run.state) == "success",
        "states": instance_states(rows, names),
        "run": [dag.dag_id, dag_run.run_id],
        "waits": {task.task_id: _waits(task) for task in dag.tasks},
    }


def _waits(task: Any) -> tuple[list[str], str, str, bool]:
    """Ids upstream, the trigger rule, the mapped group around it, whether its result is kept."""
    group = getattr(task, "get_closest_mapped_task_group", lambda: None)()
    rule = getattr(task.trigger_rule, "value", task.trigger_rule)
    return sorted(task.upstream_task_ids), str(rule), group.group_id if group else "", _keeps(task)


def _keeps(task: Any) -> bool:
    """Whether what it returns is kept; what skips others gives nothing whenever it does so."""
    if hasattr(task, "skip_all_except") or hasattr(task, "ignore_downstream_trigger_rules"):
        return False
    given = getattr(task, "partial_kwargs", {})
    return bool(given.get("do_xcom_push", getattr(task, "do_xcom_push", True)))


def load(request: Request) -> list[str]:
    """Import the folder with a DagBag and serialise its DAG; Airflow's errors and warnings."""
    warnings.simplefilter("always")
    bag = _open_bag(request)
    lines = [str(problem).strip() for problem in bag.import_errors.values()]
    for caught in bag.captured_warnings.values():
        lines += [text for text in map(_stripped, caught) if not _is_foreign(text)]
    if lines:
        return lines
    try:
        _serialise(_only_dag(bag))
    except Exception as problem:  # whatever it is, it is what the scheduler would show
        return [f"{type(problem).__name__}: {problem}"]
    return []


def _stripped(warning: object) -> str:
    return str(warning).strip()


def _is_foreign(warning: str) -> bool:
    """Whether it is about the engine's own packages, which warn of each other when first imported."""
    return "site-packages" in warning.partition(": ")[0]


def _open_bag(request: Request) -> Any:
    settings.configure_vars()
    settings.configure_orm()
    folder = Path(request["folder"])
    if AIRFLOW_2:
        from airflow.models import DagBag

        return DagBag(dag_folder=folder, include_examples=False)
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=folder)


def _dag_of(bag: Any, pipeline: str) -> Any:
    if pipeline not in bag.dags or len(bag.dags) == 1:
        return _only_dag(bag)
    return bag.dags[pipeline]


def _register(dags: dict[str, Any]) -> None:
    """Make DAGs known to Airflow 2's database; Airflow 3 reads the whole folder by itself."""
    if not AIRFLOW_2:
        return
    from airflow.models.serialized_dag import SerializedDagModel

    for dag in dags.values():
        dag.sync_to_db()
        SerializedDagModel.write_dag(dag)


def _only_dag(bag: Any) -> Any:
    if bag.import_errors:
        raise RuntimeError("\n".join(bag.import_errors.values()))
    if len(bag.dags) != 1:
        raise RuntimeError(f"one DAG was expected in {bag.dag_folder}, found {list(bag.dags)}")
    return next(iter(bag.dags.values()))


def _serialise(dag: Any) -> None:
    if AIRFLOW_2:
        from airflow.serialization.serialized_objects import SerializedDAG

        SerializedDAG.to_dict(dag)
        return
    from airflow.serialization.serialized_objects import DagSerialization

    DagSerialization.to_dict(dag)


def _import_what_runs_need() -> None:
    """Load it in the warm process, without starting threads: those would not survive a fork."""
    if AIRFLOW_2:
        from airflow import plugins_manager
        from airflow.models import DagBag, taskinstance  # noqa: F401

        plugins_manager.initialize_timetables_plugins()
        return
    from airflow.dag_processing import dagbag  # noqa: F401
    from airflow.models import dagrun  # noqa: F401
    from airflow.sdk.execution_time.supervisor import in_process_api_server
    from airflow.serialization import serialized_objects  # noqa: F401

    # Tasks talk to an in-process API, whose routes take three seconds to build at its first
    # request. This one runs in an event loop that ends with it.
    asyncio.run(_request_nothing(in_process_api_server().app))


def _go_on_after_timeouts() -> None:
    """Let `dag.test()` of Airflow 2 go on when a task's timeout has passed, as a scheduler does."""
    from airflow.exceptions import AirflowTaskTimeout
    from airflow.models import dag

    run_task = dag._run_task

    def run_task_to_its_end(**options: Any) -> None:
        try:
            run_task(**options)
        except AirflowTaskTimeout as problem:
            print(problem)

    dag._run_task = run_task_to_its_end


async def _request_nothing(app: Any) -> None:
    import httpx

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://in-process") as client:
        await client.get("/no-such-route")


if __name__ == "__main__":
    main()
