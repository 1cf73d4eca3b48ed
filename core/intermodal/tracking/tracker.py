"""What a tracker does, and finding the one that an address belongs to.

A tracker is found by entry point (group `intermodal.trackers`): a class with `schemes`, made with the
address. Everything it does must be safe to do again with the same arguments: logs are replayed
after a fault, perhaps by two processes at once, and that must change nothing.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, cast
from urllib.parse import urlsplit

from intermodal.tracking.identity import TaskIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

    from intermodal.findings import Finding
    from intermodal.tracking.records import Record, Status

__all__ = [
    "NoTracker",
    "Pages",
    "TaskIdentity",
    "Tracker",
    "TrackerError",
    "addresses_of",
    "is_off",
    "resolve",
    "unusable_address",
    "without_password",
]

GROUP = "intermodal.trackers"
beside_the_task: ContextVar[bool] = ContextVar("intermodal_beside_the_task", default=False)
"""Set while the task's own code runs: a tracker then changes nothing that a process shares."""

OFF = ("", "none")
DATABASE_USER = re.compile(r"((?:postgresql|mysql)(?:\+\w+)?://)[^@\s]*@")
"""The user of a database; SQLAlchemy takes a password with slashes in it, too."""

SECRET_IN_QUERY = re.compile(
    r"(?<=[?&;])([^=&\s]*(?:pass|secret|token|key|pwd|signature|\bsig\b)[^=&\s]*=)[^&\s`'\"]*",
    re.IGNORECASE,
)
ADDRESS_GAP = re.compile(r"\s+(?=[A-Za-z][A-Za-z0-9+.-]+:|(?i:none)(?:\s|$))")


class TrackerError(Exception):
    """The tracker cannot be reached or refuses to work now; the text says why."""


@dataclass(frozen=True)
class Pages:
    """Addresses of what a tracker shows of a pipeline run and of a task's attempt; empty for none."""

    run: str = ""
    task: str = ""


class Tracker(Protocol):
    """Where logs are sent. Any exception means: not delivered, try again later.

    A tracker with `live = True` may be sent a log in parts while its task runs: `begin`, then `replay`
    with what was logged since the last time, without a `Status` among it. The last `replay` has the whole
    log once more, but for the metrics that were sent already. Any other gets a log whole, at its end.
    """

    schemes: ClassVar[tuple[str, ...]]

    @property
    def live(self) -> bool:
        """Whether it may be sent a log in parts."""
        ...

    def begin(self, identity: TaskIdentity, started: int) -> None:
        """Make or find the runs of the pipeline run and of this attempt, started at that time (ms)."""
        ...

    def replay(self, identity: TaskIdentity, records: Iterable[Record]) -> list[Finding]:
        """Send records, in order, steps numbered; finds what had to be changed for the tracker.

        A PORT500 among the findings means that a part was not delivered, so that the log is kept.
        """
        ...

    def end(self, identity: TaskIdentity, status: Status) -> None:
        """Set how the attempt ended."""
        ...

    def pages(self, identity: TaskIdentity) -> Pages:
        """Where the tracker shows the attempt; `begin`, or `close_run`, must have been called."""
        ...

    def open_run(self, identity: TaskIdentity, started: int) -> None:
        """Make or find the run of the pipeline run itself and mark it as running."""
        ...

    def close_run(self, identity: TaskIdentity, status: Status) -> None:
        """Set how the pipeline run ended."""
        ...


class TrackerClass(Protocol):
    """What an entry point of the group gives."""

    schemes: ClassVar[tuple[str, ...]]

    def __call__(self, uri: str, *, patient: bool = False) -> Tracker:
        """Make a tracker. `patient` is for replays, where waiting harms nobody."""
        ...


class NoTracker:
    """Tracking is off: keeps nothing."""

    schemes: ClassVar[tuple[str, ...]] = ()
    live: ClassVar[bool] = False

    def begin(self, identity: TaskIdentity, started: int) -> None:
        """Nothing."""

    def replay(self, identity: TaskIdentity, records: Iterable[Record]) -> list[Finding]:  # noqa: ARG002
        """Nothing."""
        return []

    def end(self, identity: TaskIdentity, status: Status) -> None:
        """Nothing."""

    def pages(self, identity: TaskIdentity) -> Pages:  # noqa: ARG002
        """None."""
        return Pages()

    def open_run(self, identity: TaskIdentity, started: int) -> None:
        """Nothing."""

    def close_run(self, identity: TaskIdentity, status: Status) -> None:
        """Nothing."""


def is_off(uri: str) -> bool:
    """Whether the address means that nothing is tracked."""
    return not addresses_of(uri)


def addresses_of(uri: str) -> list[str]:
    """The addresses in a text, each once, in order; a space inside a path separates nothing."""
    parts = (part.strip() for part in ADDRESS_GAP.split(uri))
    return [part for part in dict.fromkeys(parts) if part.lower() not in OFF]


def resolve(uri: str, *, patient: bool = False) -> Tracker:
    """The tracker for an address such as `sqlite:///mlflow.db` or `http://host:5000`.

    Args:
        uri: The address, or several with spaces between them, each of which gets everything; empty or
            `none` turns tracking off.
        patient: Whether to wait longer for a slow server.

    Raises:
        FindingsError: PORT503, if no installed tracker takes the address.
    """
    addresses = addresses_of(uri)
    if len(addresses) > 1:
        from intermodal.tracking.several import SeveralTrackers

        return SeveralTrackers({part: resolve(part, patient=patient) for part in addresses})
    if not addresses:
        return NoTracker()
    (uri,) = addresses
    scheme = urlsplit(uri).scheme.lower()
    known: list[str] = []
    for entry in _installed():
        found = cast("TrackerClass", entry.load())
        if scheme in found.schemes:
            return found(uri, patient=patient)
        known += found.schemes
    raise _unknown(uri, scheme, known)


def without_password(text: str) -> str:
    """The text without the credentials of addresses: before an `@`, or in a query."""
    text = DATABASE_USER.sub(r"\1***@", text)
    return without_query_secrets(re.sub(r"(?<=//)[^/@\s]*@|[^\s/@:'\"]+:[^\s/@]+@", "***@", text))


def without_query_secrets(text: str) -> str:
    """The text without the values that queries of addresses have under the name of a secret."""
    return SECRET_IN_QUERY.sub(r"\1***", text)


def unusable_address(uri: str, why: str, next_step: str = "") -> Exception:
    """The error for an address that a tracker's own rules, or what is installed here, rule out."""
    from intermodal.findings import FindingsError, error

    what = f"nothing can track to `{without_password(uri)}`"
    return FindingsError([error("PORT503", what, why=why, next=next_step)])


def _installed() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP), key=lambda entry: entry.name)


def _unknown(uri: str, scheme: str, known: list[str]) -> Exception:
    plain = (f"`{name}:`" for name in known if "+" not in name)
    next_step = "use " + ", ".join(plain) + " or `none`"
    if scheme in ("", "file"):
        why = "MLflow's folder store is closed to new runs; SQLite took its place"
        next_step = "use `sqlite:///path/to/mlflow.db`, or the address of an MLflow server"
    else:
        why = f"no installed tracker takes `{scheme}:` addresses"
    return unusable_address(uri, why, next_step)
