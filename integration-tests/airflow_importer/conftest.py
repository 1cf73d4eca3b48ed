"""Engines whose workers have Airflow and some of its providers, too; and a server on this machine."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from intermodal_backends.engines.environment import install

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def worker():
    """Makes an engine's environment with Airflow in it, or takes the one that is there."""

    def make(engine):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("UV_OVERRIDE", str(HERE / "worker-overrides.txt"))
            return install(engine, extra_requirements=HERE / "worker-requirements.txt")

    return make


class Answers(BaseHTTPRequestHandler):
    """Answers everything with the path that was asked for."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"path": self.path}).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def surroundings(tmp_path):
    """Connections, Variables and a file, as a worker's environment has them."""
    inbox = tmp_path / "inbox.txt"
    inbox.write_text("here")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store = {"conn_type": "sqlite", "host": str(tmp_path / "store.sqlite")}
    yield {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW_CONN_STORE": json.dumps(store),
        "AIRFLOW_CONN_WEB": f"http://127.0.0.1:{server.server_port}",
        "AIRFLOW_CONN_FS_DEFAULT": "fs://",
        "AIRFLOW_VAR_GREETING": "hello",
        "AIRFLOW_VAR_INBOX": str(inbox),
    }
    server.shutdown()
    server.server_close()
    thread.join()
