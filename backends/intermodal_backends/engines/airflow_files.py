"""Running a DAG file of the user's own, as it is, in a real Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from intermodal.analysis.waits import instance_id
from intermodal.concealed import conceal
from intermodal.engines import SourceRun
from intermodal.findings import FindingsError, Span, error
from intermodal.runtime.events import condensed
from intermodal.trace import OUTCOMES, Instance, State, Trace
from intermodal_backends.engines.driver import EngineCase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from intermodal.engines import Trial
    from intermodal.findings import Finding
    from intermodal_backends.engines.driver import Engine, EngineResult, InstanceRecord

# Only the one file: `dag.test()` stores all DAGs of the folder first, and one that cannot be
# stored fails the others.
IGNORE_ALL_BUT = "*\n!/{name}\n"
IGNORE_FILE = ".airflowignore"
LAST_LINES = 12
AS_PATTERNS = {"AIRFLOW__CORE__DAG_IGNORE_FILE_SYNTAX": "glob"}


def run_dag_file(engine: Engine, file: Path, dag_id: str, trial: Trial) -> SourceRun:
    """Run one DAG of a file with `dag.test()`.

    Args:
        engine: A started Airflow.
        file: The DAG file.
        dag_id: Which of its DAGs, if there are several.
        trial: How to run it; modules are imported from its `python_path`.

    Raises:
        FindingsError: PORT704, the file cannot be loaded or its run does not end.
    """
    file = file.resolve()
    case = EngineCase(
        folder=folder_for(file, trial.work / "dags", trial.python_path),
        pipeline=dag_id,
        parameters=dict(trial.parameters),
        environment={**AS_PATTERNS, **trial.environment},
        python_path=trial.python_path,
        timeout=trial.timeout,
        approvals=dict(trial.approvals),
    )
    result = engine.run(case)
    if result.timed_out or not result.records:
        raise FindingsError([_not_run(engine.name, file, result, trial.timeout)])
    return SourceRun(engine.name, trace_of_records(dag_id, result), result.waits, result.log)


def folder_for(file: Path, work: Path, roots: Iterable[Path]) -> Path:
    """A DAG folder with one file, where what it reads from beside itself is found.

    Everything below the outermost root that holds the file is linked to at the same place, so that
    paths made from `__file__` lead to the same files.

    Returns:
        The folder that the file is in.
    """
    around = [root.resolve() for root in roots if file.is_relative_to(root.resolve())]
    place = min(around, key=lambda root: len(root.parts), default=file.parent)
    made = work
    for name in (*file.parent.relative_to(place).parts, ""):
        made.mkdir(parents=True)
        _link(place, made, besides={name, IGNORE_FILE})
        place, made = place / name, made / name
    (made / IGNORE_FILE).write_text(IGNORE_ALL_BUT.format(name=file.name), encoding="utf-8")
    return made


def _link(place: Path, made: Path, besides: set[str]) -> None:
    for entry in place.iterdir():
        if entry.name not in besides:
            (made / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())


def trace_of_records(name: str, result: EngineResult) -> Trace:
    """What Airflow's database says, as a trace; nothing that Airflow runs starts too early."""
    return Trace(
        pipeline=name,
        state="succeeded" if result.succeeded else "failed",
        instances={
            instance_id(record.task, record.index): instance_of(record) for record in result.records
        },
    )


def instance_of(record: InstanceRecord) -> Instance:
    """One row; states without a counterpart, such as `removed`, are those of what never started."""
    unknown: State = "failed" if record.tries else "not_started"
    return Instance(
        state=OUTCOMES.get(record.state, "failed" if record.state == "failed" else unknown),
        attempts=record.tries,
        outputs={key: condensed(value) for key, value in record.outputs.items()},
    )


def _not_run(engine: str, file: Path, result: EngineResult, timeout: float) -> Finding:
    what = f"`{file.name}` was not run to an end on {engine}"
    last = conceal(result.log).strip().splitlines()[-LAST_LINES:]
    why = f"it was ended after {timeout:g} s" if result.timed_out else "\n".join(last)
    return error("PORT704", what, Span(str(file)), why=why)
