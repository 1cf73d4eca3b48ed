"""Pipelines written as Python modules that users keep and edit."""

from __future__ import annotations

from intermodal_compilers.writing.module import Written, write_module

__all__ = ["Written", "write_module"]
