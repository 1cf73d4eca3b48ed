"""Registered models of the JSON-lines tracker.

| path | holds |
|---|---|
| `models/NAME/VERSION.json` | `name`, `version`, `time`, `tags`, what made it, and where it is: a `path` below the folder, or a `uri` |
| `models/NAME/aliases/ALIAS.json` | the `version` that the alias points to |

What the tags mean, and why a promotion is written to the version before the alias is, stands in `registry.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from intermodal.artifacts.keys import decode_segment, encode_segment
from intermodal.tracking.records import Model
from intermodal.tracking.registry import (
    ARTIFACT,
    PROMOTED,
    REGISTRATION,
    SET,
    SHA256,
    ModelVersion,
    Promotion,
    Stamps,
    metrics_in,
)
from intermodal.tracking.tracker import TrackerError

if TYPE_CHECKING:
    from intermodal.tracking.jsonl_files import Folder
    from intermodal.tracking.tracker import TaskIdentity

MODELS = "models"
ROUNDS = 8  # how often others may get in between before we give up


class Models:
    """The model registry in one folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def register(self, identity: TaskIdentity, model: Model, path: str) -> None:
        """Make a version, unless there is one of this registration, and set its aliases.

        Args:
            identity: Of the attempt that registers it.
            model: What its log says.
            path: Where its files are, below the folder; empty if they are at the model's URI.
        """
        with self._folder.lock(f"model-{encode_segment(model.name)}"):
            version = self._version_of(model) or self._create(identity, model, path)
        key = model.tags.get(REGISTRATION, identity.instance_key)
        for alias in model.aliases:
            self.promote(model.name, version, Promotion(alias, model.time, key))

    def find(
        self,
        name: str,
        *,
        alias: str = "",
        version: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion | None:
        """The version with that alias, of that number, or the newest one with these tags."""
        if alias:
            version = self._alias(name, alias)
            if not version:
                return None
        wanted = (tags or {}).items()
        for found in reversed(list(self._versions(name))):
            if version in ("", found["version"]) and wanted <= found["tags"].items():
                return self._facts(found)
        return None

    def all(self) -> list[ModelVersion]:
        """All versions of all models, each with where the artifact store has it, if it does."""
        places = (f"{MODELS}/{segment}" for segment in self._folder.names(MODELS))
        found = [self._facts(one) for place in places for one in self._versions_in(place)]
        return [replace(one, uri=one.tags.get(ARTIFACT) or one.uri) for one in found]

    def promote(self, name: str, version: str, promotion: Promotion) -> bool:
        """Point the alias to the version; False if a later promotion has it."""
        tag = PROMOTED + promotion.alias
        with self._folder.lock(f"model-{encode_segment(name)}"):
            stamps = self._stamps(name, tag)
            if stamps.is_done(version, promotion):
                return self._alias(name, promotion.alias) == version
            stamp = stamps.stamp_of(version, promotion)
            self._tag(name, version, tag, stamp)
            for _ in range(ROUNDS):
                latest = self._stamps(name, tag).latest
                self._folder.replace(_alias_path(name, promotion.alias), {"version": latest})
                if self._stamps(name, tag).latest == latest:
                    self._tag(name, version, tag, stamp + SET)
                    return latest == version
        raise TrackerError(f"alias `{promotion.alias}` of model `{name}` is changed by others")

    def download(self, version: ModelVersion, folder: Path) -> Path:
        """Copy the files of a version into a folder."""
        for found in self._versions(version.name):
            if found["version"] == version.version and found["path"]:
                return self._folder.fetch(found["path"], folder)
        import fsspec

        filesystem, place = fsspec.core.url_to_fs(version.uri)
        target = folder / (place.rstrip("/").rsplit("/", 1)[-1] or "model")
        filesystem.get(place, str(target), recursive=filesystem.isdir(place))
        return target

    def _create(self, identity: TaskIdentity, model: Model, path: str) -> str:
        """A new version's number."""
        for _ in range(ROUNDS):
            number = str(max(self._numbers(_place(model.name)), default=0) + 1)
            made_by = {"pipeline": identity.pipeline, "run_id": identity.run_id}
            value: dict[str, Any] = {
                "name": model.name,
                "version": number,
                "time": model.time,
                **made_by,
                "task": identity.task,
                "index": identity.index,
                "session": identity.session,
                "path": path,
                "uri": "" if path else model.uri,
                "tags": {f"intermodal.{key}": text for key, text in made_by.items()}
                | dict(model.tags),
            }
            if self._folder.create(_version_path(model.name, number), value):
                return number
        raise TrackerError(f"versions of model `{model.name}` are made by too many others")

    def _version_of(self, model: Model) -> str:
        """The version that this registration made already; empty if there is none."""
        for found in self._versions(model.name):
            tags = found["tags"]
            if tags.get(REGISTRATION) != model.tags.get(REGISTRATION):
                continue
            known = (tags.get(SHA256), model.tags.get(SHA256))
            if known[0] == known[1] if all(known) else found["uri"] == model.uri:
                return str(found["version"])
        return ""

    def _numbers(self, place: str) -> list[int]:
        names = self._folder.names(place)
        stems = (file.removesuffix(".json") for file in names if file.endswith(".json"))
        return sorted(int(stem) for stem in stems if stem.isdecimal())

    def _versions(self, name: str) -> Iterator[dict[str, Any]]:
        """The versions of a model, oldest first."""
        return self._versions_in(_place(name))

    def _versions_in(self, place: str) -> Iterator[dict[str, Any]]:
        """The same, by the folder of a model: a long name cannot be told from its folder's."""
        for number in self._numbers(place):
            found = self._folder.document(f"{place}/{number}.json")
            if found is not None:
                yield found

    def _stamps(self, name: str, tag: str) -> Stamps:
        tags = {found["version"]: found["tags"] for found in self._versions(name)}
        return Stamps({version: t[tag] for version, t in tags.items() if tag in t})

    def _tag(self, name: str, version: str, tag: str, value: str) -> None:
        path = _version_path(name, version)
        found = self._folder.document(path)
        if found is None:
            raise TrackerError(f"model `{name}` has no version {version}")
        self._folder.replace(path, {**found, "tags": {**found["tags"], tag: value}})

    def _alias(self, name: str, alias: str) -> str:
        """The version that an alias points to; empty if none."""
        found = self._folder.document(_alias_path(name, alias)) or {}
        return str(found.get("version", ""))

    def _facts(self, found: dict[str, Any]) -> ModelVersion:
        name, version = found["name"], found["version"]
        place = f"{_place(name)}/aliases"
        known = (decode_segment(f.removesuffix(".json")) for f in self._folder.names(place))
        uri = self._folder.shown(found["path"]) if found["path"] else found["uri"]
        return ModelVersion(
            name=name,
            version=version,
            uri=uri if urlsplit(uri).scheme else f"file://{uri}",
            sha256=found["tags"].get(SHA256, ""),
            metrics=metrics_in(found["tags"]),
            tags=found["tags"],
            aliases=tuple(alias for alias in known if self._alias(name, alias) == version),
        )


def _place(name: str) -> str:
    """The folder of a model."""
    return f"{MODELS}/{encode_segment(name)}"


def _version_path(name: str, version: str) -> str:
    return f"{_place(name)}/{version}.json"


def _alias_path(name: str, alias: str) -> str:
    return f"{_place(name)}/aliases/{encode_segment(alias)}.json"
