"""The models that one attempt registers: what its log records of them, and the handles it gives.

A handle is `name#key`, a plain text that tasks can pass on. The key is made of the task instance, and
ends with `-1`, `-2`, ... for the further models of that name, so all attempts of a task and all
replays of a log give the same one, and no tracker has to be asked for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from intermodal.tracking import values
from intermodal.tracking.records import Model, now
from intermodal.tracking.registry import ARTIFACT, FORMAT, METRIC, REGISTRATION, SHA256

if TYPE_CHECKING:
    from intermodal.tracking.identity import TaskIdentity
    from intermodal.tracking.log import EventLog

KEY_LENGTH = 16
HANDLE = re.compile(r"(.+)#([0-9a-f]{16}(?:-\d+)?)", re.DOTALL)


def parts_of(handle: str) -> tuple[str, str]:
    """Name and key of a handle; both empty if it is none."""
    found = HANDLE.fullmatch(handle)
    return (found[1], found[2]) if found else ("", "")


def promotion_key(identity: TaskIdentity, name: str, alias: str) -> str:
    """A short text that is the same for all attempts of a task that promote a model to an alias."""
    return _digest(identity.instance_key, name, alias)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is stored, and what is known of it there."""

    uri: str
    sha256: str = ""
    format: str = ""

    @property
    def is_remote(self) -> bool:
        """Whether it is a URI rather than a path of this machine."""
        return len(urlsplit(self.uri).scheme) > 1

    def placed(self, model: Model) -> Model:
        """The record of a model that is here."""
        facts = {ARTIFACT: self.uri, SHA256: self.sha256, FORMAT: self.format}
        known = {name: value for name, value in facts.items() if value}
        return replace(model, uri=self.uri, tags={**model.tags, **known})


class Registrations:
    """Those of one attempt.

    Attributes:
        waiting: Values and their models, which are recorded once it is known where the value is stored.
    """

    def __init__(self, log: EventLog) -> None:
        self.waiting: list[tuple[Any, Model]] = []
        self._log = log
        self._tokens: dict[str, list[str]] = {}  # by model name, what tells its models apart
        self._models: dict[str, tuple[Any, Model]] = {}  # by key; holds values, so that ids stay

    def register(self, model: Model, source: Any) -> str:
        """Record a model, now or once its value is stored; gives its handle.

        Args:
            model: Name, aliases and tags.
            source: The model as the user gave it.

        Raises:
            UnrecordableError: There is no such file.
        """
        place = self._place(source)
        if place is not None and place.is_remote:
            by_value = self._log.uri_of(source) is not None
            keyed = self._keyed(model, f"value {id(source)}" if by_value else place.uri, source)
            self._log.add(place.placed(keyed))
        elif place is None and not isinstance(source, str | os.PathLike):
            keyed = self._keyed(model, f"value {id(source)}", source)
            self.waiting.append((source, keyed))
        else:
            keyed = self._copied(model, source, source if place is None else place.uri)
            self._log.add(keyed)
        return f"{keyed.name}#{keyed.tags[REGISTRATION]}"

    def stored(self, value: Any) -> None:
        """Record the models that waited until the log knows where a value is."""
        place = self._place(value)
        if place is None:
            return
        ready = [model for source, model in self.waiting if source is value]
        self.waiting = [pair for pair in self.waiting if pair[0] is not value]
        for model in ready:
            self._log.add(place.placed(model))

    def promote(self, name: str, which: Any, alias: str) -> bool:
        """Give a model of this attempt an alias when it is registered; False if it is none of them."""
        for key, (source, model) in self._models.items():
            if model.name != name or (which is not source and which != f"{name}#{key}"):
                continue
            again = replace(model, aliases=(alias,), time=now())
            place = self._place(source)
            if again.path:
                self._log.add(again)
            elif place is not None:
                self._log.add(place.placed(again))
            else:
                self.waiting.append((source, again))
            return True
        return False

    def _place(self, source: Any) -> Place | None:
        uri = getattr(source, "uri", None)
        if isinstance(uri, str) and uri:
            facts = (getattr(source, name, "") for name in ("sha256", "format"))
            return Place(uri, *(fact if isinstance(fact, str) else "" for fact in facts))
        if isinstance(source, str):
            place = Place(source)
            return place if place.is_remote else None
        known = self._log.uri_of(source)
        if known is None:
            return None
        return Place(known, self._log.hashes.get(known, ""), self._log.formats.get(known, ""))

    def _copied(self, model: Model, source: Any, path: Any) -> Model:
        from intermodal.artifacts.hashing import hash_content

        payload = self._log.copied(path)
        digest = hash_content(self._log.payload_folder / payload).sha256
        tags = {**model.tags, SHA256: digest}
        token = f"file {payload.rpartition('/')[2]} {digest}"
        return self._keyed(replace(model, path=payload, tags=tags), token, source)

    def _keyed(self, model: Model, token: str, source: Any) -> Model:
        """The model with the key of its handle, and kept under it."""
        tokens = self._tokens.setdefault(model.name, [])
        if token not in tokens:
            tokens.append(token)
        identity = self._log.identity
        key = _digest("" if identity is None else identity.instance_key, model.name)
        number = tokens.index(token)
        key += f"-{number}" if number else ""
        keyed = replace(model, tags={**model.tags, REGISTRATION: key})
        self._models[key] = (source, keyed)
        return keyed


def labels(tags: Any, metrics: Any) -> dict[str, str]:
    """The tags of a version: the user's, and its metrics. Raises `UnrecordableError`."""
    found: dict[str, str] = {}
    for key, value in dict(tags or {}).items():
        if values.checked_name(key).startswith(values.RESERVED):
            raise values.UnrecordableError(f"tag {key!r}: `{values.RESERVED}` is Intermodal's own")
        found[key] = values.text_of(value)
    if metrics is not None and not isinstance(metrics, Mapping):
        raise values.UnrecordableError(f"its metrics are a {type(metrics).__name__}, not a mapping")
    for name, value in values.flat_numbers(metrics or {}):
        found[METRIC + values.checked_name(name)] = repr(values.metric_value(value))
    return found


def names_of(aliases: Any) -> tuple[str, ...]:
    """The aliases as a tuple; one text is one alias."""
    return (aliases,) if isinstance(aliases, str) else tuple(map(str, aliases))


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:KEY_LENGTH]
