"""MLflow's model registry: each model of a log registered once, and aliases that follow promotions.

What identifies a version, and how promotions agree without a lock, stands in `registry.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from intermodal.tracking.mlflow_names import (
    ALIAS,
    clean_text,
    cut_text,
    safe_key,
    safe_model_name,
)
from intermodal.tracking.registry import (
    ARTIFACT,
    FILE,
    FORMAT,
    PROMOTED,
    REGISTRATION,
    SET,
    SHA256,
    ModelVersion,
    Promotion,
    Stamps,
    metrics_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

    from intermodal.findings import Finding
    from intermodal.tracking.mlflow_access import Address
    from intermodal.tracking.records import Model
    from intermodal.tracking.tracker import TaskIdentity

LABEL_LIMIT = 5000  # of a version's tags; newer servers take more
ROUNDS = 16  # how often others may promote in between before we give up
MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # the second for an alias


def register(
    client: MlflowClient, address: Address, identity: TaskIdentity, run: Run, model: Model
) -> list[Finding]:
    """Register a version of `model` from `run`, with its tags, and promote it to its aliases.

    A model that was registered already, by this log or by that of another attempt, is found again.
    """
    name = safe_model_name(model.name)
    _ensure_model(client, name)
    found = _same(client, name, model)
    if not found:
        source, file = _source(client, address, run, model, name)
        tags = _tags(identity, model) | ({FILE: file} if file else {})
        client.create_model_version(name, source, run.info.run_id, tags=tags, await_creation_for=0)
        found = _same(client, name, model)
    version = _settled(client, name, found)
    findings = _rename_finding(model.name, name)
    key = model.tags.get(REGISTRATION, "")
    for alias in model.aliases:
        if ALIAS.match(alias):
            promote(client, name, version, Promotion(alias, model.time, key))
        else:
            findings.append(_alias_finding(name, alias))
    return findings


def find_version(
    client: MlflowClient,
    address: Address,
    name: str,
    *,
    alias: str,
    version: str,
    tags: Mapping[str, str] | None,
) -> ModelVersion | None:
    """The version with that alias, of that number, or the newest one with these tags."""
    from mlflow.exceptions import MlflowException

    name = safe_model_name(name)
    try:
        if alias:
            found = client.get_model_version_by_alias(name, alias)
        elif version:
            found = client.get_model_version(name, version)
        else:
            wanted = (tags or {}).items()
            fitting = [one for one in _versions(client, name) if wanted <= one.tags.items()]
            if not fitting:
                return None
            found = client.get_model_version(name, fitting[-1].version)
    except MlflowException as problem:
        if problem.error_code in MISSING:
            return None
        raise
    return _as_version(client, address, found)


def promote(client: MlflowClient, name: str, version: str, promotion: Promotion) -> bool:
    """Point the alias to the version unless a later promotion has it; whether it points there now."""
    from intermodal.tracking.tracker import TrackerError

    name = safe_model_name(name)
    tag = safe_key(PROMOTED + promotion.alias)
    stamps = _stamps(client, name, tag)
    if stamps.is_done(version, promotion):
        aliases = client.get_registered_model(name).aliases
        return str(aliases.get(promotion.alias, "")) == version
    stamp = stamps.stamp_of(version, promotion)
    client.set_model_version_tag(name, version, tag, stamp)
    chosen = ""
    for _ in range(ROUNDS):
        latest = _stamps(client, name, tag).latest
        if latest == chosen:
            break
        if latest != version and not chosen:
            return False
        client.set_registered_model_alias(name, promotion.alias, latest)
        chosen = latest
    else:
        raise TrackerError(f"others keep promoting versions of `{name}`")
    if chosen != version:
        return False
    client.set_model_version_tag(name, version, tag, stamp + SET)
    return True


def download(client: MlflowClient, address: Address, version: ModelVersion, folder: Path) -> Path:
    """Copy the files of a version into a folder."""
    from mlflow.artifacts import download_artifacts

    from intermodal.artifacts.folders import safe_relative_path

    place = client.get_model_version_download_uri(version.name, version.version)
    found: Any = download_artifacts(
        artifact_uri=place, dst_path=str(folder), tracking_uri=address.uri
    )
    file = version.tags.get(FILE, "")
    return Path(found, safe_relative_path(file)) if file else Path(found)


def _ensure_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _versions(client: MlflowClient, name: str) -> list[MlflowVersion]:
    """All versions of a model, oldest first; in an order that no change of a tag disturbs."""
    return sorted(_pages(client, name), key=lambda version: int(version.version))


def _pages(client: MlflowClient, name: str) -> Iterator[MlflowVersion]:
    token: str | None = None
    while True:
        page = client.search_model_versions(
            f"name='{name}'",
            max_results=1000,
            order_by=["version_number DESC"],
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def _same(client: MlflowClient, name: str, model: Model) -> list[MlflowVersion]:
    """The versions that this registration made: of its key, and of its content."""
    content = SHA256 if SHA256 in model.tags else ARTIFACT
    wanted = {tag: model.tags.get(tag, "") for tag in (REGISTRATION, content)}
    return [one for one in _versions(client, name) if wanted.items() <= one.tags.items()]


def _settled(client: MlflowClient, name: str, found: list[MlflowVersion]) -> str:
    """The first of the versions; two senders of one log may have made two, and agree on it."""
    from mlflow.exceptions import MlflowException

    from intermodal.tracking.tracker import TrackerError

    if not found:
        raise TrackerError("a model version that was just made is not found again")
    first, *others = found
    for other in others:
        try:
            client.delete_model_version(name, other.version)
        except MlflowException as problem:
            if problem.error_code != "RESOURCE_DOES_NOT_EXIST":  # else the other sender did it
                raise
    return str(first.version)


def _tags(identity: TaskIdentity, model: Model) -> dict[str, str]:
    tags = {
        "intermodal.pipeline": identity.pipeline,
        "intermodal.run_id": identity.run_id,
        "intermodal.task": identity.instance_name,
        "intermodal.target": identity.target,
    }
    tags |= {safe_key(key): value for key, value in model.tags.items()}
    return {key: cut_text(clean_text(value), LABEL_LIMIT) for key, value in tags.items()}


def _stamps(client: MlflowClient, name: str, tag: str) -> Stamps:
    versions = _versions(client, name)
    return Stamps({str(one.version): one.tags[tag] for one in versions if tag in one.tags})


def _as_version(client: MlflowClient, address: Address, found: MlflowVersion) -> ModelVersion:
    tags = dict(found.tags)
    return ModelVersion(
        name=found.name,
        version=str(found.version),
        uri=tags.get(ARTIFACT) or str(found.source),
        sha256=tags.get(SHA256, ""),
        metrics=metrics_in(tags),
        tags=tags,
        aliases=tuple(found.aliases),
        page=_page(client, address, found.run_id),
    )


def _page(client: MlflowClient, address: Address, run_id: str | None) -> str:
    """Where MLflow shows the run; nowhere if there is no server, or no such run any more."""
    from mlflow.exceptions import MlflowException

    if not address.is_server or not run_id:
        return ""
    try:
        experiment = client.get_run(run_id).info.experiment_id
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return ""
    return f"{address.shown}/#/experiments/{experiment}/runs/{run_id}"


def _source(
    client: MlflowClient, address: Address, run: Run, model: Model, name: str
) -> tuple[str, str]:
    """Where the version's files are, and which of them is the model; empty if all of them are.

    In place if MLflow may read there, else uploaded to the run. MLflow downloads folders only, so a file of
    the artifact store is registered by its folder.
    """
    path = model.path
    if not path:
        local = _local_path(model.uri)
        if local is None or not address.is_server:
            uri = model.uri if local is None else local.as_uri()
            folder, _, file = uri.rpartition("/")
            ours = FORMAT in model.tags and "." in file  # folders in the store have no suffix
            return (folder, file) if ours else (uri, "")
        path = str(local)  # a server refuses paths it does not own
    place = f"models/{safe_key(name)}"
    _, further, number = model.tags.get(REGISTRATION, "").partition("-")
    place += f"-{number}" if further else ""  # the attempt registered others of the name before
    client.log_artifact(run.info.run_id, path, place)
    root, file = f"{str(run.info.artifact_uri).rstrip('/')}/{place}", Path(path).name
    return (f"{root}/{file}", "") if Path(path).is_dir() else (root, file)


def _local_path(uri: str) -> Path | None:
    """The path of a `file:` address: the artifact store does not quote it, where others do."""
    if urlsplit(uri).scheme != "file":
        return None
    unquoted = Path(uri.removeprefix("file://"))
    if unquoted.is_absolute() and unquoted.exists():
        return unquoted
    path = Path(url2pathname(urlsplit(uri).path))
    return path if path.is_absolute() else None


def _alias_finding(name: str, alias: str) -> Finding:
    from intermodal.findings import warning

    what = f"alias `{alias}` of model `{name}` was not set"
    why = "MLflow takes letters, digits, `_` and `-`, but not `latest` or `v` with a number"
    return warning("PORT504", what, why=why)


def _rename_finding(given: str, name: str) -> list[Finding]:
    from intermodal.findings import warning

    if given == name:
        return []
    return [warning("PORT504", f"model `{given}` is registered as `{name}`", why="MLflow's rules")]
