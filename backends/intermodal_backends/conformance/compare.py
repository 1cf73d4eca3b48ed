"""Holding a trace against what a case expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from intermodal.trace import Difference, Instance, Trace
from intermodal_backends.conformance.case import ANY, SAME, ExpectedInstance, ExpectedTrace

NEVER_RAN = ("upstream_failed", "skipped")


def differences(
    expected: ExpectedTrace, actual: Trace, reference: Trace | None
) -> list[Difference]:
    """What the run did otherwise than expected.

    An engine without words for skipped and upstream-failed instances leaves them `not_started`; that
    they did not run is what the case is about.

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
    undecided = given.state == "not_started" and wanted.state in NEVER_RAN
    if wanted.state != given.state and not undecided:
        yield Difference(name, "state", wanted.state, given.state)
    if wanted.attempts != given.attempts:
        yield Difference(name, "attempts", wanted.attempts, given.attempts)
    if not given.ordered:
        yield Difference(name, "ordered", True, False)
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
