"""Reading W&B's offline folders as W&B wrote them: LevelDB's log format behind a header of seven bytes."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

BLOCK = 32768
WHOLE, LAST = 1, 4


def stored(folder: Path) -> list[Any]:
    """The records of the folder's `.wandb` file."""
    from wandb.proto import wandb_internal_pb2 as proto

    (file,) = folder.glob("*.wandb")
    data, place, buffer, found = file.read_bytes(), 7, b"", []
    while place + 7 <= len(data):
        left = BLOCK - place % BLOCK
        if left < 7:
            place += left
            continue
        _, size, kind = struct.unpack("<IHB", data[place : place + 7])
        buffer += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (WHOLE, LAST):
            record = proto.Record()
            record.ParseFromString(buffer)
            found.append(record)
            buffer = b""
    return found


def of_type(records: list[Any], kind: str) -> list[Any]:
    return [getattr(r, kind) for r in records if r.WhichOneof("record_type") == kind]


def history(records: list[Any]) -> list[tuple[int, float, dict[str, Any]]]:
    """Step, time in seconds and values of each row."""
    rows = []
    for record in of_type(records, "history"):
        row = {_key(item): json.loads(item.value_json) for item in record.item}
        values = {k: v for k, v in row.items() if not k.startswith("_")}
        rows.append((record.step.num, row["_timestamp"], values))
    return rows


def config(records: list[Any]) -> dict[str, Any]:
    (run,) = of_type(records, "run")
    return {item.key: json.loads(item.value_json) for item in run.config.update}


def summary(records: list[Any]) -> dict[str, Any]:
    updates = (item for record in of_type(records, "summary") for item in record.update)
    found = {_key(item): json.loads(item.value_json) for item in updates}
    return {name: value for name, value in found.items() if not name.startswith("_")}


def _key(item: Any) -> str:
    return item.key or ".".join(item.nested_key)
