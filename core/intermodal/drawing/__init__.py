"""Pipelines as pictures: Mermaid for Markdown, DOT for Graphviz, SVG for everybody."""

from __future__ import annotations

from collections.abc import Callable

from intermodal.drawing.dot import to_dot
from intermodal.drawing.mermaid import to_mermaid
from intermodal.drawing.svg import to_svg
from intermodal.ir import Pipeline

__all__ = ["FORMATS", "to_dot", "to_mermaid", "to_svg"]

FORMATS: dict[str, Callable[[Pipeline], str]] = {
    "mermaid": to_mermaid,
    "dot": to_dot,
    "svg": to_svg,
}
