"""A real Prefect server, work pool, deployments and worker, as one would run them."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import yaml

from intermodal.findings import FindingsError, error
from intermodal_backends.engines.driver import EngineResult
from intermodal_backends.engines.processes import (
    Server,
    answers,
    ask_json,
    free_port,
    running,
    wait_until,
)
from intermodal_backends.engines.warm import clean_environment, temporary_folder
from intermodal_backends.engines.workers.prefect_words import state_word, task_name
from intermodal_backends.engines.workers.serve import number_repeats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from intermodal_backends.engines.driver import EngineCase
    from intermodal_backends.engines.environment import EngineEnvironment

# Settings of every Prefect that we start: quiet and offline.
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_CLI_COLORS": "false",
    "DO_NOT_TRACK": "1",
}

SERVER_START = 90.0

# The types of a flow run's state after which nothing more happens.
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class PrefectServer:
    """A running server; `url` is its API's address."""

    url: str
    server: Server
    variables: dict[str, str]


@contextmanager
def running_server(environment: EngineEnvironment, home: Path) -> Iterator[PrefectServer]:
    """Start a Prefect server on loopback, with its database in `home`.

    Raises:
        FindingsError: PORT704 if it does not come up.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    settings = {**SETTINGS, "PREFECT_HOME": str(home)}
    command = [str(environment.bin / "prefect"), "server", "start", "--no-ui"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    variables = clean_environment(environment, settings)
    with running("Prefect server", command, variables, home) as server:
        wait_until(lambda: answers(f"{url}/health"), "its API", SERVER_START, [server])
        yield PrefectServer(url, server, {**variables, "PREFECT_API_URL": url})


class LivePrefect:
    """A running Prefect: a server, a process worker per pool, and deployments made by its CLI."""

    def __init__(
        self, environment: EngineEnvironment, server: PrefectServer, home: Path, stack: ExitStack
    ) -> None:
        self._environment = environment
        self._server = server
        self._home = home
        self._stack = stack

    def deploy(self, case: EngineCase) -> list[str]:
        """Make the folder's work pools and deployments, and start a worker for each pool.

        Tasks see the case's environment variables and Python path, which the worker hands down.

        Returns:
            The deployments' names, `flow/deployment`.

        Raises:
            FindingsError: PORT704 if Prefect refuses a deployment.
        """
        known = set(self._deployments())
        folder = self._home / "deployed" / case.pipeline
        shutil.copytree(case.folder, folder)
        pools = _pool_names(folder)
        for pool in pools:
            self._prefect(["work-pool", "create", pool, "--type", "process", "--overwrite"], folder)
        self._prefect(["--no-prompt", "deploy", "--all"], folder)
        variables = {**self._server.variables, **case.environment}
        python_path = [str(place.absolute()) for place in case.python_path]
        variables["PYTHONPATH"] = os.pathsep.join([*python_path, variables["PYTHONPATH"]])
        for pool in pools:
            command = [str(self._environment.bin / "prefect"), "worker", "start", "--pool", pool]
            self._stack.enter_context(running(f"worker of {pool}", command, variables, folder))
        return [name for name in self._deployments() if name not in known]

    def trigger(self, deployment: str, parameters: dict[str, Any]) -> str:
        """Ask for a run of the deployment `flow/deployment` now; the run's id."""
        found = self._api(f"/deployments/name/{quote(deployment)}")
        path = f"/deployments/{found['id']}/create_flow_run"
        run = self._api(path, {"parameters": parameters, "state": {"type": "SCHEDULED"}})
        return str(run["id"])

    def scheduled_runs(self, deployment: str, timeout: float = 60.0) -> list[str]:
        """The times for which the scheduler has planned runs, ISO 8601, earliest first.

        Raises:
            FindingsError: PORT704 if it plans none in time.
        """
        found = self._api(f"/deployments/name/{quote(deployment)}")
        asked = {
            "deployments": {"id": {"any_": [found["id"]]}},
            "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
            "sort": "EXPECTED_START_TIME_ASC",
        }
        planned: list[str] = []

        def any_planned() -> bool:
            runs = self._api("/flow_runs/filter", asked)
            planned[:] = [run["expected_start_time"] for run in runs if run["auto_scheduled"]]
            return bool(planned)

        wait_until(any_planned, f"runs planned for `{deployment}`", timeout, [self._server.server])
        return planned

    def wait(self, run: str, timeout: float = 120.0) -> EngineResult:
        """Wait for the run's end. The server's records of task runs may lag behind it.

        Raises:
            FindingsError: PORT704 if it does not end in time.
        """
        wait_until(
            lambda: self._api(f"/flow_runs/{run}")["state"]["type"] in FINAL,
            f"the end of flow run {run}",
            timeout,
            [self._server.server],
        )
        state = self._api(f"/flow_runs/{run}")["state"]["type"]
        asked = {"flow_runs": {"id": {"any_": [run]}}, "sort": "EXPECTED_START_TIME_ASC"}
        task_runs = self._api("/task_runs/filter", asked)
        logs = self._api("/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})
        return EngineResult(
            succeeded=state == "COMPLETED",
            states=number_repeats(_named_states(task_runs)),
            log="\n".join(line["message"] for line in logs),
        )

    def links(self, run: str) -> list[str]:
        """What artifacts of the run and of its tasks say, sorted."""
        asked = {"flow_runs": {"id": {"any_": [run]}}}
        return sorted(str(one["data"]) for one in self._api("/artifacts/filter", asked))

    def _deployments(self) -> list[str]:
        flows = {flow["id"]: flow["name"] for flow in self._api("/flows/filter", {})}
        found = self._api("/deployments/filter", {"sort": "NAME_ASC"})
        return [f"{flows[one['flow_id']]}/{one['name']}" for one in found]

    def _prefect(self, arguments: list[str], folder: Path) -> None:
        command = [str(self._environment.bin / "prefect"), *arguments]
        done = subprocess.run(  # noqa: S603
            command,
            cwd=folder,
            env=self._server.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            what = f"`prefect {' '.join(arguments)}` failed"
            why = (done.stdout + done.stderr).strip()[-2000:]
            raise FindingsError([error("PORT704", what, why=why)])

    def _api(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return ask_json(self._server.url + path, body)


@contextmanager
def live_prefect(environment: EngineEnvironment) -> Iterator[LivePrefect]:
    """A real Prefect on this machine; everything it starts is ended with it.

    Raises:
        FindingsError: PORT704 if the server does not come up.
    """
    with (
        temporary_folder() as home,
        running_server(environment, home) as server,
        ExitStack() as stack,
    ):
        yield LivePrefect(environment, server, home, stack)


def _named_states(task_runs: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for run in task_runs:
        if state := run["state"]:  # a record without one is still on its way
            word = state_word(state["name"], state["type"])
            yield task_name(run["name"], run["dynamic_key"]), word


def _pool_names(folder: Path) -> list[str]:
    document = yaml.safe_load((folder / "prefect.yaml").read_text())
    pools = [one.get("work_pool", {}).get("name") for one in document.get("deployments", [])]
    return sorted({pool for pool in pools if pool})
