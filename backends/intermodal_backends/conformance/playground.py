"""A loopback HTTP server for the cases of `http`: it says what it was sent, fails, and redirects."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from intermodal_backends.conformance.serving import serving

SHOWN = ("authorization", "content-type", "cookie")
"""Headers that it says back, besides those that begin with `x-`; of credentials the hash only."""


class Playground(ThreadingHTTPServer):
    """Answers any method.

    - `/echo`: the method, path, headers and body that it was sent, as JSON;
    - `/status/CODE`: that status;
    - `/flaky/TIMES/NAME`: 503 so many times, then how many requests there were;
    - `/redirect/CODE?to=URL`: that status, with that place to go on to;
    - `/latin`: text in the charset ISO-8859-1; `/bytes`: bytes that are no text.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: Counter[str] = Counter()

    @property
    def address(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Playground

    def answer(self) -> None:
        """Answer by the path."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        what, *more = urlsplit(self.path).path.strip("/").split("/")
        match what, more:
            case "echo", _:
                self._send(200, json.dumps(self._told(body)).encode(), "application/json")
            case "status", [code]:
                self._send(int(code), f"status {code}".encode())
            case "flaky", [times, name]:
                self.server.seen[name] += 1
                number = self.server.seen[name]
                self._send(503 if number <= int(times) else 200, str(number).encode())
            case "redirect", [code]:
                [place] = parse_qs(urlsplit(self.path).query)["to"]
                self._send(int(code), b"elsewhere", place=place)
            case "latin", _:
                self._send(200, "Grüße".encode("iso-8859-1"), "text/plain; charset=ISO-8859-1")
            case "bytes", _:
                self._send(200, b"\xff\xfe\x00", "application/octet-stream")
            case _:
                self._send(404, b"nothing here")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815

    def _told(self, body: str) -> dict[str, object]:
        headers = {name.lower(): text for name, text in self.headers.items()}
        shown = {n: headers[n] for n in sorted(headers) if n in SHOWN or n.startswith("x-")}
        if "authorization" in shown:
            given = hashlib.sha256(shown["authorization"].encode())
            shown["authorization"] = given.hexdigest()[:12]
        return {"method": self.command, "path": self.path, "headers": shown, "body": body}

    def _send(
        self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8", place: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if place:
            self.send_header("Location", place)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: standard error belongs to the tests."""


@contextmanager
def open_playground() -> Iterator[Playground]:
    """A server for one run."""
    with Playground() as server, serving(server):
        yield server
