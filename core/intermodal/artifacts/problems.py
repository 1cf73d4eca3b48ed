"""The findings of the store, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from intermodal.artifacts.hashing import hash_content
from intermodal.artifacts.model import ArtifactKey, ArtifactRef
from intermodal.artifacts.serialisers import CannotRead
from intermodal.findings import Finding, FindingsError, error, warning


def missing(uri: str, root: str) -> Finding:
    """Nothing is stored at a URI."""
    return error(
        "PORT400",
        f"there is no artifact at `{uri}` in the store `{root}`",
        next="`port artifacts` lists what is there",
    )


def pruned(uri: str, when: datetime) -> Finding:
    """The content was removed on purpose."""
    return error(
        "PORT540",
        f"`{uri}` was pruned on {when:%Y-%m-%d}",
        why="its content was removed by `port artifacts prune`; where it came from is still known",
        next="run the task that made it again",
    )


def not_as_written(ref: ArtifactRef, why: str) -> Finding:
    """Content, record and reference do not agree."""
    return error(
        "PORT401",
        f"`{ref.uri}` is not what was written",
        why=why,
        next="run the task that made it again; find out what else writes into the store",
    )


def check_hash(path: Path, ref: ArtifactRef) -> None:
    """Compare content with its hash.

    Raises:
        FindingsError: PORT401, they differ.
    """
    found = hash_content(path)
    if found.sha256 != ref.sha256:
        why = f"its SHA-256 is {found.sha256[:12]}…, and was {ref.sha256[:12]}…"
        raise FindingsError([not_as_written(ref, why)])


def no_serialiser(key: ArtifactKey, value: object, why: str, next_step: str) -> Finding:
    """A value that nothing can store."""
    return error(
        "PORT402",
        f"{_output(key)} is a `{type(value).__qualname__}`, which cannot be stored",
        why=why,
        next=next_step,
    )


def pickled(key: ArtifactKey, value: object, name: str, why: str) -> Finding:
    """A value that could only be stored as a pickle."""
    return warning(
        "PORT403",
        f"{_output(key)}, a `{type(value).__qualname__}`, was stored as a pickle by {name}",
        why=f"{why}; a pickle runs code when it is read, and may not open under other versions",
        next="return a type with a serialiser of its own, or register one",
    )


def other_content(key: ArtifactKey, before: ArtifactRef) -> Finding:
    """A key that was used before, for something else."""
    return error(
        "PORT405",
        f"{_output(key)} was stored before, with other content",
        why=f"`{before.uri}` is never overwritten",
        next="store it under another attempt or run",
    )


def damaged(place: str, problem: Exception) -> Finding:
    """A file of the store's own that cannot be read."""
    return error(
        "PORT407",
        f"`{place}` cannot be read",
        why=str(problem),
        next="a newer Intermodal may be able to; else restore the file or delete its folder",
    )


def unreadable(ref: ArtifactRef, why: str, next_step: str = "") -> Finding:
    """Content that is whole, but cannot become a value."""
    return error("PORT408", f"`{ref.uri}` ({ref.format}) cannot be read", why=why, next=next_step)


def taken(target: Path) -> Finding:
    """A place to fetch to that holds something."""
    return error(
        "PORT006",
        f"`{target}` exists already",
        next="give another name, or remove what is there",
    )


@contextmanager
def reading(ref: ArtifactRef) -> Iterator[None]:
    """Turn whatever a serialiser raises on whole content into PORT408."""
    try:
        yield
    except CannotRead as problem:
        raise FindingsError([unreadable(ref, problem.why, problem.next_step)]) from problem
    except ImportError as problem:
        next_step = f"install `{problem.name}` where the task runs" if problem.name else ""
        raise FindingsError([unreadable(ref, str(problem), next_step)]) from problem
    except Exception as problem:  # each format's library raises its own
        why = f"{type(problem).__name__}: {problem}"
        raise FindingsError([unreadable(ref, why)]) from problem


def _output(key: ArtifactKey) -> str:
    return f"output `{key.output}` of task `{key.task}`"
