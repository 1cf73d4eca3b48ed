"""Authoring: ordinary typed Python functions become a pipeline in the IR."""
