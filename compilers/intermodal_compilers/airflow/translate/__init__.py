"""Airflow's pipelines in neutral terms, for every other target."""

from __future__ import annotations

from intermodal_compilers.airflow.translate.pipelines import translate_pipeline

__all__ = ["translate_pipeline"]
