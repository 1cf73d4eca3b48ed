"""The tracker for MLflow servers and databases; how the tree is made stands in `mlflow_runs.py`.

Only `MlflowClient` is used, never MLflow's fluent functions: those keep the active run in the
thread and in the environment, where they meet other tasks and the user's own code.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from intermodal.tracking.mlflow_access import Address, connect, settings, uploads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mlflow import MlflowClient
    from mlflow.entities import RunInfo

    from intermodal.findings import Finding
    from intermodal.tracking.facts import RunFacts
    from intermodal.tracking.mlflow_runs import Place, Runs
    from intermodal.tracking.records import Record, State, Status
    from intermodal.tracking.registry import ModelVersion, Promotion
    from intermodal.tracking.tracker import Pages, TaskIdentity

STATUS: dict[State, str] = {
    "running": "RUNNING",
    "finished": "FINISHED",
    "failed": "FAILED",
    "killed": "KILLED",
}
ERROR = "intermodal.error"


class MlflowTracker:
    """Sends logs to one MLflow address."""

    schemes: ClassVar[tuple[str, ...]] = (
        *("http", "https", "sqlite", "postgresql", "mysql"),
        *("postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql", "mysql+mysqldb"),
    )
    live: ClassVar[bool] = True

    def __init__(self, uri: str, *, patient: bool = False) -> None:
        """Nothing is imported or connected before the first call."""
        self._address = Address(uri)
        self._patient = patient
        self._client: MlflowClient | None = None
        self._runs: dict[tuple[str, str], Runs] = {}  # by experiment name and given run
        self._attempts: dict[str, Place] = {}  # by session

    def begin(self, identity: TaskIdentity, started: int) -> None:
        """Make or find the pipeline run's and the attempt's runs."""
        with self._reached() as client, self._address.lock:
            runs = self._runs_of(client, identity)
            self._attempts[identity.session] = runs.of_attempt(identity, started)

    def replay(self, identity: TaskIdentity, records: Iterable[Record]) -> list[Finding]:
        """Send records to the attempt's run; `begin` must have been called."""
        from intermodal.tracking.mlflow_content import Content

        with self._reached() as client, self._writing():
            run = client.get_run(self._attempts[identity.session].attempt)
            return Content(client, self._address, identity, run).send(records)

    def end(self, identity: TaskIdentity, status: Status) -> None:
        """Set the status of the attempt's run; `begin` must have been called."""
        with self._reached() as client, self._writing():
            place = self._attempts[identity.session]
            run = self._runs_of(client, identity).of_session(identity, place.attempt)
            if status.error and run.data.tags.get(ERROR) != status.error:
                client.set_tag(run.info.run_id, ERROR, status.error)
            _terminate(client, run.info, status)
            if identity.last is not None:
                self._runs_of(client, identity).follow(identity, status.time)

    def pages(self, identity: TaskIdentity) -> Pages:
        """The pages of MLflow's user interface; none for a database, which has no server."""
        from intermodal.tracking.tracker import Pages

        place = self._attempts.get(identity.session)
        if place is None or not self._address.is_server:
            return Pages()
        root = f"{self._address.shown}/#/experiments/{place.experiment}/runs/"
        return Pages(root + place.parent, root + place.attempt if place.attempt else "")

    def open_run(self, identity: TaskIdentity, started: int) -> None:
        """Make or find the pipeline run's run; one that had ended (a resumed run) runs again."""
        with self._reached() as client, self._address.lock:
            run = self._runs_of(client, identity).of_pipeline(identity, started)
            if run.info.status != STATUS["running"]:
                client.update_run(run.info.run_id, status=STATUS["running"])

    def close_run(self, identity: TaskIdentity, status: Status) -> None:
        """Set the status of the pipeline run's run; tasks that still run there were killed."""
        with self._reached() as client, self._address.lock:
            runs = self._runs_of(client, identity)
            run = runs.of_pipeline(identity, status.time)
            ended = 0 if run.info.status == STATUS["running"] else run.info.end_time or 0
            if ended <= status.time:  # else it was resumed after this end
                runs.end_tasks(run, status.time)
                _terminate(client, run.info, status)
            from intermodal.tracking.mlflow_runs import Place

            self._attempts[identity.session] = Place(run.info.experiment_id, run.info.run_id, "")

    def find_runs(self, run_id: str, pipeline: str | None = None) -> list[RunFacts]:
        """The runs that an id means; see `ReadableTracker`."""
        from intermodal.tracking.mlflow_facts import find_runs

        if self._address.is_missing:
            return []
        with self._reached() as client:
            return find_runs(client, self._address, run_id, pipeline)

    def find_open_runs(self) -> list[RunFacts]:
        """The pipeline runs that have not ended; see `UsageTracker`."""
        from intermodal.tracking.mlflow_facts import find_open_runs

        if self._address.is_missing:
            return []
        with self._reached() as client:
            return find_open_runs(client, self._address)

    def find_version(
        self,
        name: str,
        *,
        alias: str = "",
        version: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion | None:
        """A version of a registered model; see `Registry`."""
        from intermodal.tracking.mlflow_models import find_version

        with self._reached() as client:
            return find_version(
                client, self._address, name, alias=alias, version=version, tags=tags
            )

    def promote(self, name: str, version: str, promotion: Promotion) -> bool:
        """Point an alias to a version; see `Registry`."""
        from intermodal.tracking.mlflow_models import promote

        with self._reached() as client, self._writing():
            return promote(client, name, version, promotion)

    def download(self, version: ModelVersion, folder: Path) -> Path:
        """Copy a version's files into a folder; see `Registry`."""
        from intermodal.tracking.mlflow_models import download

        with self._reached() as client:
            return download(client, self._address, version, folder)

    def find_versions(self) -> list[ModelVersion]:
        """All versions of registered models; see `UsageTracker`."""
        from intermodal.tracking.mlflow_facts import find_versions

        if self._address.is_missing:
            return []
        with self._reached() as client:
            return find_versions(client)

    @contextmanager
    def _reached(self) -> Iterator[MlflowClient]:
        """The client, made on first use, with MLflow's waiting times set."""
        with settings(self._patient):
            if self._client is None:
                with self._writing():
                    self._client = connect(self._address)
            with uploads(self._address):
                yield self._client

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time for a database file; a server sorts that out by itself."""
        if self._address.database is None:
            yield
            return
        with self._address.lock:
            yield

    def _runs_of(self, client: MlflowClient, identity: TaskIdentity) -> Runs:
        from intermodal.tracking.mlflow_runs import Runs

        name = identity.experiment or identity.pipeline, identity.given.get("run", "")
        if name not in self._runs:
            self._runs[name] = Runs(client, self._address, identity)
        return self._runs[name]


def _terminate(client: MlflowClient, info: RunInfo, status: Status) -> None:
    wanted = STATUS[status.state]
    if info.status != wanted or info.end_time != status.time:
        client.set_terminated(info.run_id, wanted, end_time=status.time)
