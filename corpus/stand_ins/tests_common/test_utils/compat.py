"""Names that moved between versions."""

from airflow.providers.standard.operators.empty import EmptyOperator

__all__ = ["EmptyOperator"]
