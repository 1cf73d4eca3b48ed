"""Saving a model that is in memory: by one of MLflow's flavors if asked, else as the store would."""

from __future__ import annotations

import importlib
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from intermodal.tracking.values import UnrecordableError

if TYPE_CHECKING:
    from pathlib import Path

    from intermodal.tracking.log import EventLog
    from intermodal.tracking.records import LoggedModel


def save(log: EventLog, model: Any, record: LoggedModel) -> LoggedModel:
    """Write the model's files into the log's payload; the record says where and in which form.

    Raises:
        UnrecordableError: It cannot be saved, or not here.
    """
    folder = log.payload("model")
    if record.kind:
        _by_flavor(model, folder, record.kind)
        return replace(record, path=log.place_of(folder))
    folder.mkdir()
    form = _by_serialiser(log, model, folder, record)
    return replace(record, path=log.place_of(folder), kind=form)


def _by_flavor(model: Any, folder: Path, flavor: str) -> None:
    if not flavor.isidentifier():
        raise UnrecordableError(f"`{flavor}` is no flavor of MLflow")
    try:
        module = importlib.import_module(f"mlflow.{flavor}")
        writer = module.save_model
    except (ImportError, AttributeError):
        raise UnrecordableError(
            f"the flavor `{flavor}` needs MLflow with it on the worker"
        ) from None
    try:
        writer(model, str(folder))
    except Exception as problem:  # any framework may be behind it
        shutil.rmtree(folder, ignore_errors=True)
        raise UnrecordableError(f"MLflow's `{flavor}` cannot save it: {problem}") from problem


def _by_serialiser(log: EventLog, model: Any, folder: Path, record: LoggedModel) -> str:
    from intermodal.artifacts.model import ArtifactKey
    from intermodal.artifacts.serialisers import DEFAULT
    from intermodal.artifacts.writing import write_value
    from intermodal.findings import FindingsError

    key = ArtifactKey(pipeline="-", run="-", task="-", output=record.name)
    try:
        written, findings = write_value(model, folder, DEFAULT.candidates(model), key)
    except FindingsError as problem:
        raise UnrecordableError(problem.findings[0].why or problem.findings[0].what) from problem
    for finding in findings:
        log.note(finding.code, f"model `{record.name}` is stored as a pickle: {finding.why}")
    written.path.rename(folder / f"model{written.extension}")
    return written.serialiser.name
