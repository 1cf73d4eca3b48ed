"""Airflow as an ecosystem whose classes a pipeline may hold; found by entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intermodal.ecosystems import Translated
    from intermodal.ir import Pipeline


class AirflowEcosystem:
    """What Airflow's operators, sensors and decorated functions are in neutral terms."""

    name = "airflow"

    def translate(
        self, pipeline: Pipeline, target: str, *, keep_hosted: bool = False
    ) -> Translated:
        """See `intermodal.ecosystems.Ecosystem`."""
        from intermodal_compilers.airflow.translate import translate_pipeline

        return translate_pipeline(pipeline, target, keep_hosted=keep_hosted)
