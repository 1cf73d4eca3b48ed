"""Lint a KFP v2 pipeline spec: everything that its own loader accepts and no backend can run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from intermodal.findings import Finding
from intermodal_compilers.kfp import spec as spec_file
from intermodal_compilers.kfp.lint_executors import check_executors
from intermodal_compilers.kfp.lint_flow import check_flow
from intermodal_compilers.kfp.lint_graph import check_graph
from intermodal_compilers.kfp.lint_model import Spec, build
from intermodal_compilers.kfp.lint_names import check_names, check_size
from intermodal_compilers.kfp.lint_values import check_values
from intermodal_compilers.kfp.problems import Problem

CHECKS: tuple[Callable[[Spec], Iterator[Problem]], ...] = (
    check_names,
    check_graph,
    check_values,
    check_flow,
    check_executors,
)


def lint(text: str, file: str = "pipeline.yaml") -> list[Finding]:
    """Everything wrong with a compiled pipeline, in the order of the text.

    A text that is not the official message at all gives only those findings, since what the rest
    means is not known then.

    Args:
        text: One or two YAML documents: the pipeline spec, and its platform spec.
        file: The name that spans show.
    """
    reading = spec_file.read(text)
    problems = list(reading.problems)
    if reading.spec is not None:
        problems.extend(check_size(text))
        problems.extend(_problems_of(reading.spec))
    return spec_file.place(problems, text, file)


def lint_messages(pipeline: Any, platform: Any | None = None) -> list[Finding]:
    """The same for messages that have no text; findings have no span.

    Args:
        pipeline: `ml_pipelines.PipelineSpec`.
        platform: `ml_pipelines.PlatformSpec`.

    Raises:
        FindingsError: `deploymentSpec` is not a `PipelineDeploymentConfig`.
    """
    deployment = spec_file.parse_deployment(pipeline)
    messages = spec_file.SpecFile(pipeline, deployment, platform)
    return [problem.finding(None) for problem in _problems_of(messages)]


def _problems_of(messages: spec_file.SpecFile) -> list[Problem]:
    spec = build(messages)
    return [problem for check in CHECKS for problem in check(spec)]
