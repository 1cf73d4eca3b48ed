"""What the artifact store and the folder of a run on this machine know of runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from intermodal.analysis.waits import split_instance_id
from intermodal.artifacts.keys import encode_segment
from intermodal.artifacts.model import ArtifactRecord
from intermodal.artifacts.store import ArtifactStore
from intermodal.findings import FindingsError
from intermodal.runtime.context import DEFAULT_STORE
from intermodal.tracking.facts import OutputFact, RunFacts, RunState, TaskFacts, TaskState, numbered
from intermodal.tracking.values import UnrecordableError, flat_numbers, text_of

Instance = tuple[str, tuple[int, ...]]

RUN_STATES: Mapping[str, RunState] = {
    "succeeded": "finished",
    "failed": "failed",
    "running": "running",
    "interrupted": "killed",
}
OUTCOMES: Mapping[str, TaskState] = {
    "succeeded": "finished",
    "cached": "finished",
    "skipped": "skipped",
    "failed": "failed",
    "timed_out": "failed",
    "interrupted": "killed",
}


def run_folder(store: str, pipeline: str, run: str) -> Path:
    """Where the local engine keeps what it knows of a run of a store."""
    return _root(store) / encode_segment(pipeline) / encode_segment(run)


def run_states(store: str) -> dict[tuple[str, str], RunState]:
    """The runs that the local engine knows of, by pipeline and id, and how each stands."""
    found: dict[tuple[str, str], RunState] = {}
    for path in sorted(_root(store).glob("*/*/run.json")):
        state = _read(path)
        if state is not None:
            name = str(state.get("pipeline")), str(state.get("run_id"))
            found[name] = RUN_STATES.get(state.get("state", ""), "unknown")
    return found


def stored_facts(
    store: ArtifactStore,
    pipeline: str,
    run: str,
    records: Iterable[ArtifactRecord],
    *,
    metrics: bool = True,
) -> RunFacts | None:
    """What is known of a run without a tracker; None if it is nothing at all.

    Args:
        store: Its artifact store.
        pipeline: Name of the pipeline.
        run: The run's id.
        records: Of its versions.
        metrics: Whether to read them out of artifacts.
    """
    folder = run_folder(store.root, pipeline, run)
    state, own = _read(folder / "run.json"), list(records)
    if state is None and not own:
        return None
    tasks = _with_events(_from_records(store, own, metrics=metrics), _events(folder))
    state = state or {}
    known = _with_states(tasks, state.get("instances", {}))
    return RunFacts(
        pipeline=pipeline,
        run_id=run,
        target=next((one.target for one in own if one.target), "local" if state else ""),
        state=RUN_STATES.get(state.get("state", ""), "unknown"),
        parameters=_texts(state.get("parameters", {})),
        tasks=tuple(known[key] for key in sorted(known)),
        pipeline_hash=state.get("pipeline_hash", ""),
        started=_milliseconds(state.get("started")),
        ended=_milliseconds(state.get("ended")),
    )


def _root(store: str) -> Path:
    if store.startswith("file://"):
        return Path(unquote(store.removeprefix("file://")))
    return Path(DEFAULT_STORE if "://" in store else store).absolute()


def _read(path: Path) -> dict[str, Any] | None:
    """A run's state; None if there is none that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _from_records(
    store: ArtifactStore, records: Sequence[ArtifactRecord], *, metrics: bool
) -> dict[Instance, dict[str, Any]]:
    """Facts of the newest attempt of each instance that stored something."""
    tasks: dict[Instance, dict[str, Any]] = {}
    for record in records:
        key = record.key
        facts = tasks.setdefault((key.task, key.index), {"attempt": 0})
        if key.attempt < facts["attempt"]:
            continue
        if key.attempt > facts["attempt"]:
            facts.update(attempt=key.attempt, outputs={}, metrics={}, state="finished")
        facts["code_hash"] = record.code_hash
        facts["parameters"] = _texts(record.parameters)
        facts["inputs"] = _inputs(record)
        ref = record.ref
        facts["outputs"][key.output] = OutputFact(ref.uri, ref.sha256, ref.kind, ref.size)
        if metrics and ref.kind == "Metrics" and record.pruned_at is None:
            facts["metrics"] |= _metrics(store, record)
    return tasks


def _inputs(record: ArtifactRecord) -> dict[str, OutputFact]:
    names = numbered(one.name for one in record.inputs)
    return {
        name: OutputFact(one.uri, one.sha256, "")
        for name, one in zip(names, record.inputs, strict=True)
    }


def _metrics(store: ArtifactStore, record: ArtifactRecord) -> dict[str, float]:
    """The numbers in an artifact, named as the tracker names them."""
    prefix = "" if record.key.output == "return" else record.key.output
    try:
        value = store.load(record.ref)
        return {name: float(number) for name, number in flat_numbers(value, prefix)}
    except (FindingsError, UnrecordableError, TypeError, ValueError):
        return {}  # its hash is compared in any case


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        text = (folder / "events.jsonl").read_text(encoding="utf-8")
    except OSError:
        return
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # the last line of a process that was killed
            continue
        if isinstance(event, dict) and {"event", "task", "index", "attempt"} <= set(event):
            yield event


def _with_events(
    tasks: dict[Instance, dict[str, Any]], events: Iterable[dict[str, Any]]
) -> dict[Instance, dict[str, Any]]:
    """The facts with times, states, and the outputs of attempts that reused earlier ones."""
    for event in events:
        facts = tasks.setdefault((event["task"], tuple(event["index"])), {"attempt": 0})
        if event["attempt"] < facts["attempt"]:
            continue
        if event["attempt"] > facts["attempt"]:
            facts.clear()
            facts.update(attempt=event["attempt"], state="running", outputs={})
        moment = int(event.get("time", 0) * 1000) or None
        if event["event"] == "start":
            facts.update(started=moment, ended=None)
            continue
        outcome = str(event.get("outcome", ""))
        facts.update(ended=moment, state=OUTCOMES.get(outcome, "failed"))
        facts["cached"] = outcome == "cached"
        for name, sha256 in event.get("artifacts", {}).items():
            facts["outputs"].setdefault(name, OutputFact("", sha256, ""))
    return tasks


def _with_states(
    tasks: dict[Instance, dict[str, Any]], instances: Mapping[str, Any]
) -> dict[Instance, TaskFacts]:
    """The facts as what they are, with tasks of which only the state is known."""
    found = {key: TaskFacts(task=key[0], index=key[1], **facts) for key, facts in tasks.items()}
    known = {facts.instance for facts in found.values()}
    for name, instance in instances.items():
        if name in known or instance.get("state") not in ("skipped", "failed"):
            continue
        task, index = split_instance_id(name)
        attempts = max(instance.get("attempts", 1), 1)
        found[task, index] = TaskFacts(task, index, attempts, instance["state"])
    return found


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as trackers keep them."""
    found: dict[str, str] = {}
    for name, value in values.items():
        try:
            found[name] = text_of(value)
        except UnrecordableError as problem:
            found[name] = f"[{problem}]"
    return found


def _milliseconds(text: str | None) -> int | None:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000) if text else None
    except ValueError:
        return None
