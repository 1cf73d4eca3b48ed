"""Pipelines as pictures: Mermaid for Markdown, DOT for Graphviz, SVG for everybody."""

from __future__ import annotations

from collections.abc import Callable

from intermodal.drawing.dot import dot, to_dot
from intermodal.drawing.mermaid import mermaid, to_mermaid
from intermodal.drawing.picture import Picture
from intermodal.drawing.svg import svg, to_svg
from intermodal.ir import Pipeline

__all__ = ["FORMATS", "PICTURES", "to_dot", "to_mermaid", "to_svg"]

FORMATS: dict[str, Callable[[Pipeline], str]] = {
    "mermaid": to_mermaid,
    "dot": to_dot,
    "svg": to_svg,
}

PICTURES: dict[str, Callable[[Picture], str]] = {"mermaid": mermaid, "dot": dot, "svg": svg}
"""The same formats, for any picture."""
