"""Autologging: MLflow writes to a folder that is thrown away, and what it wrote there goes to our log.

MLflow's autologging knows one tracking address per process and one active run per thread. While a block
is open, that address is a folder of this process, and the thread's active run is one that is made for the
block. So nothing of it can end in a wrong run or be logged twice by a retry, and a server that is away
does not matter. What the user had set up is as before once the last block is left.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from intermodal.tracking import recording
from intermodal.tracking.datasets import without_credentials
from intermodal.tracking.log import Noting
from intermodal.tracking.records import Artifact, Dataset, LoggedModel, Metric, now
from intermodal.tracking.values import UnrecordableError, metric_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from intermodal.tracking.log import EventLog

SUBJECT = "what MLflow's autologging records"
CHILDREN = "autolog/children.json"
VARIABLES = (  # what tells MLflow where to log
    "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID",
)  # fmt: skip
SETTINGS = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
DEFAULTS = {"log_models": False}


@contextmanager
def block(
    log: EventLog | None, flavors: tuple[str, ...], options: dict[str, Any]
) -> Iterator[None]:
    """Record into `log` what autologging records of the block; the block runs in any case."""
    if log is None or not log.is_open:
        yield
        return
    started: Autologged | None = None
    with Noting(log, SUBJECT):
        started = Autologged(flavors, options)
    try:
        yield
    finally:
        if started is not None:
            with Noting(log, SUBJECT):
                started.finish(log)


class Autologged:
    """One open block: the run that MLflow has as active in this thread."""

    def __init__(self, flavors: tuple[str, ...], options: Mapping[str, Any]) -> None:
        """Enter the block. Raises `UnrecordableError` if MLflow cannot do it here."""
        try:
            import mlflow
        except ImportError:
            raise UnrecordableError("it needs MLflow on the worker") from None
        self._mlflow = mlflow
        self._run_id = ""
        self._place = _place.enter()
        try:
            self._client: MlflowClient = mlflow.MlflowClient(self._place.as_uri())
            self._run_id = str(self._client.create_run("0").info.run_id)
            mlflow.start_run(run_id=self._run_id, nested=True)
            _enable(flavors, {**DEFAULTS, **options})
        except BaseException:
            self._leave()
            raise

    def finish(self, log: EventLog) -> None:
        """Leave the block and record what there is."""
        try:
            self._end_runs()
            run = self._client.get_run(self._run_id)
            self._record_values(log, run)
            self._record_files(log, run)
            self._record_models(log, run)
            self._record_children(log)
        finally:
            self._leave()

    def _leave(self) -> None:
        self._end_runs()
        _place.leave()

    def _end_runs(self) -> None:
        """End the block's run, and those that were started in it and left open."""
        stack = [run.info.run_id for run in self._open_runs()]
        for _ in stack[stack.index(self._run_id) :] if self._run_id in stack else ():
            self._mlflow.end_run()

    def _open_runs(self) -> list[Any]:
        from mlflow.tracking import fluent

        stack: Any = fluent._active_run_stack  # there is no public way
        return list(stack.get())

    def _record_values(self, log: EventLog, run: Run) -> None:
        log.params(run.data.params)
        for key, value in run.data.tags.items():
            if not key.startswith("mlflow."):
                log.tag(key, value)
        for key in run.data.metrics:
            for metric in self._client.get_metric_history(self._run_id, key):
                with Noting(log, f"metric `{key}`"):
                    number = metric_value(metric.value)
                    log.add(Metric(key, number, metric.timestamp, metric.step))
        for item in run.inputs.dataset_inputs if run.inputs else ():
            context = next((t.value for t in item.tags if t.key == "mlflow.data.context"), "")
            log.add(_dataset(item.dataset, context))

    def _record_files(self, log: EventLog, run: Run) -> None:
        folder = _local(str(run.info.artifact_uri))
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            log.add(Artifact(_moved(log, path, path.name), "", now()))

    def _record_models(self, log: EventLog, run: Run) -> None:
        for output in run.outputs.model_outputs if run.outputs else ():
            model = self._client.get_logged_model(output.model_id)
            folder = _local(str(model.artifact_location))
            if folder.is_dir():
                place = _moved(log, folder, "model")
                params = dict(model.params or {})
                log.add(LoggedModel(model.name, place, "", now(), "", "mlflow", params))

    def _record_children(self, log: EventLog) -> None:
        """Runs below the block's, as a search over settings makes them, become rows of a table."""
        condition = f"tags.mlflow.parentRunId = '{self._run_id}'"
        found = self._client.search_runs(["0"], condition, order_by=["attributes.start_time"])
        rows = [{"run": run.info.run_name, **run.data.params, **run.data.metrics} for run in found]
        if rows:
            recording.table(log, rows, CHILDREN)


class _Place:
    """The folder that MLflow logs to while blocks are open, and what was set before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._folder = Path()
        self._before: dict[str, str | None] = {}
        self._uri: str | None = None
        self._experiment: str | None = None
        self._integrations: dict[str, Any] = {}

    @property
    def runs(self) -> Path:
        """Where MLflow makes its folders."""
        return self._folder / "runs"

    def enter(self) -> Path:
        with self._lock:
            if not self._users:
                self._set()
            self._users += 1
            return self.runs

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._restore()

    def _set(self) -> None:
        from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

        fluent, utils = _mlflows_own()
        self._folder = Path(tempfile.mkdtemp(prefix="intermodal-autolog-"))
        names = (*VARIABLES, *SETTINGS)
        self._before = {name: os.environ.pop(name, None) for name in names}
        self._uri = utils._tracking_uri
        self._experiment = fluent._active_experiment_id
        self._integrations = {k: dict(v) for k, v in AUTOLOGGING_INTEGRATIONS.items()}
        os.environ.update(SETTINGS)
        fluent._active_experiment_id = None
        utils.set_tracking_uri(self.runs.as_uri())

    def _restore(self) -> None:
        import mlflow
        from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

        mlflow.autolog(disable=True)  # else what is imported later would be patched
        AUTOLOGGING_INTEGRATIONS.clear()
        AUTOLOGGING_INTEGRATIONS.update(self._integrations)
        fluent, utils = _mlflows_own()
        fluent._active_experiment_id = self._experiment
        utils.set_tracking_uri(self._uri)
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        shutil.rmtree(self._folder, ignore_errors=True)


_place = _Place()


def _mlflows_own() -> tuple[Any, Any]:
    """The modules that hold the active experiment and the address, which have no public setters."""
    from mlflow.tracking import fluent
    from mlflow.tracking._tracking_service import utils

    return fluent, utils


def _enable(flavors: tuple[str, ...], options: dict[str, Any]) -> None:
    import importlib

    import mlflow

    if "registered_model_name" in options:
        raise UnrecordableError("`registered_model_name` is not taken; use `register_model`")
    if not flavors:
        mlflow.autolog(**options)
    for flavor in flavors:
        try:
            enable = importlib.import_module(f"mlflow.{flavor}").autolog
        except (ImportError, AttributeError):
            raise UnrecordableError(f"MLflow here cannot autolog `{flavor}`") from None
        enable(**options)


def _dataset(dataset: Any, context: str) -> Dataset:
    """A dataset that MLflow recorded; of its source, the address."""
    source = json.loads(dataset.source) if dataset.source[:1] == "{" else {"uri": dataset.source}
    place = next((source[key] for key in ("uri", "url", "path") if source.get(key)), "")
    return Dataset(
        dataset.name, dataset.digest, dataset.source_type, without_credentials(str(place)),
        dataset.schema or "", dataset.profile or "", context, now(),
    )  # fmt: skip


def _local(uri: str) -> Path:
    parts = urlsplit(uri)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(uri)


def _moved(log: EventLog, path: Path, name: str) -> str:
    """Move what MLflow stored into the log's payload; returns its place there."""
    target = log.payload(name)
    shutil.move(path, target)
    return log.place_of(target)
