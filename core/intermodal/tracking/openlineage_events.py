"""The OpenLineage events of pipeline runs and task attempts, made from identities and records alone.

A run's id is a UUID of the same keys that trackers find runs by, and every time in an event is one that the
log has, so a replay gives the same events. What OpenLineage has no place for (metrics, texts, files, models'
registrations) is left out: it describes what was made from what.

| event | when |
|---|---|
| `START` | an attempt begins, or its pipeline run; with code, engine, parent |
| `COMPLETE`, `FAIL`, `ABORT` | it finished, failed, was killed; with parameters, inputs and outputs as well |
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from intermodal.tracking.addresses import bare_uri
from intermodal.tracking.identity import TaskIdentity
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
from intermodal.tracking.values import UnrecordableError, text_of

Event = dict[str, Any]

ENDS: dict[State, str] = {"finished": "COMPLETE", "failed": "FAIL", "killed": "ABORT"}
SPEC = "https://openlineage.io/spec/"
EVENT_SCHEMA = SPEC + "2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = {  # by the key it has in an event
    "parent": "facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet",
    "processing_engine": "facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
    "errorMessage": "facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
    "executionParameters": "facets/1-0-0/ExecutionParametersRunFacet.json#/$defs/ExecutionParametersRunFacet",
    "tags": "facets/1-0-0/TagsRunFacet.json#/$defs/TagsRunFacet",
    "jobType": "facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
    "sourceCodeLocation": "facets/1-1-0/SourceCodeLocationJobFacet.json#/$defs/SourceCodeLocationJobFacet",
    "schema": "facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    "version": "facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
    "dataSource": "facets/1-0-1/DatasourceDatasetFacet.json#/$defs/DatasourceDatasetFacet",
    # The specification names no facet for these; readers pass over the fields they do not know.
    "intermodal_code": "2-0-2/OpenLineage.json#/$defs/JobFacet",
    "intermodal_task": "2-0-2/OpenLineage.json#/$defs/RunFacet",
    "intermodal_artifact": "2-0-2/OpenLineage.json#/$defs/DatasetFacet",
}
LEFT_OUT = (Metric, Text, Artifact, LoggedModel, Model, Note, Status)  # no lineage
_IDS = uuid.UUID("6b8f3a52-6c0e-5d0b-9f6e-2d1c0a7b4e11")


@dataclass
class Content:
    """What a log holds that OpenLineage has a place for.

    Attributes:
        parameters: The first value of each stays.
        tags: The user's; the last value of each stays.
        inputs: By OpenLineage's name of the dataset.
        outputs: The same.
        environment: What the attempt ran on.
        unknown: Types of records that nobody decided about yet.
    """

    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, Event] = field(default_factory=dict)
    outputs: dict[str, Event] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)

    def take(self, records: Iterable[Record]) -> None:
        """Keep what can be told from the records."""
        for record in records:
            match record:
                case Param():
                    self.parameters.setdefault(record.name, record.value)
                case Tag():
                    self.tags[record.name] = record.value
                case Environment():
                    self.environment.update(record.facts)
                case Used():
                    self._add(self.inputs, record.uri, record.sha256, record.name, record.kind)
                case Reference():
                    self._add(self.outputs, record.uri, record.sha256, record.output, record.kind)
                case Dataset():
                    self._add_described(record)
                case _ if type(record) not in LEFT_OUT:
                    self.unknown.add(type(record).__name__)

    def _add(self, to: dict[str, Event], uri: str, sha256: str, name: str, kind: str) -> None:
        facets = {
            "version": facet("version", datasetVersion=sha256),
            "intermodal_artifact": facet("intermodal_artifact", name=name, kind=kind),
        }
        found = dataset(uri, facets)
        to[f"{found['namespace']} {found['name']}"] = found

    def _add_described(self, record: Dataset) -> None:
        facets = {"version": facet("version", datasetVersion=record.digest)}
        columns = _columns(record.schema)
        if columns:
            facets["schema"] = facet("schema", fields=columns)
        found = dataset(record.source or f"intermodal://datasets/{record.name}", facets)
        self.inputs[f"{found['namespace']} {found['name']}"] = found


class Events:
    """Makes the events of one namespace of jobs.

    Args:
        namespace: Of jobs, as OpenLineage understands it.
        version: Intermodal's own.
    """

    def __init__(self, namespace: str, version: str) -> None:
        self.namespace = namespace
        self.version = version

    def start(self, identity: TaskIdentity, moment: int) -> Event:
        """The event of an attempt's start, or of its pipeline run's if no task is named."""
        return self._event("START", identity, moment, Content())

    def end(self, identity: TaskIdentity, status: Status, content: Content) -> Event:
        """The event of the end of an attempt, or of a pipeline run."""
        kind = ENDS.get(status.state, "OTHER")
        return self._event(kind, identity, status.time, content, status.error)

    def _event(
        self, kind: str, identity: TaskIdentity, moment: int, content: Content, problem: str = ""
    ) -> Event:
        event: Event = {
            "eventType": kind,
            "eventTime": _time(moment),
            "producer": f"urn:intermodal:{self.version}",
            "schemaURL": EVENT_SCHEMA,
            "run": {"runId": run_id(identity), "facets": self._run_facets(identity, content)},
            "job": self._job(identity, content, whole=True),
            "inputs": list(content.inputs.values()),
            "outputs": list(content.outputs.values()),
        }
        if problem:
            event["run"]["facets"]["errorMessage"] = facet(
                "errorMessage", message=problem, programmingLanguage="PYTHON"
            )
        _sign(event, event["producer"])
        return event

    def _run_facets(self, identity: TaskIdentity, content: Content) -> Event:
        facets = {
            "processing_engine": facet(
                "processing_engine",
                name=identity.target,
                version=content.environment.get("engine", "unknown"),
                openlineageAdapterVersion=self.version,
            ),
            "intermodal_task": facet(
                "intermodal_task",
                pipelineRun=identity.run_id,
                index=list(identity.index),
                attempt=identity.attempt,
                link=bare_uri(identity.link),
            ),
        }
        parameters = dict(content.parameters) if identity.task else _texts(identity.parameters)
        if parameters:
            listed = [{"key": name, "value": text} for name, text in parameters.items()]
            facets["executionParameters"] = facet("executionParameters", parameters=listed)
        tags = content.tags if identity.task else identity.tags
        if tags:
            given = [{"key": k, "value": str(v), "source": "USER"} for k, v in tags.items()]
            facets["tags"] = facet("tags", tags=given)
        if identity.task:
            run, job = {"runId": run_id(identity.of_run)}, self._job(identity.of_run, content)
            facets["parent"] = facet("parent", run=run, job=job, root={"run": run, "job": job})
        return facets

    def _job(self, identity: TaskIdentity, content: Content, *, whole: bool = False) -> Event:
        """Job and namespace; the same for all indexes and attempts of a task."""
        name = identity.pipeline + (f".{identity.task}" if identity.task else "")
        job: Event = {"namespace": self.namespace, "name": name}
        if not whole:
            return job
        facets = {
            "jobType": facet(
                "jobType",
                processingType="BATCH",
                integration="INTERMODAL",
                jobType="TASK" if identity.task else "PIPELINE",
            )
        }
        code = identity.code_hash if identity.task else identity.pipeline_hash
        if code:
            facets["intermodal_code"] = facet("intermodal_code", sha256=code)
        url = bare_uri(content.environment.get("git_url", ""))
        if url and identity.task:
            known = {"version": "git_commit", "branch": "git_branch", "path": "source"}
            given = {key: content.environment.get(fact, "") for key, fact in known.items()}
            place = {key: text for key, text in given.items() if text}
            facets["sourceCodeLocation"] = facet(
                "sourceCodeLocation", type="git", url=url, repoUrl=url, **place
            )
        return job | {"facets": facets}


def run_id(identity: TaskIdentity) -> str:
    """The UUID of an attempt, or of a pipeline run if no task is named."""
    parts = [identity.run_key, identity.session] if identity.task else [identity.run_key]
    return str(uuid.uuid5(_IDS, "/".join(parts)))


def facet(key: str, **values: Any) -> Event:
    """A facet without its producer, which is set for the whole event."""
    return {"_schemaURL": SPEC + FACETS[key], **values}


def dataset(uri: str, facets: Event) -> Event:
    """A dataset by OpenLineage's rules for names: bucket or host in the namespace, path in the name."""
    shown = bare_uri(uri)
    parts = urlsplit(shown)
    if parts.scheme in ("", "file"):
        namespace, name = "file", shown.removeprefix("file://")
    else:
        namespace = f"{parts.scheme}://{parts.netloc}"
        name = shown.removeprefix(namespace)
        name = name.lstrip("/") or "/"
    source = facet("dataSource", name=namespace, uri=shown)
    return {"namespace": namespace, "name": name, "facets": {"dataSource": source, **facets}}


def _sign(value: Any, producer: str) -> None:
    """Name the producer in each facet."""
    if isinstance(value, dict):
        if "_schemaURL" in value:
            value["_producer"] = producer
        for item in value.values():
            _sign(item, producer)
    elif isinstance(value, list):
        for item in value:
            _sign(item, producer)


def _columns(schema: str) -> list[dict[str, str]]:
    """The columns of a schema as MLflow writes it; none of a form that is not known."""
    try:
        listed = json.loads(schema)["mlflow_colspec"] if schema else []
    except (ValueError, KeyError, TypeError):
        return []
    return [
        {"name": str(column.get("name", "")), "type": str(column.get("type", ""))}
        for column in listed
        if isinstance(column, dict)
    ]


def _texts(values: Any) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in values.items():
        try:
            texts[str(name)] = text_of(value)
        except UnrecordableError as problem:
            texts[str(name)] = f"[{problem}]"
    return texts


def _time(moment: int) -> str:
    text = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
