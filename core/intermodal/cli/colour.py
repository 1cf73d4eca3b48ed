"""Whether output is coloured: only on a terminal, and never against the user's wish."""

from __future__ import annotations

import os
import sys


def coloured(*, err: bool = False) -> bool:
    """Whether standard output (or standard error) takes colour.

    `NO_COLOR` and `FORCE_COLOR` (no-color.org, force-color.org) decide if they are set.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(err=err)


def is_terminal(*, err: bool = False) -> bool:
    """Whether a person sees standard output (or standard error) on a terminal."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb"
