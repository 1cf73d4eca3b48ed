"""Secrets of other systems in what is shown of their runs: values of variables that are named like one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from intermodal.runtime.secrets import HIDDEN, hide_secrets

SENSITIVE = re.compile(
    r"PASSW|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE_KEY|_CONN_",
    re.IGNORECASE,
)
SHORTEST = 6
"""Characters; a shorter value is likely to be an ordinary word as well."""


def conceal(value: Any, environment: Mapping[str, str] | None = None) -> Any:
    """A text, or JSON with texts in it, without the values of secrets.

    Args:
        value: What is to be shown.
        environment: Where the secrets are, this process's own if None.
    """
    variables = os.environ if environment is None else environment
    hidden = sorted(set(_hidden(variables)), key=len, reverse=True)
    return _concealed(value, hidden, variables)


def _concealed(value: Any, hidden: list[str], environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _concealed(item, hidden, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_concealed(item, hidden, environment) for item in value]
    if not isinstance(value, str):
        return value
    for secret in hidden:
        value = value.replace(secret, HIDDEN)
    return hide_secrets(value, environment)


def _hidden(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if not SENSITIVE.search(name):
            continue
        for part in (value, *_passwords(value)):
            if len(part) >= SHORTEST:
                yield part


def _passwords(value: str) -> Iterator[str]:
    """The password of a URL, as it stands there and as it is meant."""
    try:
        password = urlsplit(value).password
    except ValueError:  # it is no URL
        return
    if password:
        yield password
        yield unquote(password)
