"""MLflow's rules for names and lengths, and how what breaks them is changed, visibly.

Limits from `mlflow/utils/validation.py` (3.17). MLflow itself refuses a whole batch for one bad name
and cuts long values with no more than a line in a log.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

KEY_LIMIT = 250
PARAM_LIMIT = 6000
TAG_LIMIT = 8000
METRICS_PER_BATCH = 1000
TEXTS_PER_BATCH = 100
BYTES_PER_BATCH = 500_000  # the server refuses requests over 1,000,000

FORBIDDEN = re.compile(r"[^/\w.\- :]")
FORBIDDEN_IN_MODEL = re.compile(r"[^\w.\- ]")
ALIAS = re.compile(r"^(?![vV]\d+$)(?!latest$)[\w\-]{1,255}$")

_T = TypeVar("_T")


def safe_key(name: str) -> str:
    """A key that MLflow takes: the name itself, or one that no other name turns into."""
    parts = [
        "_" if part in ("", ".", "..") else part for part in FORBIDDEN.sub("_", name).split("/")
    ]
    return _marked(name, "/".join(parts))


def safe_model_name(name: str) -> str:
    """A registered model's name without quotes, slashes and colons, which break its address."""
    return _marked(name, FORBIDDEN_IN_MODEL.sub("_", name))


def _marked(name: str, changed: str) -> str:
    if changed == name and len(name) <= KEY_LIMIT:
        return name
    mark = "-" + hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return changed[: KEY_LIMIT - len(mark)] + mark


def clean_text(text: str) -> str:
    """The text without what databases refuse: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def cut_text(text: str, limit: int) -> str:
    """The text, cut to `limit` characters, the last of them telling that it was cut."""
    if len(text) <= limit:
        return text
    mark = f" ... [cut, {len(text)} characters]"
    return text[: limit - len(mark)] + mark


def batches(
    items: Iterable[_T], weigh: Callable[[_T], Any], most: int, limit: int = BYTES_PER_BATCH
) -> Iterator[list[_T]]:
    """Lists of at most `most` items whose JSON, as `weigh` gives it, stays under `limit` bytes."""
    batch: list[_T] = []
    size = 0
    for item in items:
        weight = len(json.dumps(weigh(item))) + 64  # 64: the field names around it
        if batch and (len(batch) >= most or size + weight > limit):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch
