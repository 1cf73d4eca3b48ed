"""Intermodal: write a pipeline once, run it on any orchestrator."""
