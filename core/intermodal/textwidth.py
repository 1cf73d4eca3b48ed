"""How wide text is when it is shown."""

from __future__ import annotations

import unicodedata


def cells(text: str) -> int:
    """Terminal cells that the text takes: wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
