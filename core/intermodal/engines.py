"""Engines that can be installed and run pipelines: asked of the drivers found by entry point."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from intermodal import registry
from intermodal.findings import FindingsError, error

if TYPE_CHECKING:
    from intermodal.compiling import Compiled
    from intermodal.ir import Pipeline
    from intermodal.trace import Trace


@dataclass(frozen=True)
class EngineOffer:
    """An engine at one version.

    Attributes:
        name: What the user types, like `airflow@3.3`.
        software: The distribution and exact version that its lock file pins.
        python: The Pythons it runs on, as a version specifier.
        path: Its environment, if it is installed.
    """

    name: str
    software: str
    python: str
    path: str | None = None


@dataclass(frozen=True)
class Trial:
    """What an engine is to run, apart from the pipeline.

    Attributes:
        work: A folder for compiled output, the event log and the store.
        parameters: The pipeline's parameters.
        python_path: Folders that tasks import from.
        environment: Variables that tasks see.
        timeout: Seconds after which the run is ended.
        others: Compiled output of pipelines that this one triggers, by name.
        approvals: What people answer, `approve`, `reject` or `nobody`, by task id.
        beside: Files and folders that have to lie beside the compiled output.
    """

    work: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    python_path: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 120.0
    others: Mapping[str, Compiled] = field(default_factory=dict)
    approvals: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True)
class TrialResult:
    """What an engine did.

    Attributes:
        trace: By the event log, and by the engine's own records for tasks that run no code of ours.
        log: The end of what it printed.
        timed_out: Whether it was ended.
        spans: First start and last end of each instance that started, in seconds since the epoch.
    """

    trace: Trace
    log: str
    timed_out: bool
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Waits:
    """What a task of an engine's own file waits for.

    Attributes:
        upstream: Names of tasks.
        join: The rule, as `intermodal.ir.Join` spells it.
        region: The mapped group around it, whose instances wait for those of the same index only.
        keeps: Whether the engine always keeps what the task returns.
    """

    upstream: tuple[str, ...]
    join: str
    region: str = ""
    keeps: bool = True


@dataclass(frozen=True)
class SourceRun:
    """What an engine did with a file that was written for it.

    Attributes:
        engine: Its name.
        trace: By the engine's own records.
        waits: What each task of the file waits for.
        log: The end of what it printed.
    """

    engine: str
    trace: Trace
    waits: Mapping[str, Waits]
    log: str


class InstallableEngine(Protocol):
    """What the class of an engine driver does without an environment at hand."""

    @classmethod
    def offers(cls) -> Sequence[EngineOffer]:
        """The engine's versions, the default first."""
        ...

    @classmethod
    def install(cls, name: str, requirements: Path | None = None) -> EngineOffer:
        """Make the environment unless it is there.

        Raises:
            FindingsError: PORT701, it cannot be made.
        """
        ...

    @classmethod
    def try_out(
        cls,
        name: str,
        pipeline: Pipeline,
        compiled: Compiled,
        trial: Trial,
        requirements: Path | None = None,
    ) -> TrialResult:
        """Start the engine, run compiled output on it once, and end it.

        Args:
            name: The engine, as in its offer.
            pipeline: What was compiled.
            compiled: The output for this engine's target.
            trial: How to run it.
            requirements: Chooses the environment that was installed with this file.

        Raises:
            FindingsError: PORT700 if it is not installed, PORT704 if it does not work.
        """
        ...


@runtime_checkable
class RunsSources(Protocol):
    """The class of a driver whose engine runs files that were written for it, and keeps records."""

    @classmethod
    def run_source(
        cls,
        name: str,
        file: Path,
        pipeline: str,
        trial: Trial,
        requirements: Path | None = None,
    ) -> SourceRun:
        """See the function of that name."""
        ...


def catalogue() -> list[EngineOffer]:
    """Every engine of every driver."""
    return [o for family in registry.names("engines") for o in _driver(family).offers()]


def offer(name: str) -> EngineOffer:
    """The engine of that name; a bare family name means its default version.

    Raises:
        FindingsError: PORT702, there is none.
    """
    offers = catalogue()
    for candidate in offers:
        if name in {candidate.name, _family(candidate.name)}:
            return candidate
    known = [candidate.name for candidate in offers]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise FindingsError(
        [error("PORT702", f"there is no engine `{name}`", next=f"{hint}known: {', '.join(known)}")]
    )


def install(name: str, requirements: Path | None = None) -> EngineOffer:
    """Make an engine's environment unless it is there.

    Raises:
        FindingsError: PORT702 for an unknown engine, PORT701 if it cannot be made.
    """
    wanted = offer(name)
    return _driver(_family(wanted.name)).install(wanted.name, requirements)


def try_out(
    name: str,
    pipeline: Pipeline,
    compiled: Compiled,
    trial: Trial,
    requirements: Path | None = None,
) -> TrialResult:
    """Run compiled output on an installed engine; see `InstallableEngine.try_out`."""
    return _driver(_family(name)).try_out(name, pipeline, compiled, trial, requirements)


def run_source(
    name: str, file: Path, pipeline: str, trial: Trial, requirements: Path | None = None
) -> SourceRun:
    """Run a file that was written for an engine on that engine, as it is.

    Args:
        name: The engine.
        file: The file; it is imported, so all that it does at its top is done.
        pipeline: The name of the one to run, if the file makes several.
        trial: How to run it.
        requirements: Chooses the environment that was installed with this file.

    Raises:
        FindingsError: PORT702 for an unknown engine, PORT700 if it is not installed, PORT704 if the file
            does not run to an end.
    """
    name = offer(name).name
    driver: object = _driver(_family(name))
    if not isinstance(driver, RunsSources):
        known = [o.name for o in catalogue() if hasattr(_driver(_family(o.name)), "run_source")]
        what = f"`{name}` cannot run a file of its own"
        raise FindingsError([error("PORT704", what, next=f"these can: {', '.join(known)}")])
    return driver.run_source(name, file, pipeline, trial, requirements)


def _family(name: str) -> str:
    return name.partition("@")[0]


def _driver(family: str) -> type[InstallableEngine]:
    found: type[InstallableEngine] = registry.load("engines", family)
    return found
