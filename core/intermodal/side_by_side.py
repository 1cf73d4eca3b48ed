"""An old file on its own engine, and the new pipeline elsewhere: whether they do the same."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.waits import EARLY, instance_id, split_instance_id
from intermodal.concealed import conceal
from intermodal.ecosystems import translate
from intermodal.engines import SourceRun, Trial, TrialResult, Waits, run_source
from intermodal.findings import Finding, FindingsError, error
from intermodal.ir import Hosted, Join, Pipeline
from intermodal.running import RunOptions, local_backend
from intermodal.trace import Instance, Trace, read_events, spans_of
from intermodal.unrecorded import NEVER_RAN, differences
from intermodal.verifying import Request, Tried, Verified, judged, try_there, work_folder

LOCAL = "local"
RETURN = "return"
RAN = "ran"
"""The output by which a class of another system says that it skips itself, where tasks cannot: false."""
NOT_JSON = "$type"
"""Engines' records hold a value that JSON lacks as `{"$type": NAME}`."""

# Clocks of two processes on one machine are not read at the same moment.
CLOCK = 0.001

Spans = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Old:
    """What the new pipeline is held against.

    Attributes:
        file: A file that was written for an engine.
        name: Which pipeline in it.
        engine: The engine to run it on.
        names: Names of tasks in the new pipeline, by names in the old one, where they differ.
    """

    file: Path
    name: str
    engine: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class Side:
    """One engine's run of the new pipeline next to the old run.

    Attributes:
        verified: The comparison; its trace has the names and the indexes of the old tasks.
        expected: The old run, with the names of the new tasks.
        by_type: Outputs that are no JSON, of which only the types were compared.
        by_value: Tasks that cannot skip themselves where the new pipeline ran, and say so by a value.
    """

    verified: Verified
    expected: Trace
    by_type: tuple[str, ...] = ()
    by_value: tuple[str, ...] = ()


def run_old(old: Old, request: Request) -> SourceRun:
    """Run the old file on its engine.

    Raises:
        FindingsError: PORT700, PORT702 or PORT704: there is no such engine, or the file does not run.
    """
    with work_folder() as work:
        trial = Trial(
            work=Path(work),
            parameters=request.parameters,
            python_path=request.python_path,
            timeout=request.timeout,
            approvals={
                task: request.approvals[new]
                for new in request.approvals
                for task in (_old_name(old, new),)
            },
        )
        ran = _run_source(old, trial, request.requirements)
    shown = {
        name: instance.model_copy(update={"outputs": conceal(instance.outputs)})
        for name, instance in ran.trace.instances.items()
    }
    return replace(ran, trace=ran.trace.model_copy(update={"instances": shown}))


def _run_source(old: Old, trial: Trial, requirements: Path | None) -> SourceRun:
    """Run the old file; without the requirements that make other engines host its classes, if need be."""
    try:
        return run_source(old.engine, old.file, old.name, trial, requirements)
    except FindingsError as problem:
        if requirements is None or not _is_not_installed(problem.findings):
            raise
    return run_source(old.engine, old.file, old.name, trial)


def _is_not_installed(findings: Iterable[Finding]) -> bool:
    return any(finding.code == "PORT700" for finding in findings)


def _old_name(old: Old, new: str) -> str:
    return next((name for name, other in old.names.items() if other == new), new)


def compare_on(name: str, request: Request, old: Old, ran: SourceRun) -> Side:
    """Run the new pipeline on an engine or on this machine, and compare.

    Raises:
        FindingsError: PORT702 for an unknown engine, PORT700 if it is not installed; see `side_of`.
    """
    tried = _try_here(request) if name == LOCAL else _try_there(name, request, old)
    if isinstance(tried, Verified):
        return Side(tried, ran.trace)
    return side_of(tried, request, old, ran)


def side_of(tried: Tried, request: Request, old: Old, ran: SourceRun) -> Side:
    """Compare a run of the new pipeline with that of the old file.

    Raises:
        FindingsError: PORT009 for a task in `old.names` that there is not.
    """
    names = paired(tried.pipeline, ran, old.names)
    own = {task.id for task in graph.tasks(request.pipeline)} | set(names.values())
    expected = _renamed(ran.trace, names)
    waits = {names.get(task, task): told for task, told in ran.waits.items()}
    waits = {
        task: replace(told, upstream=tuple(names.get(up, up) for up in told.upstream))
        for task, told in waits.items()
    }
    done = _in_the_shape_of(expected, tried.done, own)
    if done.spans:
        done = replace(done, trace=_ordered(done, waits))
    done, by_value = _skipped_by_value(request.pipeline, done)
    unkept = {task for task, told in waits.items() if not told.keeps}
    expected, actual, by_type = _comparable(expected, done.trace, unkept)
    tried = replace(tried, done=replace(done, trace=actual))
    found = differences(tried.pipeline, expected, actual, request.ignore)
    verified = judged(tried, request, found)
    return Side(replace(verified, log=conceal(verified.log)), expected, by_type, by_value)


def _try_there(name: str, request: Request, old: Old) -> Tried | Verified:
    tried = try_there(name, request)
    own = name.partition("@")[0] == old.engine.partition("@")[0]
    if own and isinstance(tried, Verified) and _is_not_installed(tried.findings):
        return try_there(name, replace(request, requirements=None))
    return tried


def _try_here(request: Request) -> Tried | Verified:
    from intermodal.compiling import Compiled

    translated = translate(request.pipeline, LOCAL)
    if translated.pipeline is None:
        return Verified(LOCAL, "refused", findings=translated.findings)
    with work_folder() as store:
        options = RunOptions(
            store=store,
            python_path=request.python_path,
            approvals=request.approvals,
            pipelines={other.name: other for other in request.others},
        )
        try:
            ran = local_backend().run(translated.pipeline, request.parameters, options)
        except FindingsError as problem:
            return Verified(LOCAL, "not run", findings=problem.findings)
        spans = spans_of(read_events(ran.folder / "events.jsonl"))
    log = "\n".join(f"{one.instance}: {one.exception}: {one.message}" for one in ran.failures)
    compiled = Compiled({}, translated.findings)
    done = TrialResult(ran.trace, log, timed_out=False, spans=spans)
    return Tried(LOCAL, translated.pipeline, compiled, done)


def data_beside(file: Path) -> tuple[Path, ...]:
    """What lies beside a file and is no code: queries, templates, settings that it reads from there."""
    found = [
        entry
        for entry in file.resolve().parent.iterdir()
        if entry.suffix != ".py" and not entry.name.startswith((".", "__"))
    ]
    code = {entry: {file.name for file in entry.glob("*.py")} for entry in found}
    return tuple(entry for entry in found if code[entry] <= {"__init__.py"})


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


def _renamed(trace: Trace, names: Mapping[str, str]) -> Trace:
    instances = {}
    for name, instance in trace.instances.items():
        task, index = split_instance_id(name)
        instances[instance_id(names.get(task, task), index)] = instance
    return trace.model_copy(update={"instances": instances})


# Shapes


def _in_the_shape_of(expected: Trace, done: TrialResult, own: set[str]) -> TrialResult:
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


def _ordered(done: TrialResult, waits: Mapping[str, Waits]) -> Trace:
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


def _skipped_by_value(pipeline: Pipeline, done: TrialResult) -> tuple[TrialResult, tuple[str, ...]]:
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


def _comparable(
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
