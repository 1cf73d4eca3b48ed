"""The contract of trackers, for those that need no server and no process; the others' is in integration-tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.tracking.tracker_contract")

from tests.tracking.tracker_contract import *  # noqa: E402, F403


class Jsonl:
    """A folder of JSON lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tracked"
        self.uri = f"jsonl:{self.folder}"

    def state(self) -> list:
        return [
            (path.relative_to(self.folder).as_posix(), path.read_bytes())
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.relative_to(self.folder).parts[0].startswith(".")
        ]

    def metrics(self) -> set | None:
        found = set()
        for path in self.folder.rglob("*.jsonl"):
            header, *lines = [json.loads(line) for line in path.read_text().splitlines()]
            name = header["task"] + "".join(f"[{part}]" for part in header["index"])
            found |= {
                (name, header["attempt"], v["name"], v["step"], v["value"])
                for v in lines
                if v["type"] == "metric"
            }
        return found


class OpenLineage:
    """A file of events."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "events.jsonl"
        self.uri = f"openlineage+file:{self.file}"

    def state(self) -> list:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def metrics(self) -> set | None:
        return None


class Several:
    """Both at once."""

    def __init__(self, folder: Path) -> None:
        self.places = [Jsonl(folder), OpenLineage(folder)]
        self.uri = " ".join(place.uri for place in self.places)

    def state(self) -> list:
        return [part for place in self.places for part in place.state()]

    def metrics(self) -> set | None:
        return self.places[0].metrics()


@pytest.fixture(params=[Jsonl, OpenLineage, Several])
def place(request, tmp_path, declared):
    if request.param is not Jsonl:
        pytest.importorskip("openlineage.client")
    return request.param(tmp_path)
