"""The tracker that tells OpenLineage receivers, such as Marquez or DataHub, what was made from what.

| address | |
|---|---|
| `openlineage+file:PATH` | a file of events, one a line; an event that it has is not added again |
| `openlineage+http://HOST:PORT[/PATH]`, `openlineage+https://...` | events are posted to `PATH`, else `/api/v1/lineage`; receivers know an event that comes again by run, kind and time |

`OPENLINEAGE_NAMESPACE` names the jobs' namespace (`intermodal`), `OPENLINEAGE_API_KEY` is sent as a bearer token.
The events themselves stand in `openlineage_events.py`. Where no process of ours sees a pipeline run begin, a file
gets its `START` from the first task; over HTTP the tasks' parent facets introduce it, since many tasks would
announce it at different times.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import urlsplit, urlunsplit

from intermodal.tracking.locks import hold
from intermodal.tracking.records import Record, Status
from intermodal.tracking.tracker import Pages, TrackerError, unusable_address

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.tracking.openlineage_events import Content, Event, Events
    from intermodal.tracking.tracker import TaskIdentity

NAMESPACE = "OPENLINEAGE_NAMESPACE"
KEY = "OPENLINEAGE_API_KEY"
ENDPOINT = "api/v1/lineage"
LOCK_WAIT = 10.0  # seconds
WAITING: dict[bool, tuple[float, int]] = {False: (4.0, 1), True: (60.0, 3)}  # timeout, tries again


class OpenLineageTracker:
    """Sends events to one file or one receiver."""

    schemes: ClassVar[tuple[str, ...]] = (
        "openlineage+file",
        "openlineage+http",
        "openlineage+https",
    )
    live: ClassVar[bool] = True

    def __init__(self, uri: str, *, patient: bool = False) -> None:
        """Nothing is imported or connected before the first call."""
        self._uri = uri
        self._patient = patient
        self._sink: _Sink | None = None
        self._content: dict[str, Content] = {}  # by session
        self._begun: set[str] = set()  # the same

    def begin(self, identity: TaskIdentity, started: int) -> None:
        """Tell that the attempt began, once: of a long one, parts are sent again and again."""
        if identity.session in self._begun:
            return
        events, sink = self._events(), self._reached()
        sink.introduce(events.start(identity.of_run, started))
        sink.send(events.start(identity, started))
        self._begun.add(identity.session)

    def replay(self, identity: TaskIdentity, records: Iterable[Record]) -> list[Finding]:
        """Keep what the end of the attempt will tell."""
        from intermodal.tracking.openlineage_events import Content

        content = self._content[identity.session] = Content()
        content.take(records)
        return [_left_out(name) for name in sorted(content.unknown)]

    def end(self, identity: TaskIdentity, status: Status) -> None:
        """Tell how the attempt ended, what it took and what it gave."""
        from intermodal.tracking.openlineage_events import Content

        content = self._content.pop(identity.session, None) or Content()
        self._reached().send(self._events().end(identity, status, content))
        if identity.last is None or (status.state == "finished" and not identity.last):
            return
        self.close_run(identity, status)

    def pages(self, identity: TaskIdentity) -> Pages:  # noqa: ARG002
        """None: receivers have pages of their own making."""
        return Pages()

    def open_run(self, identity: TaskIdentity, started: int) -> None:
        """Tell that the pipeline run began."""
        self._reached().send(self._events().start(identity.of_run, started))

    def close_run(self, identity: TaskIdentity, status: Status) -> None:
        """Tell how the pipeline run ended."""
        from intermodal.tracking.openlineage_events import Content

        self._reached().send(self._events().end(identity.of_run, status, Content()))

    def _events(self) -> Events:
        from intermodal import __version__
        from intermodal.tracking.openlineage_events import Events

        return Events(os.environ.get(NAMESPACE) or "intermodal", __version__)

    def _reached(self) -> _Sink:
        """Where events go, made on first use. Raises FindingsError (PORT503) without the package."""
        if self._sink is None:
            if importlib.util.find_spec("openlineage") is None:
                why = "openlineage-python is not installed"
                next_step = "install `intermodal[openlineage]` on the worker"
                raise unusable_address(self._uri, why, next_step)
            inner = self._uri.split("+", 1)[1]
            is_file = inner.lower().startswith("file:")
            self._sink = _File(inner) if is_file else _Receiver(inner, self._patient)
        return self._sink


class _Sink(Protocol):
    """Where events go."""

    def send(self, event: Event) -> None:
        """Send an event, perhaps again."""

    def introduce(self, event: Event) -> None:
        """Send the start of a pipeline run, if it is not known there and others would not send it, too."""


class _File:
    """A file to which each event is added once."""

    def __init__(self, uri: str) -> None:
        from openlineage.client.transport.file import FileConfig, FileTransport

        path = uri.split(":", 1)[1]
        path = "/" + path.lstrip("/") if path.startswith("//") else path
        self._path = Path(path).expanduser().absolute()
        self._transport = FileTransport(FileConfig(log_file_path=str(self._path), append=True))

    def send(self, event: Event) -> None:
        self._add(event, ("eventType", "eventTime"))

    def introduce(self, event: Event) -> None:
        self._add(event, ("eventType",))

    def _add(self, event: Event, compared: tuple[str, ...]) -> None:
        """Add the event unless there is one of its run with the same values."""
        with hold(self._path.with_name(self._path.name + ".lock"), LOCK_WAIT):
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                if self._holds(event, compared):
                    return
                self._transport.emit(event)  # type: ignore[arg-type]  # it writes any JSON object
            except (OSError, RuntimeError) as problem:
                raise TrackerError(str(problem)) from problem

    def _holds(self, event: Event, compared: tuple[str, ...]) -> bool:
        run = event["run"]["runId"]
        wanted = [event[name] for name in compared]
        if not self._path.exists():
            return False
        torn = False
        with self._path.open("rb") as lines:
            for line in lines:
                torn = not line.endswith(b"\n")
                if run.encode() not in line:
                    continue
                known = _parsed(line)
                if known.get("run", {}).get("runId") == run and wanted == [
                    known.get(name) for name in compared
                ]:
                    return True
        if torn:  # a write was cut short, as on a full disk
            with self._path.open("ab") as end:
                end.write(b"\n")
        return False


class _Receiver:
    """A server that takes events over HTTP."""

    def __init__(self, url: str, patient: bool) -> None:
        from openlineage.client.transport.http import (
            ApiKeyTokenProvider,
            HttpConfig,
            HttpTransport,
            TokenProvider,
        )

        parts = urlsplit(url)
        timeout, tries = WAITING[patient]
        key = os.environ.get(KEY)
        self._transport = HttpTransport(
            HttpConfig(
                url=urlunsplit(parts._replace(path="", query="")),
                endpoint=urlunsplit(("", "", parts.path.strip("/") or ENDPOINT, parts.query, "")),
                timeout=timeout,
                auth=ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({}),
                retry={
                    "total": tries,
                    "backoff_factor": 0.3,
                    "status_forcelist": [429, 500, 502, 503, 504],
                    "allowed_methods": ["POST"],
                },
            )
        )

    def send(self, event: Event) -> None:
        from requests import RequestException

        try:
            self._transport.emit(event)  # type: ignore[arg-type]  # it sends any JSON object
        except RequestException as problem:
            raise TrackerError(f"{type(problem).__name__}: {problem}") from problem

    def introduce(self, event: Event) -> None:
        """The task's parent facet does it."""


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _left_out(kind: str) -> Finding:
    from intermodal.findings import warning

    return warning("PORT530", f"`{kind}` records are not told to OpenLineage")
