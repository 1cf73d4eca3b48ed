"""A run's folder: what it is, what it has done, its events and its logs."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from intermodal.analysis.rewrite import map_tasks
from intermodal.artifacts.keys import encode_index, encode_segment
from intermodal.findings import Finding, FindingsError, error
from intermodal.ir import Pipeline, PythonCall, Task
from intermodal.ir.write import content_hash, to_data
from intermodal.runtime.context import DEFAULT_STORE
from intermodal.runtime.events import canonical

VERSION = 1


@dataclass(frozen=True)
class Done:
    """An instance that had succeeded in an earlier part of the run."""

    outputs: Mapping[str, Any]
    code: str
    state: str = "succeeded"


class RunFolder:
    """`<store>/<pipeline>/<run>/`; beside the default store where that is not on this machine.

    `run.json` says how the run stands and is replaced as a whole. `journal.jsonl` gets one line for
    each instance that has succeeded, so that a run that was killed can go on.
    """

    def __init__(self, store: str, pipeline: str, run_id: str) -> None:
        root = local_root(store)
        self.path = root / encode_segment(pipeline) / encode_segment(run_id)
        self.events = self.path / "events.jsonl"
        self.work = self.path / ".work"
        self._journal = self.path / "journal.jsonl"
        self._logs = self.path / ".logs"

    def create(self) -> None:
        """Make it.

        Raises:
            FindingsError: PORT006, it cannot be made.
        """
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            finding = error(
                "PORT006",
                f"the run's folder `{self.path}` cannot be made",
                why=str(problem),
                next="choose another store",
            )
            raise FindingsError([finding]) from problem

    def log_of(self, task: str, index: tuple[int, ...], attempt: int) -> Path:
        """The file for what an attempt prints."""
        place = "" if not index else f".{encode_index(index)}"
        return self._logs / f"{encode_segment(task)}{place}.{attempt}.log"

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replace `run.json`."""
        text = json.dumps({"version": VERSION, **state}, indent=2, ensure_ascii=False) + "\n"
        with tempfile.NamedTemporaryFile(
            "w", dir=self.path, prefix=".run-", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        Path(file.name).replace(self.path / "run.json")

    def read_state(self) -> dict[str, Any] | None:
        """What `write_state` wrote; None if there is no such run."""
        try:
            text = (self.path / "run.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        state: dict[str, Any] = json.loads(text)
        return state

    def note_success(
        self, instance: str, outputs: Mapping[str, Any], code: str, state: str = "succeeded"
    ) -> None:
        """Add an instance to the journal."""
        entry = {"instance": instance, "outputs": dict(outputs), "code": code, "state": state}
        line = json.dumps(entry)
        descriptor = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode() + b"\n")
        finally:
            os.close(descriptor)

    def read_successes(self) -> dict[str, Done]:
        """The journal: what has succeeded, by instance id. A torn last line does not count."""
        if not self._journal.exists():
            return {}
        done: dict[str, Done] = {}
        for line in self._journal.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            state = entry.get("state", "succeeded")
            done[entry["instance"]] = Done(entry["outputs"], entry["code"], state)
        return done


def local_root(store: str) -> Path:
    """The folder of this machine for the runs of a store."""
    parts = urlsplit(store)
    if parts.scheme in ("file", "local"):
        return Path(unquote(store.split("://", 1)[1])).absolute()
    return Path(DEFAULT_STORE if "://" in store else store).absolute()


def new_run_id(now: datetime) -> str:
    """A run id that sorts by time: `20260131T120000-1f9c03`."""
    return f"{now:%Y%m%dT%H%M%S}-{os.urandom(3).hex()}"


def shape_hash(pipeline: Pipeline) -> str:
    """SHA-256 of a pipeline's meaning apart from the sources of its functions."""
    return content_hash(map_tasks(pipeline, _without_source))


def code_of(task: Task) -> str:
    """SHA-256 of what a task does."""
    return hashlib.sha256(canonical(to_data(task.action, spans=False)).encode()).hexdigest()


def resumable(folder: RunFolder, pipeline: Pipeline, run_id: str) -> dict[str, Any]:
    """The state of a run to go on with.

    Raises:
        FindingsError: PORT602 there is none, PORT607 it was a different pipeline.
    """
    state = folder.read_state()
    if state is None:
        raise FindingsError([_no_run(pipeline, run_id, folder)])
    if state["pipeline_hash"] != shape_hash(pipeline):
        finding = error(
            "PORT607",
            f"run `{run_id}` cannot go on: the pipeline `{pipeline.name}` has changed since",
            pipeline.span,
            why="its tasks, inputs or settings are not those that the run began with",
            next="start a new run; only the code of functions may change",
        )
        raise FindingsError([finding])
    return state


def _no_run(pipeline: Pipeline, run_id: str, folder: RunFolder) -> Finding:
    parent = folder.path.parent
    known = sorted(path.parent.name for path in parent.glob("*/run.json"))
    latest = ", ".join(f"`{name}`" for name in known[-3:])
    return error(
        "PORT602",
        f"`{pipeline.name}` has no run `{run_id}`",
        why=f"there is no such folder in `{parent}`",
        next=f"the latest runs: {latest}" if latest else "start one without --resume",
    )


def _without_source(task: Task) -> Task:
    if not isinstance(task.action, PythonCall):
        return task
    action = task.action.model_copy(update={"source": None})
    return task.model_copy(update={"action": action, "docs": ""})
