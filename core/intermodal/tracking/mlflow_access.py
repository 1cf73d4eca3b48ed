"""Reaching MLflow: a client that fails soon, without changing how the user's own MLflow calls behave.

MLflow reads its waiting times from the environment at each request, and waits four minutes for a
server that is away by default. They are set around our own calls only, and never over the user's.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import logging
import os
import socket
import tempfile
import threading
import urllib.request
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from intermodal.tracking.locks import hold
from intermodal.tracking.tracker import TrackerError, beside_the_task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from mlflow import MlflowClient

PROBE_TIMEOUT = 3.0  # seconds until somebody must listen
ANSWER_TIMEOUT = 6.0  # seconds until the server must answer the first, small question
LOCK_WAIT = {"sqlite": 120.0, "http": 10.0, "https": 10.0}  # seconds

# By whether waiting harms nobody. A request that MLflow sends again after a while may be carried out
# twice, the first one long after we have looked what is there: so a server that is there gets time.
SETTINGS: dict[bool, dict[str, str]] = {
    False: {"MLFLOW_HTTP_REQUEST_TIMEOUT": "30", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"},
    True: {"MLFLOW_HTTP_REQUEST_TIMEOUT": "60", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "5"},
}
ALWAYS = {
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # it may ask for hours
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
ASKS_CLIENT = (3, 7)  # the first MLflow whose client tells its uploads which server it is for
MLFLOW_MISSING = "install `intermodal[mlflow]` on the worker"
STORE_MISSING = "use the address of an `mlflow server`, or install the full `mlflow` package"


class _Overlay:
    """Environment variables that are set while somebody needs them, unless the user has set them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._set: dict[str, str] = {}

    @contextmanager
    def on(self, settings: dict[str, str]) -> Iterator[None]:
        with self._lock:
            self._users += 1
            for name, value in settings.items():
                if name not in os.environ:
                    os.environ[name] = self._set[name] = value
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._clear()

    def _clear(self) -> None:
        for name, value in self._set.items():
            if os.environ.get(name) == value:
                del os.environ[name]
        self._set.clear()


_overlay = _Overlay()  # the environment is one for the whole process, so this is too


def settings(patient: bool) -> AbstractContextManager[None]:
    """MLflow's environment for our calls, put back afterwards.

    Beside the user's code only what is of no account to it.
    """
    if beside_the_task.get():
        return _overlay.on({"MLFLOW_DISABLE_TELEMETRY": "true"})
    return _overlay.on({**SETTINGS[patient], **ALWAYS})


def uploads(address: Address) -> AbstractContextManager[None]:
    """Tell an older MLflow which server takes files; it asks its environment, not the client.

    A server that the user has set for the whole process goes before it there.
    """
    if not address.is_server or beside_the_task.get():  # nothing is uploaded beside the user's code
        return nullcontext()
    from mlflow.version import VERSION

    if tuple(int(part) for part in VERSION.split(".")[:2]) >= ASKS_CLIENT:
        return nullcontext()
    return _overlay.on({"MLFLOW_TRACKING_URI": address.uri})


class Address:
    """A tracking address, and what follows from it."""

    def __init__(self, uri: str) -> None:
        self.scheme = urlsplit(uri).scheme.lower()
        self.uri = uri
        self.database: Path | None = None
        if self.scheme == "sqlite":
            place, _, query = uri.removeprefix("sqlite:///").partition("?")
            self.database = Path(place).resolve()
            self.uri = f"sqlite:///{self.database}" + (f"?{query}" if query else "")

    @property
    def shown(self) -> str:
        """The address for people: without credentials."""
        parts = urlsplit(self.uri)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"

    @property
    def is_server(self) -> bool:
        """Whether an MLflow server is behind it, rather than a database."""
        return self.scheme in ("http", "https")

    @property
    def is_missing(self) -> bool:
        """Whether it is a database file that was never made; reading must not make it."""
        return self.database is not None and not self.database.exists()

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """Keeps processes of this machine from doing the same thing at once.

        SQLite needs it: a new file is migrated by one process only, and writers do not wait for
        each other long enough. For a server it only avoids work that the tie-break would undo.
        """
        if self.database is not None:
            path = self.database.with_name(self.database.name + ".lock")
        else:
            user = os.getuid() if hasattr(os, "getuid") else 0
            digest = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
            path = Path(tempfile.gettempdir()) / f"intermodal-tracking-{user}-{digest}.lock"
        return hold(path, LOCK_WAIT.get(self.scheme, 10.0))

    def artifact_location(self, folder: str) -> str | None:
        """Where an experiment keeps files: beside a SQLite file, else where the server says."""
        if self.database is None:
            return None
        return (self.database.parent / "mlartifacts" / folder).as_uri()


def connect(address: Address) -> MlflowClient:
    """A client of its own for the address.

    Raises:
        TrackerError: The server does not answer.
        FindingsError: PORT503, MLflow is not installed or lacks the database store.
    """
    if address.is_server:
        _probe(address.uri)
    if importlib.util.find_spec("mlflow") is None:
        raise _unusable(address, "MLflow is not installed", MLFLOW_MISSING)
    if not address.is_server and not _has_database_store():
        why = "mlflow-skinny has no database store; it can talk to a server only"
        raise _unusable(address, why, STORE_MISSING)
    from mlflow import MlflowClient

    if address.database is not None:
        address.database.parent.mkdir(parents=True, exist_ok=True)
    with _quiet("mlflow.store.db.utils"):
        return MlflowClient(tracking_uri=address.uri, registry_uri=address.uri)


def _has_database_store() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("sqlalchemy", "alembic"))


def _probe(uri: str) -> None:
    """Fail soon if nothing listens or answers, before MLflow is even imported."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host):
        return  # the proxy answers in the server's place
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), PROBE_TIMEOUT).close()
    except OSError as problem:
        raise TrackerError(f"no connection to {host}:{port}: {problem}") from problem
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=ANSWER_TIMEOUT)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/health")
        connection.getresponse()  # whatever it says, it is there
    except TimeoutError as problem:
        why = f"{host}:{port} did not answer within {ANSWER_TIMEOUT:.0f} seconds"
        raise TrackerError(why) from problem
    except (OSError, http.client.HTTPException):
        return  # such as a certificate that MLflow is set to trust: it tells what is wrong, if anything is
    finally:
        connection.close()


def _unusable(address: Address, why: str, next_step: str) -> Exception:
    from intermodal.findings import FindingsError, error

    what = f"nothing can track to a `{address.scheme}:` address here"
    return FindingsError([error("PORT503", what, why=why, next=next_step)])


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a logger's progress messages out of the task's output."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
