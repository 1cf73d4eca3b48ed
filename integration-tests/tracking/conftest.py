"""A real MLflow server on loopback, and reading back the tree of runs it holds."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

START_WAIT = 120  # seconds until the server must answer


class Server:
    """An `mlflow server` that can be killed and started again on the same data and port.

    Args:
        folder: For its data and its log.
        workers: Processes.
        store: Its database; a SQLite file in the folder if empty.
        files: Its options for artifacts; a folder of its own that it serves if empty.
        environment: Variables for it, such as credentials.
    """

    def __init__(
        self,
        folder: Path,
        workers: int,
        *,
        store: str = "",
        files: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.workers = workers
        self.store = store or f"sqlite:///{folder}/server.db"
        self.files = files or ("--artifacts-destination", str(folder / "files"))
        self.environment = environment or {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or leave it if it runs, and wait until it answers."""
        if self.process is not None:
            return
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--workers", str(self.workers)]
        command += ["--backend-store-uri", self.store, *self.files]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env={**os.environ, **quiet, **self.environment},
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_WAIT
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = (self.folder / "server.log").read_text()
                self.kill()
                pytest.fail(f"mlflow server did not start:\n{text[-4000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill it with all of its workers, as a power cut would."""
        if self.process is not None:
            with suppress(ProcessLookupError):  # it did not come up
                os.killpg(self.process.pid, 9)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


class Proxy:
    """Stands between a client and a server, and does harm when it is told to.

    Attributes:
        plan: Asked for each request with its number, method, path and headers. None passes it on; a status,
            or a status with headers, is the answer; `DROP` passes it on and cuts the answer off.
        count: Requests so far.
    """

    DROP = "drop"

    def __init__(self, server: Server | None, port: int = 0) -> None:
        self.server = server
        self.port = port or server.port
        self.plan = lambda _number, _method, _path, _headers: None
        self.count = 0
        self._counting = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                proxy.handle(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815

            def log_message(self, *_arguments: object) -> None:
                """Nothing."""

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._httpd.server_port}"
        threading.Thread(target=self._httpd.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self._counting:
            number, self.count = self.count, self.count + 1
        order = self.plan(number, handler.command, handler.path, handler.headers)
        if order is None or order == self.DROP:
            try:
                status, headers, content = self._forward(handler, body)
            except (OSError, http.client.HTTPException):  # the server behind was stopped
                order = self.DROP
        else:
            status, headers, *given = order if isinstance(order, tuple) else (order, {})
            text = json.dumps({"error_code": "REFUSED", "message": f"planned {status}"})
            content = (given[0] if given else text).encode()
        if order == self.DROP:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            given = dict(handler.headers.items())
            connection.request(handler.command, handler.path, body, given)
            answer = connection.getresponse()
            content = answer.read()
            headers = {
                name: value
                for name, value in answer.headers.items()
                if name.lower() not in {"transfer-encoding", "connection", "content-length"}
            }
            if handler.command == "HEAD" and "Content-Length" in answer.headers:
                headers["Content-Length"] = answer.headers["Content-Length"]
            return answer.status, headers, content
        finally:
            connection.close()


@pytest.fixture(scope="session")
def new_server():
    """The function that makes a server of another kind; see `Server`."""
    return Server


@pytest.fixture(scope="session")
def new_proxy():
    """The function that makes a proxy before another port; see `Proxy`."""
    return Proxy


@pytest.fixture
def proxy(shared_server):
    """A proxy before the shared server that passes everything on until a test says otherwise."""
    made = Proxy(shared_server)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory):
    """One server for all tests; each test uses a pipeline name of its own."""
    server = Server(tmp_path_factory.mktemp("mlflow"), workers=2)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory, migrated):
    """A server that tests may kill; each of them starts it again."""
    folder = tmp_path_factory.mktemp("killable")
    (folder / "server.db").write_bytes(migrated.read_bytes())
    server = Server(folder, workers=1)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A fresh MLflow database, made once because that takes seconds."""
    path = tmp_path_factory.mktemp("database") / "fresh.db"
    from intermodal.tracking.mlflow_access import Address, connect

    connect(Address(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "server"])
def uri(request, tmp_path):
    """The address of an MLflow that holds nothing of this test's pipeline."""
    if request.param == "server":
        return request.getfixturevalue("shared_server").uri
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(request.getfixturevalue("migrated").read_bytes())
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture
def pipeline(request):
    """A name of its own for each test."""
    return request.node.name


@pytest.fixture
def read():
    """The function that reads back a pipeline's tree; see `Tree`."""
    return Tree


@pytest.fixture(scope="session")
def read_tree():
    """The same, for fixtures that serve several tests."""
    return Tree


class Tree:
    """What an MLflow holds of one pipeline: its live runs, nested."""

    def __init__(self, uri: str, pipeline: str) -> None:
        from mlflow import MlflowClient

        self.pipeline = pipeline
        self.client = MlflowClient(uri, registry_uri=uri)
        experiment = self.client.get_experiment_by_name(pipeline)
        self.runs = []
        token = None
        while experiment is not None:
            page = self.client.search_runs([experiment.experiment_id], page_token=token)
            self.runs += page
            token = page.token
            if not token:
                break

    def children(self, parent: str | None) -> list:
        found = [r for r in self.runs if r.data.tags.get("mlflow.parentRunId") == parent]
        return sorted(found, key=lambda run: (run.info.run_name, run.info.run_id))

    def named(self, name: str):
        (run,) = [r for r in self.runs if r.info.run_name == name]
        return run

    def shape(self, parent: str | None = None) -> list:
        """Names, states and attempts of all runs, nested as MLflow nests them."""
        return [
            (
                run.info.run_name,
                run.info.status,
                run.data.tags.get("intermodal.attempt", ""),
                self.shape(run.info.run_id),
            )
            for run in self.children(parent)
        ]

    def history(self, run, name: str) -> list:
        values = self.client.get_metric_history(run.info.run_id, name)
        return sorted((m.step, m.value) for m in values)

    def files(self, run, folder: str | None = None) -> list[str]:
        found = []
        for file in self.client.list_artifacts(run.info.run_id, folder):
            found += self.files(run, file.path) if file.is_dir else [file.path]
        return sorted(found)

    def everything(self) -> list:
        """All that a replay could change, as plain values."""
        return [
            (
                run.info.run_id,
                run.info.status,
                run.info.start_time,
                run.info.end_time,
                sorted(run.data.params.items()),
                sorted(run.data.tags.items()),
                {
                    name: sorted(
                        (m.step, m.timestamp, m.value)
                        for m in self.client.get_metric_history(run.info.run_id, name)
                    )
                    for name in sorted(run.data.metrics)
                },
                self.files(run),
            )
            for run in sorted(self.runs, key=lambda run: run.info.run_id)
        ]
