"""Versions of models: what a tracker's registry can do, and the order of promotions.

What tasks call stands in `versions.py`.

A registered version is found again by its tags, so nothing that MLflow numbers has to be known beforehand:

| tag of a version | holds |
|---|---|
| `intermodal.registration` | the handle's second half: the same for all attempts of the task that registered it |
| `intermodal.artifact` | where the artifact store has the model; absent if it was given as a file |
| `intermodal.sha256` | of its content, as the artifact store counts it |
| `intermodal.format` | of the artifact: which serialiser wrote it |
| `intermodal.file` | which file below the version's source is the model; absent if all of them are |
| `intermodal.metric.<name>` | a number that was given with it |
| `intermodal.promoted.<alias>` | the latest promotion: time, key, and `set` once the alias pointed here |

**The order of promotions.** Trackers have no "set unless a newer one did". Whoever promotes writes the promotion to
the version first, reads those of all versions, and sets the alias if his is the latest by (time, key); then he looks
again, and if a later one has come meanwhile he sets the alias to that. So the last one to set an alias has
looked after the last promotion was written, and two promotions at once leave the later one's
version. A promotion that was carried out once is never carried out again: not by a retry, and not by a log
that is replayed late, after somebody gave the alias to another version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

REGISTRATION = "intermodal.registration"
ARTIFACT = "intermodal.artifact"
SHA256 = "intermodal.sha256"
FORMAT = "intermodal.format"
FILE = "intermodal.file"
METRIC = "intermodal.metric."
PROMOTED = "intermodal.promoted."
SET = " set"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a registered model.

    Attributes:
        name: The model's name, as the tracker spells it.
        version: Its number, as text.
        uri: Where its files are: in the artifact store, or where the tracker keeps them.
        sha256: Of its content; empty if it was not registered by Intermodal.
        metrics: The numbers that were registered with it.
        tags: Its labels, Intermodal's own included.
        aliases: The names that point to it now.
        page: Address of the page of the run that registered it; empty if there is none.
    """

    name: str
    version: str
    uri: str
    sha256: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    page: str = ""


@dataclass(frozen=True, slots=True)
class Promotion:
    """That an alias is to point to a version.

    Attributes:
        alias: Such as `champion`.
        time: When the task asked for it, in milliseconds since the epoch.
        key: The same for all attempts of the task that asked, and for all replays of its log.
    """

    alias: str
    time: int
    key: str

    @property
    def stamp(self) -> str:
        """Time and key as text that sorts like (time, key)."""
        moment = datetime.fromtimestamp(self.time / 1000, UTC)
        return f"{moment.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z {self.key}"


@runtime_checkable
class Registry(Protocol):
    """What a tracker that keeps models can do besides. Any exception means: it cannot be reached now.

    Versions are made when a log's `Model` records are replayed; its tags have what the table above says. A model
    record is registered once: a version of that name that has its `intermodal.registration` and its
    `intermodal.sha256` (or its source, where no hash is known) is that version already. Its aliases are
    promotions with the record's time and, as key, its registration.
    """

    def find_version(
        self,
        name: str,
        *,
        alias: str = "",
        version: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion | None:
        """The version with that alias, of that number, or the newest one with these tags."""
        ...

    def promote(self, name: str, version: str, promotion: Promotion) -> bool:
        """Point the alias to the version; False if a later promotion has it.

        Safe to repeat, and in any order; `Stamps` says what is to be done.
        """
        ...

    def download(self, version: ModelVersion, folder: Path) -> Path:
        """Copy the files of a version into a folder; the path of the file or folder that it is."""
        ...


class Stamps:
    """The promotions of one alias, by version, as its tags tell them; decides what follows.

    Args:
        values: The tag `intermodal.promoted.<alias>` of each version that has one.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)

    def is_done(self, version: str, promotion: Promotion) -> bool:
        """Whether this promotion, or a later one of the same version, was carried out or overtaken."""
        found = self.values.get(version, "")
        stamp = found.removesuffix(SET)
        if stamp.partition(" ")[2] == promotion.key:
            return found.endswith(SET)
        return stamp > promotion.stamp

    def stamp_of(self, version: str, promotion: Promotion) -> str:
        """What to write: a promotion that was begun by an earlier attempt keeps its time."""
        found = self.values.get(version, "").removesuffix(SET)
        return found if found.partition(" ")[2] == promotion.key else promotion.stamp

    @property
    def latest(self) -> str:
        """The version whose promotion is the latest; empty if there is none."""
        return max(
            self.values,
            key=lambda version: (self.values[version].removesuffix(SET), int(version)),
            default="",
        )


def metrics_in(tags: Mapping[str, str]) -> dict[str, float]:
    """The numbers that were registered with a version, as its tags tell them."""
    found: dict[str, float] = {}
    for key, text in tags.items():
        if key.startswith(METRIC):
            try:
                found[key.removeprefix(METRIC)] = float(text)
            except ValueError:  # somebody else wrote it
                continue
    return found


def registry_of(tracker: Any) -> Registry | None:
    """The registry that a tracker is, or the first of those it is made of; None if none is one."""
    for one in (tracker, *getattr(tracker, "trackers", ())):
        if isinstance(one, Registry):
            return one
    return None
