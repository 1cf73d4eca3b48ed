"""Loading DAG files in a real Airflow, on request only, and filling what reading could not tell."""

from intermodal_compilers.airflow.importer.introspect.files import introspected

__all__ = ["introspected"]
