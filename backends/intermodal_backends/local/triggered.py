"""Runs of other pipelines that a task triggers: each in a worker process, with workers of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from intermodal.findings import Finding, FindingsError, warning
from intermodal.running import RunOptions, RunResult

DEEPEST = 20
"""Runs that lead to each other by triggering; more are taken for a circle."""


class TriggeredRunFailed(RuntimeError):  # noqa: N818 - users read this name as `TriggeredRunFailed: ...`
    """The run that a task triggered and waited for did not succeed."""


@dataclass(frozen=True)
class Triggered:
    """A run that a task triggers.

    Attributes:
        pipeline: Its pipeline's name.
        parameters: JSON values.
        run_id: Its id.
    """

    pipeline: str
    parameters: Mapping[str, Any]
    run_id: str

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Triggered:
        """The one that `to_data` described."""
        return cls(data["pipeline"], data["parameters"], data["run_id"])

    def to_data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "pipeline": self.pipeline,
            "parameters": dict(self.parameters),
            "run_id": self.run_id,
        }


def run_triggered(triggered: Triggered, by: str, options: RunOptions) -> None:
    """Run it to its end, and tell how it ended on standard output.

    Args:
        triggered: What to run.
        by: The name of the pipeline whose task triggers it.
        options: Those of that pipeline's run.

    Raises:
        TriggeredRunFailed: It failed, or could not begin.
        KeyboardInterrupt: It was interrupted.
    """
    from intermodal_backends.local.runs import run

    chain = (*options.chain, by)
    if len(chain) > DEEPEST:
        shown = " -> ".join((*chain[-3:], triggered.pipeline))
        raise TriggeredRunFailed(f"{DEEPEST} runs have triggered each other: ... {shown}")
    inner = replace(
        options,
        chain=chain,
        run_id=triggered.run_id,
        resume="",
        logical_date="",
        experiment="",
        ask=None,
        grace=options.grace / 2,
        on_event=RunOptions().on_event,
    )
    name = f"run `{triggered.run_id}` of `{triggered.pipeline}`"
    try:
        result = run(options.pipelines[triggered.pipeline], triggered.parameters, inner)
    except FindingsError as problem:
        text = "; ".join(finding.what for finding in problem.findings)
        raise TriggeredRunFailed(f"{name} could not begin: {text}") from None
    print(f"{name} {result.state}: {result.folder}")
    if result.state == "interrupted":
        raise KeyboardInterrupt
    if result.state == "failed":
        raise TriggeredRunFailed(f"{name} failed: {_reason(result)}")


def failed_behind(task: str, triggered: Triggered, why: str) -> Finding:
    """What is said of a run that nobody waited for, and that did not succeed."""
    return warning(
        "PORT600",
        f"run `{triggered.run_id}` of `{triggered.pipeline}`, triggered by `{task}`, did not succeed",
        why=why,
        next="let the task wait for it, if its failure should be one of this run",
    )


def _reason(result: RunResult) -> str:
    failures = [f"`{f.instance}`: {f.exception}: {f.message}" for f in result.failures]
    return "; ".join(failures[:3]) or "see its log"
