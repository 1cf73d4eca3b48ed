"""Answer requests on a pipe, each in a forked child that is killed with all it started.

Runs inside an engine's environment: standard library only. Requests and replies are JSON lines on
two pipes of their own, because engines print to standard output as they please.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

# A request, as `warm.WarmWorker.call` makes it: operation, folder, pipeline, parameters,
# environment, python_path, timeout, scratch.
Request = dict[str, Any]
Operation = Callable[[Request], Any]

POLL_SECONDS = 0.005


def serve(operations: Mapping[str, Operation]) -> None:
    """Say that the engine is imported, then answer until the pipe is closed."""
    requests_fd, replies_fd = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _adopt_orphans()
    with os.fdopen(requests_fd) as requests, os.fdopen(replies_fd, "w") as replies:
        _send(replies, {"ready": True})
        for line in requests:
            _send(replies, _answer(operations, json.loads(line)))


def number_repeats(runs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """States by task name; several runs of one name are numbered in the order given: `task[0]`."""
    named = list(runs)
    repeats = Counter(name for name, _ in named)
    seen: Counter[str] = Counter()
    states: dict[str, str] = {}
    for name, state in named:
        states[f"{name}[{seen[name]}]" if repeats[name] > 1 else name] = state
        seen[name] += 1
    return states


def _send(pipe: Any, message: dict[str, Any]) -> None:
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def _answer(operations: Mapping[str, Operation], request: Request) -> dict[str, Any]:
    result = Path(request["scratch"]) / "result.json"
    child = os.fork()
    if child == 0:
        _run_in_child(operations[request["operation"]], request, result)
    try:
        timed_out = not _wait(child, request["timeout"])
    finally:
        _kill_everything_started(child)
    value = json.loads(result.read_text()) if result.exists() else None
    return {"value": value, "timed_out": timed_out}


def _wait(child: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _run_in_child(operation: Operation, request: Request, result: Path) -> None:
    """Do one operation in this process, which has just been forked, and end it."""
    status = 1
    try:
        _enter_case(request)
        value = operation(request)
        unfinished = result.with_suffix(".part")
        unfinished.write_text(json.dumps(value))
        unfinished.replace(result)
        status = 0
    except BaseException:  # the child must end here: what it raised goes to the case's log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # The engine's exit hooks belong to the warm parent.
        os._exit(status)


def _enter_case(request: Request) -> None:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    scratch = Path(request["scratch"])
    os.chdir(scratch)
    log = os.open(scratch / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(request["environment"])
    python_path: list[str] = request["python_path"]
    inherited = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    os.environ["PYTHONPATH"] = os.pathsep.join([*python_path, *inherited])
    sys.path[:0] = python_path


def _adopt_orphans() -> None:
    """Become the parent of whatever a case leaves behind, so that it can be found and killed."""
    if sys.platform == "linux":
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def _kill_everything_started(child: int) -> None:
    """Kill the case's process group and all our descendants, and wait for them.

    The group alone is not enough: engines give shell commands groups of their own.
    """
    _kill(os.killpg, child)
    while True:
        for pid in descendants(os.getpid()):
            _kill(os.kill, pid)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _kill(how: Callable[[int, int], None], pid: int) -> None:
    try:
        how(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # gone already; macOS says permission for a group of zombies


def descendants(root: int) -> list[int]:
    """Pids below `root`; none where there is no /proc, which leaves the process group."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold spaces; the parent is the second field after it.
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it ended while we looked
        children.setdefault(parent, []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
