"""The importer as the command line finds it, by entry point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from intermodal.importing import ImportSettings
from intermodal_compilers.airflow.importer.model import ReadFile
from intermodal_compilers.airflow.importer.settings import Inputs


class AirflowImporter:
    """Reads Airflow DAG files of 1.10, 2.x and 3.x."""

    name = "airflow"

    def read(self, paths: Iterable[Path], settings: ImportSettings) -> Iterator[ReadFile]:
        """Read files and folders; see `reader.read_files`."""
        from intermodal_compilers.airflow.importer.reader import read_files

        inputs = Inputs(
            root=settings.root, variables=settings.variables, environment=settings.environment
        )
        return read_files(paths, inputs)
