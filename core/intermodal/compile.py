"""Compiling one pipeline for one target: checks, support, the target's compiler, and the manifest."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from intermodal import registry
from intermodal.analysis import graph
from intermodal.analysis.defaults import fold_defaults
from intermodal.analysis.needs import send_through_runtime
from intermodal.analysis.taking_artifacts import fetch_artifacts
from intermodal.analysis.typing import fill_item_types
from intermodal.analysis.uses import used_features
from intermodal.analysis.validate import validate
from intermodal.compiling import Compiled, Settings, Target
from intermodal.ecosystems import translate
from intermodal.features import HOSTED, support_findings
from intermodal.findings import Finding, errors_of
from intermodal.ir import Pipeline
from intermodal.ir.write import content_hash

MANIFEST = "manifest.json"


def compile_pipeline(pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
    """Compile; the result has no files if there is a finding at error level."""
    with _collector_paused():
        return _compile(pipeline, target, settings)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No search for cyclic garbage meanwhile: there is none, and a search goes through all that is kept.

    Since more is kept the longer it goes on, it would make the time grow faster than the pipeline.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _compile(pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
    findings: list[Finding] = validate(pipeline)
    if errors_of(findings):
        return Compiled({}, tuple(findings))
    compiler = registry.compiler(target.name)
    pipeline = fetch_artifacts(fill_item_types(fold_defaults(pipeline)))
    if settings.trace:
        pipeline = send_through_runtime(pipeline)
    uses = used_features(pipeline)
    translated = translate(pipeline, target.name)
    findings += translated.findings
    if translated.pipeline is None or errors_of(findings):
        return Compiled({}, tuple(findings))
    if translated.pipeline is not pipeline:
        pipeline = translated.pipeline
        if settings.trace:
            pipeline = send_through_runtime(pipeline)
        uses = [*(use for use in uses if use.feature in HOSTED), *used_features(pipeline)]
    findings += support_findings(uses, compiler.capabilities(target.version), str(target))
    if errors_of(findings):
        return Compiled({}, tuple(findings))
    compiled = compiler.compile(pipeline, target, settings)
    findings += compiled.findings
    if errors_of(findings):
        return Compiled({}, tuple(findings))
    manifest = _manifest(pipeline, target, settings, compiled)
    files = {**compiled.files, MANIFEST: json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"}
    return Compiled(files, tuple(findings), compiled.names)


def _manifest(
    pipeline: Pipeline, target: Target, settings: Settings, compiled: Compiled
) -> dict[str, Any]:
    """What was compiled from what: no clock and no machine in it, so it is reproducible."""
    return {
        "pipeline": pipeline.name,
        "target": target.name,
        "target_version": target.version,
        "ir_version": pipeline.ir_version,
        "ir_sha256": content_hash(pipeline),
        "code": settings.code,
        "files": sorted(compiled.files),
        "tasks": {
            task.id: {
                "name": compiled.names.get(task.id, task.id),
                "source": str(task.span) if task.span else None,
            }
            for task in graph.tasks(pipeline)
        },
    }
