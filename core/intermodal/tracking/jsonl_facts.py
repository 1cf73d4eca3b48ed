"""Reading the runs of a JSON-lines folder back as facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from intermodal.artifacts.keys import decode_segment, encode_segment
from intermodal.tracking.facts import OutputFact, RunFacts, TaskFacts, numbered
from intermodal.tracking.jsonl import RUN_FILE, RUNS, age, last_status
from intermodal.tracking.values import text_of

if TYPE_CHECKING:
    from intermodal.tracking.jsonl_files import Folder

CACHED = "intermodal.cached"


def find_runs(folder: Folder, run_id: str, pipeline: str | None = None) -> list[RunFacts]:
    """The runs that an id means, newest first; where none has it, those whose id begins so."""
    pipelines = folder.names(RUNS) if pipeline is None else [encode_segment(pipeline)]
    whole = [f"{RUNS}/{name}/{encode_segment(run_id)}" for name in pipelines]
    found = [facts for path in whole for facts in _run(folder, path)]
    if not found:
        begun = [
            f"{RUNS}/{name}/{segment}"
            for name in pipelines
            for segment in folder.names(f"{RUNS}/{name}")
            if _name_of(segment).startswith(run_id)
        ]
        found = [facts for path in begun for facts in _run(folder, path)]
    return sorted(found, key=lambda run: (run.started or 0, run.pipeline, run.run_id), reverse=True)


def find_open_runs(folder: Folder) -> list[RunFacts]:
    """The runs that have not ended, without their tasks."""
    paths = (
        f"{RUNS}/{name}/{run}"
        for name in folder.names(RUNS)
        for run in folder.names(f"{RUNS}/{name}")
    )
    found = [facts for path in paths for facts in _run(folder, path, tasks=False)]
    return [facts for facts in found if facts.state == "running"]


def _run(folder: Folder, path: str, *, tasks: bool = True) -> Iterator[RunFacts]:
    run = folder.document(f"{path}/{RUN_FILE}")
    if run is None:
        return
    yield RunFacts(
        pipeline=run["pipeline"],
        run_id=run["run_id"],
        target=run["target"],
        state=run["state"],
        parameters={name: text_of(value) for name, value in run["parameters"].items()},
        tasks=tuple(sorted(_tasks(folder, f"{path}/tasks"), key=_place)) if tasks else (),
        pipeline_hash=run["pipeline_hash"],
        started=run["started"],
        ended=run["ended"],
        page=folder.shown(f"{path}/{RUN_FILE}"),
    )


def _tasks(folder: Folder, path: str) -> Iterator[TaskFacts]:
    """The newest attempt of each task instance."""
    for task in folder.names(path):
        for index in folder.names(f"{path}/{task}"):
            place = f"{path}/{task}/{index}"
            files = (f"{place}/{name}" for name in folder.names(place) if name.endswith(".jsonl"))
            headers = {file: next(folder.lines(file, "attempt"), None) for file in files}
            known = [(header, file) for file, header in headers.items() if header]
            if known:
                header, file = max(known, key=lambda item: age(item[0]))
                yield _task(header, folder.lines(file), folder.shown(file))


def _task(header: dict[str, Any], lines: Iterable[dict[str, Any]], page: str) -> TaskFacts:
    by_type: dict[str, list[dict[str, Any]]] = {}
    for value in lines:
        by_type.setdefault(str(value.get("type")), []).append(value)
    status = last_status(by_type.get("status", []))
    tags = {tag["name"]: tag["value"] for tag in by_type.get("tag", [])}
    used = by_type.get("used", [])
    parameters: dict[str, str] = {}
    for param in by_type.get("param", []):
        parameters.setdefault(param["name"], param["value"])
    return TaskFacts(
        task=header["task"],
        index=tuple(header["index"]),
        attempt=header["attempt"],
        state=status["state"] if status else "running",
        parameters=parameters,
        metrics=_latest(by_type.get("metric", [])),
        code_hash=header["code_hash"],
        outputs={value["output"]: _output(value) for value in by_type.get("reference", [])},
        inputs=dict(zip(numbered(one["name"] for one in used), map(_output, used), strict=True)),
        started=header["started"],
        ended=status["time"] if status else None,
        cached=tags.get(CACHED) == "true",
        page=page,
    )


def _latest(metrics: Iterable[dict[str, Any]]) -> dict[str, float]:
    """The value of each metric with the highest step, and of those the latest."""
    latest: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        known = latest.get(metric["name"])
        if known is None or (metric["step"], metric["time"]) >= (known["step"], known["time"]):
            latest[metric["name"]] = metric
    return {name: metric["value"] for name, metric in latest.items()}


def _output(value: dict[str, Any]) -> OutputFact:
    return OutputFact(value["uri"], value["sha256"], value["kind"])


def _place(task: TaskFacts) -> tuple[str, list[tuple[bool, int, str]]]:
    """Sorts by task and index, numbers as numbers."""
    parts = [(isinstance(p, str), p if isinstance(p, int) else 0, str(p)) for p in task.index]
    return task.task, parts


def _name_of(segment: str) -> str:
    """The run id of a folder; one that was too long to be kept whole has none."""
    try:
        return decode_segment(segment)
    except ValueError:
        return ""
