"""Statements and requests that could not mean anything, or would give away a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from intermodal.findings import Finding, error
from intermodal.ir import Expression, Http, Literal_, Sql, Task, Wait

WITHOUT_BODY = ("GET", "HEAD")

_CONNECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def request_findings(task: Task) -> Iterator[Finding]:
    """Findings about a task's statement or request."""
    action = task.action.check if isinstance(task.action, Wait) else task.action
    match action:
        case Sql():
            problems = _of_statement(action)
        case Http():
            problems = _of_request(action)
        case _:
            return
    if action.connection is not None and not _CONNECTION.fullmatch(action.connection):
        what = f"`{task.id}` names the connection `{action.connection}`"
        following = "use letters, digits, `_`, `-` and `.`"
        yield error("PORT118", what, task.span, why="workers find it by its name", next=following)
    for what, following in problems:
        yield error("PORT118", f"`{task.id}` {what}", task.span, next=following)
    for name in sorted(set(task.outputs) - {"return"}):
        what = f"`{task.id}` cannot give an output `{name}`"
        why = "a statement gives its rows, a request the text of its response, as `return`"
        yield error("PORT118", what, task.span, why=why, next="leave it out")


def _of_statement(action: Sql) -> Iterator[tuple[str, str]]:
    text = _known(action.statement)
    if text is not None and not (isinstance(text, str) and text.strip()):
        yield "runs no statement", "write one, as text"


def _of_request(action: Http) -> Iterator[tuple[str, str]]:
    if action.body is not None and action.method in WITHOUT_BODY:
        yield f"sends a body with {action.method}", "leave it out, or choose another method"
    url = _known(action.url)
    if url is not None:
        yield from _of_url(url, action)
    for name, value in action.headers.items():
        text = _known(value)
        wrong = isinstance(text, str) and _CONTROL.search(text)
        if wrong or not _HEADER_NAME.fullmatch(name):
            yield f"sends the header {name!a}, which cannot be one", "leave out control characters"


def _of_url(url: object, action: Http) -> Iterator[tuple[str, str]]:
    text = url if isinstance(url, str) else ""
    if not isinstance(url, str) or _CONTROL.search(url):
        yield "sends a request to what is no URL", "write it as text, without control characters"
    elif action.connection is not None:
        if "://" in text.partition("?")[0]:
            next_step = "write the path only, or leave out the connection"
            yield f"names a server besides that of `{action.connection}`", next_step
    elif not _is_http(text):
        yield "sends a request to no URL of a server", "begin it with `https://` or `http://`"
    elif "@" in urlsplit(text).netloc:
        yield "has a password in its URL, for all to read", "name a `connection` that holds it"


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _known(value: Expression) -> object | None:
    """The value, if it is written in the pipeline."""
    return value.value if isinstance(value, Literal_) else None
