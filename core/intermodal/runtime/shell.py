"""Running a command as a task."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intermodal.runtime.attempt import Job, attempt
from intermodal.runtime.call import report
from intermodal.runtime.context import Context
from intermodal.runtime.events import canonical
from intermodal.runtime.problems import WrongValue
from intermodal.runtime.stored import is_artifact

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.runtime.cache import CachePolicy

TEXT_TAGS = ("string", "timestamp")
UNTYPED_TAGS = ("value", "any")


class CommandFailed(RuntimeError):  # noqa: N818 - users read this name as `CommandFailed: ...`
    """A command ended with an exit code other than 0."""


def run_shell(
    command: str,
    *,
    context: Context,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    environment: Mapping[str, str] | None = None,
    cache: CachePolicy | None = None,
) -> Any:
    """Run a command with `bash -c` as one attempt of a task.

    Args:
        command: The command. Inputs are environment variables of their names: text as it is,
            artifacts as the path of their content, anything else as JSON.
        context: Whose attempt it is.
        inputs: JSON values and artifact references.
        outputs: None, or one output with its tag: the kind of its IR type (`string`, `integer`, ...), by
            which the last line of standard output is read; an artifact kind, when that line is the
            path of a file or folder; or `value`, for JSON if it is some and text if not.
        environment: Further variables.
        cache: As for `run`; an empty `code` stands for the command and `environment`.

    Returns:
        The output's JSON value or reference; None if there is none.

    Raises:
        CommandFailed: The exit code was not 0.
        WrongValue: The last line does not fit the output.
        InfrastructureError: The store failed.
    """
    findings: list[Finding] = []
    try:
        job = shell_job(command, outputs, environment or {})
        done = attempt(job, context, inputs, outputs, findings, cache)
    finally:
        report(findings)
    return next(iter(done.outputs.values()), None)


def shell_job(command: str, outputs: Mapping[str, str], environment: Mapping[str, str]) -> Job:
    """The job that runs a command."""

    def call(values: dict[str, Any]) -> dict[str, Any]:
        given = {name: as_text(value) for name, value in values.items()}
        line = last_line(["bash", "-c", command], {**os.environ, **environment, **given})
        return {name: read_text(line, tag, f"output `{name}`") for name, tag in outputs.items()}

    text = command if not environment else canonical([command, dict(environment)])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Job(call=call, code_hash=digest, by_path=True, code=command)


def last_line(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a program, pass on what it prints, and give the last line of it.

    Raises:
        CommandFailed: The exit code was not 0.
    """
    last = b""
    sys.stdout.flush()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)  # noqa: S603
    try:
        for line in process.stdout or ():
            last = line
            sys.stdout.write(line.decode("utf-8", "replace"))
        code = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if code != 0:
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise CommandFailed(f"the command {ended}")
    return last.decode("utf-8", "replace").rstrip("\r\n")


def as_text(value: Any) -> str:
    """A value as the text of an environment variable."""
    return str(value) if isinstance(value, str | Path) else json.dumps(value, default=str)


def read_text(text: str, tag: str, what: str) -> Any:
    """The value that a text stands for.

    Args:
        text: What a command printed or wrote.
        tag: As in `run_shell`.
        what: Names it in errors.

    Raises:
        WrongValue: It does not fit the tag.
    """
    if tag in TEXT_TAGS:
        return text
    if is_artifact(tag):
        return Path(text)
    try:
        value = json.loads(text)
    except ValueError as problem:
        if tag in UNTYPED_TAGS:
            return text
        raise WrongValue(f"{what} is {text[:60]!r}, not {tag} in JSON") from problem
    wanted = _JSON_TYPES.get(tag)
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and tag != "boolean")):
        raise WrongValue(f"{what} is {text[:60]!r}, not {tag} in JSON")
    return value


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "float": (int, float),
    "duration": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "struct": (dict,),
}
