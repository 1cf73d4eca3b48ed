"""Secrets: taken from the worker's environment when a task needs them, and written nowhere."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from intermodal.runtime.problems import InfrastructureError

MARK = "$secret"
PREFIX = "INTERMODAL_SECRET_"
HIDDEN = "***"
SHORTEST_HIDDEN = 4
"""Characters; hiding shorter values would black out ordinary words."""


def secret_marker(name: str, key: str | None = None) -> dict[str, Any]:
    """The JSON value that stands for a secret until it reaches its task."""
    return {MARK: [{"name": name, "key": key}]}


def joined_marker(parts: list[Any]) -> dict[str, Any]:
    """The marker of a text that has secrets in it; parts are text or markers."""
    flat: list[Any] = []
    for part in parts:
        flat.extend(part[MARK] if is_secret(part) else [part])
    return {MARK: flat}


def is_secret(value: Any) -> bool:
    """Whether a JSON value is a marker."""
    return isinstance(value, Mapping) and set(value) == {MARK}


def mentions_secret(value: Any) -> bool:
    """Whether a JSON value is a marker, or has one inside."""
    if isinstance(value, dict):
        return is_secret(value) or any(mentions_secret(part) for part in value.values())
    return isinstance(value, list) and any(mentions_secret(part) for part in value)


def reveal(marker: Mapping[str, Any]) -> str:
    """The text that a marker stands for.

    Raises:
        InfrastructureError: The environment does not have the secret.
    """
    parts = marker[MARK]
    return "".join(
        part if isinstance(part, str) else read_secret(part["name"], part["key"]) for part in parts
    )


def variable_of(name: str, key: str | None = None) -> str:
    """The environment variable that holds a secret."""
    words = [name] if key is None else [name, key]
    return PREFIX + "_".join(re.sub(r"\W", "_", word, flags=re.ASCII).upper() for word in words)


def read_secret(
    name: str, key: str | None = None, *, environment: Mapping[str, str] | None = None
) -> str:
    """A secret's value, from an environment, this process's own if None.

    Raises:
        InfrastructureError: The environment does not have it.
    """
    variable = variable_of(name, key)
    value = (os.environ if environment is None else environment).get(variable)
    if value is None:
        raise InfrastructureError(f"secret `{name}` is not there; set {variable} for the worker")
    return value


def hide_secrets(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text with the values of the secrets in an environment, this process's own, blacked out."""
    for value in _hidden(os.environ if environment is None else environment):
        text = text.replace(value, HIDDEN)
    return text


def holds_secret(value: Any) -> bool:
    """Whether a text inside a JSON value holds a secret of this process's environment."""
    hidden = _hidden(os.environ)
    return bool(hidden) and _holds(value, hidden)


def _hidden(environment: Mapping[str, str]) -> list[str]:
    return [
        value
        for name, value in environment.items()
        if name.startswith(PREFIX) and len(value) >= SHORTEST_HIDDEN
    ]


def _holds(value: Any, hidden: list[str]) -> bool:
    if isinstance(value, str):
        return any(secret in value for secret in hidden)
    if isinstance(value, dict):
        return any(_holds(part, hidden) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(_holds(item, hidden) for item in value)
