"""One warm process of an engine: started once, asked over pipes, restarted never."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from intermodal.findings import FindingsError, error
from intermodal_backends.engines.driver import EngineResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from intermodal_backends.engines.driver import EngineCase
    from intermodal_backends.engines.environment import EngineEnvironment

# How much of a case's output is handed to humans.
LOG_TAIL = 20_000

# Where the workers of the built-in engines are.
WORKERS = "intermodal_backends.engines.workers"

COLOUR = re.compile(r"\x1b\[[0-9;]*m")

# Seconds for a worker to end after it was told to.
GOODBYE = 5.0

# Variables of the user's shell that would change what an engine does.
FOREIGN_PREFIXES = ("AIRFLOW", "_AIRFLOW", "PREFECT", "KFP", "PYTHON", "VIRTUAL_ENV", "MLFLOW_")

# Those that are the user's tasks' own: connections and variables of operators, on any engine.
KEPT_PREFIXES = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a case gave: the operation's value (None if it died), the end of its log."""

    value: Any
    timed_out: bool
    log: str


def result_of(answer: Answer) -> EngineResult:
    """The result of a `run` operation, which gives `{"succeeded": ..., "states": ...}`."""
    value = answer.value or {"succeeded": False, "states": {}}
    return EngineResult(value["succeeded"], value["states"], answer.log, answer.timed_out)


def lines_of(answer: Answer) -> list[str]:
    """The lines of a `load` operation, which gives a list of them; its log if it died."""
    if answer.value is None:
        return [answer.log.strip() or "the engine's process died while it loaded the output"]
    lines: list[str] = answer.value
    return lines


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder that is removed at the end, also if something still writes into it."""
    folder = Path(tempfile.mkdtemp(prefix="intermodal-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clean_environment(environment: EngineEnvironment, own: Mapping[str, str]) -> dict[str, str]:
    """The variables an engine's process starts with: the user's, less those that would leak in."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(KEPT_PREFIXES) or not name.startswith(FOREIGN_PREFIXES)
    }
    kept["PATH"] = os.pathsep.join([str(environment.bin), kept.get("PATH", os.defpath)])
    kept["PYTHONPATH"] = str(environment.packages)
    # Standard output and error share a log: keep their order.
    kept["PYTHONUNBUFFERED"] = "1"
    return {**kept, **own}


class WarmWorker:
    """A worker script running in an engine's environment.

    Args:
        environment: The engine.
        module: The worker's module, run with `python -m`.
        variables: The engine's own settings, as environment variables.
        home: A folder of this session's for the worker's log and the cases' scratch folders.
    """

    def __init__(
        self,
        environment: EngineEnvironment,
        module: str,
        variables: Mapping[str, str],
        home: Path,
    ) -> None:
        self._engine = environment.engine
        self._home = home
        request_read, request_write = os.pipe()
        reply_read, reply_write = os.pipe()
        command = [str(environment.python), "-m", module, str(request_read), str(reply_write)]
        with (home / "worker.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=home,
                env=clean_environment(environment, variables),
                pass_fds=(request_read, reply_write),
                start_new_session=True,
            )
        os.close(request_read)
        os.close(reply_write)
        self._requests = os.fdopen(request_write, "w")
        self._replies = os.fdopen(reply_read)
        self._ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def call(self, operation: str, case: EngineCase, variables: Mapping[str, str]) -> Answer:
        """Do one operation in a fresh fork of the warm process.

        Args:
            operation: A key of the worker's table.
            case: What to do it on.
            variables: The engine's settings for this case; the case's own variables win.

        Raises:
            FindingsError: PORT704 if the worker itself is dead.
        """
        self._wait_until_ready()
        with temporary_folder(self._home) as scratch:
            request = {
                "operation": operation,
                "folder": str(case.folder.absolute()),
                "pipeline": case.pipeline,
                "parameters": case.parameters,
                "environment": {**variables, **case.environment},
                "python_path": [str(folder.absolute()) for folder in case.python_path],
                "timeout": case.timeout,
                "scratch": str(scratch),
            }
            reply = self._ask(request)
            return Answer(reply["value"], reply["timed_out"], _tail(scratch / "log.txt"))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
        except BrokenPipeError as problem:
            raise self._dead() from problem
        return self._receive()

    def close(self) -> None:
        """End the worker and whatever case it is in.

        The signal ends a case; the closed pipe ends a worker that was just about to read it.
        """
        self._process.terminate()
        with suppress(BrokenPipeError):  # closing tries once more to send to a dead worker
            self._requests.close()
        try:
            self._process.wait(GOODBYE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._replies.close()

    def _wait_until_ready(self) -> None:
        if not self._ready:
            self._receive()
            self._ready = True

    def _receive(self) -> dict[str, Any]:
        line = self._replies.readline()
        if not line:
            raise self._dead()
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _dead(self) -> FindingsError:
        what = f"the process of `{self._engine}` ended"
        why = _tail(self._home / "worker.log")[-2000:].strip()
        return FindingsError([error("PORT704", what, why=why)])


def _tail(log: Path) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL))
        return COLOUR.sub("", file.read().decode("utf-8", errors="replace"))
