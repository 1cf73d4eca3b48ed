"""The Prefect driver: one real server on loopback per session, one fork per flow run."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from intermodal.runtime.events import VARIABLE as EVENTS
from intermodal_backends.engines.live_prefect import SETTINGS, LivePrefect, running_server
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


# Variable that tells the worker what people answer, as JSON by task.
ANSWERS = "INTERMODAL_PREFECT_ANSWERS"


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
            self._server = resources.enter_context(running_server(self._environment, home))
            self._settings = {"PREFECT_API_URL": self._server.url}
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._resources.close()

    def run(self, case: EngineCase) -> EngineResult:
        """Call the flow of `flow.py` with the parameters; states are those of its task runs.

        Results that a case's runs share are kept beside its folder; flows that it triggers are deployed,
        and have a worker as long as it runs.
        """
        results = case.folder.absolute().with_name(f"{case.folder.name}.results")
        settings = {
            **self._settings,
            "PREFECT_LOCAL_STORAGE_PATH": str(results),
            ANSWERS: json.dumps(case.approvals),
        }
        with ExitStack() as stack:
            if case.others:
                home = stack.enter_context(temporary_folder())
                live = LivePrefect(self._environment, self._server, home, stack)
                # What they do is no part of this case's trace.
                variables = {k: v for k, v in case.environment.items() if k != EVENTS}
                for name, folder in case.others.items():
                    other = replace(case, folder=folder, pipeline=name, environment=variables)
                    live.deploy(other)
            return result_of(self._worker.call("run", case, settings))

    def load(self, case: EngineCase) -> list[str]:
        """Import `flow.py` and read `prefect.yaml` with Prefect's own models."""
        return lines_of(self._worker.call("load", case, self._settings))
