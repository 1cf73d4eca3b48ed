"""The importer as the command line finds it, by entry point."""

from __future__ import annotations

import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from intermodal.findings import Finding, Span
from intermodal.importing import Imported, ImportSettings, Links, ReadTask
from intermodal_compilers.airflow.importer import model
from intermodal_compilers.airflow.importer.settings import Inputs

if TYPE_CHECKING:
    from intermodal_compilers.airflow.importer.build import BuiltPipeline


class AirflowImporter:
    """Reads Airflow DAG files of 1.10, 2.x and 3.x."""

    name = "airflow"
    unit = "DAG"

    def files(self, paths: Iterable[Path]) -> list[Path]:
        """The `.py` files given, and those below folders."""
        from intermodal_compilers.airflow.importer.reader import files_of

        return files_of([path.resolve() for path in paths])

    def read(self, paths: Iterable[Path], settings: ImportSettings) -> Iterator[AirflowSource]:
        """Read files and folders; see `reader.read_files`."""
        from intermodal_compilers.airflow.importer.reader import read_files

        inputs = Inputs(
            root=settings.root, variables=settings.variables, environment=settings.environment
        )
        paths = list(paths)
        files = self.files(paths)
        reads = read_files(paths, inputs)
        if settings.introspection is not None:
            from intermodal_compilers.airflow.importer.introspect import introspected

            reads = introspected(files, reads, settings, settings.introspection)
        for file, read in zip(files, reads, strict=True):
            yield AirflowSource(file, read)


class AirflowSource:
    """A DAG file; see `intermodal.importing.ReadSource`."""

    def __init__(self, file: Path, read: model.ReadFile) -> None:
        self.file = file
        self._read = read

    @property
    def path(self) -> str:
        """The file, as shown."""
        return self._read.path

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found while it was read."""
        return self._read.findings

    @cached_property
    def pipelines(self) -> tuple[AirflowPipeline, ...]:
        """The DAGs in it."""
        return tuple(AirflowPipeline(dag) for dag in self._read.dags)

    def text(self) -> str:
        """The file's text, its lines ended as Python counts them; empty if it is none."""
        try:
            with tokenize.open(self.file) as opened:
                return opened.read()
        except (OSError, SyntaxError, UnicodeDecodeError, LookupError):
            return ""

    def construct(self, span: Span) -> str:
        """The operator of a task, or the function, class or statement at a place of the file."""
        if span in self._operators:
            return self._operators[span]
        if span.file != self.path:
            return ""
        return self._constructs.get((span.line, span.column), "")

    @cached_property
    def _operators(self) -> Mapping[Span, str]:
        from intermodal_compilers.airflow.importer.constructs import operator_word

        return {
            task.span: operator_word(task.operator)
            for dag in self._read.dags
            for task in dag.tasks.values()
        }

    @cached_property
    def _constructs(self) -> Mapping[tuple[int, int], str]:
        from intermodal_compilers.airflow.importer.constructs import constructs

        return constructs(self.text())


class AirflowPipeline:
    """A DAG; see `intermodal.importing.ReadPipeline`."""

    def __init__(self, dag: model.ReadDag) -> None:
        self._dag = dag

    @property
    def id(self) -> str:
        """The DAG's id."""
        return self._dag.id

    @property
    def span(self) -> Span:
        """Where it is made."""
        return self._dag.span

    @cached_property
    def tasks(self) -> Mapping[str, ReadTask]:
        """Its tasks, with what translation makes of them."""
        from intermodal_compilers.airflow.importer.support import read_tasks

        return read_tasks(self._dag, self._built)

    @cached_property
    def links(self) -> Links:
        """The DAGs, data and modules that it needs."""
        from intermodal_compilers.airflow.importer.links import links_of

        return links_of(self._dag)

    def build(self) -> Imported:
        """The DAG as a pipeline of hosted tasks."""
        return Imported(self._built.pipeline, self._built.findings)

    @cached_property
    def _built(self) -> BuiltPipeline:
        from intermodal_compilers.airflow.importer.build import build

        return build(self._dag)
