"""Kubeflow Pipelines v2: reading, printing and linting of its pipeline specs."""
