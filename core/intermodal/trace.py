"""What a run did, in canonical form: made from the event log, and compared with another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from intermodal.analysis import graph
from intermodal.analysis.waits import (
    Order,
    instance_id,
    leaf_tasks,
    split_instance_id,
    tasks_in_loops,
)
from intermodal.findings import Finding, FindingsError, Span, error
from intermodal.ir import Pipeline
from intermodal.runtime.events import condensed

State = Literal["succeeded", "cached", "failed", "skipped", "upstream_failed", "not_started"]
OUTCOMES: Mapping[str, State] = {
    "succeeded": "succeeded",
    "cached": "cached",
    "skipped": "skipped",
    "upstream_failed": "upstream_failed",
}
"""Outcomes of `end` events that are states; every other one (`timed_out`, ...) is a failure."""

GOOD = ("succeeded", "cached", "skipped")


class Instance(BaseModel):
    """What one task instance did.

    Attributes:
        state: Where it ended.
        attempts: How often it started.
        outputs: Parameter outputs; values over 32 KiB by the hash of their JSON.
        artifacts: SHA-256 of each artifact's content.
        ordered: Nothing of it started before what it waited for had ended.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    attempts: int = Field(default=0, ge=0)
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    artifacts: dict[str, str] = Field(default_factory=dict)
    ordered: bool = True


class Trace(BaseModel):
    """What one run of a pipeline did; instances are `task`, or `task[0][2]` in loops."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipeline: str
    state: Literal["succeeded", "failed"]
    instances: dict[str, Instance]

    def to_json(self) -> str:
        """Canonical JSON text."""
        return json.dumps(_plain(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def to_yaml(self) -> str:
        """The same as YAML, without what has its default value."""
        text: str = yaml.safe_dump(_plain(self), allow_unicode=False, sort_keys=True)
        return text

    @classmethod
    def read(cls, text: str, file: str = "<trace>") -> Trace:
        """Read what `to_json` or `to_yaml` wrote.

        Raises:
            FindingsError: PORT003 or PORT102.
        """
        try:
            return cls.model_validate(_data_in(text))
        except (yaml.YAMLError, json.JSONDecodeError) as problem:
            raise FindingsError([_unreadable("PORT003", file, problem)]) from problem
        except ValidationError as problem:
            raise FindingsError([_unreadable("PORT102", file, problem)]) from problem


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an event log; `outcome`, `outputs` and `artifacts` are those of an end."""

    event: str
    task: str
    index: tuple[int, ...]
    time: float
    source: str
    outcome: str
    outputs: Mapping[str, Any]
    artifacts: Mapping[str, str]

    @property
    def instance(self) -> str:
        """The instance id."""
        return instance_id(self.task, self.index)


class Difference(NamedTuple):
    """One thing that two traces do not have in common."""

    place: str
    field: str
    expected: Any
    actual: Any

    def __str__(self) -> str:
        where = f"`{self.place}`" if self.place else "the pipeline"
        return f"{where}: {self.field} is {_shown(self.actual)}, expected {_shown(self.expected)}"


def read_events(path: Path) -> list[Event]:
    """The events in a log, in its order; lines that were cut short are left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="surrogatepass").splitlines()
    return [event for line in lines if (event := _event(line)) is not None]


def spans_of(events: Iterable[Event]) -> dict[str, tuple[float, float]]:
    """First start and last end of each instance that started, in seconds since the epoch."""
    return _spans(_by_instance(events))


def trace_of(
    pipeline: Pipeline, events: Iterable[Event], states: Mapping[str, str] | None = None
) -> Trace:
    """The trace of a run.

    Args:
        pipeline: What was run.
        events: Everything that was logged. Where the runtime and a case's own functions both
            logged an instance, the runtime's events count.
        states: What the engine knows of instances that never started.
    """
    by_instance = _by_instance(events)
    in_order = Order(pipeline, _spans(by_instance))
    instances = {
        name: _instance(logged, ordered=in_order.holds(name))
        for name, logged in by_instance.items()
    }
    for name, state in (states or {}).items():
        if name not in instances:
            instances[name] = Instance(state=state)
    seen = {split_instance_id(name)[0] for name in instances}
    for task in graph.tasks(pipeline):
        if task.id not in seen:
            instances[task.id] = Instance(state="not_started")
    return Trace(
        pipeline=pipeline.name,
        state=pipeline_state(pipeline, {name: item.state for name, item in instances.items()}),
        instances=dict(sorted(instances.items())),
    )


def pipeline_state(pipeline: Pipeline, states: Mapping[str, str]) -> Literal["succeeded", "failed"]:
    """How a run ended: by its leaf tasks and its exit tasks.

    Args:
        pipeline: What was run.
        states: Final states by instance id.
    """
    counted = leaf_tasks(pipeline) | {task.id for task in pipeline.exit_tasks}
    in_loops = tasks_in_loops(pipeline)
    bad = any(
        state not in GOOD
        for name, state in states.items()
        if split_instance_id(name)[0] in counted
        # A loop over an empty list has no instances of its tasks, and succeeds.
        and not (state == "not_started" and name in in_loops)
    )
    return "failed" if bad else "succeeded"


def compare(expected: Trace, actual: Trace, ignore: Iterable[str] = ()) -> list[Difference]:
    """What the second trace has otherwise than the first; empty if they are equivalent.

    Args:
        expected: The trace to hold against.
        actual: The trace of another run.
        ignore: Fields that must differ (`attempts`, `artifacts`, ...), for all instances, for one
            (`train[0].attempts`), or for all of a task (`train.outputs.return`).
    """
    ignored = frozenset(ignore)
    found = list(_differences("", {"state": expected.state}, {"state": actual.state}, ignored))
    for name in sorted({*expected.instances, *actual.instances}):
        if name not in actual.instances:
            found.append(Difference(name, "instance", "present", "absent"))
        elif name not in expected.instances:
            found.append(Difference(name, "instance", "absent", "present"))
        else:
            pair = (expected.instances[name].model_dump(), actual.instances[name].model_dump())
            found += _differences(name, *pair, ignored)
    return found


def _differences(
    place: str, expected: Mapping[str, Any], actual: Mapping[str, Any], ignored: frozenset[str]
) -> Iterator[Difference]:
    places = ("", f"{place}.", f"{split_instance_id(place)[0]}.")

    def counts(name: str) -> bool:
        return not any(f"{prefix}{name}" in ignored for prefix in places)

    for field, wanted in expected.items():
        given = actual[field]
        if wanted == given or not counts(field):
            continue
        if not isinstance(wanted, dict):
            yield Difference(place, field, wanted, given)
            continue
        for key in sorted({*wanted, *given}):
            name = f"{field}.{key}"
            one, other = wanted.get(key, _ABSENT), given.get(key, _ABSENT)
            if one != other and counts(name):
                yield Difference(place, name, one, other)


_ABSENT = "(absent)"


def _shown(value: Any) -> str:
    text = value if value is _ABSENT else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _event(line: str) -> Event | None:
    try:
        data = json.loads(line)
        return Event(
            event=data["event"],
            task=data["task"],
            index=tuple(data.get("index") or ()),
            time=float(data["time"]),
            source=data.get("source", "witness"),
            outcome=data.get("outcome", ""),
            outputs=data.get("outputs") or {},
            artifacts=data.get("artifacts") or {},
        )
    except (ValueError, KeyError, TypeError):
        return None


def _by_instance(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Events of each instance in the order of their times, of one source each."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.instance, []).append(event)
    for name, logged in found.items():
        by_runtime = [event for event in logged if event.source == "runtime"]
        found[name] = sorted(by_runtime or logged, key=lambda event: event.time)
    return found


def _spans(by_instance: Mapping[str, list[Event]]) -> dict[str, tuple[float, float]]:
    """First start and last end of each instance that started; the last event where it did not end."""
    spans: dict[str, tuple[float, float]] = {}
    for name, logged in by_instance.items():
        starts = [event.time for event in logged if event.event == "start"]
        ends = [event.time for event in logged if event.event == "end"]
        if starts:
            spans[name] = (starts[0], ends[-1] if ends else logged[-1].time)
    return spans


def _instance(logged: list[Event], *, ordered: bool) -> Instance:
    attempts = sum(event.event == "start" for event in logged)
    last = logged[-1]
    if last.event != "end":  # its process died
        return Instance(state="failed", attempts=attempts, ordered=ordered)
    return Instance(
        state=OUTCOMES.get(last.outcome, "failed"),
        attempts=attempts,
        outputs={key: condensed(value) for key, value in last.outputs.items()},
        artifacts=dict(last.artifacts),
        ordered=ordered,
    )


def _plain(trace: Trace) -> dict[str, Any]:
    data = trace.model_dump(mode="json")
    data["instances"] = {
        name: instance.model_dump(mode="json", exclude_defaults=True)
        for name, instance in sorted(trace.instances.items())
    }
    return data


def _data_in(text: str) -> Any:
    """JSON is not read as YAML, which does not take all of its characters."""
    return json.loads(text) if text.startswith("{\n") else yaml.safe_load(text)


def _unreadable(code: str, file: str, problem: Exception) -> Finding:
    reason = str(problem).splitlines()[0]
    return error(code, f"not a trace: {reason}", Span(file=file), next="correct the file")
