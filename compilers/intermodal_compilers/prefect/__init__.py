"""The Prefect 3 compiler: a flow file and a `prefect.yaml` with one deployment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intermodal.compiling import Compiled, Settings, Target
    from intermodal.features import Capabilities
    from intermodal.ir import Pipeline

_VERSION = re.compile(r"^3(\.\d+){0,2}$")


class PrefectCompiler:
    """Compiles to Prefect 3, any minor version of it."""

    name = "prefect"
    versions = ("3",)

    def resolve_version(self, text: str) -> str | None:
        """`3` for `3`, `3.8` or `3.8.8`; None for anything else."""
        return "3" if _VERSION.match(text) else None

    def capabilities(self, version: str) -> Capabilities:  # noqa: ARG002 - one table for all of 3
        """The support of every feature."""
        from intermodal_compilers.prefect.capabilities import CAPABILITIES

        return CAPABILITIES

    def compile(self, pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
        """Compile to `flow.py`, `prefect.yaml` and, if the pipeline names packages, `requirements.txt`."""
        from intermodal_compilers.prefect.files import compile_files

        return compile_files(pipeline, target, settings)
