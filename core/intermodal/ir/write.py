"""Writing the IR: canonical JSON and YAML. Defaults are left out, discriminators never."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

from intermodal.findings import Span
from intermodal.frozen import defaults_of
from intermodal.ir.node import Node, format_duration
from intermodal.ir.pipeline import Pipeline

DISCRIMINATORS = frozenset({"kind", "op", "node", "ir_version"})


def to_data(value: Any, *, spans: bool = True) -> Any:
    """A node, or anything inside one, as plain JSON data in field order."""
    if isinstance(value, (Node, Span)):
        return _model_data(value, spans)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: to_data(item, spans=spans) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_data(item, spans=spans) for item in value]
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def to_json(pipeline: Pipeline, *, spans: bool = True, indent: int | None = 2) -> str:
    """The pipeline as JSON text, ending in a newline."""
    return json.dumps(to_data(pipeline, spans=spans), indent=indent, ensure_ascii=False) + "\n"


def to_yaml(pipeline: Pipeline, *, spans: bool = True) -> str:
    """The pipeline as YAML text."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        to_data(pipeline, spans=spans),
        Dumper=dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return text


def content_hash(pipeline: Pipeline) -> str:
    """SHA-256 of the pipeline's meaning: spans do not count."""
    data = to_data(pipeline, spans=False)
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _model_data(model: Node | Span, spans: bool) -> dict[str, Any]:
    data: dict[str, Any] = {}
    kind: type = type(model)
    for name, default in _fields(kind):
        value = getattr(model, name)
        if name == "span" and (value is None or not spans):
            continue
        if name not in DISCRIMINATORS and (value == default and type(value) is type(default)):
            continue
        data[name] = to_data(value, spans=spans)
    return data


@cache
def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    """Field names with their defaults, the span last; `MISSING` equals no value."""
    return tuple(sorted(defaults_of(kind).items(), key=lambda pair: pair[0] == "span"))
