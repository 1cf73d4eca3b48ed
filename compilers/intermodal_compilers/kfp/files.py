"""The files of a compiled pipeline, checked with the linter that reads other people's."""

from __future__ import annotations

import json
from typing import Any

from intermodal.compiling import Compiled, Settings, Target
from intermodal.findings import Finding, errors_of, warning
from intermodal.ir import Pipeline
from intermodal_compilers.kfp import emit
from intermodal_compilers.kfp.lint import lint_messages
from intermodal_compilers.kfp.lint_names import MAX_BYTES
from intermodal_compilers.kfp.lower import lower
from intermodal_compilers.kfp.schedules import recurring_runs
from intermodal_compilers.kfp.spec import documents as documents_of

FILE = "pipeline.yaml"


def compile_files(pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
    """Compile to `pipeline.yaml`, and a recurring run for each trigger of a schedule."""
    lowered = lower(pipeline, target, settings)
    findings = lowered.findings
    if errors_of(findings):
        return Compiled({}, tuple(findings), lowered.names)
    spec, platform = emit.messages(lowered.plan)
    findings += _lint(spec, platform)
    documents = documents_of(spec, platform)
    text = emit.text(spec, documents)
    findings += _size_findings(documents, pipeline, target)
    if errors_of(findings):
        return Compiled({}, tuple(findings), lowered.names)
    files = {FILE: text, **recurring_runs(pipeline, lowered.plan)}
    return Compiled(files, tuple(findings), lowered.names)


def _lint(spec: Any, platform: Any) -> list[Finding]:
    """What the linter finds; that a description is long has been said."""
    return [finding for finding in lint_messages(spec, platform) if finding.code != "PORT327"]


def _size_findings(
    documents: list[dict[str, Any]], pipeline: Pipeline, target: Target
) -> list[Finding]:
    """Whether the specification fits where KFP keeps it, as JSON and with nothing shared."""
    size = sum(len(json.dumps(document, separators=(",", ":"))) for document in documents)
    if size <= MAX_BYTES:
        return []
    return [
        warning(
            "PORT203",
            f"the specification of `{pipeline.name}` for {target} has {size:,} bytes",
            pipeline.span,
            why=f"a Kubernetes object, which a run is stored as, holds {MAX_BYTES:,}",
            next="split the pipeline, or compile with `--code import`",
        )
    ]
