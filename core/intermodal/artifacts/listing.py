"""What `port artifacts` tells: the versions of a store as rows, and the one that a user means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from intermodal.artifacts import problems
from intermodal.artifacts.model import ArtifactRecord, Closed
from intermodal.artifacts.store import ArtifactStore
from intermodal.findings import Finding, FindingsError, error

SHORTEST_HASH = 8
"""Digits of a hash that are enough to ask for an artifact by."""

NAME_SLASHES = 2
"""In `pipeline/task/output`."""

_NAME = re.compile(
    r"(?P<pipeline>[^/]+)/(?P<task>[^/]+?)(?:\[(?P<index>\d+(?:,\d+)*)\])?/"
    r"(?P<output>[^/]+?)(?:@(?P<number>\d+))?"
)


class VersionRow(Closed):
    """One stored version.

    Attributes:
        version: Counts from 1 over the versions of one output of one task instance, over all runs,
            those that were pruned among them.
        same_as: The first version that has the same content, if an older one has.
        size: Bytes.
    """

    version: int
    same_as: int | None
    pipeline: str
    run: str
    task: str
    index: tuple[int, ...]
    attempt: int
    output: str
    kind: str
    format: str
    size: int
    sha256: str
    created_at: datetime
    uri: str
    pruned_at: datetime | None = None


def versions(
    store: ArtifactStore,
    pipeline: str | None = None,
    run: str | None = None,
    task: str | None = None,
    output: str | None = None,
    kind: str | None = None,
    *,
    pruned: bool = False,
) -> tuple[list[VersionRow], list[Finding]]:
    """The versions that fit, oldest first, and a PORT407 for each record that cannot be read.

    With `pruned`, those whose content was removed are among them.
    """
    # All runs are read, whichever is wanted: a version's number counts over them.
    records, findings = store.scan(pipeline, None, task, output, pruned=True)
    rows = [
        row
        for row in _numbered(records)
        if run in {None, row.run} and kind in {None, row.kind} and (pruned or row.pruned_at is None)
    ]
    return rows, findings


def find(store: ArtifactStore, wanted: str) -> ArtifactRecord:
    """The version that a user means, whose content is there.

    Args:
        store: Where it is.
        wanted: As `chosen` takes it.

    Raises:
        FindingsError: PORT400, there is none, or several that differ; PORT540, it was pruned.
    """
    if is_place(wanted):
        return store.record(wanted)
    named = _NAME.fullmatch(wanted)
    names = (named["pipeline"], None, named["task"], named["output"]) if named else ()
    records, _ = store.scan(*names, pruned=True)
    there = [record for record in records if record.pruned_at is None]
    numbered = named is not None and named["number"] is not None
    try:
        record = chosen(records if numbered else there, wanted, store.root)
    except FindingsError:
        record = chosen(records, wanted, store.root)
    if record.pruned_at is not None:
        raise FindingsError([problems.pruned(record.ref.uri, record.pruned_at)])
    return record


def chosen(records: Sequence[ArtifactRecord], wanted: str, where: str) -> ArtifactRecord:
    """The one of some records, oldest first, that a user means.

    Args:
        records: To choose from; for a number to be right, all versions of an output.
        wanted: The URI or path in the store of its content or folder; `pipeline/task/output`, its latest
            version; `pipeline/task/output@3`, which is its third; or the first digits of a hash. A task
            in a loop is `task[0]`, or `task[0,2]`.
        where: Names the store in errors.

    Raises:
        FindingsError: PORT400, there is none, or several that differ.
    """
    if is_place(wanted):
        path = "/".join(wanted.rstrip("/").split("/"))
        fitting = [one for one in records if path in _places_of(one)]
    elif named := _NAME.fullmatch(wanted):
        return _by_name(records, wanted, where, named)
    elif "/" not in wanted and len(wanted) >= SHORTEST_HASH:
        fitting = [one for one in records if one.ref.sha256.startswith(wanted)]
    else:
        raise FindingsError([_unclear(wanted, "it is neither a URI, a name, nor a hash")])
    if not fitting:
        raise FindingsError([problems.missing(wanted, where)])
    if len({one.ref.sha256 for one in fitting}) > 1:
        raise FindingsError([_unclear(wanted, "several artifacts have a hash that starts so")])
    return fitting[-1]


def is_name(wanted: str) -> bool:
    """Whether a text has the form of `pipeline/task/output`."""
    return _NAME.fullmatch(wanted) is not None


def is_hash(wanted: str) -> bool:
    """Whether a text may be the beginning of a hash."""
    return len(wanted) >= SHORTEST_HASH and all(digit in "0123456789abcdef" for digit in wanted)


def is_place(wanted: str) -> bool:
    """Whether a text is a URI, or a path in a store, rather than a name or a hash."""
    return "://" in wanted or wanted.count("/") > NAME_SLASHES


def _numbered(records: Iterable[ArtifactRecord]) -> list[VersionRow]:
    """Rows with their version numbers; the records come oldest first."""
    counts: defaultdict[tuple[object, ...], int] = defaultdict(int)
    first: dict[tuple[object, ...], int] = {}
    rows = []
    for record in records:
        key, ref = record.key, record.ref
        thing = (key.pipeline, key.task, key.index, key.output)
        counts[thing] += 1
        earlier = first.setdefault((*thing, ref.sha256), counts[thing])
        rows.append(
            VersionRow(
                version=counts[thing],
                same_as=earlier if earlier < counts[thing] else None,
                **key.model_dump(),
                **ref.model_dump(exclude={"metadata"}),
                created_at=record.created_at,
                pruned_at=record.pruned_at,
            )
        )
    return rows


def _by_name(
    records: Sequence[ArtifactRecord], wanted: str, where: str, named: re.Match[str]
) -> ArtifactRecord:
    index = tuple(int(part) for part in (named["index"] or "").split(",") if part)
    thing = (named["pipeline"], named["task"], index, named["output"])
    found = [
        one
        for one in records
        if (one.key.pipeline, one.key.task, one.key.index, one.key.output) == thing
    ]
    if not found:
        raise FindingsError([problems.missing(wanted, where)])
    number = named["number"]
    if number is None:
        return found[-1]
    if not 1 <= int(number) <= len(found):
        why = f"`{named['output']}` has the versions 1 to {len(found)}"
        raise FindingsError([_unclear(wanted, why)])
    return found[int(number) - 1]


def _places_of(record: ArtifactRecord) -> tuple[str, ...]:
    """The texts that name a version by its place."""
    uri = record.ref.uri
    name = uri.rpartition("/")[2]
    return (uri, uri.removesuffix(f"/{name}"), f"{record.key.path}/{name}", record.key.path)


def _unclear(wanted: str, why: str) -> Finding:
    return error(
        "PORT400",
        f"`{wanted}` does not say which artifact is meant",
        why=why,
        next="give a URI, `pipeline/task/output`, `pipeline/task/output@VERSION`, or a hash; "
        "`port artifacts` lists them",
    )
