"""MLflow on databases that many write to: SQLite from 16 processes, and PostgreSQL behind a server."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from intermodal import tracking
from intermodal.tracking.session import close_run, session
from intermodal.tracking.tracker import TaskIdentity

WRITERS = 16
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["mlflow.store.tracking.sqlalchemy_store", "mlflow"])


def write(name, number, uri, folder, together, said):
    """What a writer does, at one moment with all others."""
    os.environ["INTERMODAL_TRACKING_BUDGET"] = "400"
    with session(TaskIdentity(name, "run", "work", (number,)), uri, Path(folder)) as tracked:
        for value in range(50):
            tracking.log_metric("m", float(value))
        together.wait()
    said.put([(f.code, f.why) for f in tracked.findings])


def write_together(number, pipeline, uri, tmp_path):
    """Let so many processes write; gives what they have to tell."""
    together, said = PROCESSES.Barrier(number), PROCESSES.Queue()
    writers = [
        PROCESSES.Process(target=write, args=(pipeline, n, uri, tmp_path / str(n), together, said))
        for n in range(number)
    ]
    for writer in writers:
        writer.start()
    told = [finding for _ in writers for finding in said.get(timeout=400)]
    for writer in writers:
        writer.join()
    return told


@pytest.mark.slow
def test_sqlite_takes_16_writers(migrated, pipeline, read, tmp_path):
    database = tmp_path / "mlflow.db"
    database.write_bytes(migrated.read_bytes())
    uri = f"sqlite:///{database}"
    assert write_together(WRITERS, pipeline, uri, tmp_path) == []
    tree = read(uri, pipeline)
    tasks = [(f"work[{n}]", "FINISHED", "1", []) for n in range(WRITERS)]
    assert tree.shape() == [("run", "RUNNING", "", sorted(tasks))]
    for number in range(WRITERS):
        history = tree.history(tree.named(f"work[{number}]"), "m")
        assert history == [(n, float(n)) for n in range(50)]


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL of its own on loopback; it refuses to run as root, so it runs as its own user then."""
    found = shutil.which("initdb") or next(
        iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
    )
    if found is None:
        pytest.skip("needs PostgreSQL's initdb and postgres (Debian: postgresql)")
    binaries = Path(found).resolve().parent
    user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="intermodal-pg-"))
    if user:
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"

    def run(*command):
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)

    settings = ("-U", "mlflow", "-A", "trust", "--no-sync", "--no-instructions")
    run(binaries / "initdb", "-D", data, *settings)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [binaries / "pg_ctl", "-D", data, "-l", folder / "log", "-w"]
    run(*control, "-o", options, "start")
    yield f"postgresql+psycopg2://mlflow:secret@127.0.0.1:{port}/postgres"
    run(*control, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_server_on_postgresql(postgres, new_server, pipeline, read, tmp_path):
    server = new_server(tmp_path, workers=2, store=postgres)
    server.start()
    try:
        assert write_together(4, pipeline, server.uri, tmp_path) == []
        identity = TaskIdentity(pipeline, "run", "train", parameters={"name": "Zoë \u2603 \x00"})
        with session(identity, server.uri, tmp_path / "w") as tracked:
            tracking.log_param("text", "a\x00b")  # PostgreSQL refuses NUL
            tracking.log_metric("m", -1e300, step=2**62)
            tracking.log_text("x", "a.txt")
        assert tracked.findings == []
        assert close_run(identity, "finished", server.uri, tmp_path / "w") == []
        tree = read(server.uri, pipeline)
        tasks = [("train", "FINISHED", "1", [])]
        tasks += [(f"work[{n}]", "FINISHED", "1", []) for n in range(4)]
        assert tree.shape() == [("run", "FINISHED", "", tasks)]
        run = tree.named("train")
        assert (run.data.params["text"], tree.files(run)) == ("a\ufffdb", ["a.txt"])
        assert tree.history(run, "m") == [(2**62, -1e300)]
    finally:
        server.kill()


@pytest.mark.slow
def test_postgresql_without_a_server(postgres, pipeline, read, tmp_path):
    identity = TaskIdentity(pipeline, "run", "train")
    with session(identity, postgres, tmp_path) as tracked:
        tracking.log_metric("m", 1.0)
    assert tracked.findings == []
    tree = read(postgres, pipeline)
    assert tree.shape() == [("run", "RUNNING", "", [("train", "FINISHED", "1", [])])]
