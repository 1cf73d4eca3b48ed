"""Where data is on a machine: the folder that relative paths start from, and copies of what was fetched."""

from __future__ import annotations

import os
from pathlib import Path

DATA_VARIABLE = "INTERMODAL_DATA"


def data_folder() -> Path:
    """The folder that relative paths are below: `INTERMODAL_DATA`, else the working directory."""
    return Path(os.environ.get(DATA_VARIABLE) or Path.cwd()).absolute()


def copies_folder() -> Path:
    """Where programs of this user keep data that can be fetched again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "intermodal/data")
