"""Stands in for Airflow's own test package, which is on no index: only what the corpus imports."""
