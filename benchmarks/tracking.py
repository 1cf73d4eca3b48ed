"""Tracking against a real MLflow server: throughput of metrics, and what a tracked task starts later by.

Prints as JSON: metrics a second of plain `mlflow.log_metric` and of ours until the server has all of them,
and median seconds from the start of a process to the first line of its task, tracked and not.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PLAIN = 300  # metrics
OURS = 20_000
STARTS = 11  # processes, the first one is not counted

TASK = """
import sys, time
from intermodal import runtime

def task(began: float) -> float:
    return time.time() - began

context = runtime.Context("bench", sys.argv[2], "task", tracking=sys.argv[1], store=sys.argv[3])
inputs = {"began": float(sys.argv[4])}
print(runtime.run(task, context=context, inputs=inputs, outputs={"return": "value"}))
"""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """An MLflow server on a SQLite file; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db"]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=environment, **quiet)  # type: ignore[call-overload]
    address = f"http://127.0.0.1:{port}"
    try:
        while not answers(address):
            if process.poll() is not None:
                raise SystemExit("mlflow server did not start")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def answers(address: str) -> bool:
    """Whether the server is ready."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def plain(address: str) -> float:
    """Metrics a second of MLflow's own synchronous call."""
    import mlflow

    mlflow.set_tracking_uri(address)
    mlflow.set_experiment("plain")
    with mlflow.start_run():
        mlflow.log_metric("warm", 0.0)
        began = time.perf_counter()
        for step in range(PLAIN):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        return PLAIN / (time.perf_counter() - began)


def ours(address: str, folder: Path) -> float:
    """Metrics a second of ours, from the first call until the server has all of them."""
    from intermodal import tracking
    from intermodal.tracking.identity import TaskIdentity
    from intermodal.tracking.session import session

    began = time.perf_counter()
    with session(TaskIdentity("bench", "throughput", "task"), address, folder) as tracked:
        for step in range(OURS):
            tracking.log_metric("loss", 1.0 / (step + 1), step=step)
    seconds = time.perf_counter() - began
    if tracked.findings:
        raise SystemExit(f"not delivered: {tracked.findings}")
    return OURS / seconds


def start(address: str, folder: Path) -> dict[str, float]:
    """Median seconds until a task's function is entered, by whether it is tracked; they take turns."""
    times: dict[str, list[float]] = {"": [], address: []}
    for number in range(STARTS):
        for uri, found in times.items():
            command = [sys.executable, "-c", TASK, uri, f"run-{number}", str(folder / "store")]
            began = time.time()
            done = subprocess.run(
                [*command, str(began)], check=True, capture_output=True, text=True, cwd=folder
            )
            found.append(float(done.stdout.splitlines()[-1]))
    untracked, tracked = (statistics.median(found[1:]) for found in times.values())
    return {"untracked": untracked, "tracked": tracked}


def main() -> None:
    """Print the figures as one line of JSON."""
    with tempfile.TemporaryDirectory() as place, server(Path(place)) as address:
        folder = Path(place)
        figures = {"plain": plain(address), "ours": ours(address, folder)}
        print(json.dumps(figures | start(address, folder)))


if __name__ == "__main__":
    main()
