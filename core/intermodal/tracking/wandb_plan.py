"""What a log becomes in Weights & Biases: rows of history, config, summary, files and artifacts.

| record | in W&B |
|---|---|
| metric | history: a row for each step, with the time of its last value; the latest value in the summary |
| parameter | config; a number is one there, too |
| tag | a tag `name=value`, if it has at most 64 characters, and `intermodal.tags` in the config |
| text, file | a file of the run |
| output | an artifact that refers to it, and `intermodal.outputs` in the config |
| input, dataset, environment, note | below `intermodal` in the config |
| model | an artifact of type `model`; aliases only where the model is to be registered |

W&B keeps one value of a metric for each step, and no negative steps; what it would lose is told by PORT530.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from intermodal.tracking.addresses import bare_uri
from intermodal.tracking.records import (
    Artifact,
    Dataset,
    Environment,
    LoggedModel,
    Metric,
    Model,
    Note,
    Param,
    Record,
    Reference,
    State,
    Status,
    Tag,
    Text,
    Used,
)

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.tracking.tracker import TaskIdentity

OWN = "intermodal"
EXIT_CODES: dict[State, int] = {"finished": 0, "failed": 1, "killed": 255}
TAG_LIMIT = 64
NAME_LIMIT = 128
RESERVED_METRICS = ("_step", "_timestamp", "_runtime", "_wandb")
RESERVED_FILES = (
    "config.yaml",
    "output.log",
    "wandb-summary.json",
    "wandb-metadata.json",
    "wandb-events.jsonl",
    "wandb-history.jsonl",
    "requirements.txt",
    "conda-environment.yaml",
    "diff.patch",
    "media",
    "artifact",
)
KNOWN = (
    Metric,
    Param,
    Tag,
    Text,
    Artifact,
    Reference,
    Used,
    Dataset,
    Environment,
    LoggedModel,
    Model,
    Note,
    Status,
)
PACKAGES = "intermodal/packages.json"


class Plan:
    """Everything that one attempt sends.

    Attributes:
        findings: What had to be changed or left out.
    """

    def __init__(self, identity: TaskIdentity, started: int, records: Iterable[Record]) -> None:
        self.identity = identity
        self.started = started
        self.findings: list[Finding] = []
        self._rows: dict[int, tuple[int, dict[str, float]]] = {}
        self._latest: dict[str, tuple[int, int, float]] = {}
        self._replaced: Counter[str] = Counter()
        self._negative: Counter[str] = Counter()
        self._params: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._own: dict[str, Any] = {}
        self._packages: dict[str, str] = {}
        self._files: list[dict[str, str]] = []
        self._artifacts: list[dict[str, Any]] = []
        self._models: list[Model] = []
        self._unknown: set[str] = set()
        self._state: State = "running"
        for record in records:
            self._take(record)
        self._tell()

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows of the history, by step."""
        for step in sorted(self._rows):
            time, values = self._rows[step]
            yield {"step": step, "values": values | {"_timestamp": time / 1000}}

    def to_json(self, status: Status) -> dict[str, Any]:
        """All but the rows, as the worker reads it."""
        identity = self.identity
        attempt = f" (attempt {identity.attempt})" if identity.attempt > 1 else ""
        models = [_registered(model) for model in self._models if status.state == "finished"]
        files = list(self._files)
        if self._packages:
            text = json.dumps(self._packages, indent=1, sort_keys=True)
            files.append({"name": PACKAGES, "text": text})
        return {
            "id": run_id(identity),
            "group": cut(f"{identity.pipeline} {identity.run_id}", NAME_LIMIT),
            "name": cut(identity.instance_name, NAME_LIMIT) + attempt,
            "job_type": cut(identity.task, TAG_LIMIT),
            "tags": self._labels(),
            "config": self._config(status),
            "summary": {name: value for name, (_, _, value) in self._latest.items()},
            "files": files,
            "artifacts": self._artifacts + models,
            "exit_code": EXIT_CODES.get(status.state, 1),
        }

    def _take(self, record: Record) -> None:
        if type(record) not in KNOWN:
            self._unknown.add(type(record).__name__)
        match record:
            case Metric():
                self._take_metric(record)
            case Param():
                self._take_param(record)
            case Tag():
                self._tags[record.name] = record.value
            case Text():
                self._files.append({"name": self._file_name(record.name), "text": record.text})
            case Artifact():
                source = record.path.rstrip("/").rsplit("/", 1)[-1]
                name = f"{record.folder}/{source}" if record.folder else source
                self._files.append({"name": self._file_name(name), "path": record.path})
            case Reference():
                self._take_reference(record)
            case LoggedModel():
                self._artifacts.append(self._logged(record))
            case Model():
                self._models.append(record)
            case Status():
                self._state = record.state
            case _:
                self._take_fact(record)

    def _take_fact(self, record: Record) -> None:
        """What has no place of its own in W&B goes into the config."""
        match record:
            case Used():
                self._put("inputs", record.name, _facts(record))
            case Dataset():
                self._put("datasets", record.name, asdict(record))
            case Environment():
                self._own.setdefault("environment", {}).update(record.facts)
                self._packages.update(record.packages)
            case Note():
                self._own.setdefault("notes", []).append(f"{record.code}: {record.what}")

    def _take_metric(self, record: Metric) -> None:
        step = record.step or 0
        if step < 0:
            self._negative[record.name] += 1
            return
        name = f"metric/{record.name}" if record.name in RESERVED_METRICS else record.name
        time, values = self._rows.get(step, (0, {}))
        if name in values:
            self._replaced[record.name] += 1
        values[name] = record.value
        self._rows[step] = (max(time, record.time), values)
        known = self._latest.get(name)
        if known is None or (step, record.time) >= known[:2]:
            self._latest[name] = (step, record.time, record.value)

    def _take_param(self, record: Param) -> None:
        first = self._params.setdefault(record.name, record.value)
        if first != record.value:
            self._put("param_conflicts", record.name, record.value)
            what = f"parameter `{record.name}` was logged with two values; the first stays"
            self._warn("PORT504", what, "the last is in the config below `intermodal`")

    def _take_reference(self, record: Reference) -> None:
        facts = _facts(record)
        self._put("outputs", record.output, facts)
        name = f"{self.identity.pipeline}-{self.identity.task}-{record.output}"
        self._artifacts.append(
            {"name": safe(name), "type": _type(record.kind), "metadata": facts, "uri": facts["uri"]}
        )

    def _logged(self, record: LoggedModel) -> dict[str, Any]:
        name = f"{self.identity.pipeline}-{self.identity.task}-{record.name}"
        metadata = {"kind": record.kind, **record.params, **record.tags}
        return {
            "name": safe(name),
            "type": "model",
            "metadata": metadata,
            "path": record.path,
            "uri": bare_uri(record.uri),
        }

    def _put(self, part: str, name: str, value: Any) -> None:
        self._own.setdefault(part, {})[name] = value

    def _file_name(self, name: str) -> str:
        if name.partition("/")[0] not in RESERVED_FILES:
            return name
        self._warn(
            "PORT504", f"`{name}` is stored as `logged/{name}`", "W&B's own file has the name"
        )
        return f"logged/{name}"

    def _config(self, status: Status) -> dict[str, Any]:
        identity = self.identity
        facts = {
            "pipeline": identity.pipeline,
            "run_id": identity.run_id,
            "task": identity.task,
            "index": list(identity.index),
            "attempt": identity.attempt,
            "session": identity.session,
            "target": identity.target,
            "pipeline_hash": identity.pipeline_hash,
            "code_hash": identity.code_hash,
            "link": bare_uri(identity.link),
            "parameters": dict(identity.parameters),
            "pipeline_tags": dict(identity.tags),
            "tags": self._tags,
            "started": self.started,
            "ended": status.time,
            "state": status.state,
            "error": status.error,
        }
        params = {name: _typed(value) for name, value in self._params.items()}
        if OWN in params:
            params[f"param.{OWN}"] = params.pop(OWN)
        return params | {OWN: facts | self._own}

    def _labels(self) -> list[str]:
        given = {**self.identity.tags, **self._tags}
        texts = (f"{k}={v}" for k, v in given.items() if not k.startswith(f"{OWN}."))
        return [text for text in texts if 0 < len(text) <= TAG_LIMIT]

    def _tell(self) -> None:
        for name, count in self._replaced.items():
            what = f"metric `{name}` has several values for one step: {count} of them were left out"
            self._warn("PORT530", what, "W&B keeps the last value of a step")
        for name, count in self._negative.items():
            what = f"metric `{name}` has negative steps: {count} values were left out"
            self._warn("PORT530", what, "W&B counts steps from 0")
        for model in self._models if self._state in ("failed", "killed") else ():
            what = f"model `{model.name}` was not registered"
            self._warn("PORT504", what, f"the attempt {self._state}")
        for name in sorted(self._unknown):
            self._warn("PORT530", f"`{name}` records are not sent to W&B", "")

    def _warn(self, code: str, what: str, why: str) -> None:
        from intermodal.findings import warning

        self.findings.append(warning(code, what, why=why))


def run_id(identity: TaskIdentity) -> str:
    """The id of an attempt's W&B run, the same for each replay."""
    parts = json.dumps([identity.run_key, identity.session])
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and a hash of the whole."""
    if len(text) <= limit:
        return text
    mark = "-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return text[: limit - len(mark)] + mark


def safe(name: str) -> str:
    """A name of letters, digits, `-`, `_` and `.`, which no other name turns into."""
    changed = re.sub(r"[^A-Za-z0-9_.-]", "_", name) or "_"
    if changed != name:
        changed += "-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return cut(changed, NAME_LIMIT)


def _facts(record: Reference | Used) -> dict[str, str]:
    uri = bare_uri(record.uri)
    return {"uri": uri, "sha256": record.sha256, "kind": record.kind}


def _registered(model: Model) -> dict[str, Any]:
    return {
        "name": safe(model.name),
        "type": "model",
        "metadata": dict(model.tags),
        "path": model.path,
        "uri": bare_uri(model.uri),
        "aliases": [safe(alias) for alias in model.aliases],
    }


def _type(kind: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", kind.lower()) or "artifact"
    return f"{name}_" if name in ("job", "run", "code") or name.startswith("wandb-") else name


def _typed(text: str) -> Any:
    """The number or truth value that a parameter's text is the text of, else the text."""
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            if str(kind(text)) == text and text not in ("inf", "-inf", "nan"):
                return kind(text)
        except ValueError:
            continue
    return text
