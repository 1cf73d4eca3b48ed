"""What an engine has no record of, or records in another shape: taken from the trace that is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from intermodal.analysis import graph
from intermodal.analysis.needs import WITH_RUNTIME
from intermodal.analysis.waits import instance_id, split_instance_id
from intermodal.ir import Action, Noop, Pipeline, Wait
from intermodal.trace import Difference, Instance, Trace, compare, pipeline_state

NEVER_RAN = ("skipped", "upstream_failed")
NOT_LOGGED = (*NEVER_RAN, "cached")
"""States that only the engine can tell: nothing of the instance ran that could have logged it."""


def told_by_engine(pipeline: Pipeline, states: Mapping[str, str]) -> dict[str, str]:
    """Those of an engine's states that the event log cannot hold, by instance id."""
    silent = {task.id for task in graph.tasks(pipeline) if not _logs(task.action)}
    return {
        name: state
        for name, state in states.items()
        if state in NOT_LOGGED
        or (split_instance_id(name)[0] in silent and state in ("succeeded", "failed"))
    }


def settle_unrecorded(pipeline: Pipeline, wanted: Mapping[str, Instance], actual: Trace) -> Trace:
    """The trace with what the engine could not know taken from what is wanted.

    Engines differ in what they keep of an instance that did not run: Airflow has one row for a loop that
    was skipped as a whole, others have nothing. And tasks that run no code of ours (containers, joints)
    have no log. Only silence is filled in: where the engine says another state, or the instance did run,
    the trace stays as it is.

    Args:
        pipeline: What was run.
        wanted: What should have happened, by instance id.
        actual: What an engine did.
    """
    instances = dict(actual.instances)
    actions = {task.id: task.action for task in graph.tasks(pipeline)}
    for name, instance in wanted.items():
        action = actions.get(split_instance_id(name)[0])
        if _logs(action):
            unknown = _is_silent(name, instance.state, instances)
        else:
            given = instances.get(name) or Instance(state="not_started")
            said_nothing = isinstance(action, Noop) and given.state == "not_started"
            agrees = given.attempts == 0 and given.state == instance.state
            unknown = agrees or said_nothing or _is_silent(name, instance.state, instances)
        if unknown:
            instances[name] = instance
    for whole in {part for name in wanted for part in _wholes(name)} - set(wanted):
        if whole in instances and _never_ran(instances[whole]):
            del instances[whole]
    if instances == actual.instances:
        return actual
    states = {name: item.state for name, item in instances.items()}
    return Trace(
        pipeline=actual.pipeline,
        state=pipeline_state(pipeline, states),
        instances=dict(sorted(instances.items())),
    )


def differences(
    pipeline: Pipeline, reference: Trace, actual: Trace, ignore: Iterable[str] = ()
) -> list[Difference]:
    """What an engine did otherwise than the reference executor, silence aside."""
    return compare(reference, settle_unrecorded(pipeline, reference.instances, actual), ignore)


def _logs(action: Action | None) -> bool:
    """Whether an action runs code that may log; a wait for a statement or a request runs none of ours."""
    if isinstance(action, Wait) and not isinstance(action.check, WITH_RUNTIME):
        return False
    return isinstance(action, WITH_RUNTIME)


def _is_silent(name: str, state: str, instances: Mapping[str, Instance]) -> bool:
    """Whether the engine says nothing that contradicts an instance's not having run."""
    if name in instances:
        given = instances[name]
        # A loop over nothing has no instances; Airflow calls its task skipped.
        return (given.state == "not_started" and state in NEVER_RAN) or (
            state == "not_started" and given.state == "skipped" and given.attempts == 0
        )
    told = [instances[whole].state for whole in _wholes(name) if whole in instances]
    return state in NEVER_RAN and all(word in ("not_started", state) for word in told)


def _wholes(name: str) -> list[str]:
    """What an engine may record in place of an instance: `t` and `t[0]` for `t[0][1]`."""
    task, index = split_instance_id(name)
    return [instance_id(task, index[:depth]) for depth in range(len(index))]


def _never_ran(instance: Instance) -> bool:
    return instance.attempts == 0 and instance.state in (*NEVER_RAN, "not_started")
