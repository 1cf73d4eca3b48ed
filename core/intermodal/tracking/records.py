"""What a task logs: closed, typed records, and their form as JSON lines.

Every record carries the time at which it was logged, in milliseconds since the epoch. The time is
part of the record, so sending a log to a tracker a second time sends the same thing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal

State = Literal["running", "finished", "failed", "killed"]
STATES: tuple[State, ...] = ("running", "finished", "failed", "killed")


def now() -> int:
    """The time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Metric:
    """A finite number. `step` is None until `number_steps` gives it one."""

    name: str
    value: float
    time: int
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Param:
    """A setting of the attempt, as text."""

    name: str
    value: str
    time: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A label of the attempt; a later value replaces an earlier one."""

    name: str
    value: str
    time: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or folder to upload: `path` lies in the log's own payload folder.

    `role` says what it is, where a tracker may show it as that: `table`, for JSON with the lists
    `columns` and `data` (of rows); empty for any file.
    """

    path: str
    folder: str
    time: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """An output that is in the artifact store already and is not uploaded again."""

    output: str
    uri: str
    sha256: str
    kind: str
    time: int


@dataclass(frozen=True, slots=True)
class Used:
    """An input that is in the artifact store; `name` is the input's."""

    name: str
    uri: str
    sha256: str
    kind: str
    time: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Data that the task used, as the user described it.

    Attributes:
        name: What it is called.
        digest: Names its content; as long as it was made, trackers may cut it.
        source_type: What kind of place `source` is: `local`, `s3`, `http`, ..., or `code`.
        source: Where it is, without credentials; empty for data made in the task itself.
        schema: Columns and their types, as MLflow writes a schema in JSON; empty if not known.
        profile: Counts, as JSON; empty if not known.
        context: What it was used for, such as `training`.
        time: When it was logged.
    """

    name: str
    digest: str
    source_type: str
    source: str
    schema: str
    profile: str
    context: str
    time: int


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model that the task made, to be shown with its run; a later one of the name replaces it.

    Either `path` (in the log's payload folder) or `uri` (where the model is already) is set; `kind` is
    the format, `sha256` that of what is at `uri`, where they are known.
    """

    name: str
    path: str
    uri: str
    time: int
    sha256: str = ""
    kind: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """What the attempt ran on; several in a log add up.

    `facts` are named in `surroundings.py`; `packages` are versions by the name of the package.
    """

    facts: Mapping[str, str]
    time: int
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Text:
    """A text to store as a file of that name."""

    name: str
    text: str
    time: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model version to register once the attempt has finished.

    Either `path` (in the log's payload folder) or `uri` (where the model is already) is set.
    """

    name: str
    path: str
    uri: str
    time: int
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that could not be recorded as asked, for the user to see."""

    code: str
    what: str
    time: int


@dataclass(frozen=True, slots=True)
class Status:
    """How the attempt, or the pipeline run, stands. `error` is the exception's class name only."""

    state: State
    time: int
    error: str = ""


Record = (
    Metric
    | Param
    | Tag
    | Artifact
    | Reference
    | Used
    | Dataset
    | LoggedModel
    | Environment
    | Text
    | Model
    | Note
    | Status
)

TYPES: dict[str, type[Record]] = {
    "metric": Metric,
    "param": Param,
    "tag": Tag,
    "artifact": Artifact,
    "reference": Reference,
    "used": Used,
    "dataset": Dataset,
    "logged_model": LoggedModel,
    "environment": Environment,
    "text": Text,
    "model": Model,
    "note": Note,
    "status": Status,
}
NAMES: dict[type[Record], str] = {cls: name for name, cls in TYPES.items()}
FIELDS: dict[str, dict[str, str]] = {
    name: {f.name: str(f.type) for f in fields(cls)} for name, cls in TYPES.items()
}
OPTIONAL: dict[str, set[str]] = {  # fields that a log of an older version may lack
    name: {
        f.name for f in fields(cls) if f.default is not MISSING or f.default_factory is not MISSING
    }
    for name, cls in TYPES.items()
}
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "int | None": (int, type(None)),
    "State": (str,),
    "tuple[str, ...]": (list,),
    "Mapping[str, str]": (dict,),
}


_encode = json.JSONEncoder(separators=(",", ":")).encode


def to_line(record: Record) -> bytes:
    """The record as one line of JSON, newline included."""
    value = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return _encode({"type": NAMES[type(record)], **value}).encode() + b"\n"


def from_json(value: Any) -> Record | None:
    """The record a line's JSON stands for, or None if it is not one (a torn or foreign line)."""
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        return None
    given = {name: item for name, item in value.items() if name != "type"}
    wanted = FIELDS[kind]
    if not set(wanted) - OPTIONAL[kind] <= set(given) <= set(wanted):
        return None
    if not all(isinstance(item, _JSON_TYPES[wanted[name]]) for name, item in given.items()):
        return None
    if kind == "status" and given["state"] not in STATES:
        return None
    if "aliases" in given:
        given["aliases"] = tuple(given["aliases"])
    return TYPES[kind](**given)


def number_steps(records: Iterator[Record], last: dict[str, int] | None = None) -> Iterator[Record]:
    """Give each metric without a step the one after the last of its name, counting from 0.

    Trackers pick the latest value by step and then by time; two values logged within one
    millisecond could not be told apart otherwise. The order of the log decides, so a replay
    numbers the same way. `last` goes on from part to part of one log.
    """
    last = {} if last is None else last
    for record in records:
        if not isinstance(record, Metric):
            yield record
            continue
        step = last.get(record.name, -1) + 1 if record.step is None else record.step
        last[record.name] = step
        yield record if record.step is not None else _with_step(record, step)


def _with_step(metric: Metric, step: int) -> Metric:
    return Metric(metric.name, metric.value, metric.time, step)
