"""Digests of files and folders, as DVC and the artifact store count them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from intermodal.artifacts.hashing import files_under, hash_content

PIECE = 1024 * 1024
TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


def digest_of(path: Path, algorithm: str) -> str:
    """`algorithm:hash` of a file or folder: `sha256`, `md5`, or `md5-dos2unix` of DVC before 3.0."""
    if algorithm == "sha256":
        return f"sha256:{hash_content(path).sha256}"
    unix = algorithm == "md5-dos2unix"
    if not path.is_dir():
        return f"{algorithm}:{_md5(path, unix=unix)}"
    listed = [
        {"md5": _md5(file, unix=unix), "relpath": file.relative_to(path).as_posix()}
        for file in files_under(path)
    ]
    return f"{algorithm}:{listing_hash(sorted(listed, key=lambda one: one['relpath']))}"


def listing_hash(listed: list[dict[str, str]]) -> str:
    """The hash that DVC gives a folder: the md5 of the list of its files, as JSON."""
    text = json.dumps(listed, sort_keys=True)
    return f"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}.dir"


def _md5(path: Path, *, unix: bool) -> str:
    """The md5 of a file; `unix` takes the line ends of Windows out of a text, as DVC 2 did."""
    found = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        piece = stream.read(PIECE)
        as_text = unix and _is_text(piece[:512])
        while piece:
            # By pieces of DVC's own size, since it leaves a line end alone that lies across two.
            found.update(piece.replace(b"\r\n", b"\n") if as_text else piece)
            piece = stream.read(PIECE)
    return found.hexdigest()


def _is_text(head: bytes) -> bool:
    """As DVC tells text from data: no null byte, and mostly printable ASCII."""
    odd = head.translate(None, TEXT)
    return b"\0" not in head and len(odd) <= 0.3 * len(head)
