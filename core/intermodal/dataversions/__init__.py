"""Versions of data that others keep: named and pinned in a pipeline, fetched and checked by its tasks."""
