"""Print plain data as YAML: sorted keys, text of several lines as literal blocks, nothing folded.

The data is that of JSON, so a page of code does what a general library needs ten times as long for, and
text stays readable that the library would put into escapes, such as code with a symbol beyond the
basic plane or with blanks at the end of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

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


def document(value: Any) -> str:
    """One YAML document, ending in a line break."""
    if not isinstance(value, dict) or not value:
        return f"{_scalar(value)}\n"
    return "\n".join(_mapping(value, "")) + "\n"


def _mapping(value: dict[str, Any], margin: str) -> Iterator[str]:
    for key in sorted(value):
        item = value[key]
        start = f"{margin}{_text(key)}:"
        if isinstance(item, dict) and item:
            yield start
            yield from _mapping(item, margin + "  ")
        elif isinstance(item, list) and item:
            yield start
            yield from _sequence(item, margin)
        elif isinstance(item, str) and "\n" in item:
            yield from _block(f"{start} ", item, margin + "  ")
        else:
            yield f"{start} {_scalar(item)}"


def _sequence(value: list[Any], margin: str) -> Iterator[str]:
    for item in value:
        start = f"{margin}- "
        lines: Iterator[str] = iter(())
        if isinstance(item, dict):
            lines = _mapping(item, margin + "  ")
        elif isinstance(item, list):
            lines = _sequence(item, margin + "  ")
        if isinstance(item, dict | list) and item:
            yield start + next(lines)[len(start) :]
            yield from lines
        elif isinstance(item, str) and "\n" in item:
            yield from _block(start, item, margin + "  ")
        else:
            yield f"{start}{_scalar(item)}"


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
