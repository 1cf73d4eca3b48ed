"""Copying a user's files into the store, and names of files out of it, without leaving the folder."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from intermodal.findings import Finding, FindingsError, error


def copy_tree(source: Path, destination: Path) -> None:
    """Copy a folder's files; links that stay inside it become what they point to.

    Raises:
        FindingsError: PORT406 for each entry that cannot be stored: a link that leaves the folder,
            leads nowhere or runs in a circle, a name that is not UTF-8, or something that is
            neither file nor folder.
    """
    problems: list[Finding] = []
    copies = [
        (path, relative)
        for path, relative in _walk(source, source.resolve(), (source.resolve(),), problems)
    ]
    if problems:
        raise FindingsError(problems)
    destination.mkdir(parents=True, exist_ok=True)
    for path, relative in copies:
        place = destination / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def safe_relative_path(name: str) -> PurePosixPath:
    """The relative path that a name from a store or an archive stands for.

    Raises:
        FindingsError: PORT406, it is absolute, leaves its folder, or is not a plain path.
    """
    path = PurePosixPath(name)
    plain = name and "\0" not in name and "\\" not in name and not path.is_absolute()
    if not plain or any(part in {"", ".", ".."} for part in name.split("/")):
        raise FindingsError(
            [
                error(
                    "PORT406",
                    f"`{name}` is not a safe name of a file in an artifact",
                    why="it could be read from, or written to, a place outside the artifact",
                )
            ]
        )
    return path


def _walk(
    folder: Path, root: Path, ancestors: tuple[Path, ...], problems: list[Finding]
) -> Iterator[tuple[Path, PurePosixPath]]:
    """The files below a folder with their relative paths; what must not be stored goes to problems."""
    for entry in sorted(folder.iterdir()):
        why = _why_not(entry, root, ancestors)
        if why:
            problems.append(_refused(entry, why))
        elif entry.is_dir():
            for path, relative in _walk(entry, root, (*ancestors, entry.resolve()), problems):
                yield path, PurePosixPath(entry.name) / relative
        else:
            yield entry, PurePosixPath(entry.name)


def _why_not(entry: Path, root: Path, ancestors: tuple[Path, ...]) -> str:
    """Why an entry cannot be stored; empty if it can."""
    if "\\" in entry.name or not _is_utf8(entry.name):
        return "not every store and system can hold this name"
    try:
        real = entry.resolve(strict=True)
    except OSError:
        return "it is a link that leads nowhere"
    except RuntimeError:  # how Python before 3.13 reports a link to itself
        return "it is a link that runs in a circle"
    if not real.is_relative_to(root):
        return "it is a link to a place outside the folder"
    if real in ancestors:
        return "it is a link that runs in a circle"
    mode = real.stat().st_mode
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "it is neither a file nor a folder"


def _refused(entry: Path, why: str) -> Finding:
    shown = str(entry).encode("utf-8", "backslashreplace").decode()
    return error(
        "PORT406",
        f"`{shown}` cannot be stored as part of an artifact",
        why=why,
        next="remove it from the folder, or copy what it points to into the folder",
    )


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
