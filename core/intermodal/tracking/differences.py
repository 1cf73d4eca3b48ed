"""What differs between two runs: parameters, metrics, artifacts, code, states and times."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from intermodal.tracking.facts import OutputFact, RunFacts, TaskFacts

Section = Literal["run", "parameters", "states", "metrics", "artifacts", "inputs", "code", "times"]
SECTIONS: tuple[Section, ...] = (
    "run",
    "parameters",
    "states",
    "metrics",
    "artifacts",
    "inputs",
    "code",
    "times",
)
NOT_COUNTED: frozenset[Section] = frozenset({"run", "times"})
"""Where two runs always differ; it does not make them different."""

OWN_METRICS = ("intermodal.", "system/")
"""Beginnings of the names of metrics that are about the machine."""

LONGER = 2.0
LONGER_SECONDS = 1.0
"""A task's time is worth telling where it differs by more than this factor, and these seconds."""

Value = str | float | OutputFact | None


@dataclass(frozen=True)
class Row:
    """One thing in both runs.

    Attributes:
        section: What kind of thing it is.
        task: The task instance, or the task for code; empty for the run itself.
        name: Of the parameter, metric, output or input; empty where there is one for a task.
        left: In the first run; None if it is not there.
        right: In the second run.
        same: Whether there is nothing to tell.
    """

    section: Section
    task: str
    name: str
    left: Value
    right: Value
    same: bool


class _Pair(NamedTuple):
    left: TaskFacts | None
    right: TaskFacts | None


def differences(left: RunFacts, right: RunFacts) -> list[Row]:
    """Everything that is known of either run, side by side, in the order of `SECTIONS`."""
    first, second = _by_instance(left), _by_instance(right)
    pairs = {name: _Pair(first.get(name), second.get(name)) for name in {**first, **second}}
    rows = [
        *_run_rows(left, right),
        *_rows("parameters", "", left.parameters, right.parameters),
        *_state_rows(pairs),
        *_task_rows("metrics", pairs, _metrics, _same_number),
        *_task_rows("artifacts", pairs, lambda task: task.outputs, _same_content),
        *_task_rows("parameters", pairs, lambda task: _own_parameters(task, left, right)),
        *_input_rows(pairs, left, right),
        *_code_rows(left, right),
        *_time_rows(left, right, pairs),
    ]
    places = {section: place for place, section in enumerate(SECTIONS)}
    return sorted(rows, key=lambda row: places[row.section])


def is_different(rows: Iterable[Row]) -> bool:
    """Whether the runs differ in what they did, rather than in when and where."""
    return any(not row.same and row.section not in NOT_COUNTED for row in rows)


def _by_instance(run: RunFacts) -> dict[str, TaskFacts]:
    return {task.instance: task for task in run.tasks}


def _run_rows(left: RunFacts, right: RunFacts) -> Iterator[Row]:
    for name in ("pipeline", "target", "state"):
        one, other = getattr(left, name), getattr(right, name)
        section: Section = "states" if name == "state" else "run"
        known = "unknown" not in {one, other}
        yield Row(section, "", name, one, other, one == other or not known)


def _rows(
    section: Section,
    task: str,
    left: Mapping[str, Value],
    right: Mapping[str, Value],
    same: Callable[[Value, Value], bool] = lambda one, other: one == other,
) -> Iterator[Row]:
    for name in {**left, **right}:
        one, other = left.get(name), right.get(name)
        yield Row(section, task, name, one, other, same(one, other))


def _task_rows(
    section: Section,
    pairs: Mapping[str, _Pair],
    values: Callable[[TaskFacts], Mapping[str, Value]],
    same: Callable[[Value, Value], bool] = lambda one, other: one == other,
) -> Iterator[Row]:
    for name, (left, right) in pairs.items():
        one = values(left) if left is not None else {}
        other = values(right) if right is not None else {}
        yield from _rows(section, name, one, other, same)


def _state_rows(pairs: Mapping[str, _Pair]) -> Iterator[Row]:
    for name, (left, right) in pairs.items():
        one, other = (_state(task) if task is not None else None for task in (left, right))
        yield Row("states", name, "", one, other, one == other)


def _state(task: TaskFacts) -> str:
    attempt = f", attempt {task.attempt}" if task.attempt > 1 else ""
    return f"{task.state}{', cached' if task.cached else ''}{attempt}"


def _metrics(task: TaskFacts) -> Mapping[str, Value]:
    return {name: v for name, v in task.metrics.items() if not name.startswith(OWN_METRICS)}


def _own_parameters(task: TaskFacts, left: RunFacts, right: RunFacts) -> Mapping[str, Value]:
    """The task's parameters that are not those of the run under the same name."""
    run = {**left.parameters, **right.parameters}
    return {name: value for name, value in task.parameters.items() if name not in run}


def _input_rows(pairs: Mapping[str, _Pair], left: RunFacts, right: RunFacts) -> Iterator[Row]:
    """What tasks took that no task of their run made."""
    made = [
        {fact.sha256 for task in run.tasks for fact in task.outputs.values()}
        for run in (left, right)
    ]
    for name, pair in pairs.items():
        one, other = (
            {key: fact for key, fact in task.inputs.items() if fact.sha256 not in own}
            if task is not None
            else {}
            for task, own in zip(pair, made, strict=True)
        )
        yield from _rows("inputs", name, one, other, _same_content)


def _code_rows(left: RunFacts, right: RunFacts) -> Iterator[Row]:
    known = bool(left.pipeline_hash and right.pipeline_hash)
    if known and left.target == right.target:  # each engine's compiler prepares it in its own way
        same = left.pipeline_hash == right.pipeline_hash
        yield Row("code", "", "pipeline", left.pipeline_hash, right.pipeline_hash, same)
    one, other = _code(left), _code(right)
    for task in {**one, **other}:
        if one.get(task) and other.get(task):
            yield Row("code", task, "", one[task], other[task], one[task] == other[task])


def _code(run: RunFacts) -> dict[str, str]:
    """Hashes of the tasks' code; of a loop's instances the last one's, as they share it."""
    return {task.task: task.code_hash for task in run.tasks if task.code_hash}


def _time_rows(left: RunFacts, right: RunFacts, pairs: Mapping[str, _Pair]) -> Iterator[Row]:
    one, other = seconds(left), seconds(right)
    yield Row("times", "", "", one, other, same=one is None and other is None)
    for name, pair in pairs.items():
        one, other = (seconds(task) if task is not None else None for task in pair)
        yield Row("times", name, "", one, other, same=not _worth_telling(one, other))


def seconds(facts: RunFacts | TaskFacts) -> float | None:
    """How long it took; None if that is not known."""
    if facts.started is None or facts.ended is None:
        return None
    return (facts.ended - facts.started) / 1000


def _worth_telling(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return False
    shorter, longer = sorted((one, other))
    return longer - shorter > LONGER_SECONDS and longer > LONGER * shorter


def _same_number(one: Value, other: Value) -> bool:
    if (
        isinstance(one, float)
        and isinstance(other, float)
        and math.isnan(one)
        and math.isnan(other)
    ):
        return True
    return one == other


def _same_content(one: Value, other: Value) -> bool:
    if isinstance(one, OutputFact) and isinstance(other, OutputFact):
        return one.sha256 == other.sha256
    return one is other
