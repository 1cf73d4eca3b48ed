"""The Airflow driver: `dag.test()` and DagBag of a real Airflow, one fork per case."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from intermodal.engines import Waits
from intermodal.findings import FindingsError, error
from intermodal_backends.engines.airflow_files import run_dag_file
from intermodal_backends.engines.airflow_records import read_records
from intermodal_backends.engines.environment import locked, require
from intermodal_backends.engines.offers import FromCatalogue
from intermodal_backends.engines.warm import (
    WORKERS,
    Answer,
    WarmWorker,
    clean_environment,
    lines_of,
    result_of,
    temporary_folder,
)
from intermodal_backends.engines.workers.airflow_words import ANSWERS, RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intermodal.engines import SourceRun, Trial
    from intermodal_backends.engines.driver import EngineCase, EngineResult
    from intermodal_backends.engines.environment import EngineEnvironment

# Settings of every Airflow that we start: quiet, offline, and nothing but our own DAGs.
SETTINGS = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    "SCARF_ANALYTICS": "false",
    "DO_NOT_TRACK": "1",
}

# Bytes that must be free in the memory folder for it to be used.
ROOM_IN_MEMORY = 32 << 20


class AirflowEngine(FromCatalogue):
    """A warm Airflow. Use as a context manager; not to be shared between threads."""

    family = "airflow"

    def __init__(self, environment: EngineEnvironment) -> None:
        self.name = environment.engine
        self._environment = environment
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            self._home = resources.enter_context(temporary_folder())
            self._databases = resources.enter_context(temporary_folder(memory_folder()))
            self._template = migrated_database(self._environment)
            settings = settings_for(self._home, self._home / "unused.db", self._home / "no-dags")
            self._worker = resources.enter_context(
                WarmWorker(self._environment, f"{WORKERS}.airflow_worker", settings, self._home)
            )
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._resources.close()

    def run(self, case: EngineCase) -> EngineResult:
        """Run the folder's one DAG with `dag.test(run_conf=parameters)`."""
        with self._called("run", case) as (answer, database):
            if answer.value is None:
                return result_of(answer)
            return replace(
                result_of(answer),
                records=read_records(database, *answer.value["run"]),
                waits={task: _waits(*told) for task, told in answer.value["waits"].items()},
            )

    def load(self, case: EngineCase) -> list[str]:
        """Import the folder with a DagBag, all warnings on, and serialise the DAG."""
        with self._called("load", case) as (answer, _):
            return lines_of(answer)

    @classmethod
    def run_source(
        cls,
        name: str,
        file: Path,
        pipeline: str,
        trial: Trial,
        requirements: Path | None = None,
    ) -> SourceRun:
        """Run a DAG of a user's own file; see `intermodal.engines.run_source`."""
        with cls(require(name, extra_requirements=requirements)) as engine:
            return run_dag_file(engine, file, pipeline, trial)

    @contextmanager
    def _called(self, operation: str, case: EngineCase) -> Iterator[tuple[Answer, Path]]:
        """The worker's answer, and the database as long as it is there."""
        # A fresh name each time: a stale write-ahead log beside a copy would corrupt it.
        with temporary_folder(self._databases) as folder:
            database = folder / "airflow.db"
            shutil.copyfile(self._template, database)
            if case.others:
                case = replace(case, folder=_together(case, folder / "dags"))
            settings = settings_for(self._home, database, case.folder.absolute())
            settings[ANSWERS] = json.dumps(case.approvals)
            yield self._worker.call(operation, case, settings), database


def _waits(upstream: list[str], rule: str, region: str, keeps: bool) -> Waits:
    return Waits(tuple(upstream), RULES.get(rule, rule), region, keeps)


def _together(case: EngineCase, folder: Path) -> Path:
    """The DAG files of a case, and of the pipelines that it may trigger, in one folder."""
    for source in (case.folder, *case.others.values()):
        shutil.copytree(source, folder, dirs_exist_ok=True)
    return folder


def settings_for(home: Path, database: Path, dags: Path) -> dict[str, str]:
    """The environment variables of an Airflow of its own: home, SQLite database, DAG folder."""
    return {
        **SETTINGS,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
    }


def migrated_database(environment: EngineEnvironment) -> Path:
    """An empty database of the engine's schema, made once per environment (5 s) and to be copied.

    Raises:
        FindingsError: PORT701 if Airflow cannot migrate it.
    """
    template = environment.root / "airflow-migrated.db"
    with locked(environment.root / "airflow-migrated.lock"):
        if not template.exists():
            _migrate(environment, template)
    return template


def _migrate(environment: EngineEnvironment, template: Path) -> None:
    with temporary_folder() as home:
        made = home / "airflow.db"
        settings = settings_for(home, made, home)
        done = subprocess.run(  # noqa: S603
            [str(environment.bin / "airflow"), "db", "migrate"],
            env=clean_environment(environment, settings),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            what = f"the database of `{environment.engine}` could not be made"
            raise FindingsError([error("PORT701", what, why=done.stderr.strip()[-2000:])])
        # One whole file, with nothing left in a write-ahead log.
        unfinished = home / "whole.db"
        with closing(sqlite3.connect(made)) as database:
            database.execute("VACUUM INTO ?", (str(unfinished),))
        beside = template.with_suffix(".part")
        shutil.copyfile(unfinished, beside)
        beside.replace(template)


def memory_folder() -> Path | None:
    """A folder in memory for databases, four times faster than a disk; None if there is none."""
    shared_memory = Path("/dev/shm")  # noqa: S108
    if os.access(shared_memory, os.W_OK) and shutil.disk_usage(shared_memory).free > ROOM_IN_MEMORY:
        return shared_memory
    return None
