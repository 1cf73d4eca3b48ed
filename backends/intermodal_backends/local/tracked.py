"""The run of the pipeline itself in the tracker; its tasks report through the runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from intermodal.ir import Pipeline
from intermodal.running import RunOptions
from intermodal_backends.local.folder import shape_hash
from intermodal_backends.local.scope import Run

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.tracking.identity import TaskIdentity
    from intermodal.tracking.records import State


class RunTracking:
    """Opens and closes the tracker's run; does nothing where tracking is off."""

    def __init__(self, pipeline: Pipeline, run: Run, options: RunOptions, work: Path) -> None:
        self.uri = _address(pipeline, options)
        self.experiment = options.experiment or pipeline.tracking.experiment or ""
        self.tags = dict(pipeline.tracking.tags)
        self._pipeline = pipeline
        self._run = run
        self._work = work
        self._opened: list[Finding] = []

    def open(self) -> None:
        """Make the run first: those of the tasks are nested in it. What went wrong is told by `close`."""
        if not self.uri:
            return
        from intermodal.tracking.session import open_run

        self._opened = open_run(self._identity(), self.uri)

    def close(self, state: str) -> list[Finding]:
        """Say how the run ended; what was not delivered of it, each reason once."""
        if not self.uri:
            return []
        from intermodal.tracking.session import close_run

        ends: dict[str, State] = {"succeeded": "finished", "failed": "failed"}
        findings = close_run(self._identity(), ends.get(state, "killed"), self.uri, self._work)
        told = {finding.code for finding in findings}
        # That it was away at first matters to nobody: tasks tell of what they could not deliver.
        findings += [one for one in self._opened if one.code not in {*told, "PORT500"}]
        return findings + self._of_killed()

    def _of_killed(self) -> list[Finding]:
        """That records of attempts whose process was killed are kept: nobody could send them then."""
        import shlex

        from intermodal.findings import warning
        from intermodal.tracking.keeping import kept_logs
        from intermodal.tracking.reading import FOLDER

        findings: list[Finding] = []
        folder = self._work / FOLDER
        logs = [kept for kept in kept_logs([folder], findings) if not (kept.tries or kept.running)]
        if logs:
            whose = ", ".join(
                f"`{name}`" for name in {kept.log.identity.instance_name: 0 for kept in logs}
            )
            what = f"the process of {whose} was killed before its records were sent; they are kept"
            next_step = f"`port track sync {shlex.quote(str(folder))}`"
            findings.append(warning("PORT500", what, next=next_step))
        return findings

    def _identity(self) -> TaskIdentity:
        from intermodal.tracking.identity import TaskIdentity

        return TaskIdentity(
            pipeline=self._run.pipeline,
            run_id=self._run.run_id,
            task="",
            pipeline_hash=shape_hash(self._pipeline),
            target="local",
            parameters=self._run.parameters,
            experiment=self.experiment,
            tags=self.tags,
        )


def _address(pipeline: Pipeline, options: RunOptions) -> str:
    if not pipeline.tracking.enabled:
        return ""
    return "" if options.tracking.strip().lower() == "none" else options.tracking
