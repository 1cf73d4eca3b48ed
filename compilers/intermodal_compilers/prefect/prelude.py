# ruff: noqa: S603, ANN, D
# mypy: ignore-errors
"""Functions that a compiled flow file carries when it needs them, exactly as they stand here.

The file is read as text, never imported by the compiler: they may use only the standard library and
what every Prefect worker has. They are laid out for 88 columns, as the file they end up in.
"""

import functools
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cloudpickle
import docker
import requests


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def json_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """Copy what a function is given and make its result plain JSON.

    Prefect hands one object to all the tasks that use it, and they run side by side.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = deepcopy((args, kwargs))
        return json.loads(json.dumps(function(*args, **kwargs)))

    return call


def own_inputs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Copy what a function is given: Prefect gives all tasks the same object."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = deepcopy((args, kwargs))
        return function(*args, **kwargs)

    return call


def run_process(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run a command, print what it prints, and give its standard output.

    After `timeout` seconds it is ended, with everything that it started.
    """
    process = subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    ended = False
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        ended = True
        output, errors = end_process(process)
    except BaseException:
        end_process(process)
        raise
    for text in filter(None, (output, errors)):
        print(text, end="")
    if ended:
        raise TimeoutError(f"ended after {timeout} seconds")
    if process.returncode:
        raise RuntimeError(f"the process ended with exit code {process.returncode}")
    return output


def end_process(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Ask a process and all it started to stop; kill what is left 5 seconds later."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        return process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()


def run_shell(
    command: str,
    inputs: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run a command with bash and give the last line that it prints.

    Its inputs are environment variables: text as it is, anything else as JSON.
    """
    given = {name: as_text(value) for name, value in inputs.items()}
    variables = {**(environment or {}), **given}
    output = run_process(["bash", "-c", command], variables, timeout)
    return output.removesuffix("\n").rpartition("\n")[2].rstrip("\r")


def read_json(text: str, *kinds: type) -> Any:
    """Read JSON that must be of one of these types."""
    value = json.loads(text)
    if type(value) not in kinds:
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{text[:60]!r} is not {wanted}")
    return value


def read_value(text: str) -> Any:
    """Read JSON if it is some; the text itself if not."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def own_process(
    timeout: float | None = None, environment: Mapping[str, str] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Run each call of a function in a process of its own.

    It can be ended, which a thread cannot, and has environment variables of its own.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with TemporaryDirectory() as folder:
                work, outcome = Path(folder, "work"), Path(folder, "outcome")
                # The other process cannot import this file, whatever its name is here.
                cloudpickle.register_pickle_by_value(sys.modules[__name__])
                job = functools.partial(keep_outcome, outcome, function, args, kwargs)
                work.write_bytes(cloudpickle.dumps(job))
                run_process(
                    [sys.executable, "-c", RUN_PICKLED, str(work)],
                    {"PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})},
                    timeout,
                )
                result, error = cloudpickle.loads(outcome.read_bytes())
            if error is not None:
                raise error
            return result

        return call

    return decorate


RUN_PICKLED = "import sys, cloudpickle; cloudpickle.load(open(sys.argv[1], 'rb'))()"


def keep_outcome(place: Path, function: Callable, args: Any, kwargs: Any) -> None:
    """Call a function; write what it gives or raises to a file."""
    signal.signal(signal.SIGTERM, raise_timeout)
    result = error = None
    try:
        result = function(*args, **kwargs)
    except Exception as problem:
        traceback.print_exc()
        error = problem
    place.write_bytes(cloudpickle.dumps((result, error)))


def raise_timeout(*_: Any) -> None:
    """Turn the signal that ends this process into an exception to clean up on."""
    raise TimeoutError("the task ran longer than its timeout")


def run_container(
    image: str,
    *,
    entrypoint: Sequence[str] | None = None,
    command: Sequence[str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **limits: int,
) -> dict[str, str]:
    """Run an image with Docker and give the content of its output files.

    Inputs and outputs are files in the container's folder `/intermodal`. `limits` are
    Docker's own, such as `mem_limit`.
    """
    client = docker.from_env()
    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        client.images.pull(image)
    container = client.containers.create(
        image,
        entrypoint=None if entrypoint is None else list(entrypoint),
        command=None if command is None else list(command),
        environment=dict(environment or {}),
        **limits,
    )
    try:
        container.put_archive("/", packed(inputs or {}))
        container.start()
        code = container.wait(timeout=timeout)["StatusCode"]
        if code:
            raise RuntimeError(f"{image} ended with exit code {code}")
        return {name: read_output(container, name) for name in outputs}
    except requests.exceptions.RequestException as error:
        if timeout is None:
            raise
        raise TimeoutError(f"{image} ran longer than {timeout} seconds") from error
    finally:
        if logs := container.logs():
            print(logs.decode(errors="replace"), end="")
        container.remove(force=True)


def packed(inputs: Mapping[str, Any]) -> bytes:
    """An archive of the folders for inputs and outputs, with a file for each input."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("intermodal", "intermodal/inputs", "intermodal/outputs"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(entry)
        for name, value in inputs.items():
            content = as_text(value).encode()
            entry = tarfile.TarInfo(f"intermodal/inputs/{name}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def read_output(container: Any, name: str) -> str:
    """The content of a file that a container left for one of its outputs."""
    chunks, _ = container.get_archive(f"/intermodal/outputs/{name}")
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        file = archive.extractfile(name)
        return "" if file is None else file.read().decode()
