"""Compiled output on its way to an engine, and names on their way back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from intermodal.compiling import Compiled


def write_compiled(files: Mapping[str, str], folder: Path) -> Path:
    """Write compiled files into an empty folder."""
    if folder.exists():
        shutil.rmtree(folder)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def original_names(compiled: Compiled, states: Mapping[str, str]) -> dict[str, str]:
    """An engine's states by the instance ids of the pipeline; names of its own are left out."""
    original = {emitted: task for task, emitted in compiled.names.items()}
    found: dict[str, str] = {}
    for name, state in states.items():
        emitted, bracket, rest = name.partition("[")
        if emitted in original:
            found[f"{original[emitted]}{bracket}{rest}"] = state
    return found
