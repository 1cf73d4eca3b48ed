"""Looking once whether what a task waits for has come: many looks are one attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from intermodal.runtime.attempt import Job, tracked_attempt
from intermodal.runtime.context import Context
from intermodal.runtime.events import log_end, log_start
from intermodal.runtime.problems import OUTCOMES, classify, describe
from intermodal.runtime.secrets import hide_secrets
from intermodal.runtime.stored import Inputs

if TYPE_CHECKING:
    from intermodal.findings import Finding


def look(
    job: Job,
    context: Context,
    inputs: Mapping[str, Any],
    findings: list[Finding],
    *,
    first: bool,
) -> bool:
    """Call a check once; true ends the attempt, false leaves it open.

    Args:
        job: The check; what it gives as `return` is its answer.
        context: Whose attempt it is.
        inputs: JSON values and references.
        findings: Gets what the user should see.
        first: Whether the attempt starts with this call.

    Raises:
        BaseException: Whatever the check raises, unchanged; the attempt has failed then.
    """
    whose = context.task, context.index, context.attempt
    if first:
        log_start(*whose)
    taken = Inputs(context, by_path=job.by_path)
    try:
        values = {
            name: taken.take(name, value, job.input_hints.get(name))
            for name, value in inputs.items()
        }
        if not job.call(values)["return"]:
            return False
        with tracked_attempt(context, findings, job) as tracked:
            if tracked is not None:
                tracked.record_inputs(taken.parameters)
    except BaseException as problem:
        error = hide_secrets(describe(problem))
        log_end(*whose, OUTCOMES[classify(problem)], error=error)
        raise
    log_end(*whose, "succeeded")
    return True
