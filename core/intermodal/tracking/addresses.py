"""Addresses of data without credentials, whatever they look like there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from intermodal.tracking.datasets import without_credentials

AZURE = ("abfs", "abfss", "wasb", "wasbs")


def bare_uri(uri: str) -> str:
    """An address without credentials; Azure's name a container where others name a user."""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https"):
        return without_credentials(uri)
    if parts.scheme in AZURE and ":" not in parts.netloc:
        return uri
    return re.sub(r"(?<=://)[^/@\s]*@", "", uri)
