"""DAGs as a real Airflow serializes them, and comparing two of them field by field."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from intermodal.findings import FindingsError, error
from intermodal.frozen import Frozen
from intermodal_backends.engines.airflow import migrated_database, settings_for
from intermodal_backends.engines.environment import EngineEnvironment
from intermodal_backends.engines.warm import WORKERS, clean_environment, temporary_folder

# Fields of a DAG that are not compared, and why.
LEFT_OUT: Mapping[str, str] = {
    "fileloc": "where the file is",
    "relative_fileloc": "where the file is, seen from the bundle",
    "_processor_dags_folder": "where the bundle is",
    "_default_view": "a page of Airflow 2's; a DAG that `@dag` makes says the default aloud",
}
# Values inside any field that are not compared as they are, and why.
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
PLACE = re.compile(r"\b(?:\w+\.)*<locals>\.")
MODULE = re.compile(r"unusual_prefix_[0-9a-f]{40}_\w+")
REWRITTEN: Mapping[re.Pattern[str], str] = {
    ADDRESS: "the address of a function or object in memory, which each process has anew",
    PLACE: "the function that another one is defined in, where the file has it at its top",
    MODULE: "the name that Airflow gives the file's own module, made from where the file is",
}


# Texts whose indentation is not compared: they are taken from functions, which may stand in others.
INDENTED: Mapping[str, str] = {
    "doc_md": "a docstring, unless it is given",
    "tooltip": "a docstring, unless it is given",
    "_pre_execute_hook": "the source of a function",
    "_post_execute_hook": "the source of a function",
}


# Lists whose order is not compared.
UNORDERED: Mapping[str, str] = {
    "template_fields": "some classes have them in a set, which has another order in each process",
    "tags": "a set",
    "dag_dependencies": "collected from sets",
}


class Loaded(Frozen):
    """What Airflow made of a file: errors, and serialized DAGs by id."""

    errors: tuple[str, ...]
    dags: Mapping[str, Any]


class FieldDifference(Frozen):
    """A field that two serialized DAGs have with different values; None where one has it not.

    Attributes:
        path: Where it stands: `tasks.extract.retries`.
    """

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.before)} is {_short(self.after)}"


def load_serialized(
    environment: EngineEnvironment, files: Iterable[Path], *, timeout: float = 600
) -> dict[Path, Loaded]:
    """Load DAG files in a real Airflow. They are executed: give it no files of strangers.

    Args:
        environment: An Airflow.
        files: Each is loaded for itself.
        timeout: Seconds for all of them.

    Raises:
        FindingsError: PORT704 if Airflow died over them.
    """
    paths = [Path(file).absolute() for file in files]
    with temporary_folder() as home:
        database = home / "airflow.db"
        shutil.copyfile(migrated_database(environment), database)
        request, answer = home / "request.json", home / "answer.json"
        request.write_text(json.dumps([str(path) for path in paths]), encoding="utf-8")
        done = subprocess.run(  # noqa: S603
            [str(environment.python), "-m", f"{WORKERS}.airflow_serialized", request, answer],
            env=clean_environment(environment, settings_for(home, database, home / "dags")),
            cwd=home,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            what = f"`{environment.engine}` stopped while it loaded files"
            raise FindingsError([error("PORT704", what, why=done.stderr.strip()[-2000:])])
        found = json.loads(answer.read_text(encoding="utf-8"))
    return {
        path: Loaded(tuple(found[str(path)]["errors"]), found[str(path)]["dags"]) for path in paths
    }


def normal(serialized: Mapping[str, Any]) -> dict[str, Any]:
    """A serialized DAG without what must differ between two files; tasks and tags by name, not by place."""
    dag = {key: value for key, value in serialized["dag"].items() if key not in LEFT_OUT}
    tasks = {task["__var"]["task_id"]: task["__var"] for task in dag.pop("tasks", ())}
    made: dict[str, Any] = _rewritten({**dag, "tasks": tasks})
    return made


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldDifference]:
    """Fields in which two serialized DAGs differ, apart from those that must."""
    return list(_differences("", normal(before), normal(after)))


def _differences(path: str, before: Any, after: Any) -> Iterator[FieldDifference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            inner = f"{path}.{key}" if path else key
            yield from _differences(inner, before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}[{number}]", one, other)
    elif before != after or type(before) is not type(after):
        yield FieldDifference(path, before, after)


def _rewritten(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _field(key, item) for key, item in value.items() if key != "fileloc"}
    if isinstance(value, list):
        return [_rewritten(item) for item in value]
    if isinstance(value, str):
        for pattern in REWRITTEN:
            value = pattern.sub("", value)
    return value


def _field(key: str, value: Any) -> Any:
    if key in INDENTED:
        return _unindented(value)
    made = _rewritten(value)
    if key in UNORDERED and isinstance(made, list):
        return sorted(made, key=lambda item: json.dumps(item, sort_keys=True))
    return made


def _unindented(value: Any) -> Any:
    """A docstring or a function's source, as far left as it goes."""
    if not isinstance(value, str):
        return _rewritten(value)
    lines = textwrap.dedent(value)
    return inspect.cleandoc(lines).strip()


def _short(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"
