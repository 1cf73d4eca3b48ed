"""What a compiler is: a pipeline and a target in, text files and findings out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, Protocol

from intermodal.features import Capabilities
from intermodal.findings import Finding
from intermodal.frozen import Frozen
from intermodal.ir import Pipeline

CodeMode = Literal["embed", "import", "bundle", "image"]


class Target(Frozen):
    """A target with the version to compile for: `airflow@2.11`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class Settings(Frozen):
    """What a profile says of the place where compiled output will run.

    Attributes:
        code: How user code reaches the worker.
        image: Container image for targets that run tasks in containers, where the pipeline names none.
        store: URI of the artifact store; workers may override it with `INTERMODAL_STORE`.
        tracking: Tracking URI; workers may override it with `INTERMODAL_TRACKING`. Empty: no tracking.
        tracking_strict: Whether a task fails whose records could not be delivered; workers may override
            it with `INTERMODAL_TRACKING_STRICT`.
        trace: Whether every task runs through the runtime, which logs what it did: for comparing runs.
        targets: Settings that only one target knows, by its name (say `prefect.work_pool`).
    """

    code: CodeMode = "embed"
    image: str = "python:3.12-slim"
    store: str = ""
    tracking: str = ""
    tracking_strict: bool = False
    trace: bool = False
    targets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of_target(self, name: str, key: str, default: str = "") -> str:
        """A setting of one target."""
        return self.targets.get(name, {}).get(key, default)


class Compiled(Frozen):
    """The result: text by relative POSIX path (empty if an error was found), and findings.

    `places` gives for each emitted task its name in the target.
    """

    files: Mapping[str, str]
    findings: tuple[Finding, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


class Compiler(Protocol):
    """One target's compiler. Built-in and third-party ones are found by entry point alike."""

    name: str
    versions: tuple[str, ...]
    """Supported versions, the default first."""

    def resolve_version(self, text: str) -> str | None:
        """The supported version that `text` (say `3` or `3.2`) means, or None."""
        ...

    def capabilities(self, version: str) -> Capabilities:
        """The support of every feature in this version of the target."""
        ...

    def compile(self, pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
        """Compile a valid pipeline whose features the target supports."""
        ...
