"""A real Prefect server, work pool, deployments and worker, as one would run them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intermodal_backends.engines.processes import Server, answers, free_port, running, wait_until
from intermodal_backends.engines.warm import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from intermodal_backends.engines.environment import EngineEnvironment

# Settings of every Prefect that we start: quiet and offline.
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "PREFECT_CLI_COLORS": "false",
    "DO_NOT_TRACK": "1",
}

SERVER_START = 90.0


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
