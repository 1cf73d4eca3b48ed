"""The tracker that needs nothing but a folder: JSON documents and JSON lines, for people and for `jq`.

`jsonl:PATH` is a folder of this machine, relative to the current one; `jsonl+s3://bucket/prefix` and the
like are folders that fsspec opens. Names are percent-encoded where a filesystem would refuse them.

| path | holds |
|---|---|
| `runs/PIPELINE/RUN/run.json` | the pipeline run: `pipeline`, `run_id`, `target`, `state`, `started`, `ended`, `parameters`, `tags`, ... |
| `runs/PIPELINE/RUN/tasks/TASK/INDEX/ATTEMPT-SESSION.jsonl` | one attempt; `INDEX` is `-` outside loops, else such as `0.2` |
| `runs/.../ATTEMPT-SESSION/` | what the attempt stored: `files/` as logged, `models/NAME/` |
| `models/NAME/VERSION.json` | a registered model's version; see `jsonl_models.py` |

An attempt's first line is `{"type": "attempt", "task", "index", "attempt", "started", "code_hash", ...}`; then comes one
line for each record, as `records.py` names its fields, with `path` in place of a text or a file; then
`{"type": "status", "state", "time", "error"}`. Times are milliseconds since the epoch. Of several statuses the last counts;
without one, the attempt runs. The newest attempt in a folder stands for the task instance.

    jq -s 'map(select(.type == "metric" and .name == "loss"))' runs/train/*/tasks/fit/-/*.jsonl

Lines are only ever added, so that a log may be sent in parts, or again, by any number of workers.
"""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from intermodal.artifacts.keys import encode_segment
from intermodal.tracking.jsonl_files import Folder, line, plain_path, plain_segment
from intermodal.tracking.jsonl_models import Models
from intermodal.tracking.records import Metric, Model, Record, Status, Text, to_line
from intermodal.tracking.tracker import Pages, TrackerError, unusable_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from intermodal.findings import Finding
    from intermodal.tracking.facts import RunFacts
    from intermodal.tracking.registry import ModelVersion, Promotion
    from intermodal.tracking.tracker import TaskIdentity

VERSION = 1
RUNS = "runs"
RUN_FILE = "run.json"
ENDS_RUN = {"failed", "killed"}
REMOTE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory", "file")


class JsonlTracker:
    """Keeps runs in a folder."""

    schemes: ClassVar[tuple[str, ...]] = ("jsonl", *(f"jsonl+{name}" for name in REMOTE))
    live: ClassVar[bool] = True

    def __init__(self, uri: str, *, patient: bool = False) -> None:  # noqa: ARG002
        """Nothing is read or written yet. Raises FindingsError (PORT503) for an unusable address."""
        from intermodal.findings import FindingsError

        try:
            self._folder = Folder(_root(uri))
        except FindingsError as problem:
            raise unusable_address(uri, problem.findings[0].why, problem.findings[0].next) from None
        self._models = Models(self._folder)
        self._copied: set[tuple[str, Path]] = set()

    def begin(self, identity: TaskIdentity, started: int) -> None:
        """Make the run's and the attempt's files, unless they are there."""
        place = attempt_path(identity)
        with self._folder.lock(identity.run_key):
            self._make_run(identity, started)
            if not self._header(place):
                self._folder.add_lines(place, [line(_header(identity, started))])
            self._end_older(identity, place, started)
            if identity.last is not None:
                self._begin_again(identity, place)

    def replay(self, identity: TaskIdentity, records: Iterable[Record]) -> list[Finding]:
        """Add the records' lines and copy their files; `begin` must have been called."""
        findings: list[Finding] = []
        models: list[Model] = []
        state = ""
        with self._folder.lock(identity.run_key):
            lines: list[bytes] = []
            for record in records:
                if isinstance(record, Status):
                    state = record.state
                    continue
                if isinstance(record, Model):
                    models.append(record)
                lines.append(self._stored(identity, record, findings))
            self._folder.add_lines(attempt_path(identity), lines)
        if state == "finished" and not findings:
            self._register(identity, models)
        return findings + [_not_registered(model, state) for model in models if state in ENDS_RUN]

    def end(self, identity: TaskIdentity, status: Status) -> None:
        """Add how the attempt ended, unless its file says so already."""
        place = attempt_path(identity)
        wanted = to_line(status)
        with self._folder.lock(identity.run_key):
            if self._last_status(place) != json.loads(wanted):
                self._folder.add_lines(place, [wanted])
            if identity.last is not None:
                self._follow(identity, status.time)

    def pages(self, identity: TaskIdentity) -> Pages:  # noqa: ARG002
        """None: files have no pages."""
        return Pages()

    def open_run(self, identity: TaskIdentity, started: int) -> None:
        """Make the run's file; a run that had ended runs again."""
        with self._folder.lock(identity.run_key):
            self._make_run(identity, started)
            self._set_state(identity, Status("running", started))

    def close_run(self, identity: TaskIdentity, status: Status) -> None:
        """Write down how the pipeline run ended."""
        with self._folder.lock(identity.run_key):
            self._make_run(identity, status.time)
            if (self._run(identity).get("ended") or 0) > status.time:
                return  # it was resumed after this end
            for path, state in self._states(identity).items():
                if state == "running":  # no task goes on after the end of its run
                    self._folder.add_lines(path, [to_line(Status("killed", status.time))])
            self._set_state(identity, status)

    def find_runs(self, run_id: str, pipeline: str | None = None) -> list[RunFacts]:
        """The runs of that id, newest first; see `ReadableTracker`."""
        from intermodal.tracking.jsonl_facts import find_runs

        return find_runs(self._folder, run_id, pipeline)

    def find_open_runs(self) -> list[RunFacts]:
        """The runs that have not ended; see `UsageTracker`."""
        from intermodal.tracking.jsonl_facts import find_open_runs

        return find_open_runs(self._folder)

    def find_versions(self) -> list[ModelVersion]:
        """All versions of registered models; see `UsageTracker`."""
        return self._models.all()

    def find_version(
        self,
        name: str,
        *,
        alias: str = "",
        version: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion | None:
        """A version of a registered model; see `Registry`."""
        return self._models.find(name, alias=alias, version=version, tags=tags)

    def promote(self, name: str, version: str, promotion: Promotion) -> bool:
        """Point an alias to a version; see `Registry`."""
        return self._models.promote(name, version, promotion)

    def download(self, version: ModelVersion, folder: Path) -> Path:
        """Copy a version's files into a folder; see `Registry`."""
        return self._models.download(version, folder)

    def _make_run(self, identity: TaskIdentity, started: int) -> None:
        path = f"{run_path(identity)}/{RUN_FILE}"
        if self._folder.document(path) is not None:
            return
        run: dict[str, Any] = {
            "version": VERSION,
            "pipeline": identity.pipeline,
            "run_id": identity.run_id,
            "experiment": identity.experiment,
            "target": identity.target,
            "state": "running",
            "started": started,
            "ended": None,
            "parameters": _plain(identity.parameters),
            "tags": dict(identity.tags),
            "link": identity.link,
            "pipeline_hash": identity.pipeline_hash,
        }
        self._folder.create(path, run)

    def _set_state(self, identity: TaskIdentity, status: Status) -> None:
        run = self._run(identity)
        ended = None if status.state == "running" else status.time
        wanted = {**run, "state": status.state, "ended": ended}
        if ended is None and run.get("ended"):
            wanted["ended_before"] = run["ended"]
        if wanted != run:
            self._folder.replace(f"{run_path(identity)}/{RUN_FILE}", wanted)

    def _run(self, identity: TaskIdentity) -> dict[str, Any]:
        """What its file says of the pipeline run."""
        return self._folder.document(f"{run_path(identity)}/{RUN_FILE}") or {}

    def _header(self, place: str) -> dict[str, Any] | None:
        return next(self._folder.lines(place, "attempt"), None)

    def _last_status(self, place: str) -> dict[str, Any] | None:
        return last_status(self._folder.lines(place, "status"))

    def _end_older(self, identity: TaskIdentity, place: str, started: int) -> None:
        """An older attempt that still runs was killed: else nobody would have tried again."""
        for other, header in self._attempts(place.rpartition("/")[0]):
            is_older = (header.get("attempt", 0), header.get("started", 0)) < (
                identity.attempt,
                started,
            )
            if other != place and is_older and self._last_status(other) is None:
                self._folder.add_lines(other, [to_line(Status("killed", started))])

    def _attempts(self, instance: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Paths and first lines of the attempts of one task instance."""
        for name in self._folder.names(instance):
            path = f"{instance}/{name}"
            header = self._header(path) if name.endswith(".jsonl") else None
            if header is not None:
                yield path, header

    def _states(self, identity: TaskIdentity) -> dict[str, str]:
        """How the newest attempt of each task instance of the run stands, by path."""
        tasks = f"{run_path(identity)}/tasks"
        states: dict[str, str] = {}
        for task in self._folder.names(tasks):
            for index in self._folder.names(f"{tasks}/{task}"):
                attempts = list(self._attempts(f"{tasks}/{task}/{index}"))
                if attempts:
                    path = max(attempts, key=lambda item: age(item[1]))[0]
                    status = self._last_status(path)
                    states[path] = str(status["state"]) if status else "running"
        return states

    def _follow(self, identity: TaskIdentity, moment: int) -> None:
        """Set the pipeline run's state by its tasks, where no engine tells it; a task just ended."""
        states = set(self._states(identity).values())
        if states & ENDS_RUN:
            self._set_state(identity, Status("failed", moment))
        elif not states <= {"finished"}:
            return
        elif identity.last:
            self._set_state(identity, Status("finished", moment))
        else:
            ended = self._run(identity).get("ended_before") or 0
            if ended >= moment:  # a late log, of before the end of the run
                self._set_state(identity, Status("finished", ended))

    def _begin_again(self, identity: TaskIdentity, place: str) -> None:
        """Mark the pipeline run as running while a task is, unless another one has failed it."""
        if self._run(identity).get("state") == "running":
            return
        states = self._states(identity)
        others = {state for path, state in states.items() if path != place}
        if states.get(place) == "running" and not others & ENDS_RUN:
            self._set_state(identity, Status("running", 0))

    def _stored(self, identity: TaskIdentity, record: Record, findings: list[Finding]) -> bytes:
        """The record's line, its file copied."""
        if isinstance(record, Metric):  # there may be a million of them
            return to_line(record)
        value: dict[str, Any] = json.loads(to_line(record))
        if isinstance(record, Text):
            text = value.pop("text")
            value["path"] = f"{_files(identity)}/{plain_path(record.name)}"
            write = partial(self._folder.write_text, value["path"], text)
            self._try(value["path"], findings, write)
        elif value.get("path"):
            source = Path(value["path"])
            value["path"] = _target(identity, value, source)
            self._try(value["path"], findings, partial(self._copy, value["path"], source))
        return line(value)

    def _copy(self, path: str, source: Path) -> None:
        if (path, source) not in self._copied:  # a log's payload does not change
            self._folder.put(path, source)
            self._copied.add((path, source))

    def _try(self, path: str, findings: list[Finding], store: Callable[[], None]) -> None:
        """Store a file; where that fails the log is kept, and the rest is stored all the same."""
        from intermodal.findings import warning

        try:
            store()
        except (OSError, TrackerError, ValueError) as problem:
            what = f"`{path}` could not be stored; the log is kept"
            findings.append(warning("PORT500", what, why=str(problem)[:500]))

    def _register(self, identity: TaskIdentity, models: list[Model]) -> None:
        for model in models:
            source = Path(model.path)
            path = _target(identity, {"type": "model", "name": model.name}, source)
            self._models.register(identity, model, path if model.path else "")


def run_path(identity: TaskIdentity) -> str:
    """The folder of a pipeline run."""
    return f"{RUNS}/{encode_segment(identity.pipeline)}/{encode_segment(identity.run_id)}"


def attempt_path(identity: TaskIdentity) -> str:
    """The file of an attempt; what it stored lies in a folder of that name without `.jsonl`."""
    index = ".".join(encode_segment(str(part)).replace(".", "%2E") for part in identity.index)
    place = f"{encode_segment(identity.task)}/{index or '-'}"
    name = f"{identity.attempt}-{encode_segment(identity.session)}"
    return f"{run_path(identity)}/tasks/{place}/{name}.jsonl"


def last_status(statuses: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The status that counts, among those that an attempt's file holds."""
    found = None
    for found in statuses:  # noqa: B007
        continue
    return found


def age(header: dict[str, Any]) -> tuple[int, int, str]:
    """Sorts attempts of one task instance, oldest first, by their first lines."""
    return (header.get("attempt", 0), header.get("started", 0), header.get("session", ""))


def _root(uri: str) -> str:
    """The folder or URI that an address names."""
    scheme, _, rest = uri.partition(":")
    inner = scheme.lower().partition("+")[2]
    if inner:
        return f"{inner}:{rest}"
    path = rest.removeprefix("//") if rest.startswith("//") else rest
    return str(Path(path or ".").expanduser())


def _header(identity: TaskIdentity, started: int) -> dict[str, Any]:
    return {
        "type": "attempt",
        "version": VERSION,
        "pipeline": identity.pipeline,
        "run_id": identity.run_id,
        "task": identity.task,
        "index": identity.index,
        "attempt": identity.attempt,
        "session": identity.session,
        "started": started,
        "target": identity.target,
        "code_hash": identity.code_hash,
        "link": identity.link,
    }


def _files(identity: TaskIdentity) -> str:
    return attempt_path(identity).removesuffix(".jsonl") + "/files"


def _target(identity: TaskIdentity, value: dict[str, Any], source: Path) -> str:
    """Where a record's file or folder goes."""
    name = plain_segment(source.name or "files")
    own = attempt_path(identity).removesuffix(".jsonl")
    if value["type"] == "artifact":
        parts = [_files(identity), plain_path(str(value.get("folder") or "")), name]
        return str(PurePosixPath(*(part for part in parts if part)))
    return f"{own}/{value['type']}s/{plain_segment(str(value.get('name') or '-'))}/{name}"


def _plain(value: Any) -> Any:
    """A value that is JSON to every reader: no infinities, text in place of foreign objects."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _not_registered(model: Model, state: str) -> Finding:
    from intermodal.findings import warning

    return warning(
        "PORT504", f"model `{model.name}` was not registered", why=f"the attempt {state}"
    )
