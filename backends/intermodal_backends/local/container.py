"""Container tasks, by the docker command."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intermodal.analysis.evaluate import MISSING, EvaluationError, evaluate
from intermodal.ir import Container, ItemRef, OutputRef, RunFact, Task, TaskState
from intermodal.ir.write import to_data
from intermodal.runtime.attempt import Job
from intermodal.runtime.events import canonical
from intermodal.runtime.problems import WrongValue
from intermodal.runtime.shell import as_text, last_line, read_text
from intermodal.runtime.stored import is_artifact, load_value
from intermodal_backends.local.orders import name_of

MOUNTED = "/intermodal"


def docker_problem() -> str:
    """Why containers cannot run here; empty if they can."""
    return "" if shutil.which("docker") else "there is no `docker` command on this machine"


@dataclass(frozen=True)
class Names:
    """What names in a container's command stand for, apart from its inputs and paths.

    Attributes:
        values: Outputs, items, facts and states that are there, by `orders.name_of`.
        parameters: Of the run.
        store_uri: Where large values and metrics are.
    """

    values: Mapping[str, Any]
    parameters: Mapping[str, Any]
    store_uri: str


def container_job(
    action: Container, task: Task, tags: Mapping[str, str], folder: Path, names: Names
) -> Job:
    """The job that runs a container; its inputs and outputs are files in a folder it sees."""

    def call(values: dict[str, Any]) -> dict[str, Any]:
        files = _Files(folder, values, names)
        _run(action, task, files)
        return {name: _output(files.of_output(name), tag, name) for name, tag in tags.items()}

    digest = hashlib.sha256(canonical(to_data(action, spans=False)).encode()).hexdigest()
    return Job(call=call, code_hash=digest, by_path=True)


def _run(action: Container, task: Task, files: _Files) -> None:
    name = f"intermodal-{uuid.uuid4().hex}"
    command = [as_text(evaluate(part, files)) for part in action.command]
    arguments = [as_text(evaluate(part, files)) for part in action.args]
    options = ["--rm", "--init", "--name", name, *files.mounts]
    secret_names = [variable.variable for variable in task.secrets]
    for variable in (*task.environment, *secret_names):
        options += ["--env", variable]  # the value comes from our own environment
    if command:
        options += ["--entrypoint", command[0]]
    try:
        last_line(["docker", "run", *options, action.image, *command[1:], *arguments])
    finally:
        # After a normal end it is gone; after a timeout it is not, and this must not wait for it.
        subprocess.run(  # noqa: S603
            ["docker", "rm", "--force", name],  # noqa: S607
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


class _Files:
    """The scope of a container's command: inputs as values or files, outputs as files."""

    def __init__(self, folder: Path, values: Mapping[str, Any], names: Names) -> None:
        self._folder = folder
        self._values = values
        self._names = names
        for part in ("inputs", "outputs"):
            (folder / part).mkdir()
        (folder / "outputs").chmod(0o777)  # the image's user may be any
        self.mounts = ["--volume", f"{folder}:{MOUNTED}"]

    def of_output(self, name: str) -> Path:
        """Where the container leaves an output."""
        return self._folder / "outputs" / name

    def input(self, name: str) -> str:
        value = self._values[name]
        return self.path("input", name) if isinstance(value, Path) else as_text(value)

    def path(self, direction: str, name: str) -> str:
        if direction == "input":
            self._provide(name)
        return f"{MOUNTED}/{direction}s/{name}"

    def _provide(self, name: str) -> None:
        """Put an input into the folder: a text with its value, or a copy of the artifact."""
        place = self._folder / "inputs" / name
        value = self._values[name]
        if place.exists():
            return
        if not isinstance(value, Path):
            place.write_text(as_text(value), encoding="utf-8")
        elif value.is_dir():
            shutil.copytree(value, place)
        else:
            shutil.copyfile(value, place)

    def parameter(self, name: str) -> Any:
        return self._names.parameters[name]

    def output(self, node: str, output: str) -> Any:
        return self._names.values.get(name_of(OutputRef.of(node=node, output=output)), MISSING)

    def item(self, loop: str) -> Any:
        return self._names.values[name_of(ItemRef.of(loop=loop))]

    def fact(self, fact: Any) -> Any:
        return self._names.values[name_of(RunFact.of(fact=fact))]

    def state(self, node: str) -> str:
        state: str = self._names.values[name_of(TaskState.of(node=node))]
        return state

    def fetch(self, value: Any) -> Any:
        return load_value(value, self._names.store_uri)

    def join_secret(self, _parts: list[Any]) -> None:
        return None

    def secret(self, name: str, _key: str | None) -> Any:
        raise EvaluationError(f"secret `{name}` in a command would be visible; use a variable")


def _output(path: Path, tag: str, name: str) -> Any:
    if is_artifact(tag):
        return path
    if not path.is_file():
        raise WrongValue(f"the container wrote no file for its output `{name}`")
    return read_text(path.read_text(encoding="utf-8").rstrip("\n"), tag, f"output `{name}`")
