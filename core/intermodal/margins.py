"""Moving Python's text to the left or right without changing what its strings hold."""

from __future__ import annotations

import io
import tokenize


def dedented(text: str) -> str:
    """A statement's text at the left margin; lines that begin inside a string stay as they are."""
    first = text[: len(text) - len(text.lstrip(" \t"))]
    if not first:
        return text
    lines = text.split("\n")
    if not _may_hold_lines(text):
        return "\n".join(line.removeprefix(first) for line in lines)
    try:
        inside = lines_inside_strings(f"if True:\n{text}")
    except (tokenize.TokenError, SyntaxError):
        inside = set()
    return "\n".join(
        line if number in inside else line.removeprefix(first)
        for number, line in enumerate(lines, start=2)
    )


def indented(text: str, prefix: str) -> list[str]:
    """The lines of a text moved right; lines that begin inside a string stay as they are."""
    lines = text.split("\n")
    if not _may_hold_lines(text):
        return [f"{prefix}{line}" if line.strip() else "" for line in lines]
    inside = lines_inside_strings(text)
    return [
        line if number in inside else (f"{prefix}{line}" if line.strip() else "")
        for number, line in enumerate(lines, start=1)
    ]


def _may_hold_lines(text: str) -> bool:
    """Whether a string in a text may go over several lines; looking closer takes much longer."""
    return '"""' in text or "'''" in text or "\\\n" in text


def lines_inside_strings(text: str) -> set[int]:
    """Numbers of the lines that begin inside a string literal.

    Raises:
        tokenize.TokenError: The text is not Python.
    """
    inside: set[int] = set()
    opened: list[int] = []
    names = {tokenize.tok_name[i]: i for i in tokenize.tok_name}
    starts = {names.get("FSTRING_START"), names.get("TSTRING_START")}
    ends = {names.get("FSTRING_END"), names.get("TSTRING_END")}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
        elif token.type in starts:
            opened.append(token.start[0])
        elif token.type in ends:
            inside.update(range(opened.pop() + 1, token.end[0] + 1))
    return inside
