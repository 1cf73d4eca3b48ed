"""Find and read the placeholders of KFP: `{{$...}}`, and the JSON forms Concat and IfPresent."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_PLACEHOLDER = re.compile(r"\{\{\$(.*?)\}\}", re.DOTALL)
_REFERENCE = re.compile(
    r"""\.(?P<side>inputs|outputs)\.(?P<kind>parameters|artifacts)
    \[(?P<quote>['"])(?P<name>.*?)(?P=quote)\](?P<rest>.*)""",
    re.VERBOSE | re.DOTALL,
)
_STRUCTURES = ('{"Concat":', '{"IfPresent":')
_ARTIFACT_REST = re.compile(
    r"|\.(uri|path|name|metadata|properties|custom_properties)(\[(['\"]).*\3\])?", re.DOTALL
)

# What follows the name, as a pattern, by side and kind.
RESTS = {
    ("inputs", "parameters"): re.compile(""),
    ("inputs", "artifacts"): _ARTIFACT_REST,
    ("outputs", "parameters"): re.compile(r"\.output_file"),
    ("outputs", "artifacts"): _ARTIFACT_REST,
}

# Placeholders of the run, and the whole executor input.
FACTS = {
    "",
    ".pipeline_job_name",
    ".pipeline_job_resource_name",
    ".pipeline_job_uuid",
    ".pipeline_job_create_time_utc",
    ".pipeline_job_schedule_time_utc",
    ".pipeline_root",
    ".pipeline_task_name",
    ".pipeline_task_uuid",
    ".workspace_path",
    ".outputs.output_file",
    ".outputs.output_metadata_uri",
}


class Placeholder(NamedTuple):
    """One placeholder in a text.

    Attributes:
        text: As it stands there.
        side: `inputs`, `outputs`, or empty for facts of the run and for what is malformed.
        kind: `parameters`, `artifacts`, or `any` for the condition of an IfPresent.
        name: Of the input or output.
        is_sound: Whether runners fill it.
    """

    text: str
    side: str = ""
    kind: str = ""
    name: str = ""
    is_sound: bool = True


def placeholders_in(text: str) -> list[Placeholder]:
    """All `{{$...}}` of a text."""
    if "{{$" not in text:
        return []
    return [_read(match[0], match[1]) for match in _PLACEHOLDER.finditer(text)]


def input_names_in(text: str) -> list[str]:
    """The inputs whose placeholders a text holds."""
    return [found.name for found in placeholders_in(text) if found.side == "inputs"]


def placeholders_of_argument(text: str) -> list[Placeholder]:
    """All placeholders of one item of a command line, those in its JSON forms included."""
    stripped = text.lstrip()
    if not stripped.startswith(_STRUCTURES):
        return placeholders_in(text)
    try:
        structure = json.loads(stripped)
    except (ValueError, RecursionError):
        return [Placeholder(text[:60], is_sound=False)]
    return _in_structure(structure)


def _in_structure(structure: Any) -> list[Placeholder]:
    found: list[Placeholder] = []
    waiting = [structure]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            found.extend(placeholders_in(node))
        elif isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict) and len(node) == 1 and isinstance(node.get("Concat"), list):
            waiting.extend(node["Concat"])
        elif isinstance(node, dict) and len(node) == 1 and isinstance(node.get("IfPresent"), dict):
            inner = node["IfPresent"]
            name = inner.get("InputName")
            is_sound = isinstance(name, str) and "Then" in inner
            found.append(Placeholder(f"IfPresent {name}", "inputs", "any", str(name), is_sound))
            waiting.extend([inner.get("Then", []), inner.get("Else") or []])
        else:
            found.append(Placeholder(str(node)[:60], is_sound=False))
    return found


def _read(text: str, body: str) -> Placeholder:
    if body in FACTS or body.startswith(".json_escape["):
        return Placeholder(text)
    match = _REFERENCE.fullmatch(body)
    if match is None:
        return Placeholder(text, is_sound=False)
    side, kind = match["side"], match["kind"]
    is_sound = RESTS[side, kind].fullmatch(match["rest"]) is not None
    return Placeholder(text, side, kind, match["name"], is_sound)
