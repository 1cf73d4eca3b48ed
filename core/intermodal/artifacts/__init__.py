"""Artifacts: what tasks hand on, stored once per version with its hash and lineage.

Names are loaded when first used, so that annotating a task with `Metrics` imports nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intermodal.artifacts.kinds import Directory, File, Html, Markdown, Metrics
    from intermodal.artifacts.model import (
        ArtifactKey,
        ArtifactRecord,
        ArtifactRef,
        LineageInput,
        is_ref,
    )
    from intermodal.artifacts.serialisers import kind_of, register
    from intermodal.artifacts.store import ArtifactStore

__all__ = [
    "ArtifactKey",
    "ArtifactRecord",
    "ArtifactRef",
    "ArtifactStore",
    "Directory",
    "File",
    "Html",
    "LineageInput",
    "Markdown",
    "Metrics",
    "is_ref",
    "kind_of",
    "register",
]

_HOMES = {
    "ArtifactKey": "model",
    "ArtifactRecord": "model",
    "ArtifactRef": "model",
    "LineageInput": "model",
    "is_ref": "model",
    "ArtifactStore": "store",
    "Directory": "kinds",
    "File": "kinds",
    "Html": "kinds",
    "Markdown": "kinds",
    "Metrics": "kinds",
    "kind_of": "serialisers",
    "register": "serialisers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
