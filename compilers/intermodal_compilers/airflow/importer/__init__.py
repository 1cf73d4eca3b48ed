"""Reads Airflow DAG files without executing them."""

from __future__ import annotations

from intermodal_compilers.airflow.importer.model import ReadDag, ReadFile, ReadTask
from intermodal_compilers.airflow.importer.reader import read_files
from intermodal_compilers.airflow.importer.settings import Inputs

__all__ = ["Inputs", "ReadDag", "ReadFile", "ReadTask", "read_files"]
