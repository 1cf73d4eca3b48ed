"""Sending a message to a channel: a log, an address for JSON, or a mailbox."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from intermodal.runtime.problems import InfrastructureError
from intermodal.runtime.secrets import hide_secrets, read_secret

SMTP_VARIABLE = "INTERMODAL_SMTP_URL"
SENDER_VARIABLE = "INTERMODAL_SMTP_FROM"
TIMEOUT = 5.0
"""Seconds for each step of a conversation with a server."""

KINDS = ("log", "webhook", "slack", "email")


def send(channel: str, message: str, environment: Mapping[str, str] | None = None) -> str:
    """Send a message, and say why it could not be sent; empty if it was.

    Args:
        channel: `log`, `email:ADDRESS`, or `webhook:NAME` and `slack:NAME`, where the secret NAME holds a
            URL that takes a POST of `{"text": message}`.
        message: What to say.
        environment: Where secrets and `INTERMODAL_SMTP_URL` (`smtp://user:password@host:587`, `smtps://`)
            are; this process's own if None.
    """
    variables = os.environ if environment is None else environment
    kind, _, name = channel.partition(":")
    try:
        if kind == "log":
            logging.getLogger("intermodal.notifications").info("%s", message)
        elif kind in ("webhook", "slack"):
            _post(read_secret(name, environment=variables), message)
        elif kind == "email":
            _mail(name, message, variables)
        else:
            return f"there is no channel `{channel}`; there are {', '.join(KINDS)}"
    except (InfrastructureError, OSError, ValueError, HTTPException) as problem:
        return hide_secrets(f"{type(problem).__name__}: {problem}", variables)
    return ""


def _post(url: str, message: str) -> None:
    from urllib.request import Request, urlopen

    if not url.startswith(("http://", "https://")):
        raise ValueError("the secret holds no address that begins with http:// or https://")
    body = json.dumps({"text": message}).encode()
    request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - checked above
    with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
        response.read()


def _mail(address: str, message: str, variables: Mapping[str, str]) -> None:
    from email.message import EmailMessage

    url = variables.get(SMTP_VARIABLE, "")
    server = urlsplit(url)
    if server.scheme not in ("smtp", "smtps") or not server.hostname:
        raise ValueError(f"set {SMTP_VARIABLE} to `smtp://user:password@host:587` or `smtps://...`")
    mail = EmailMessage()
    mail["To"] = address
    mail["From"] = variables.get(SENDER_VARIABLE) or f"intermodal@{socket.gethostname()}"
    mail["Subject"] = " ".join(message.split())[:200]
    mail.set_content(message)
    with _connected(server) as connection:
        connection.send_message(mail)


def _connected(server: SplitResult) -> Any:
    """A conversation with a mail server, encrypted where it offers that, logged in if a user is named."""
    import smtplib
    import ssl

    host = server.hostname or ""
    if server.scheme == "smtps":
        secure = ssl.create_default_context()
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            host, server.port or 465, timeout=TIMEOUT, context=secure
        )
    else:
        connection = smtplib.SMTP(host, server.port or 587, timeout=TIMEOUT)
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=ssl.create_default_context())
    if server.username:
        connection.login(unquote(server.username), unquote(server.password or ""))
    return connection
