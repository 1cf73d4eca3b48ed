"""Kubeflow Pipelines v2: its compiler, and reading, printing and linting of its pipeline specs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intermodal.compiling import Compiled, Settings, Target
    from intermodal.features import Capabilities
    from intermodal.ir import Pipeline

_VERSION = re.compile(r"^2(\.\d+){0,2}$")


class KfpCompiler:
    """Compiles to Kubeflow Pipelines v2, any minor version of it."""

    name = "kfp"
    versions = ("2",)

    def resolve_version(self, text: str) -> str | None:
        """`2` for `2`, `2.17` or `2.17.0`; None for anything else."""
        return "2" if _VERSION.match(text) else None

    def capabilities(self, version: str) -> Capabilities:  # noqa: ARG002 - one table for all of 2
        """The support of every feature."""
        from intermodal_compilers.kfp.capabilities import CAPABILITIES

        return CAPABILITIES

    def compile(self, pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
        """Compile to `pipeline.yaml` and, for a schedule, `recurring_run.json`."""
        from intermodal_compilers.kfp.files import compile_files

        return compile_files(pipeline, target, settings)
