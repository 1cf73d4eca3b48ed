"""Reading runs back from MLflow: only live ones, and of each task instance its newest attempt."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from intermodal.artifacts.keys import decode_segment
from intermodal.tracking.facts import OutputFact, RunFacts, TaskFacts
from intermodal.tracking.mlflow_names import safe_key
from intermodal.tracking.mlflow_runs import ATTEMPT, CODE, INSTANCE, KEY, KIND, PARENT, RENAMED
from intermodal.tracking.registry import ARTIFACT, SHA256, ModelVersion, metrics_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mlflow import MlflowClient
    from mlflow.entities import Run

    from intermodal.tracking.mlflow_access import Address
    from intermodal.tracking.records import State

STATES: Mapping[str, State] = {
    "RUNNING": "running",
    "SCHEDULED": "running",
    "FINISHED": "finished",
    "FAILED": "failed",
    "KILLED": "killed",
}
OUTPUT = "intermodal.artifact."
INPUT = "intermodal.input."
CACHED = "intermodal.cached"
PAGE = 1000
"""Runs, or versions of models, that are asked for at a time."""

EXPERIMENTS = 200
"""Experiments that are searched at a time: databases and servers take only so many names."""

OWN_ID = re.compile(r"[0-9a-f]{32}")
MARK = re.compile(r"-[0-9a-f]{8}$")  # what `safe_key` puts behind a name that it changed
PART = re.compile(r"(.+)_(\d+)_")
KEY_PARTS = 7
"""Segments at the end of a stored artifact's URI: its key, and its content's name."""


def find_runs(
    client: MlflowClient, address: Address, run_id: str, pipeline: str | None
) -> list[RunFacts]:
    """The runs that an id means, newest first; see `ReadableTracker`."""
    wanted = {"intermodal.pipeline": pipeline} if pipeline else {}
    parents = _search(client, {KIND: "pipeline", "intermodal.run_id": run_id, **wanted})
    if not parents and OWN_ID.fullmatch(run_id):
        parents = _by_own_id(client, run_id, pipeline)
    if not parents and run_id:
        parents = _search(
            client, {KIND: "pipeline", **wanted}, begins={"intermodal.run_id": run_id}
        )
    return [_run_facts(client, address, same) for same in _same_runs(parents)]


def find_open_runs(client: MlflowClient, address: Address) -> list[RunFacts]:
    """The pipeline runs that have not ended, without their tasks."""
    parents = _search(client, {KIND: "pipeline"}, extra="attributes.status = 'RUNNING'")
    return [_without_tasks(address, same[0]) for same in _same_runs(parents)]


def find_versions(client: MlflowClient) -> list[ModelVersion]:
    """All versions of all registered models; their aliases may be missing."""
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = client.search_model_versions(max_results=PAGE, page_token=token)
        found += [
            ModelVersion(
                name=one.name,
                version=str(one.version),
                uri=one.tags.get(ARTIFACT) or one.source or "",
                sha256=one.tags.get(SHA256, ""),
                metrics=metrics_in(one.tags),
                tags=dict(one.tags),
                aliases=tuple(one.aliases or ()),
            )
            for one in page
        ]
        token = page.token
        if not token:
            return found


def _by_own_id(client: MlflowClient, run_id: str, pipeline: str | None) -> list[Run]:
    """The pipeline run that is, or is above, the MLflow run of that id."""
    from mlflow.exceptions import MlflowException

    place = run_id
    for _ in range(3):  # an attempt that was replaced hangs below its successor
        try:
            run = client.get_run(place)
        except MlflowException as problem:
            if problem.error_code == "RESOURCE_DOES_NOT_EXIST":
                return []
            raise
        tags = run.data.tags
        if run.info.lifecycle_stage == "deleted":
            return []
        if tags.get(KIND) == "pipeline":
            return [run] if pipeline in {None, tags.get("intermodal.pipeline")} else []
        place = tags.get(PARENT, "")
        if not place:
            return []
    return []


def _search(
    client: MlflowClient,
    tags: Mapping[str, str],
    begins: Mapping[str, str] | None = None,
    extra: str = "",
) -> list[Run]:
    """The live runs of all experiments with those tags."""
    begins = begins or {}
    conditions = [_condition(name, value, whole=True) for name, value in tags.items()]
    conditions += [_condition(name, value, whole=False) for name, value in begins.items()]
    text = " AND ".join([*conditions, extra] if extra else conditions)
    return [
        run
        for some in _experiments(client)
        for run in _pages(client, some, text)
        if all(run.data.tags.get(name) == value for name, value in tags.items())
        and all(run.data.tags.get(name, "").startswith(value) for name, value in begins.items())
    ]


def _condition(tag: str, value: str, *, whole: bool) -> str:
    """MLflow's condition on a tag; what its quotes and patterns may not hold stands for any character.

    So it may be wider than what is wanted, and is only good together with a look at what was found.
    """
    plain = re.sub(r"[^\w.:+\- ]", "_", value, flags=re.ASCII)
    if whole and plain == value:
        return f"tags.`{tag}` = '{value}'"
    return f"tags.`{tag}` LIKE '{plain}{'' if whole else '%'}'"


def _experiments(client: MlflowClient) -> Iterator[list[str]]:
    """The ids of the live experiments, some at a time."""
    found: list[str] = []
    token: str | None = None
    while True:
        page = client.search_experiments(max_results=PAGE, page_token=token)
        found += [str(one.experiment_id) for one in page]
        token = page.token
        if not token:
            break
    for start in range(0, len(found), EXPERIMENTS):
        yield found[start : start + EXPERIMENTS]


def _pages(client: MlflowClient, experiments: list[str], condition: str) -> Iterator[Run]:
    token: str | None = None
    while True:
        page = client.search_runs(experiments, condition, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _same_runs(parents: Iterable[Run]) -> list[list[Run]]:
    """The MLflow runs of each pipeline run, newest first; several only until a race is settled."""
    groups: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in parents:
        groups[run.data.tags.get(KEY, run.info.run_id), run.info.experiment_id].append(run)
    settled = [
        sorted(group, key=lambda run: (run.info.start_time, run.info.run_id))
        for group in groups.values()
    ]
    return sorted(settled, key=lambda group: group[0].info.start_time, reverse=True)


def _run_facts(client: MlflowClient, address: Address, same: list[Run]) -> RunFacts:
    from dataclasses import replace

    newest: dict[str, Run] = {}
    for parent in same:
        condition = f"tags.`{PARENT}` = '{parent.info.run_id}'"
        for run in _pages(client, [parent.info.experiment_id], condition):
            instance = run.data.tags.get(INSTANCE, "")
            if instance and (instance not in newest or _age(run) > _age(newest[instance])):
                newest[instance] = run
    tasks = sorted((_task_facts(address, run) for run in newest.values()), key=_place)
    return replace(_without_tasks(address, same[0]), tasks=tuple(tasks))


def _without_tasks(address: Address, run: Run) -> RunFacts:
    tags, info = run.data.tags, run.info
    return RunFacts(
        pipeline=tags.get("intermodal.pipeline", ""),
        run_id=tags.get("intermodal.run_id", ""),
        target=tags.get("intermodal.target", ""),
        state=STATES[info.status],
        parameters=_renamed(run.data.params, tags),
        pipeline_hash=tags.get("intermodal.pipeline_hash", ""),
        tracker_id=info.run_id,
        started=info.start_time,
        ended=info.end_time,
        page=_page(address, run),
    )


def _task_facts(address: Address, run: Run) -> TaskFacts:
    tags, info = run.data.tags, run.info
    attempt = tags.get(ATTEMPT, "")
    return TaskFacts(
        task=tags.get("intermodal.task", ""),
        index=tuple(json.loads(tags.get("intermodal.index", "[]"))),
        attempt=int(attempt) if attempt.isdecimal() else 1,
        state=STATES[info.status],
        parameters=_renamed(run.data.params, tags),
        metrics=_renamed(run.data.metrics, tags),
        code_hash=tags.get(CODE, ""),
        outputs={_output_name(name, fact): fact for name, fact in _facts(tags, OUTPUT)},
        inputs={_input_name(name): fact for name, fact in _facts(tags, INPUT)},
        started=info.start_time,
        ended=info.end_time,
        cached=tags.get(CACHED) == "true",
        page=_page(address, run),
    )


def _facts(tags: Mapping[str, str], prefix: str) -> Iterator[tuple[str, OutputFact]]:
    """The artifacts in the tags below a prefix, by what is left of their names."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for key, value in tags.items():
        if key.startswith(prefix):
            name, _, fact = key.removeprefix(prefix).rpartition(".")
            plain = MARK.sub("", fact)
            found[name + "\0" * (plain != fact)][plain] = value
    for name, facts in found.items():
        if {"uri", "sha256"} <= set(facts):
            yield name, OutputFact(facts["uri"], facts["sha256"], facts.get("kind", ""))


def _output_name(name: str, fact: OutputFact) -> str:
    """The output's name; where MLflow forbids it, the artifact's address still has it."""
    if not name.endswith("\0"):
        return name
    plain, parts = name.removesuffix("\0"), fact.uri.split("/")
    try:
        given = decode_segment(parts[-2]) if len(parts) >= KEY_PARTS else ""
    except ValueError:
        return plain
    changed = safe_key(f"{OUTPUT}{given}.uri")
    return given if MARK.sub("", changed) == f"{OUTPUT}{plain}.uri" else plain


def _input_name(name: str) -> str:
    """The input's name; of the further parts of one, MLflow forbids the brackets."""
    part = PART.fullmatch(name.removesuffix("\0")) if name.endswith("\0") else None
    return f"{part[1]}[{part[2]}]" if part else name.removesuffix("\0")


def _renamed(values: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """Parameters or metrics by the names they were given."""
    return {tags.get(safe_key(RENAMED + key), key): value for key, value in values.items()}


def _age(run: Run) -> tuple[int, int, str]:
    attempt = run.data.tags.get(ATTEMPT, "")
    return (int(attempt) if attempt.isdecimal() else 0, run.info.start_time, run.info.run_id)


def _place(facts: TaskFacts) -> tuple[str, list[tuple[bool, int, str]]]:
    parts = [(isinstance(p, str), p if isinstance(p, int) else 0, str(p)) for p in facts.index]
    return facts.task, parts


def _page(address: Address, run: Run) -> str:
    if not address.is_server:
        return ""
    return f"{address.shown}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
