"""SHA-256 of files and folders, read in pieces."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote


class Digest(NamedTuple):
    """A content hash in hexadecimal, and the content's size in bytes."""

    sha256: str
    size: int


def hash_content(path: Path) -> Digest:
    """The digest of a file, or of a folder by `hash_folder`."""
    return hash_folder(path) if path.is_dir() else hash_file(path)


def hash_file(path: Path) -> Digest:
    """The digest of a file's bytes."""
    with path.open("rb") as stream:
        return Digest(hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell())


def hash_folder(folder: Path) -> Digest:
    r"""The digest of a folder's files, wherever the folder is.

    It is the SHA-256 of one line per file, `<path> <sha256 of the file>\n`, sorted. A path is
    relative to the folder, has `/` between its parts, and is percent-encoded but for `/`, letters,
    digits and `_-.~`. Empty folders, permissions and times do not count: object stores do not
    keep them.
    """
    total = hashlib.sha256()
    size = 0
    for name, path in sorted(
        (folder_line_name(path, folder), path) for path in files_under(folder)
    ):
        digest = hash_file(path)
        size += digest.size
        total.update(f"{name} {digest.sha256}\n".encode())
    return Digest(total.hexdigest(), size)


def folder_line_name(path: Path, folder: Path) -> str:
    """How `hash_folder` writes the path of a file."""
    return quote(os.fsencode(path.relative_to(folder).as_posix()), safe="/")


def files_under(folder: Path) -> list[Path]:
    """All files below a folder, in no order; links to folders are not followed."""
    found: list[Path] = []
    for parent, _, names in os.walk(folder):
        found.extend(Path(parent) / name for name in names)
    return found
