"""Looking for a setting in emitted files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from intermodal_backends.conformance.expectation import EmittedCheck

STEP = re.compile(r'"([^"]*)"|([^.\[\]"]+)|\[(\d+)\]')
ABSENT = object()


def unmet(checks: Iterable[EmittedCheck], files: Mapping[str, str]) -> list[str]:
    """What the checks do not find, one line each."""
    return [line for check in checks for line in _unmet(check, files)]


def _unmet(check: EmittedCheck, files: Mapping[str, str]) -> list[str]:
    if check.file not in files:
        return [f"there is no `{check.file}`, only {', '.join(files) or 'nothing'}"]
    text = files[check.file]
    if check.contains is not None:
        found = check.contains in text
        return [] if found else [f"`{check.file}` does not hold `{check.contains}`"]
    documents = list(yaml.safe_load_all(text))
    if check.document >= len(documents):
        return [f"`{check.file}` has {len(documents)} documents"]
    value = value_at(documents[check.document], check.path or "")
    if value is ABSENT:
        return [f"`{check.file}` has nothing at `{check.path}`"]
    if value != check.equals or type(value) is not type(check.equals):
        return [f"`{check.file}` has {value!r} at `{check.path}`, not {check.equals!r}"]
    return []


def value_at(data: Any, path: str) -> Any:
    """The value at a path of keys and positions; ABSENT if there is none."""
    for quoted, key, position in STEP.findall(path):
        try:
            data = data[int(position)] if position else data[quoted or key]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return data
