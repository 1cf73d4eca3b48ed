"""Names of users' things as names of folders: safe, readable, and never the same for two things."""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote

LONGEST_SEGMENT = 200
"""Bytes. Filesystems stop at 255, and temporary names need some room."""

_CUT_MARK = "%."
"""Stands in no percent-encoded text, so a cut name is never the whole name of something else."""


def encode_segment(name: str) -> str:
    """Turn any text into one path segment.

    Letters, digits and `_-~.` stay; everything else, and a leading dot, is percent-encoded. So no
    name can be `..`, hold a separator, or start with the dot that marks the store's own folders.
    A name longer than `LONGEST_SEGMENT` is cut and ends in the hash of the whole.

    Raises:
        ValueError: The name is empty.
    """
    if not name:
        raise ValueError("an empty name has no path segment")
    encoded = quote(name, safe="", errors="surrogatepass")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    if len(encoded) <= LONGEST_SEGMENT:
        return encoded
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"{encoded[:100]}{_CUT_MARK}{digest}"


def decode_segment(segment: str) -> str:
    """The name that `encode_segment` was given.

    Raises:
        ValueError: It is no such segment, or the name was cut.
    """
    name = unquote(segment, errors="surrogatepass")
    if not segment or _CUT_MARK in segment or encode_segment(name) != segment:
        raise ValueError(f"not the encoded name of anything: {segment!r}")
    return name


def encode_index(index: tuple[int, ...]) -> str:
    """The path segment of a loop index: `-` outside loops, else such as `0.2`."""
    return ".".join(str(position) for position in index) or "-"


def decode_index(segment: str) -> tuple[int, ...]:
    """The loop index of a path segment.

    Raises:
        ValueError: It is not one.
    """
    if segment == "-":
        return ()
    parts = segment.split(".")
    if not all(part.isdecimal() and str(int(part)) == part for part in parts):
        raise ValueError(f"not a loop index: {segment!r}")
    return tuple(int(part) for part in parts)
