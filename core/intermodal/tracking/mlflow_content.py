"""Turning a log's records into MLflow's batches, uploads and model versions.

| what MLflow would do | what is done instead |
|---|---|
| refuse a batch for one forbidden name | a safe name; tag `intermodal.renamed.<name>` holds the given one |
| cut a long value in silence | cut with a mark at its end; the whole in `intermodal/long/<name>.txt`, of a tag in `intermodal/long/tags/<name>.txt` |
| refuse a batch for a changed parameter | the first value stays; tag `intermodal.param_conflict.<name>` holds the last |

Each of these is also a PORT504 finding. All of it is safe to repeat.

A log without a `Status` is the beginning of one whose task still runs: of it, metrics, parameters and tags
are sent, and nothing is uploaded or linked.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, assert_never
from urllib.parse import quote, urlsplit

from intermodal.tracking.datasets import SOURCES, without_credentials
from intermodal.tracking.mlflow_entries import Entries, made_by
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
    Dataset,
    Environment,
    LoggedModel,
    Metric,
    Model,
    Note,
    Param,
    Record,
    Reference,
    Status,
    Tag,
    Text,
    Used,
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
LONG_TAGS = f"{LONG_TEXTS}/tags"
ENVIRONMENT = "intermodal/environment.json"
LOGGED = "mlflow.loggedArtifacts"
FACT_TAGS = {  # facts that MLflow has tags of its own for
    "user": "mlflow.user",
    "source": "mlflow.source.name",
    "git_commit": "mlflow.source.git.commit",
    "git_branch": "mlflow.source.git.branch",
    "git_dirty": "mlflow.source.git.dirty",
    "git_url": "mlflow.source.git.repoURL",
}
NO_DATA = ("Model", "Metrics", "Html", "Markdown")  # kinds of inputs that are no datasets
NO_MODELS = "this MLflow server is older than 3 and keeps no entries of models"
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
        self._uploads: dict[str, Artifact | Text] = {}  # by where they go: the last one stays
        self._models: list[Model] = []
        self._used: list[Used] = []
        self._times_used: Counter[str] = Counter()
        self._datasets: list[tuple[Dataset, dict[str, str]]] = []
        self._entries: dict[str, LoggedModel] = {}
        self._returned: dict[str, LoggedModel] = {}  # outputs, by URI
        self._facts: dict[str, str] = {}
        self._packages: dict[str, str] = {}
        self._status: Status | None = None
        self._renamed: dict[str, str] = {}

    def send(self, records: Iterable[Record]) -> list[Finding]:
        """Send everything; what is small goes first, so that a failing upload costs no metric."""
        run_id = self.run.info.run_id
        for metrics in batches(self._metrics(records), lambda m: m.key, METRICS_PER_BATCH):
            self.client.log_batch(run_id, metrics=metrics)
        self._take_environment()
        self._log_params(run_id)
        self._log_tags(run_id)
        if self._status is not None:
            self._finish(run_id, self._status)
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
            case Used():
                self._take_used(record)
            case Dataset():
                self._datasets.append((record, {}))
            case LoggedModel():
                self._entries[record.name] = record
            case Environment():
                self._facts |= record.facts
                self._packages |= record.packages
            case Artifact() | Text():
                self._uploads[_target(record)] = record
            case Model():
                self._models.append(record)
            case Status():
                self._status = record
            case Metric():
                raise TypeError("metrics are sent as they come")
            case _:
                assert_never(record)

    def _take_param(self, record: Param) -> None:
        key = self._key(record.name)
        value = cut_text(clean_text(record.value), PARAM_LIMIT)
        first = self.run.data.params.get(key, self._params.get(key))
        if first in (None, value):
            self._params[key] = self._fitting(key, record.value, PARAM_LIMIT, LONG_TEXTS)
        else:
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
        self._tags[key] = self._fitting(key, record.value, TAG_LIMIT, LONG_TAGS)

    def _take_reference(self, record: Reference) -> None:
        facts = {"uri": record.uri, "sha256": record.sha256, "kind": record.kind}
        self._references[record.output] = facts
        self._set_facts(f"intermodal.artifact.{record.output}", facts)
        name = made_by(record.uri, record.output)
        if record.kind == "Dataset":
            self._datasets.append(_stored(record, name, "output"))
        elif record.kind == "Model":
            entry = LoggedModel(name, "", record.uri, record.time, record.sha256)
            self._returned[record.uri] = entry

    def _take_used(self, record: Used) -> None:
        number = self._times_used[record.name]
        self._times_used[record.name] += 1
        self._used.append(record)
        facts = {"uri": record.uri, "sha256": record.sha256, "kind": record.kind}
        place = f"[{number}]" if number else ""
        self._set_facts(f"intermodal.input.{record.name}{place}", facts)
        if record.kind not in NO_DATA:
            self._datasets.append(_stored(record, made_by(record.uri, record.name), "input"))

    def _set_facts(self, name: str, facts: dict[str, str]) -> None:
        for fact, value in facts.items():
            self._tags[safe_key(f"{name}.{fact}")] = cut_text(clean_text(value), TAG_LIMIT)

    def _take_environment(self) -> None:
        """What the user has set as a tag goes before what was found."""
        tags = {FACT_TAGS[fact]: value for fact, value in self._facts.items() if fact in FACT_TAGS}
        if "mlflow.source.name" in tags:
            tags["mlflow.source.type"] = "LOCAL" if self.identity.target == "local" else "JOB"
        fitting = {key: cut_text(clean_text(value), TAG_LIMIT) for key, value in tags.items()}
        self._tags = {**fitting, **self._tags}
        if self._facts or self._packages:
            whole = {**self._facts, "packages": self._packages}
            text = json.dumps(whole, indent=2, sort_keys=True) + "\n"
            self._uploads[ENVIRONMENT] = Text(ENVIRONMENT, text, 0)

    def _key(self, name: str) -> str:
        """The name MLflow takes; the first time it differs from the given one, say so."""
        key = self._renamed.get(name)
        if key is None:
            key = self._renamed[name] = safe_key(name)
            if key != name:
                self._tags[safe_key(RENAMED + key)] = cut_text(clean_text(name), TAG_LIMIT)
                self._changed(f"`{name[:100]}` is recorded as `{key}`", "MLflow forbids the name")
        return key

    def _fitting(self, key: str, value: str, limit: int, folder: str) -> str:
        text = clean_text(value)
        if len(text) <= limit:
            return text
        name = f"{folder}/{quote(key, safe=' :')}.txt"  # no other key's file
        self._tags[safe_key(CUT + key)] = f"{len(text)} characters, the whole is in {name}"
        self._uploads[name] = Text(name, text, 0)
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
        if any(isinstance(item, Artifact) and item.role for item in self._uploads.values()):
            self._tags[LOGGED] = self._shown_files()
        tags = [
            RunTag(key, value)
            for key, value in self._tags.items()
            if self.run.data.tags.get(key) != value
        ]
        for batch in batches(tags, lambda item: item.value, TEXTS_PER_BATCH):
            self.client.log_batch(run_id, tags=batch)

    def _shown_files(self) -> str:
        """MLflow's list of files that its user interface shows as more than files."""
        try:
            listed = json.loads(self.run.data.tags.get(LOGGED, "[]"))
        except ValueError:  # cut by whoever wrote it
            listed = []
        for place, item in self._uploads.items():
            entry = {"path": place, "type": getattr(item, "role", "")}
            if entry["type"] and entry not in listed:
                listed.append(entry)
        while len(json.dumps(listed)) > TAG_LIMIT:
            listed.pop()
        return json.dumps(listed)

    def _tell_renamed(self) -> None:
        """Names that were changed when a part of the log was sent: nobody was told then."""
        told = {safe_key(RENAMED + key) for key in self._renamed.values()}
        for tag, name in self.run.data.tags.items():
            key = tag.removeprefix(RENAMED)
            if key != tag and tag not in told:
                self._changed(f"`{name[:100]}` is recorded as `{key}`", "MLflow forbids the name")

    def _finish(self, run_id: str, status: Status) -> None:
        """Links, uploads and model versions, up to the first that fails."""
        self._tell_renamed()
        for name, job in self._jobs(run_id, status):
            try:
                job()
            except Exception as problem:  # any store may be behind it; the rest was sent already
                self._undelivered(name, problem)
                return

    def _jobs(self, run_id: str, status: Status) -> Iterator[tuple[str, Callable[[], object]]]:
        entries = Entries(self.client, self.run)
        if self._datasets:
            yield "datasets", partial(entries.log_datasets, self._datasets)
        if self._references:
            text = json.dumps(self._references, indent=2, sort_keys=True) + "\n"
            yield REFERENCES, partial(self.client.log_text, run_id, text, REFERENCES)
        for place, item in self._uploads.items():
            yield place, partial(self._store, run_id, item)
        yield "models", partial(self._log_models, run_id, entries)
        for model in self._models:
            if status.state == "finished":
                yield model.name, partial(self._register, model)
            else:
                self._changed(f"model `{model.name}` was not registered", "the attempt failed")

    def _log_models(self, run_id: str, entries: Entries) -> None:
        """Entries of models; where the server has none, the files alone."""
        used = [item for item in self._used if item.kind == "Model"]
        named = {record.uri for record in self._entries.values()}
        returned = [record for uri, record in self._returned.items() if uri not in named]
        if not (self._entries or returned or used):
            return
        if entries.takes_models():
            for record in (*self._entries.values(), *returned):
                entries.log_model(record)
            entries.log_used_models(used)
            return
        for name, record in self._entries.items():
            if record.path:
                folder = f"models/{safe_key(name)}"
                self.client.log_artifact(run_id, record.path, folder)
                self._changed(f"the files of model `{name}` are in `{folder}`", NO_MODELS)

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


def _target(record: Artifact | Text) -> str:
    """Where in the run's files it goes."""
    if isinstance(record, Text):
        return record.name
    return f"{record.folder}/{PurePath(record.path).name}".lstrip("/")


def _stored(record: Reference | Used, name: str, context: str) -> tuple[Dataset, dict[str, str]]:
    """The dataset that an artifact is, and what the link to it is to say."""
    source_type = SOURCES.get(urlsplit(record.uri).scheme, "local")
    place = without_credentials(record.uri)
    labels = {
        "intermodal.name": record.name if isinstance(record, Used) else record.output,
        "intermodal.uri": place,
        "intermodal.sha256": record.sha256,
        "intermodal.kind": record.kind,
    }
    return Dataset(name, record.sha256, source_type, place, "", "", context, record.time), labels
