"""One attempt of a task, whatever it does: inputs, work, outputs, events and tracking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from intermodal.runtime.context import Context
from intermodal.runtime.events import log_end, log_start
from intermodal.runtime.problems import OUTCOMES, classify, describe
from intermodal.runtime.secrets import hide_secrets, holds_secret, mentions_secret
from intermodal.runtime.stored import (
    Inputs,
    Outputs,
    checked_artifact,
    holds_ref,
    is_artifact,
    load_value,
    references_in,
    shown_data,
)
from intermodal.runtime.typed import to_json

if TYPE_CHECKING:
    from intermodal.artifacts import ArtifactRef
    from intermodal.findings import Finding
    from intermodal.runtime.cache import Cache, CachePolicy, Found
    from intermodal.tracking.session import Session

CACHED_TAG = "intermodal.cached"
"""The tracker's label of attempts that reused the outputs of an earlier success."""


@dataclass(frozen=True)
class Job:
    """What a task does.

    Attributes:
        call: Takes the inputs by name, gives the values of the outputs by name.
        input_hints: Annotations of inputs.
        output_hints: Annotations of outputs.
        code_hash: SHA-256 of the code.
        code: The text of the code; empty if it is not known.
        source: The file of the code; empty if it is in none.
        by_path: Whether it takes artifacts as local paths instead of values.
    """

    call: Callable[[dict[str, Any]], Mapping[str, Any]]
    input_hints: Mapping[str, Any] = field(default_factory=dict)
    output_hints: Mapping[str, Any] = field(default_factory=dict)
    code_hash: str = ""
    by_path: bool = False
    source: str = ""
    code: str = ""


@dataclass(frozen=True)
class Done:
    """What a success gave: JSON by output name, and whether an earlier success had given it."""

    outputs: dict[str, Any]
    cached: bool = False


def attempt(
    job: Job,
    context: Context,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    findings: list[Finding],
    policy: CachePolicy | None = None,
) -> Done:
    """Do the job once and give its outputs, or those of an earlier success.

    Args:
        job: What to do.
        context: Whose attempt it is.
        inputs: JSON values and references.
        outputs: Type tags by output name: an artifact kind, or `value`.
        findings: Gets what the user should see, also if the attempt fails.
        policy: How to find outputs of an earlier success; None does the job in any case.

    Raises:
        WrongValue: A value does not fit its declaration.
        InfrastructureError: The store failed.
        BaseException: Whatever the job raises, unchanged.
    """
    cache = _cache(policy, job, context, inputs, outputs, findings)
    found = None if cache is None else cache.find()
    if found is not None:
        _reuse(found, job, context, inputs, outputs, findings)
        return Done(found.outputs, cached=True)
    log_start(context.task, context.index, context.attempt)
    try:
        with tracked_attempt(context, findings, job) as tracked:
            given, stored = _do(job, context, inputs, outputs, tracked, findings)
    except BaseException as problem:
        outcome = OUTCOMES[classify(problem)]
        error = hide_secrets(describe(problem))
        log_end(context.task, context.index, context.attempt, outcome, error=error)
        raise
    _log_given(context, "succeeded", stored.parameters, stored.references)
    if cache is not None:
        cache.keep(given, stored.references)
    return Done(given)


def _cache(
    policy: CachePolicy | None,
    job: Job,
    context: Context,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    findings: list[Finding],
) -> Cache | None:
    if policy is None:
        return None
    from intermodal.runtime.cache import Cache

    return Cache(policy, context, inputs, outputs, job.code_hash, findings)


def _reuse(
    found: Found,
    job: Job,
    context: Context,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    findings: list[Finding],
) -> None:
    """Report outputs that were found instead of made."""
    with tracked_attempt(context, findings, job) as tracked:
        if tracked is not None:
            values = {
                name: value
                for name, value in inputs.items()
                if not (mentions_secret(value) or holds_secret(value))
            }
            tracked.record_inputs({n: shown_data(v) for n, v in values.items() if not holds_ref(v)})
            tracked.set_tag(CACHED_TAG, "true")
            for name, value in inputs.items():
                for ref in references_in(value):
                    tracked.record_used(name, ref.uri, ref.sha256, ref.kind)
            metrics = {
                name: load_value(found.outputs[name], context.store_uri)
                for name, tag in outputs.items()
                if tag == "Metrics"
            }
            _record_outputs(tracked, metrics, outputs, found.references)
    _log_given(context, "cached", found.parameters, found.references)


def _log_given(
    context: Context,
    outcome: str,
    parameters: Mapping[str, Any],
    references: Mapping[str, ArtifactRef],
) -> None:
    log_end(
        context.task,
        context.index,
        context.attempt,
        outcome,
        outputs=parameters,
        artifacts={name: ref.sha256 for name, ref in references.items()},
    )


def _do(
    job: Job,
    context: Context,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    tracked: Session | None,
    findings: list[Finding],
) -> tuple[dict[str, Any], Outputs]:
    taken = Inputs(context, by_path=job.by_path)
    values = {
        name: taken.take(name, value, job.input_hints.get(name)) for name, value in inputs.items()
    }
    if tracked is not None:
        tracked.record_inputs(taken.parameters)
        for item in taken.lineage:
            kind = taken.kinds.get(item.uri, "Dataset")
            tracked.record_used(item.name, item.uri, item.sha256, kind)
            tracked.know(values[item.name], item.uri, taken.formats.get(item.uri, ""))
    results = job.call(values)
    stored = Outputs(context, taken, job.code_hash, job.code)
    try:
        given = {
            name: _give(name, results[name], tag, job.output_hints.get(name), context, stored)
            for name, tag in outputs.items()
        }
    finally:
        findings.extend(stored.findings)
    if tracked is not None:
        _record_outputs(tracked, results, outputs, stored.references)
    return given, stored


def _give(name: str, value: Any, tag: str, hint: Any, context: Context, stored: Outputs) -> Any:
    shown = "what" if name == "return" else f"the output `{name}` that"
    what = f"{shown} `{context.task}` returns"
    if not is_artifact(tag):
        return stored.give_value(
            name, to_json(stored.keep_parts(name, value, hint, what), hint, what)
        )
    value = checked_artifact(value, hint, what)
    return None if value is None else stored.give_artifact(name, value, tag, hint)


def _record_outputs(
    tracked: Session,
    results: Mapping[str, Any],
    outputs: Mapping[str, str],
    references: Mapping[str, ArtifactRef],
) -> None:
    for name, ref in references.items():
        tracked.record_reference(name, ref.uri, ref.sha256, ref.kind)
        if name in results:
            tracked.know(results[name], ref.uri, ref.format)
    for name, tag in outputs.items():
        if tag == "Metrics" and results[name] is not None:
            tracked.record_metrics("" if len(outputs) == 1 else name, results[name])


@contextmanager
def tracked_attempt(
    context: Context, findings: list[Finding], job: Job
) -> Iterator[Session | None]:
    """The tracker's session of this attempt; None, with nothing imported, where tracking is off."""
    if not context.is_tracked:
        yield None
        return
    from intermodal.runtime.closing import identity_of
    from intermodal.tracking.session import session

    tracked = session(
        identity_of(context, job.code_hash), context.tracking_uri, context.work_folder
    )
    try:
        try:
            with tracked, _surroundings(tracked, job.source):
                yield tracked
        finally:
            findings.extend(tracked.findings)
            if tracked.url and context.on_tracked is not None:
                _show(context, tracked.url, findings)
        if context.tracking_is_strict:
            tracked.require_delivery()
    finally:
        findings.extend(tracked.park(context.store_uri))


@contextmanager
def _surroundings(tracked: Session, source: str) -> Iterator[None]:
    """Record what the attempt runs on: at its start what is known at once, at its end the rest."""
    from intermodal.tracking import surroundings

    tracked.record_environment(surroundings.at_start(source), {})
    try:
        yield
    finally:
        tracked.record_environment(*surroundings.at_end(source))


def _show(context: Context, page: str, findings: list[Finding]) -> None:
    """Give the attempt's page to the engine, whose trouble with it is not the task's."""
    assert context.on_tracked is not None
    try:
        context.on_tracked(page)
    except Exception as problem:  # whatever the engine's API raises
        from intermodal.findings import warning

        what = f"the engine does not link `{context.instance}` to {page}"
        findings.append(warning("PORT570", what, why=str(problem).strip() or repr(problem)))
