"""A loopback HTTP server that keeps the notifications it gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from intermodal_backends.conformance.serving import serving


class Inbox(ThreadingHTTPServer):
    """Takes any POST; `messages` are the texts in them, in the order of their arrival."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[str] = []

    @property
    def url(self) -> str:
        """Where to send messages."""
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Keep the message."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        assert isinstance(self.server, Inbox)
        self.server.messages.append(_text_of(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing: standard error belongs to the tests."""


def _text_of(body: str) -> str:
    """The message, or the whole body where it does not have the agreed form."""
    try:
        data = json.loads(body)
    except ValueError:
        return body
    if isinstance(data, dict) and set(data) == {"text"}:
        return str(data["text"])
    return body


@contextmanager
def open_inbox() -> Iterator[Inbox]:
    """An inbox for one run."""
    with Inbox() as inbox, serving(inbox):
        yield inbox
