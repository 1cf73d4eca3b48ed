"""The Airflow target: TaskFlow DAG files for Airflow 3.x and 2.x."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intermodal.compiling import Compiled, Settings, Target
    from intermodal.features import Capabilities
    from intermodal.ir import Pipeline


class AirflowCompiler:
    """Compiles a pipeline to one DAG file, `<pipeline>.py`."""

    name = "airflow"
    versions = ("3.3", "3.2", "3.1", "3.0", "2.11", "2.10")

    def resolve_version(self, text: str) -> str | None:
        """The supported version that `text` means: `3` is the newest 3.x, `3.2.1` is 3.2."""
        parts = text.split(".")
        if not all(part.isdigit() for part in parts):
            return None
        wanted = ".".join(parts[:2])
        newest_first = (v for v in self.versions if v == wanted or v.startswith(f"{wanted}."))
        return next(newest_first, None)

    def capabilities(self, version: str) -> Capabilities:
        """The support of every feature."""
        from intermodal_compilers.airflow.capabilities import capabilities

        return capabilities(version)

    def compile(self, pipeline: Pipeline, target: Target, settings: Settings) -> Compiled:
        """The DAG file, and `requirements.txt` if the pipeline names packages."""
        if pipeline.hosted is not None:
            from intermodal_compilers.airflow.hosted import emit_hosted

            return emit_hosted(pipeline, target, settings)
        from intermodal_compilers.airflow.emit import emit
        from intermodal_compilers.airflow.lower import lower

        return emit(lower(pipeline, target, settings))


__all__ = ["AirflowCompiler"]
