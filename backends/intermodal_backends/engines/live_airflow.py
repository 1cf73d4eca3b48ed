"""A real Airflow: scheduler, DAG processor and API server, as one would run them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intermodal.findings import FindingsError, error
from intermodal_backends.engines.airflow import migrated_database, settings_for
from intermodal_backends.engines.driver import EngineResult
from intermodal_backends.engines.processes import Server, answers, free_port, running, wait_until
from intermodal_backends.engines.warm import LOG_TAIL, clean_environment, temporary_folder
from intermodal_backends.engines.workers.airflow_words import instance_states

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from intermodal_backends.engines.driver import EngineCase
    from intermodal_backends.engines.environment import EngineEnvironment

# Look at DAG files and at the database often: a test waits for both.
SCHEDULER_SETTINGS = {
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__PARALLELISM": "2",
    "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",
}

START = 90.0


@dataclass(frozen=True, slots=True)
class DagRunRow:
    """A run as the scheduler's database has it: `run_type` is `manual`, `scheduled`, ..."""

    run_id: str
    run_type: str
    state: str
    logical_date: str | None


class LiveAirflow:
    """A running Airflow with one DAG folder of compiled output; `variables` is its environment."""

    def __init__(
        self,
        environment: EngineEnvironment,
        database: Path,
        variables: dict[str, str],
        servers: list[Server],
    ) -> None:
        self._environment = environment
        self._database = database
        self.variables = variables
        self._servers = servers

    def wait_for_dag(self, dag: str, timeout: float = 60.0) -> None:
        """Wait until the DAG has been read from its file.

        Raises:
            FindingsError: PORT704 if it is not in time, or its file has an import error.
        """
        query = "SELECT 1 FROM serialized_dag WHERE dag_id = ?"

        def known() -> bool:
            problems = self._rows("SELECT stacktrace FROM import_error")
            if problems:
                what = "Airflow cannot import the DAG folder"
                raise FindingsError([error("PORT704", what, why=str(problems[0][0]))])
            return bool(self._rows(query, dag))

        wait_until(known, f"the DAG `{dag}`", timeout, self._servers)

    def trigger(self, dag: str, parameters: dict[str, Any]) -> str:
        """Trigger a run with `airflow dags trigger --conf`; its run id.

        Raises:
            FindingsError: PORT704 if Airflow refuses.
        """
        run_id = f"live-{secrets.token_hex(4)}"
        command = [str(self._environment.bin / "airflow"), "dags", "trigger", dag]
        command += ["--run-id", run_id, "--conf", json.dumps(parameters)]
        done = subprocess.run(  # noqa: S603
            command, env=self.variables, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            why = (done.stdout + done.stderr).strip()[-2000:]
            raise FindingsError([error("PORT704", f"`{dag}` could not be triggered", why=why)])
        return run_id

    def runs(self, dag: str) -> list[DagRunRow]:
        """All runs of the DAG, oldest first."""
        date = "execution_date" if _is_airflow_2(self._environment) else "logical_date"
        # The column's name is one of our own two.
        query = f"SELECT run_id, run_type, state, {date} FROM dag_run WHERE dag_id = ? ORDER BY id"  # noqa: S608
        return [DagRunRow(*row) for row in self._rows(query, dag)]

    def first_scheduled_run(self, dag: str, timeout: float = 60.0) -> str:
        """The run id of the first run that the scheduler makes by itself.

        Raises:
            FindingsError: PORT704 if it makes none in time.
        """

        def scheduled() -> list[str]:
            return [run.run_id for run in self.runs(dag) if run.run_type == "scheduled"]

        what = f"a scheduled run of `{dag}`"
        wait_until(lambda: bool(scheduled()), what, timeout, self._servers)
        return scheduled()[0]

    def wait(self, dag: str, run_id: str, timeout: float = 120.0) -> EngineResult:
        """Wait for the run's end.

        Raises:
            FindingsError: PORT704 if it does not end in time.
        """

        def state() -> str:
            return next((run.state for run in self.runs(dag) if run.run_id == run_id), "")

        wait_until(
            lambda: state() in {"success", "failed"},
            f"the end of run `{run_id}` of `{dag}`",
            timeout,
            self._servers,
        )
        query = (
            "SELECT task_id, map_index, state FROM task_instance WHERE dag_id = ? AND run_id = ?"
        )
        return EngineResult(
            succeeded=state() == "success",
            states=instance_states(self._rows(query, dag, run_id)),
            log=self._task_logs(dag, run_id),
        )

    def _task_logs(self, dag: str, run_id: str) -> str:
        folder = self._database.parent / "logs" / f"dag_id={dag}" / f"run_id={run_id}"
        texts = [path.read_text(errors="replace") for path in sorted(folder.rglob("*.log"))]
        return "\n".join(texts)[-LOG_TAIL:]

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        uri = f"file:{self._database}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as database:
            return database.execute(query, values).fetchall()


@contextmanager
def live_airflow(environment: EngineEnvironment, case: EngineCase) -> Iterator[LiveAirflow]:
    """A real Airflow on this machine that serves the case's folder as its DAG folder.

    Airflow 3 runs tasks with the LocalExecutor, through its API server; Airflow 2 runs them with
    the SequentialExecutor, as it allows no other with SQLite. Tasks see the case's environment
    variables and Python path. Everything that is started here is ended here.

    Raises:
        FindingsError: PORT704 if one of the servers does not come up.
    """
    with temporary_folder() as home, ExitStack() as stack:
        database = home / "airflow.db"
        shutil.copyfile(migrated_database(environment), database)
        port = free_port()
        settings = settings_for(home, database, case.folder.absolute())
        settings |= SCHEDULER_SETTINGS | _version_settings(environment, port) | case.environment
        variables = clean_environment(environment, settings)
        python_path = [str(place.absolute()) for place in case.python_path]
        variables["PYTHONPATH"] = os.pathsep.join([*python_path, variables["PYTHONPATH"]])
        airflow = str(environment.bin / "airflow")
        servers = [
            stack.enter_context(running(command[0], [airflow, *command], variables, home))
            for command in _commands(environment, port)
        ]
        # All are told to end at once: one after the other would take ten seconds more.
        for server in servers:
            stack.callback(server.process.terminate)
        if not _is_airflow_2(environment):
            url = f"http://127.0.0.1:{port}/api/v2/version"
            wait_until(lambda: answers(url), "the API server", START, servers)
        yield LiveAirflow(environment, database, variables, servers)


def _is_airflow_2(environment: EngineEnvironment) -> bool:
    return environment.engine.startswith("airflow@2")


def _commands(environment: EngineEnvironment, port: int) -> list[list[str]]:
    if _is_airflow_2(environment):
        return [["scheduler"]]
    api_server = ["api-server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [api_server, ["scheduler"], ["dag-processor"], ["triggerer"]]


def _version_settings(environment: EngineEnvironment, port: int) -> dict[str, str]:
    if _is_airflow_2(environment):
        return {"AIRFLOW__CORE__EXECUTOR": "SequentialExecutor"}
    return {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        # The servers sign their requests to each other.
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
    }
