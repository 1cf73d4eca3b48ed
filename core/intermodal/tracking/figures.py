"""Saving figures of whatever library made them, known by what they can do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intermodal.tracking.values import UnrecordableError

PICTURES = (".png", ".jpg", ".jpeg", ".svg", ".pdf", ".webp", ".gif")
PAGES = (".html", ".htm")


def file_name(figure: Any, name: str) -> str:
    """The name with the ending that fits, if it has none.

    Raises:
        UnrecordableError: No figure can be saved under it.
    """
    suffix = Path(name).suffix.lower()
    known = PICTURES + PAGES
    if suffix in known:
        return name
    if suffix and suffix[1:].isalpha():
        raise UnrecordableError(f"a figure's name ends in one of {', '.join(known)}")
    drawn = _drawing(figure)
    is_page = hasattr(drawn, "write_html") or (hasattr(drawn, "save") and _is_chart(drawn))
    return name + (PAGES if is_page else PICTURES)[0]


def save(figure: Any, path: Path) -> None:
    """Write a figure of Matplotlib, Plotly, Pillow or Altair to a file whose ending says how.

    An Axes, or anything else with a `figure`, stands for the figure it is in.

    Raises:
        UnrecordableError: It is none, or cannot be saved in that form.
    """
    drawn = _drawing(figure)
    is_page = path.suffix.lower() in PAGES
    if hasattr(drawn, "savefig") and not is_page:
        drawn.savefig(path)
    elif hasattr(drawn, "write_html") and is_page:
        drawn.write_html(str(path), include_plotlyjs="cdn", auto_open=False)
    elif hasattr(drawn, "write_image") and not is_page:
        drawn.write_image(str(path))
    elif hasattr(drawn, "save") and (_is_chart(drawn) or (_is_image(drawn) and not is_page)):
        drawn.save(str(path))
    elif any(hasattr(drawn, way) for way in ("savefig", "write_html", "save")):
        raise UnrecordableError(f"a {type(drawn).__name__} cannot be saved as `{path.suffix}`")
    else:
        raise UnrecordableError(f"a {type(drawn).__name__} is no figure")


def _drawing(figure: Any) -> Any:
    """The figure itself, where something in it was given."""
    if any(hasattr(figure, way) for way in ("savefig", "write_html", "save")):
        return figure
    inner = getattr(figure, "figure", None)
    return figure if inner is None else inner


def _is_image(drawn: Any) -> bool:
    return hasattr(drawn, "mode") and hasattr(drawn, "size")


def _is_chart(drawn: Any) -> bool:
    return hasattr(drawn, "to_dict") and hasattr(drawn, "mark_bar")
