"""Holding a trace against what a case expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from intermodal.ir import Pipeline
from intermodal.trace import Difference, Instance, Trace
from intermodal.unrecorded import settle_unrecorded
from intermodal_backends.conformance.expectation import (
    ANY,
    SAME,
    ExpectedInstance,
    ExpectedTrace,
)


def settle(pipeline: Pipeline, expected: ExpectedTrace, actual: Trace) -> Trace:
    """An engine's trace with what it has no record of taken from the case; see `unrecorded`."""
    wanted = {
        name: Instance.model_validate(
            {
                "state": instance.state,
                "attempts": instance.attempts,
                "outputs": instance.outputs if isinstance(instance.outputs, dict) else {},
                "artifacts": instance.artifacts,
            }
        )
        for name, instance in expected.instances.items()
    }
    return settle_unrecorded(pipeline, wanted, actual)


def differences(
    expected: ExpectedTrace, actual: Trace, reference: Trace | None
) -> list[Difference]:
    """What the run did otherwise than expected.

    Args:
        expected: From the case's `expect.yaml`.
        actual: What happened.
        reference: The reference executor's trace, for the hashes that must be the same.
    """
    found: list[Difference] = []
    if expected.state != actual.state:
        found.append(Difference("", "state", expected.state, actual.state))
    for name in sorted({*expected.instances, *actual.instances}):
        wanted, given = expected.instances.get(name), actual.instances.get(name)
        if wanted is None or given is None:
            found.append(Difference(name, "instance", *_presence(wanted, given)))
            continue
        same = reference.instances[name] if reference and name in reference.instances else None
        found += _instance(name, wanted, given, same)
    return found


def _presence(wanted: object, given: object) -> tuple[str, str]:
    return ("present" if wanted else "absent"), ("present" if given else "absent")


def _instance(
    name: str, wanted: ExpectedInstance, given: Instance, same: Instance | None
) -> Iterator[Difference]:
    if wanted.state != given.state:
        yield Difference(name, "state", wanted.state, given.state)
    # A wait that is skipped in the end has started; engines count that as no attempt, or as many.
    if wanted.attempts != given.attempts and wanted.state != "skipped":
        yield Difference(name, "attempts", wanted.attempts, given.attempts)
    if not given.ordered:
        yield Difference(name, "ordered", True, False)
    if given.state == "cached" and not given.outputs and not given.artifacts:
        return  # told by an engine with a cache of its own, which logs no outputs
    if isinstance(wanted.outputs, dict):
        yield from _values(name, "outputs", wanted.outputs, given.outputs, {})
    hashes = same.artifacts if same else {}
    yield from _values(name, "artifacts", wanted.artifacts, given.artifacts, hashes)


def _values(
    name: str,
    field: str,
    wanted: Mapping[str, Any],
    given: Mapping[str, Any],
    same: Mapping[str, Any],
) -> Iterator[Difference]:
    for key in sorted({*wanted, *given}):
        expected, actual = wanted.get(key, "(absent)"), given.get(key, "(absent)")
        if expected == SAME and field == "artifacts":
            expected = same.get(key, actual)
        if expected == ANY and key in given:
            continue
        if expected != actual or type(expected) is not type(actual):
            yield Difference(name, f"{field}.{key}", expected, actual)
