"""Runs that the engine itself made in the MLflow server: they are used in the place of ours.

An engine may make an MLflow run for each run and task of its own, and tell its tasks their ids. Then those
runs get our tags, and whatever is logged goes there: one tree, not two. The engine goes on to say how
they end. Ids that the server does not know, as of another server, are not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN = "run"
TASK = "task"


def given_run(client: MlflowClient, run_id: str) -> Run | None:
    """The run of that id; None if there is none that lives."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import (
        INVALID_PARAMETER_VALUE,
        RESOURCE_DOES_NOT_EXIST,
        ErrorCode,
    )

    if not run_id:
        return None
    unknown = {ErrorCode.Name(RESOURCE_DOES_NOT_EXIST), ErrorCode.Name(INVALID_PARAMETER_VALUE)}
    try:
        run = client.get_run(run_id)
    except MlflowException as problem:
        if problem.error_code in unknown:
            return None
        raise
    return run if run.info.lifecycle_stage == "active" else None


def label(client: MlflowClient, run: Run, tags: dict[str, str]) -> None:
    """Give a run our tags; those of MLflow's own that the engine has set stay."""
    from mlflow.entities import RunTag

    from intermodal.tracking.mlflow_names import TEXTS_PER_BATCH, batches

    known = run.data.tags
    new = [
        RunTag(key, value)
        for key, value in tags.items()
        if known.get(key) != value and not (key.startswith("mlflow.") and key in known)
    ]
    for some in batches(new, lambda item: item.value, TEXTS_PER_BATCH):
        client.log_batch(run.info.run_id, tags=some)
