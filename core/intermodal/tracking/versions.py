"""What a task asks of the model registry: the version in use, its value, and to promote another.

Everything else that a task tracks is sent when it has ended. These need an answer now, so a tracker that
cannot be reached fails the task (`InfrastructureError`), which its engine tries again.
"""

from __future__ import annotations

import atexit
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from intermodal.tracking.active import current
from intermodal.tracking.records import Model, now
from intermodal.tracking.registrations import parts_of, promotion_key
from intermodal.tracking.registry import (
    ARTIFACT,
    FORMAT,
    REGISTRATION,
    ModelVersion,
    Promotion,
    Registry,
    registry_of,
)

if TYPE_CHECKING:
    from intermodal.artifacts import ArtifactStore
    from intermodal.tracking.identity import TaskIdentity
    from intermodal.tracking.log import EventLog
    from intermodal.tracking.reading import ReadLog

ALIAS = re.compile(r"(?!(?i:v\d+|latest)$)[A-Za-z0-9_\-]{1,200}")
USED = "intermodal.model."
DEPTH = 7
"""Segments of an artifact's address below the root of its store: its key, and the content."""
ELSEWHERE = ("PORT400", "PORT404")
"""Findings of a store that does not have an artifact, or cannot be reached from here."""


def model_version(
    name: str, alias: str = "champion", *, version: str | int = ""
) -> ModelVersion | None:
    """The version of a registered model that an alias points to, or the one of that number.

    Args:
        name: The registered model's name.
        alias: Such as `champion`.
        version: A number, in place of the alias.

    Returns:
        None if there is no such model, alias or version, and where nothing is tracked.

    Raises:
        InfrastructureError: PORT560, the tracker cannot be reached.
    """
    asked = _asked(f"model `{name}` was not looked up")
    if asked is None:
        return None
    log, registry, _ = asked
    number = str(version)
    with _reaching(log):
        found = registry.find_version(name, alias="" if number else alias, version=number)
    if found is not None:
        log.tag(f"{USED}{found.name}", f"version {found.version}", own=True)
    return found


def promote(name: str, version: Any, alias: str = "champion") -> ModelVersion | None:
    """Point an alias to a version of a registered model.

    Args:
        name: The registered model's name.
        version: What `register_model` gave in this task or in one before; the model itself, if it is
            an input of the task; a version's number; or what `model_version` gave.
        alias: Letters, digits, `_` and `-`.

    Returns:
        The version. None where nothing is tracked, and for a model that this very task
        registers: that is done together, when the task has succeeded.

    Doing it again changes nothing, and of several promotions the latest counts: a retry does not take the
    alias back from one that came in between (PORT563).

    Raises:
        InfrastructureError: PORT560 the tracker cannot be reached, PORT561 it does not have the
            registered version yet.
        ValueError: PORT561 there is no version of that number, PORT564 the alias cannot be one.
    """
    if not ALIAS.fullmatch(alias):
        what = f"`{alias}` cannot be an alias: letters, digits, `_` and `-`, but neither `latest` nor `v1`"
        raise ValueError(f"{what} [PORT564]")
    asked = _asked(f"model `{name}` was not promoted")
    if asked is None:
        return None
    log, registry, identity = asked
    if log.registrations.promote(name, version, alias):
        return None
    with _reaching(log):
        found = _wanted(log, registry, name, version)
    if found is None:
        raise _not_there(name, version)
    key = promotion_key(identity, name, alias)
    with _reaching(log):
        stands = registry.promote(found.name, found.version, Promotion(alias, now(), key))
    log.tag(f"{USED}{found.name}", f"version {found.version}", own=True)
    if not stands:
        what = f"`{alias}` of model `{name}` was not given to version {found.version}"
        log.note("PORT563", f"{what}: it was given to another later")
    return found


def load_model(version: Any) -> Any:
    """The model that a version holds, after its content was compared with the registered hash.

    It is the value that the task which made it returned. A version that was registered from a file
    or folder is a `Path` to a copy of it, which is deleted when the process ends.

    Raises:
        InfrastructureError: It cannot be had, or is not what was registered (PORT565).
    """
    if not isinstance(version, ModelVersion):
        kind = type(version).__name__
        raise TypeError(f"load_model takes what model_version gives, not a {kind}")
    place = version.tags.get(ARTIFACT, "")
    if place.count("/") > DEPTH:
        found, value = _from_store(place, version)
        if found:
            return value
    return _from_tracker(version)


class _Asked(NamedTuple):
    """Who asks, and whom."""

    log: EventLog
    registry: Registry
    identity: TaskIdentity


def _asked(what: str) -> _Asked | None:
    """The log of the task and the registry of its tracker; None, said with a note, if there is none."""
    log = current()
    if log is None or not log.tracker or log.identity is None:
        print(f"note[PORT562]: {what}: nothing is tracked here", file=sys.stderr)
        return None
    from intermodal.tracking.tracker import addresses_of, resolve

    with _reaching(log):
        for address in addresses_of(log.tracker):
            registry = registry_of(resolve(address, patient=True))
            if registry is not None:
                return _Asked(log, registry, log.identity)
    log.note("PORT562", f"{what}: the tracker keeps no models")
    return None


@contextmanager
def _reaching(log: EventLog) -> Iterator[None]:
    """Whatever a tracker raises is trouble of the surroundings, and says so without passwords."""
    from intermodal.runtime.problems import InfrastructureError
    from intermodal.tracking.tracker import without_password

    try:
        yield
    except Exception as problem:
        lines = without_password(_told(problem)).splitlines() or [type(problem).__name__]
        shown = without_password(log.tracker)
        raise InfrastructureError(
            f"the model registry at `{shown}` cannot be used now: {lines[0][:500]} [PORT560]"
        ) from problem


def _told(problem: Exception) -> str:
    from intermodal.findings import FindingsError

    if not isinstance(problem, FindingsError):
        return str(problem).strip()
    parts = (part for one in problem.findings for part in (one.what, one.why, one.next))
    return "; ".join(part for part in parts if part)


def _wanted(log: EventLog, registry: Registry, name: str, version: Any) -> ModelVersion | None:
    """The version that a user means; a registration that waits in the spool is sent first."""
    if isinstance(version, ModelVersion):
        return version
    text = str(version) if isinstance(version, str | int) else ""
    _, key = parts_of(text)
    if key:
        tags = {REGISTRATION: key}
        found = registry.find_version(name, tags=tags)
        if found is None and _send_kept(log, key):
            found = registry.find_version(name, tags=tags)
        return found
    if text:
        return registry.find_version(name, version=text) if text.isdecimal() else None
    place = log.uri_of(version)
    return registry.find_version(name, tags={ARTIFACT: place}) if place else None


def _send_kept(log: EventLog, key: str) -> bool:
    """Send what tasks before this one registered while the tracker was away, if it is kept here."""
    from intermodal.tracking.keeping import kept_logs
    from intermodal.tracking.spool import replay

    if log.path is None:
        return False
    others = (one for one in kept_logs([log.path.parent], []) if one.path != log.path)
    waiting = [kept for kept in others if not kept.running and _registers(kept.log, key)]
    return bool(replay(waiting, lambda _kept: log.tracker).sent)


def _registers(kept: ReadLog, key: str) -> bool:
    if key.encode() not in kept.path.read_bytes():
        return False
    models = (record for record in kept.records() if isinstance(record, Model))
    return any(model.tags.get(REGISTRATION) == key for model in models)


def _not_there(name: str, version: Any) -> Exception:
    """Why there is nothing to promote, and whether waiting helps."""
    from intermodal.runtime.problems import InfrastructureError

    if isinstance(version, str) and parts_of(version)[1]:
        return InfrastructureError(
            f"the version of model `{name}` that was registered as `{version}` is not in the registry: the "
            "tracker was away when its task ended, or the model was neither stored nor a file; the notes of "
            "that task say which. `port track sync` sends what is kept [PORT561]"
        )
    if version == "":
        why = "nothing was registered; the notes of the task that should have tell why"
        return ValueError(f"model `{name}` has no version to promote: {why} [PORT561]")
    if isinstance(version, str | int):
        return ValueError(f"model `{name}` has no version {version!r} [PORT561]")
    return InfrastructureError(
        f"model `{name}` has no version that was registered from this {type(version).__name__}: register it "
        "in a task before this one [PORT561]"
    )


def _from_store(place: str, version: ModelVersion) -> tuple[bool, Any]:
    """Whether the artifact store has the model, and its value."""
    from intermodal.findings import FindingsError
    from intermodal.runtime.stored import open_store, store_errors

    with store_errors():
        try:
            store: ArtifactStore = open_store(place.rsplit("/", DEPTH)[0])
            record = store.record(place)
        except FindingsError as problem:
            if all(finding.code in ELSEWHERE for finding in problem.findings):
                return False, None
            raise
        _check(record.ref.sha256, version)
        return True, store.load(record.ref)


def _from_tracker(version: ModelVersion) -> Any:
    """The value of a version's files as the tracker keeps them."""
    asked = _asked(f"model `{version.name}` was not loaded")
    if asked is None:
        raise ValueError(f"model `{version.name}` cannot be loaded where nothing is tracked")
    from intermodal.artifacts.hashing import hash_content
    from intermodal.artifacts.serialisers import DEFAULT
    from intermodal.runtime.stored import store_errors

    log, registry, _ = asked
    folder = Path(tempfile.mkdtemp(prefix="intermodal-model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with _reaching(log):
        path = registry.download(version, folder)
    if version.sha256:
        _check(hash_content(path).sha256, version)
    written = version.tags.get(FORMAT, "")
    if written in ("", "file", "directory"):
        return path
    with store_errors():
        serialiser, wanted = DEFAULT.reader(written, "", None)
        return serialiser.read(path, wanted)


def _check(digest: str, version: ModelVersion) -> None:
    from intermodal.runtime.problems import InfrastructureError

    if version.sha256 and digest != version.sha256:
        raise InfrastructureError(
            f"version {version.version} of model `{version.name}` is not what was registered: its SHA-256 is "
            f"{digest[:12]}..., registered was {version.sha256[:12]}... [PORT565]"
        )
