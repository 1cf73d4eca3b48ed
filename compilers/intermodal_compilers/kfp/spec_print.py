"""Print plain data as YAML: sorted keys, text of several lines as literal blocks, nothing folded.

The data is that of JSON, so a page of code does what a general library needs ten times as long for, and
text stays readable that the library would put into escapes, such as code with a symbol beyond the
basic plane or with blanks at the end of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from intermodal.frozen import Frozen

WIDTH = 100

# Text that YAML reads as text without quotes; what is left out here is quoted, which is always right.
_PLAIN = re.compile(
    r"(?:-{0,2}(?:[^\W\d]|/)[\w./@+=,;()-]*(?::[\w./@+=-]+)*(?: [\w./(][\w./@+=,;()-]*)*"
    r"|\d+\.\d+\.\d+)"
)
_WORDS = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf")
)

# Characters that a literal block cannot hold: controls, other line ends, and a byte order mark.
_NOT_LITERAL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)
_ESCAPED = re.compile('[\\\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')


class Style(Frozen):
    """How data is laid out.

    Attributes:
        width: Mappings and lists that fit into it stand on one line; 0 gives each entry its own.
        shared: Top-level keys whose equal entries are written once, with an anchor, and then
            referred to.
    """

    width: int = 0
    shared: tuple[str, ...] = ()


BLOCK = Style()
COMPACT = Style(WIDTH, ("components",))


def document(value: Mapping[str, Any], style: Style = BLOCK) -> str:
    """One YAML document, ending in a line break."""
    printer = _Printer(style.width)
    lines: list[str] = []
    for key in sorted(value):
        item = value[key]
        if key in style.shared and isinstance(item, dict) and item:
            lines.append(f"{_text(key)}:")
            lines.extend(_shared(printer, item))
        else:
            lines.extend(printer.entry(f"{_text(key)}:", item, ""))
    return "\n".join(lines) + "\n"


def _shared(printer: _Printer, entries: dict[str, Any]) -> Iterator[str]:
    """The entries of a mapping; equal ones refer to the first of them."""
    bodies = {name: "\n".join(printer.entry("", entries[name], "  ")) for name in sorted(entries)}
    counts: dict[str, int] = {}
    for body in bodies.values():
        counts[body] = counts.get(body, 0) + 1
    anchors: dict[str, str] = {}
    for name, body in bodies.items():
        start = f"  {_text(name)}:"
        if body in anchors:
            yield f"{start} *{anchors[body]}"
        elif counts[body] > 1 and re.fullmatch(r"[A-Za-z0-9_-]+", name):
            anchors[body] = name
            yield f"{start} &{name}{body}"
        else:
            yield f"{start}{body}"


class _Printer:
    """Prints the parts of one document."""

    def __init__(self, width: int) -> None:
        self._width = width

    def entry(self, start: str, item: Any, margin: str) -> Iterator[str]:
        """A key, which `start` ends with, and its value; `margin` is that of the key."""
        if isinstance(item, str) and "\n" in item:
            yield from _block(f"{start} ", item, f"{margin}  ")
        elif not isinstance(item, dict | list) or not item:
            yield f"{start} {_scalar(item)}"
        elif flat := self._flat(item, len(start) + 1 if start else len(margin) + 40):
            yield f"{start} {flat}"
        elif isinstance(item, dict):
            yield start
            yield from self._mapping(item, f"{margin}  ")
        else:
            yield start
            yield from self._sequence(item, margin)

    def _mapping(self, value: dict[str, Any], margin: str) -> Iterator[str]:
        for key in sorted(value):
            yield from self.entry(f"{margin}{_text(key)}:", value[key], margin)

    def _sequence(self, value: list[Any], margin: str) -> Iterator[str]:
        for item in value:
            start = f"{margin}- "
            if isinstance(item, str) and "\n" in item:
                yield from _block(start, item, f"{margin}  ")
            elif not isinstance(item, dict | list) or not item:
                yield f"{start}{_scalar(item)}"
            elif flat := self._flat(item, len(start)):
                yield f"{start}{flat}"
            else:
                inner = f"{margin}  "
                lines = (
                    self._mapping(item, inner)
                    if isinstance(item, dict)
                    else self._sequence(item, inner)
                )
                yield start + next(lines)[len(start) :]
                yield from lines

    def _flat(self, value: Any, used: int) -> str:
        """The value on one line, or nothing where it does not fit."""
        return _flat(value, self._width - used) or "" if self._width else ""


def _flat(value: Any, room: int) -> str | None:
    """The value in flow style, or None where it needs more room or a line break."""
    if isinstance(value, str):
        if "\n" in value or len(value) > room:
            return None
        text = _text(value)
        # Inside brackets a comma ends plain text, and for older readers so does a colon.
        return f"'{text}'" if text == value and ("," in text or ":" in text) else text
    if not isinstance(value, dict | list):
        return _scalar(value)
    if 3 * len(value) > room:
        return None
    parts: list[str] = []
    left = room - 2
    for item in sorted(value) if isinstance(value, dict) else value:
        part = _flat(item, left)
        if part is not None and isinstance(value, dict):
            inner = _flat(value[item], left - len(part) - 2)
            part = None if inner is None else f"{part}: {inner}"
        if part is None or len(part) > left:
            return None
        parts.append(part)
        left -= len(part) + 2
    inside = ", ".join(parts)
    return f"{{{inside}}}" if isinstance(value, dict) else f"[{inside}]"


def _block(start: str, text: str, margin: str) -> Iterator[str]:
    """A literal block; quoted text where a block cannot hold it."""
    body = text.rstrip("\n")
    if not body.strip(" \n") or _NOT_LITERAL.search(text):
        yield f"{start}{_quoted(text)}"
        return
    indication = "2" if body[0] in " \n" else ""
    ends = len(text) - len(body)
    chomping = {0: "-", 1: ""}.get(ends, "+")
    yield f"{start}|{indication}{chomping}"
    for line in body.split("\n"):
        yield f"{margin}{line}" if line else ""
    yield from [""] * (ends - 1)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text else text.replace("e", ".0e", 1)
    if isinstance(value, int):
        return str(value)
    return "{}" if isinstance(value, dict) else "[]"


@lru_cache(maxsize=65_536)
def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if _ESCAPED.search(text.replace('"', "").replace("\\", "")):
        return _quoted(text)
    return "'" + text.replace("'", "''") + "'"


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    short = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    return short or f"\\u{ord(character):04x}"
