"""What an importer of another system's files is to the rest, and how one is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal, Protocol

from intermodal.findings import Finding, FindingsError, Span, error
from intermodal.frozen import Frozen
from intermodal.ir import Pipeline

Support = Literal["native", "lowered", "hosted", "hole"]
"""What a task becomes: a neutral action, one with something around it, a class that is run as it is, or
something that is not known."""

SUPPORTS: tuple[Support, ...] = ("native", "lowered", "hosted", "hole")


class Introspection(Frozen):
    """Leave to load files in the other system's own environment, which executes them.

    Attributes:
        python: The Python of that environment.
        seconds: How long loading one file may take.
        own_home: Whether the environment is one of ours, which has no settings of its own.
    """

    python: Path
    seconds: float = 60.0
    own_home: bool = False


class ImportSettings(Frozen):
    """What a user tells an importer.

    Attributes:
        root: The folder below which a file's imports are followed.
        variables: Values that the other system would look up while it loads a file, by name.
        environment: Environment variables that the files may read, by name.
        introspection: How files may be loaded to fill what reading cannot tell; None for not at all.
    """

    root: Path | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    introspection: Introspection | None = None


class ReadTask(Frozen):
    """One task as it was read.

    Attributes:
        operator: What it is in the other system, by full path.
        support: What it becomes.
        why: Why that is not `native`.
        downstream: Ids of the tasks after it.
        span: Where it stands in the file.
    """

    operator: str
    support: Support
    why: str = ""
    downstream: tuple[str, ...] = ()
    span: Span | None = None


class Links(Frozen):
    """What ties a pipeline to other ones.

    Attributes:
        needs: Ids of the pipelines that it starts or waits for.
        reads: URIs of data whose change starts it.
        writes: URIs of data that it changes.
        modules: Modules of the user's own that its file takes in.
    """

    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class Imported(Frozen):
    """A pipeline of another system in the IR, its tasks hosted there.

    Attributes:
        pipeline: The pipeline.
        findings: What could not be taken over; an error where compiling it would leave something out.
    """

    pipeline: Pipeline
    findings: tuple[Finding, ...] = ()


class ReadPipeline(Protocol):
    """One pipeline of a file as an importer read it."""

    @property
    def id(self) -> str:
        """Its name in the other system."""

    @property
    def span(self) -> Span | None:
        """Where it stands in the file."""

    @property
    def tasks(self) -> Mapping[str, ReadTask]:
        """Its tasks by id."""

    @property
    def links(self) -> Links:
        """What ties it to other pipelines."""

    def build(self) -> Imported:
        """The pipeline in the IR; made anew at each call, so that nothing of it has to be kept."""


class ReadSource(Protocol):
    """One file as an importer read it."""

    @property
    def path(self) -> str:
        """The file, as shown to the user and as spans name it."""

    @property
    def file(self) -> Path:
        """The file itself."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found while it was read."""

    @property
    def pipelines(self) -> tuple[ReadPipeline, ...]:
        """The pipelines in it, in order."""

    def text(self) -> str:
        """The file's text; empty if it is none."""

    def construct(self, span: Span) -> str:
        """What is used at a place of the file, in a word (`Variable.get`); empty if that is not clear."""


class Importer(Protocol):
    """Reads files of another system; registered under `intermodal.importers`."""

    name: str
    unit: str
    """What the other system calls a pipeline."""

    def files(self, paths: Iterable[Path]) -> list[Path]:
        """The files that `read` would read."""

    def read(self, paths: Iterable[Path], settings: ImportSettings) -> Iterator[ReadSource]:
        """Read files and folders of files, one result each; no file stops the others."""


def importer(name: str) -> Importer:
    """The importer of a system.

    Raises:
        FindingsError: PORT009, there is none.
    """
    from intermodal import registry

    if not registry.has("importers", name):
        known = ", ".join(registry.names("importers")) or "none"
        raise FindingsError(
            [error("PORT009", f"no importer for `{name}`", next=f"known ones: {known}")]
        )
    found: Importer = registry.load("importers", name)()
    return found


def exposed(pipeline: Pipeline, settings: ImportSettings) -> list[Finding]:
    """An error for each value named like a secret that was given, and would stand in the results."""
    from intermodal.concealed import SENSITIVE, conceal
    from intermodal.ir.write import to_data

    given = {**dict(_texts(settings.variables)), **settings.environment}
    secrets = {name: value for name, value in given.items() if SENSITIVE.search(name)}
    if not secrets:
        return []
    data = to_data(pipeline, spans=False)
    return [
        error(
            "PORT814",
            f"the value of `{name}` would stand in what `{pipeline.name}` becomes",
            pipeline.span,
            why="it is named like a secret, and results are files that many people read",
            next=f"leave `{name}` out of what is given; arguments then keep the call that asks for it",
        )
        for name, value in secrets.items()
        if conceal(data, {name: value}) != data
    ]


def _texts(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Texts by name, those inside of maps with the names on the way."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _texts(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield f"{prefix}{name}", value


def source_data(source: ReadSource) -> dict[str, Any]:
    """A file as JSON data: the form that `port import SYSTEM --json` prints."""
    return {
        "path": source.path,
        "findings": [finding.to_data() for finding in source.findings],
        "dags": [
            {
                "id": pipeline.id,
                "tasks": {
                    name: {
                        "support": task.support,
                        "operator": task.operator,
                        "downstream": list(task.downstream),
                    }
                    for name, task in pipeline.tasks.items()
                },
            }
            for pipeline in source.pipelines
        ],
    }
