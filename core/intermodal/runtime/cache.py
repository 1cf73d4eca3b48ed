"""Outputs of earlier successes, found again by a key.

Entries are small files of the artifact store, `.cache/<key>.json`: the outputs as JSON values and references,
and when they were made. Whoever writes last wins. A cache that cannot be read or written fails no task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from intermodal.runtime.context import Context
from intermodal.runtime.events import canonical
from intermodal.runtime.problems import InfrastructureError, WrongValue
from intermodal.runtime.secrets import holds_secret
from intermodal.runtime.stored import (
    VALUE_KIND,
    by_content,
    is_artifact,
    load_value,
    open_store,
    reference_in,
    store_errors,
)

if TYPE_CHECKING:
    from intermodal.artifacts import ArtifactRef, ArtifactStore
    from intermodal.findings import Finding

FOLDER = ".cache"
VERSION = 1


class CachePolicy(TypedDict, total=False):
    """How a task's outputs are found again.

    Attributes:
        key: Names the result within its task instance; by default code and inputs make the key.
        ttl: Seconds for which a result may be used, measured when it is looked for; None for ever.
        code: SHA-256 of what the task does; by default that of its function's source, or its command.
    """

    key: str | None
    ttl: float | None
    code: str


@dataclass(frozen=True)
class Found:
    """Outputs of an earlier success.

    Attributes:
        outputs: As `attempt` gives them, by name.
        parameters: Their values where they are no artifacts.
        references: Where they are.
    """

    outputs: dict[str, Any]
    parameters: dict[str, Any]
    references: dict[str, ArtifactRef]


class Cache:
    """The cache as one attempt sees it.

    Args:
        policy: Of the task.
        context: Whose attempt.
        inputs: JSON values, references and markers of secrets, as they came.
        outputs: Type tags by output name.
        code: SHA-256 of the code, where the policy does not say it.
        findings: Gets what did not work.
    """

    def __init__(
        self,
        policy: CachePolicy,
        context: Context,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, str],
        code: str,
        findings: list[Finding],
    ) -> None:
        self._store_uri = context.store_uri
        self._task = context.task
        self._tags = outputs
        self._ttl = policy.get("ttl")
        self._findings = findings
        key = policy.get("key")
        code = policy.get("code") or code
        identity: dict[str, Any] = {"outputs": dict(outputs)}
        if key is not None:
            identity |= {"pipeline": context.pipeline, "task": context.task, "key": key}
            identity |= {"index": list(context.index)}
        else:
            identity |= {"code": code, "inputs": by_content(dict(inputs))}
        digest = hashlib.sha256(canonical(identity).encode("utf-8", "surrogatepass")).hexdigest()
        self._path = f"{FOLDER}/{digest}.json" if key is not None or code else ""
        if not self._path:
            self._tell("its code has no hash here, so nothing says whether it has changed")

    def find(self) -> Found | None:
        """The outputs to use again; None if there are none, or they are too old or damaged."""
        if not self._path:
            return None
        try:
            with store_errors():
                entry = open_store(self._store_uri).get_json(self._path)
            if entry is None or not self._fits(entry):
                return None
            return self._checked(entry["outputs"], entry["artifacts"])
        except (WrongValue, ValueError):  # references or values that were tampered with
            return None
        except InfrastructureError as problem:
            # A damaged entry is an ordinary miss: the next success replaces it.
            if not str(problem).endswith("[PORT407]"):
                self._tell(str(problem))
            return None

    def keep(self, outputs: Mapping[str, Any], references: Mapping[str, ArtifactRef]) -> None:
        """Note the outputs of a success, and the artifacts that it made."""
        if not self._path:
            return
        if holds_secret(dict(outputs)):
            self._tell("its outputs hold a secret")
            return
        entry = {
            "version": VERSION,
            "time": now().isoformat(),
            "outputs": dict(outputs),
            "artifacts": {name: ref.to_json() for name, ref in references.items()},
        }
        try:
            with store_errors():
                open_store(self._store_uri).put_json(self._path, entry)
        except (InfrastructureError, WrongValue) as problem:
            self._tell(str(problem))

    def _fits(self, entry: Any) -> bool:
        """Whether an entry is one of ours, for these outputs, and young enough."""
        try:
            made = datetime.fromisoformat(entry["time"])
            known = entry["version"] == VERSION and set(entry["outputs"]) == set(self._tags)
            known &= isinstance(entry["artifacts"], dict)
            return known and (self._ttl is None or (now() - made).total_seconds() <= self._ttl)
        except (KeyError, TypeError, ValueError):
            return False

    def _checked(self, outputs: dict[str, Any], artifacts: dict[str, Any]) -> Found | None:
        """The outputs, if everything that they refer to is still what was written."""
        store = open_store(self._store_uri)
        if not is_whole([*outputs.values(), *artifacts.values()], store):
            return None
        parameters = {
            name: by_content(load_value(value, self._store_uri))
            for name, value in outputs.items()
            if not is_artifact(self._tags[name])
        }
        found = {name: reference_in(value) for name, value in artifacts.items()}
        references = {name: ref for name, ref in found.items() if ref is not None}
        return Found(outputs, parameters, references)

    def _tell(self, why: str) -> None:
        from intermodal.findings import warning

        self._findings.append(warning("PORT410", f"`{self._task}` is not cached", why=why))


def is_whole(value: Any, store: ArtifactStore) -> bool:
    """Whether the content of every reference inside a value is there and has its hash."""
    from intermodal.findings import FindingsError

    ref = reference_in(value)
    if ref is not None:
        try:
            store.open_path(ref)
            return ref.kind != VALUE_KIND or is_whole(store.load(ref), store)
        except FindingsError:
            return False
    if isinstance(value, dict):
        return all(is_whole(item, store) for item in value.values())
    return not isinstance(value, list) or all(is_whole(item, store) for item in value)


def now() -> datetime:
    """The time that entries carry."""
    return datetime.now(UTC)
