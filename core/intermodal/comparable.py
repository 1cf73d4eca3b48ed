"""Two runs brought into one shape: names of tasks, indexes, order, values."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.waits import EARLY, instance_id, split_instance_id
from intermodal.concealed import conceal
from intermodal.engines import SourceRun, TrialResult, Waits
from intermodal.findings import FindingsError, error
from intermodal.ir import Hosted, Join, Pipeline
from intermodal.trace import Instance, Trace
from intermodal.unrecorded import NEVER_RAN

RETURN = "return"
RAN = "ran"
"""The output by which a class of another system says that it skips itself, where tasks cannot: false."""
NOT_JSON = "$type"
"""Engines' records hold a value that JSON lacks as `{"$type": NAME}`."""

# Clocks of two processes on one machine are not read at the same moment.
CLOCK = 0.001

# Names


def paired(pipeline: Pipeline, ran: SourceRun, given: Mapping[str, str]) -> dict[str, str]:
    """Names of tasks in the new pipeline by those in the old one.

    What is not given is the task of the same name, or the only one whose name is spelled the same but
    for dots, dashes and underscores.

    Raises:
        FindingsError: PORT009, a given name is none.
    """
    old = {split_instance_id(name)[0] for name in ran.trace.instances} | set(ran.waits)
    new = {task.id for task in graph.tasks(pipeline)}
    unknown = [f"`{name}` in {ran.engine}" for name in given if name not in old]
    unknown += [f"`{name}` in the new pipeline" for name in given.values() if name not in new]
    if unknown:
        what = f"there is no task {unknown[0]}"
        raise FindingsError([error("PORT009", what, next=_known(old, new))])
    names = dict(given)
    names |= {name: name for name in (old & new) - set(given) - set(given.values())}
    left = _by_spelling(new - set(names.values()))
    for spelled, tasks in _by_spelling(old - set(names)).items():
        if len(tasks) == 1 and len(left.get(spelled, [])) == 1:
            names[tasks[0]] = left[spelled][0]
    return names


def _by_spelling(tasks: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for task in sorted(tasks):
        found[re.sub(r"[^A-Za-z0-9]+", "_", task).lower()].append(task)
    return found


def _known(old: set[str], new: set[str]) -> str:
    return f"old: {', '.join(sorted(old)) or 'none'}; new: {', '.join(sorted(new)) or 'none'}"


def renamed(trace: Trace, names: Mapping[str, str]) -> Trace:
    """The trace with other names for tasks."""
    instances = {}
    for name, instance in trace.instances.items():
        task, index = split_instance_id(name)
        instances[instance_id(names.get(task, task), index)] = instance
    return trace.model_copy(update={"instances": instances})


# Shapes


def in_the_shape_of(expected: Trace, done: TrialResult, own: set[str]) -> TrialResult:
    """The run without the tasks that only compiling has made, its instances numbered as in the old one."""
    numbers = _numbers(expected, done.trace)
    instances = {
        numbers.get(name, name): instance
        for name, instance in done.trace.instances.items()
        if split_instance_id(name)[0] in own
    }
    for task, states in _states_of(instances).items():
        if set(states) <= {*NEVER_RAN} and len(set(states)) == 1 and task in expected.instances:
            # A loop that was skipped as a whole: one row there, an instance for each item here.
            kept = {n: i for n, i in instances.items() if split_instance_id(n)[0] != task}
            instances = {**kept, task: Instance(state=states[0])}
    spans = {numbers.get(name, name): span for name, span in done.spans.items()}
    return replace(done, trace=done.trace.model_copy(update={"instances": instances}), spans=spans)


def _numbers(expected: Trace, actual: Trace) -> dict[str, str]:
    """Instances in nested loops, by a number in one: the old engine has no index but one."""
    depth = {
        task: max(len(index) for index in indexes) for task, indexes in _indexes(expected).items()
    }
    found: dict[str, str] = {}
    for task, indexes in _indexes(actual).items():
        if task in depth and max(map(len, indexes)) > depth[task] == 1:
            for number, index in enumerate(sorted(indexes)):
                found[instance_id(task, index)] = instance_id(task, (number,))
    return found


def _indexes(trace: Trace) -> dict[str, list[tuple[int, ...]]]:
    found: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for name in trace.instances:
        task, index = split_instance_id(name)
        found[task].append(index)
    return found


def _states_of(instances: Mapping[str, Instance]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, instance in instances.items():
        task, index = split_instance_id(name)
        if index:
            found[task].append(instance.state)
    return found


# Order


def ordered(done: TrialResult, waits: Mapping[str, Waits]) -> Trace:
    """The trace, each instance ordered if it started after what the old task of its name waits for."""
    ends: dict[str, dict[tuple[int, ...], float]] = defaultdict(dict)
    for name, (_, end) in done.spans.items():
        task, index = split_instance_id(name)
        ends[task][index] = end
    instances = dict(done.trace.instances)
    for name, instance in instances.items():
        task, index = split_instance_id(name)
        if name not in done.spans or task not in waits:
            continue
        started = done.spans[name][0] + CLOCK
        late = any(end > started for end in _ends_before(task, index, waits, ends))
        instances[name] = instance.model_copy(update={"ordered": not late})
    return done.trace.model_copy(update={"instances": instances})


def _ends_before(
    task: str,
    index: tuple[int, ...],
    waits: Mapping[str, Waits],
    ends: Mapping[str, Mapping[tuple[int, ...], float]],
) -> Iterator[float]:
    """When the instances ended that this one waits for."""
    told = waits[task]
    if told.join == Join.ALWAYS.value or told.join in {rule.value for rule in EARLY}:
        return
    for up in told.upstream:
        together = told.region and up in waits and waits[up].region == told.region
        for other, end in ends.get(up, {}).items():
            if not together or other == index:
                yield end


# Values


def skipped_by_value(pipeline: Pipeline, done: TrialResult) -> tuple[TrialResult, tuple[str, ...]]:
    """The run with classes of another system that say so as skipped tasks, and their names."""
    foreign = {task.id for task in graph.tasks(pipeline) if isinstance(task.action, Hosted)}
    instances = dict(done.trace.instances)
    found = [
        name
        for name, instance in instances.items()
        if split_instance_id(name)[0] in foreign and instance.outputs.get(RAN) is False
    ]
    for name in found:
        instances[name] = instances[name].model_copy(update={"state": "skipped", "outputs": {}})
    trace = done.trace.model_copy(update={"instances": instances})
    return replace(done, trace=trace), tuple(found)


def comparable(
    expected: Trace, actual: Trace, unkept: set[str]
) -> tuple[Trace, Trace, tuple[str, ...]]:
    """Both traces with what can be compared: what tasks return, by type only where it is no JSON.

    Args:
        expected: The old run.
        actual: The new one.
        unkept: Tasks of which the old engine does not always keep what they return.
    """
    by_type: list[str] = []
    old, new = {}, {}
    for name, instance in expected.instances.items():
        old[name] = _returning(instance)
        if name not in actual.instances:
            continue
        other = _returning(actual.instances[name])
        if split_instance_id(name)[0] in unkept and not old[name].outputs:
            other = other.model_copy(update={"outputs": {}})
        if RETURN in old[name].outputs and RETURN in other.outputs:
            value = _by_type(old[name].outputs[RETURN], other.outputs[RETURN])
            if _mentions_type(old[name].outputs[RETURN]):
                by_type.append(name)
            other = other.model_copy(update={"outputs": {RETURN: value}})
        new[name] = other
    for name, instance in actual.instances.items():
        if name not in new:
            new[name] = _returning(instance)
    return (
        expected.model_copy(update={"instances": old}),
        actual.model_copy(update={"instances": new}),
        tuple(by_type),
    )


def _returning(instance: Instance) -> Instance:
    """The instance with its return value as the only output; a task that returns None gives none."""
    value = conceal(instance.outputs.get(RETURN))
    return instance.model_copy(
        update={
            "outputs": {} if value is None else {RETURN: value},
            "artifacts": {},
            "state": "succeeded" if instance.state == "cached" else instance.state,
        }
    )


def _by_type(old: Any, new: Any) -> Any:
    """The new value, with the old one's names of types where that has nothing else to compare."""
    if isinstance(old, dict) and set(old) == {NOT_JSON}:
        differs = new is None or (isinstance(new, dict) and NOT_JSON in new)
        return new if differs else old
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _by_type(old.get(key), item) for key, item in new.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_by_type(one, other) for one, other in zip(old, new, strict=True)]
    return new


def _mentions_type(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) == {NOT_JSON} or any(map(_mentions_type, value.values()))
    return isinstance(value, list) and any(map(_mentions_type, value))


def counted_tasks(trace: Trace) -> tuple[int, int]:
    """How many tasks a trace has, and how many of them are mapped."""
    tasks: Counter[str] = Counter()
    mapped = set()
    for name in trace.instances:
        task, index = split_instance_id(name)
        tasks[task] += 1
        if index:
            mapped.add(task)
    return len(tasks), len(mapped)
