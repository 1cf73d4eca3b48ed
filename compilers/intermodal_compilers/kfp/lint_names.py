"""Lint names, versions, lengths and the size of a spec."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intermodal.findings import Severity
from intermodal_compilers.kfp.lint_model import Component, Spec
from intermodal_compilers.kfp.problems import Path, Problem, with_article
from intermodal_compilers.kfp.spec import SCHEMA_VERSION

MAX_BYTES = 1_572_864
MAX_DESCRIPTION = 1024
COMPONENT_PREFIX = "comp-"

PIPELINE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,126}[a-z0-9])?")
TASK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,127}")
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def check_names(spec: Spec) -> Iterator[Problem]:
    """The names of everything, and what the pipeline says of itself."""
    yield from _check_pipeline(spec)
    for name, component in spec.components.items():
        if not name.startswith(COMPONENT_PREFIX):
            what = f"The component `{name}` does not start with `{COMPONENT_PREFIX}`."
            yield Problem(
                "PORT323", component.path, what, next=f"Call it `{COMPONENT_PREFIX}{name}`."
            )
        elif not PLAIN_NAME.fullmatch(name):
            yield _bad_name("component", name, component.path)
    for name, executor in spec.executors.items():
        if not PLAIN_NAME.fullmatch(name):
            yield _bad_name("executor", name, executor.path)
    for component in spec.all_components():
        yield from _check_members(component)


def check_size(text: str) -> Iterator[Problem]:
    """Whether the spec fits into a Kubernetes object."""
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        what = f"The spec has {size:,} bytes; a Kubernetes object holds {MAX_BYTES:,}."
        step = "Split the pipeline, or move source code out of the executors."
        yield Problem("PORT327", (0,), what, next=step, severity=Severity.WARNING)


def _check_pipeline(spec: Spec) -> Iterator[Problem]:
    pipeline = spec.messages.pipeline
    info, path = pipeline.pipeline_info, (0, "pipelineInfo")
    if not info.name:
        yield Problem("PORT304", path, "The pipeline has no name.", next="Set `pipelineInfo.name`.")
    elif not PIPELINE_NAME.fullmatch(info.name):
        what = f"`{info.name[:140]}` is not a name for a pipeline."
        step = "Use lower-case letters, digits and `-`; keep the readable name in `displayName`."
        yield Problem("PORT304", (*path, "name"), what, next=step)
    for field, text in (("displayName", info.display_name), ("description", info.description)):
        if len(text) > MAX_DESCRIPTION:
            what = f"`{field}` has {len(text)} characters; {MAX_DESCRIPTION} are kept."
            yield Problem("PORT327", (*path, field), what, severity=Severity.WARNING)
    if pipeline.schema_version != SCHEMA_VERSION:
        shown = f"`{pipeline.schema_version}`" if pipeline.schema_version else "missing"
        what = f"The schema version is {shown}, not `{SCHEMA_VERSION}`."
        yield Problem("PORT338", (0, "schemaVersion"), what)


def _check_members(component: Component) -> Iterator[Problem]:
    for task in (component.tasks or {}).values():
        if not TASK_NAME.fullmatch(task.name):
            yield _bad_name("task", task.name, task.path)
    for noun, slots in (("input", component.inputs), ("output", component.outputs)):
        for by_name in slots.values():
            for name, slot in by_name.items():
                if not PLAIN_NAME.fullmatch(name):
                    yield _bad_name(noun, name, slot.path)


def _bad_name(noun: str, name: str, path: Path) -> Problem:
    return Problem("PORT326", path, f"`{name[:140]}` is not a name for {with_article(noun)}.")
