"""The published JSON Schema of the IR."""

from __future__ import annotations

from typing import Any

from intermodal.ir.node import adapter
from intermodal.ir.pipeline import IR_VERSION, Pipeline


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a pipeline document."""
    schema = adapter(Pipeline).json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Intermodal pipeline, IR version {IR_VERSION}",
        **{key: value for key, value in schema.items() if key != "title"},
    }
