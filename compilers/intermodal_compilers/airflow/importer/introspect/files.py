"""Files as they were read, next to what they make when they are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from intermodal.importing import ImportSettings, Introspection
from intermodal_compilers.airflow.importer.introspect.fill import fill
from intermodal_compilers.airflow.importer.introspect.loading import load_files
from intermodal_compilers.airflow.importer.model import ReadFile
from intermodal_compilers.airflow.importer.modules import Sources
from intermodal_compilers.airflow.importer.reader import might_hold_dag


def introspected(
    files: Sequence[Path],
    reads: Iterable[ReadFile],
    settings: ImportSettings,
    how: Introspection,
) -> Iterator[ReadFile]:
    """The files with their holes filled by what they make when they are loaded.

    Args:
        files: The files.
        reads: What was read of each.
        settings: What the user gave for reading them; loading gets the same.
        how: The environment to load them in.

    Raises:
        FindingsError: PORT820, there is no Airflow in that environment.
    """
    roots = [settings.root.resolve()] if settings.root else []
    candidates = [file for file in files if might_hold_dag(_text(file))]
    folders = list(dict.fromkeys([*roots, *(file.parent for file in candidates)]))
    loaded = load_files(candidates, folders, how, settings.variables, settings.environment)
    sources = Sources(roots)
    for file, read in zip(files, reads, strict=True):
        if file in candidates:
            yield fill(read, loaded.get(str(file)), sources.name_of(file), str(file))
        else:
            yield read


def _text(file: Path) -> str:
    """The file's text; empty where it has none, which reading it tells."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
