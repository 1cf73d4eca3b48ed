"""Registering model versions in MLflow, once for each source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from intermodal.tracking.mlflow_names import (
    ALIAS,
    TAG_LIMIT,
    clean_text,
    cut_text,
    safe_key,
    safe_model_name,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

    from intermodal.findings import Finding
    from intermodal.tracking.mlflow_access import Address
    from intermodal.tracking.records import Model
    from intermodal.tracking.tracker import TaskIdentity

DONE = "intermodal.aliases_set"


def register(
    client: MlflowClient, address: Address, identity: TaskIdentity, run: Run, model: Model
) -> list[Finding]:
    """Register a version of `model` from `run`, its aliases and tags; the same source only once.

    Aliases are set once for a version: a log that is replayed late must not take an
    alias back from a newer version.
    """
    name = safe_model_name(model.name)
    _ensure_model(client, name)
    source = _source(client, address, run, model, name)
    version = _version_of(client, name, source)
    if version is None:
        tags = {"intermodal.pipeline": identity.pipeline, "intermodal.run_id": identity.run_id}
        tags |= {safe_key(key): value for key, value in model.tags.items()}
        fitting = {key: cut_text(clean_text(value), TAG_LIMIT) for key, value in tags.items()}
        version = client.create_model_version(
            name, source, run.info.run_id, tags=fitting, await_creation_for=0
        )
    findings = _rename_finding(model.name, name)
    if version.tags.get(DONE) != "true":
        findings += _set_aliases(client, name, str(version.version), model.aliases)
        client.set_model_version_tag(name, str(version.version), DONE, "true")
    return findings


def _ensure_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _source(client: MlflowClient, address: Address, run: Run, model: Model, name: str) -> str:
    """Where the version's files are: in place if MLflow may read there, else uploaded to the run."""
    path = model.path
    if not path:
        local = _local_path(model.uri)
        if local is None:
            return model.uri
        if not address.is_server:
            return local.as_uri()
        path = str(local)  # a server refuses paths it does not own
    folder = f"models/{safe_key(name)}"
    client.log_artifact(run.info.run_id, path, folder)
    return f"{str(run.info.artifact_uri).rstrip('/')}/{folder}/{Path(path).name}"


def _local_path(uri: str) -> Path | None:
    """The path of a `file:` address: the artifact store does not quote it, where others do."""
    if urlsplit(uri).scheme != "file":
        return None
    unquoted = Path(uri.removeprefix("file://"))
    if unquoted.is_absolute() and unquoted.exists():
        return unquoted
    path = Path(url2pathname(urlsplit(uri).path))
    return path if path.is_absolute() else None


def _version_of(client: MlflowClient, name: str, source: str) -> ModelVersion | None:
    found = client.search_model_versions(f"name='{name}'", max_results=10_000)
    same = [version for version in found if version.source == source]
    return min(same, key=lambda version: int(version.version), default=None)


def _set_aliases(
    client: MlflowClient, name: str, version: str, aliases: tuple[str, ...]
) -> list[Finding]:
    from intermodal.findings import warning

    findings: list[Finding] = []
    for alias in aliases:
        if ALIAS.match(alias):
            client.set_registered_model_alias(name, alias, version)
            continue
        what = f"alias `{alias}` of model `{name}` was not set"
        why = "MLflow takes letters, digits, `_` and `-`, but not `latest` or `v` with a number"
        findings.append(warning("PORT504", what, why=why))
    return findings


def _rename_finding(given: str, name: str) -> list[Finding]:
    from intermodal.findings import warning

    if given == name:
        return []
    return [warning("PORT504", f"model `{given}` is registered as `{name}`", why="MLflow's rules")]
