"""Cached tasks whose sources are written in many ways; all of them go through the runtime everywhere."""

import math
from pathlib import Path
from typing import NamedTuple

from witness import attempt

from intermodal import Cache, Metrics, data, pipeline, shell, task

LIMITS = {"low": 1, "high": 3}
ROWS = "7318f0fabc11529adcea854d7567d4ab7336bca13e2196a6bf50423ca4b74369"


class Row(NamedTuple):
    """A row; a class of the file."""

    n: int


def scale(value, by=2):
    """A helper,
      with a text over lines
    and an odd margin."""
    return value * by  # a comment


def twice_scaled(value):
    return scale(scale(value))


@task(cache=Cache())
def plain(count: int) -> Metrics:
    """Several

    lines of docs,
        with a margin.
    """
    with attempt("plain"):
        text = """
one
  two
"""

        return Metrics(n=count + len(text))


@task(
    cache=Cache(ttl="1h"),
)
def helped(
    scores: Metrics,
    share: float = 0.25,
    *,
    names: str = "a",
) -> bytes:
    with attempt("helped"):
        row = Row(int(scores["n"]))

        def inner(x):
            return twice_scaled(x) if LIMITS["low"] < x else f"{x!r:>{LIMITS['high']}}"

        return f"{inner(row.n)} {share} {names} {math.pi:.2f}".encode()


@task(cache=Cache())
def sized(rows: Path, content: bytes) -> Metrics:
    with attempt("sized"):
        return Metrics(lines=len(rows.read_text().splitlines()), size=len(content))


@task(cache=Cache(key="v1"))
def named(scores: Metrics) -> bytes:
    with attempt("named"):
        return b"%d" % scores["lines"]


@pipeline
def shared():
    scores = plain(3)
    content = helped(scores)
    found = sized(data("rows.csv", sha256=ROWS), content)
    named(found)
    shell(
        # kfp.local puts a path in place of every `python3`, so the command would not be the same there.
        'py=python; "${py}3" "$WITNESS" start counted; n=$(wc -c < "$CONTENT"); '
        '"${py}3" "$WITNESS" end counted $n; echo $n',
        id="counted",
        inputs={"CONTENT": content},
        returns=int,
        cache=Cache(),
    )
