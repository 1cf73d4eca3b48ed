"""The KFP driver: the SDK's loader and its local subprocess runner, one fork per case."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

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


class KfpEngine(FromCatalogue):
    """A warm KFP SDK. Use as a context manager; not to be shared between threads."""

    family = "kfp"

    def __init__(self, environment: EngineEnvironment) -> None:
        self.name = environment.engine
        self._environment = environment
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            home = resources.enter_context(temporary_folder())
            self._worker = resources.enter_context(
                WarmWorker(self._environment, f"{WORKERS}.kfp_worker", {}, home)
            )
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._resources.close()

    def run(self, case: EngineCase) -> EngineResult:
        """Run `pipeline.yaml` locally, one subprocess per task, in the engine's own Python.

        The runner stops at the first failure and tells nothing about tasks it never reached.
        """
        return result_of(self._worker.call("run", case, {}))

    def load(self, case: EngineCase) -> list[str]:
        """Read `pipeline.yaml` with `components.load_component_from_file`."""
        return lines_of(self._worker.call("load", case, {}))
