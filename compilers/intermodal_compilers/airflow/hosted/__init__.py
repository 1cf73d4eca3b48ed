"""Pipelines that hold classes of Airflow's own, as the DAG files that people write of them."""

from __future__ import annotations

from intermodal_compilers.airflow.hosted.emit import emit_hosted

__all__ = ["emit_hosted"]
