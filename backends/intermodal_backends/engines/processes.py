"""Start servers of engines on this machine, wait for them, and end them with all they started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intermodal.findings import FindingsError, error
from intermodal_backends.engines.workers.serve import descendants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

# Seconds between two looks at a condition, and for a server to end when told to: nothing that we
# start holds anything worth a slow goodbye.
POLL = 0.1
GOODBYE = 3.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server process and the file that its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """The end of its output."""
        return self.log.read_text(errors="replace")[-3000:].strip()


@contextmanager
def running(
    name: str, command: Sequence[str], variables: Mapping[str, str], folder: Path
) -> Iterator[Server]:
    """Run a server in a process group of its own; at the end it and all it started is ended.

    Args:
        name: What it is, for messages and for its log's file name.
        command: The command.
        variables: All its environment variables.
        folder: Its working folder, which also gets the log.
    """
    log = folder / f"{name.replace(' ', '-')}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=dict(variables),
            start_new_session=True,
        )
    try:
        yield Server(name, process, log)
    finally:
        end_tree(process)


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, then kill what is left of all it started."""
    started = descendants(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):  # it had its chance: it is killed below
        process.wait(GOODBYE)
    with suppress(ProcessLookupError, PermissionError):  # nothing is left of the group
        os.killpg(process.pid, signal.SIGKILL)
    for pid in started:
        with suppress(ProcessLookupError):  # it ended as it should
            os.kill(pid, signal.SIGKILL)
    process.wait()


def wait_until(
    condition: Callable[[], bool], what: str, timeout: float, servers: Sequence[Server] = ()
) -> None:
    """Look at a condition until it is true.

    Raises:
        FindingsError: PORT704 if it is not true in time, or one of the servers ended meanwhile.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        for server in servers:
            if server.process.poll() is not None:
                problem = f"the {server.name} ended while we waited for {what}"
                raise FindingsError([error("PORT704", problem, why=server.last_words())])
        if time.monotonic() > deadline:
            words = "\n".join(f"{server.name}: {server.last_words()}" for server in servers)
            problem = f"waited {timeout:.0f} s in vain for {what}"
            raise FindingsError([error("PORT704", problem, why=words)])
        time.sleep(POLL)


def answers(url: str) -> bool:
    """Whether a GET of this address on this machine gives a success."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def free_port() -> int:
    """A port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask_json(url: str, body: Any = None) -> Any:
    """GET an address on this machine, or POST a body to it; its JSON answer.

    Raises:
        urllib.error.HTTPError: The server's refusal.
    """
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)
