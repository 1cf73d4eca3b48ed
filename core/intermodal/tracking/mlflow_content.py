"""Turning a log's records into MLflow's batches, uploads and model versions.

| what MLflow would do | what is done instead |
|---|---|
| refuse a batch for one forbidden name | a safe name; tag `intermodal.renamed.<name>` holds the given one |
| cut a long value in silence | cut with a mark at its end; the whole in `intermodal/long/<name>.txt` |
| refuse a batch for a changed parameter | the first value stays; tag `intermodal.param_conflict.<name>` holds the last |

Each of these is also a PORT504 finding. All of it is safe to repeat.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from intermodal.tracking.mlflow_models import register
from intermodal.tracking.mlflow_names import (
    METRICS_PER_BATCH,
    PARAM_LIMIT,
    TAG_LIMIT,
    TEXTS_PER_BATCH,
    batches,
    clean_text,
    cut_text,
    safe_key,
)
from intermodal.tracking.mlflow_runs import CONFLICT, CUT, PARENT, RENAMED
from intermodal.tracking.records import (
    Artifact,
    Metric,
    Model,
    Note,
    Param,
    Record,
    Reference,
    Status,
    Tag,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mlflow import MlflowClient
    from mlflow.entities import Metric as MlflowMetric
    from mlflow.entities import Run

    from intermodal.findings import Finding
    from intermodal.tracking.mlflow_access import Address
    from intermodal.tracking.tracker import TaskIdentity

NOTES = "intermodal.notes"
REFERENCES = "intermodal.artifacts.json"
LONG_TEXTS = "intermodal/long"
OWN_TAGS = (PARENT, "mlflow.runName")  # the tree is made of them


class Content:
    """What one replay sends to one run. Metrics go out as they come, the rest afterwards."""

    def __init__(
        self, client: MlflowClient, address: Address, identity: TaskIdentity, run: Run
    ) -> None:
        self.client = client
        self.address = address
        self.identity = identity
        self.run = run
        self.findings: list[Finding] = []
        self._params: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._notes: list[str] = []
        self._references: dict[str, dict[str, str]] = {}
        self._uploads: list[Artifact | Text] = []
        self._models: list[Model] = []
        self._finished = False
        self._renamed: dict[str, str] = {}

    def send(self, records: Iterable[Record]) -> list[Finding]:
        """Send everything; what is small goes first, so that a failing upload costs no metric."""
        run_id = self.run.info.run_id
        for metrics in batches(self._metrics(records), lambda m: m.key, METRICS_PER_BATCH):
            self.client.log_batch(run_id, metrics=metrics)
        self._log_params(run_id)
        self._log_tags(run_id)
        self._upload(run_id)
        return self.findings

    def _metrics(self, records: Iterable[Record]) -> Iterator[MlflowMetric]:
        """The metrics as they come; everything else is put by."""
        from mlflow.entities import Metric as MlflowMetric

        for record in records:
            if isinstance(record, Metric):
                key = self._key(record.name)
                yield MlflowMetric(key, record.value, record.time, record.step or 0)
            else:
                self._put_by(record)

    def _put_by(self, record: Record) -> None:
        match record:
            case Param():
                self._take_param(record)
            case Tag():
                self._take_tag(record)
            case Note():
                self._notes.append(f"{record.code}: {record.what}")
            case Reference():
                self._take_reference(record)
            case Artifact() | Text():
                self._uploads.append(record)
            case Model():
                self._models.append(record)
            case Status():
                self._finished = record.state == "finished"
            case Metric():
                raise TypeError("metrics are sent as they come")

    def _take_param(self, record: Param) -> None:
        key = self._key(record.name)
        value = self._fitting(key, record.value, PARAM_LIMIT)
        first = self.run.data.params.get(key, self._params.get(key))
        if first is None:
            self._params[key] = value
        elif first != value:
            self._tags[safe_key(CONFLICT + key)] = cut_text(value, TAG_LIMIT)
            self._changed(
                f"parameter `{key}` was logged with two values; the first stays",
                "MLflow's parameters cannot change",
            )

    def _take_tag(self, record: Tag) -> None:
        if record.name in OWN_TAGS:
            self._changed(f"tag `{record.name}` was left out", "the tree of runs is made of it")
            return
        key = self._key(record.name)
        self._tags[key] = self._fitting(key, record.value, TAG_LIMIT)

    def _take_reference(self, record: Reference) -> None:
        facts = {"uri": record.uri, "sha256": record.sha256, "kind": record.kind}
        self._references[record.output] = facts
        for fact, value in facts.items():
            key = safe_key(f"intermodal.artifact.{record.output}.{fact}")
            self._tags[key] = cut_text(clean_text(value), TAG_LIMIT)

    def _key(self, name: str) -> str:
        """The name MLflow takes; the first time it differs from the given one, say so."""
        key = self._renamed.get(name)
        if key is None:
            key = self._renamed[name] = safe_key(name)
            if key != name:
                self._tags[safe_key(RENAMED + key)] = cut_text(clean_text(name), TAG_LIMIT)
                self._changed(f"`{name[:100]}` is recorded as `{key}`", "MLflow forbids the name")
        return key

    def _fitting(self, key: str, value: str, limit: int) -> str:
        text = clean_text(value)
        if len(text) <= limit:
            return text
        name = f"{LONG_TEXTS}/{key.replace('/', '_')}.txt"
        self._tags[safe_key(CUT + key)] = f"{len(text)} characters, the whole is in {name}"
        self._uploads.append(Text(name, text, 0))
        self._changed(
            f"the value of `{key}` is cut to {limit} characters; the whole is in `{name}`",
            "MLflow keeps no longer ones",
        )
        return cut_text(text, limit)

    def _log_params(self, run_id: str) -> None:
        from mlflow.entities import Param as MlflowParam

        params = [MlflowParam(key, value) for key, value in self._params.items()]
        for batch in batches(params, lambda item: item.value, TEXTS_PER_BATCH):
            self.client.log_batch(run_id, params=batch)

    def _log_tags(self, run_id: str) -> None:
        from mlflow.entities import RunTag

        if self._notes:
            self._tags[NOTES] = cut_text(clean_text("\n".join(self._notes)), TAG_LIMIT)
        tags = [
            RunTag(key, value)
            for key, value in self._tags.items()
            if self.run.data.tags.get(key) != value
        ]
        for batch in batches(tags, lambda item: item.value, TEXTS_PER_BATCH):
            self.client.log_batch(run_id, tags=batch)

    def _upload(self, run_id: str) -> None:
        """Uploads and model versions, up to the first that fails."""
        jobs: list[tuple[str, Callable[[], object]]] = []
        if self._references:
            text = json.dumps(self._references, indent=2, sort_keys=True) + "\n"
            jobs.append((REFERENCES, partial(self.client.log_text, run_id, text, REFERENCES)))
        jobs += [(_shown(item), partial(self._store, run_id, item)) for item in self._uploads]
        if self._finished:
            jobs += [(model.name, partial(self._register, model)) for model in self._models]
        else:
            for model in self._models:
                self._changed(f"model `{model.name}` was not registered", "the attempt failed")
        for name, job in jobs:
            try:
                job()
            except Exception as problem:  # any store may be behind it; the rest was sent already
                self._undelivered(name, problem)
                return

    def _store(self, run_id: str, record: Artifact | Text) -> None:
        if isinstance(record, Text):
            self.client.log_text(run_id, clean_text(record.text), record.name)
        else:
            self.client.log_artifact(run_id, record.path, record.folder or None)

    def _register(self, model: Model) -> None:
        self.findings += register(self.client, self.address, self.identity, self.run, model)

    def _changed(self, what: str, why: str) -> None:
        from intermodal.findings import warning

        self.findings.append(warning("PORT504", what, why=why))

    def _undelivered(self, name: str, problem: Exception) -> None:
        from intermodal.findings import warning
        from intermodal.tracking.tracker import without_password

        reason = without_password(str(problem))[:500] or type(problem).__name__
        what = f"`{name}` of `{self.identity.instance_name}` could not be stored; the log is kept"
        self.findings.append(warning("PORT500", what, why=reason))


def _shown(record: Artifact | Text) -> str:
    return record.name if isinstance(record, Text) else record.path
