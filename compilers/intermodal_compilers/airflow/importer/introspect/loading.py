"""Starting the worker in an Airflow environment, and what it tells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from intermodal.concealed import conceal
from intermodal.findings import FindingsError, error
from intermodal.importing import Introspection

WORKER = Path(__file__).with_name("worker.py")

# Seconds for Airflow itself to be imported, and for the worker to end what it has started.
START_UP = 120.0
GOODBYE = 5.0
LAST_LINES = 10

Loaded = Mapping[str, Any]
"""One line of the worker's answers; see worker.py."""


def load_files(
    files: Sequence[Path],
    python_path: Sequence[Path],
    how: Introspection,
    variables: Mapping[str, Any],
    environment: Mapping[str, str],
) -> dict[str, Loaded]:
    """Load DAG files in a process of the environment that is named.

    Args:
        files: The files; everything at their top is executed.
        python_path: Folders that they import from.
        how: Which Python, and how long it may take for each file.
        variables: Airflow Variables that they read.
        environment: Environment variables that they read, beside those of this process.

    Returns:
        What each file makes, by its path.

    Raises:
        FindingsError: PORT820, that Python does not start or has no Airflow.
    """
    with tempfile.TemporaryDirectory(prefix="port-introspect-") as work:
        order, answers = Path(work, "order.json"), Path(work, "answers.jsonl")
        order.write_text(
            json.dumps(
                {
                    "files": [str(file) for file in files],
                    "python_path": [str(folder) for folder in python_path],
                    "seconds": how.seconds,
                }
            )
        )
        variables_of = _environment(how, Path(work), variables, environment)
        log = _run(
            [str(how.python), str(WORKER), str(order), str(answers)], variables_of, how, len(files)
        )
        lines = answers.read_text().splitlines() if answers.exists() else []
    found = {line["file"]: line for line in map(json.loads, lines)}
    if not found and files:
        raise FindingsError([_not_started(how, log)])
    return found


def _environment(
    how: Introspection, home: Path, variables: Mapping[str, Any], environment: Mapping[str, str]
) -> dict[str, str]:
    """The user's own, with what was given; an Airflow of ours has a home of its own."""
    given = {
        f"AIRFLOW_VAR_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in variables.items()
    }
    own = {"AIRFLOW_HOME": str(home)} if how.own_home else {}
    quiet = {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONUNBUFFERED": "1"}
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, **quiet, **own, **given, **environment}


def _run(
    command: Sequence[str], environment: Mapping[str, str], how: Introspection, files: int
) -> str:
    """Run the worker to its end or its limit; the end of what it printed.

    Raises:
        FindingsError: PORT820, there is no such program.
    """
    try:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            text=True,
            errors="replace",
        )
    except OSError as problem:
        raise FindingsError([_not_started(how, str(problem))]) from problem
    try:
        told, _ = process.communicate(timeout=START_UP + files * (how.seconds + 1))
    except subprocess.TimeoutExpired:
        told = ""
    finally:
        _end(process)
    return told


def _end(process: subprocess.Popen[str]) -> None:
    """End the worker, which ends the file that it is at, and all that is left of its group."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GOODBYE)
    with suppress(ProcessLookupError, PermissionError):  # all of it has ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _not_started(how: Introspection, log: str) -> Any:
    last = conceal(log).strip().splitlines()[-LAST_LINES:]
    return error(
        "PORT820",
        f"no Airflow can be loaded with `{how.python}`",
        why="\n".join(last),
        next="name the Python of your own Airflow environment with `--airflow-python`",
    )
