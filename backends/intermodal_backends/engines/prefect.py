"""The Prefect driver: one real server on loopback per session, one fork per flow run."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from intermodal_backends.engines.live_prefect import SETTINGS, running_server
from intermodal_backends.engines.offers import FromCatalogue
from intermodal_backends.engines.warm import (
    WORKERS,
    WarmWorker,
    lines_of,
    result_of,
    temporary_folder,
)

if TYPE_CHECKING:
    from intermodal_backends.engines.driver import EngineCase, EngineResult
    from intermodal_backends.engines.environment import EngineEnvironment


# A case's output goes to its log file only: sending it to the server costs a second at the end.
LOCAL_LOGS = {"PREFECT_LOGGING_TO_API_ENABLED": "false"}


class PrefectEngine(FromCatalogue):
    """A warm Prefect and its server. Use as a context manager; not to be shared between threads.

    Prefect's own ephemeral server belongs to the process that started it and would have to be
    started again in each fork (10 s), so the forks share one real server instead.
    """

    family = "prefect"

    def __init__(self, environment: EngineEnvironment) -> None:
        self.name = environment.engine
        self._environment = environment
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            home = resources.enter_context(temporary_folder())
            settings = {**SETTINGS, "PREFECT_HOME": str(home), **LOCAL_LOGS}
            # The worker imports Prefect while the server starts.
            self._worker = resources.enter_context(
                WarmWorker(self._environment, f"{WORKERS}.prefect_worker", settings, home)
            )
            server = resources.enter_context(running_server(self._environment, home))
            self._settings = {"PREFECT_API_URL": server.url}
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._resources.close()

    def run(self, case: EngineCase) -> EngineResult:
        """Call the flow of `flow.py` with the parameters; states are those of its task runs."""
        return result_of(self._worker.call("run", case, self._settings))

    def load(self, case: EngineCase) -> list[str]:
        """Import `flow.py` and read `prefect.yaml` with Prefect's own models."""
        return lines_of(self._worker.call("load", case, self._settings))
