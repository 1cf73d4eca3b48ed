"""What `port artifacts` tells: the versions of a store, and what one was made from, as rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from intermodal.artifacts import problems
from intermodal.artifacts.model import ArtifactRecord, Closed
from intermodal.artifacts.store import ArtifactStore
from intermodal.findings import Finding, FindingsError, error

SHORTEST_HASH = 8
"""Digits of a hash that are enough to ask for an artifact by."""


class VersionRow(Closed):
    """One stored version.

    Attributes:
        version: Counts from 1 over the versions of one output of one task instance, over all runs.
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


class LineageRow(Closed):
    """One line of an upstream tree, parents first.

    Attributes:
        depth: 0 for the artifact that was asked for.
        name: The input of the task below it that took this artifact; empty at depth 0.
        record: None if this store has no such artifact, or no longer.
        repeated: It stands further up already, with what it was made from.
    """

    depth: int
    name: str
    uri: str
    sha256: str
    record: ArtifactRecord | None
    repeated: bool = False


def versions(
    store: ArtifactStore,
    pipeline: str | None = None,
    run: str | None = None,
    task: str | None = None,
    output: str | None = None,
    kind: str | None = None,
) -> tuple[list[VersionRow], list[Finding]]:
    """The versions that fit, oldest first, and a PORT407 for each record that cannot be read."""
    # All runs are read, whichever is wanted: a version's number counts over them.
    records, findings = store.scan(pipeline, None, task, output)
    rows = [
        row for row in _numbered(records) if run in {None, row.run} and kind in {None, row.kind}
    ]
    return rows, findings


def find(store: ArtifactStore, wanted: str) -> ArtifactRecord:
    """The record of one artifact, asked for in any of the ways a user would.

    Args:
        store: Where to look.
        wanted: A URI; a key's path; `pipeline/task/output`, which is its latest version;
            `pipeline/task/output@3`, which is its third; or the first digits of a hash.

    Raises:
        FindingsError: PORT400, there is none, or several that differ.
    """
    parts = wanted.split("/")
    if "://" in wanted or len(parts) > 3:
        return store.record(wanted)
    if len(parts) == 3 and all(parts):
        return _by_name(store, wanted, *parts)
    if len(parts) == 1 and len(wanted) >= SHORTEST_HASH:
        return _by_hash(store, wanted)
    raise FindingsError([_unclear(wanted, "it is neither a URI, a name, nor a hash")])


def lineage(store: ArtifactStore, record: ArtifactRecord) -> list[LineageRow]:
    """An artifact and everything it was made from, as a tree read from the top.

    What was made from the same artifact twice shows it in full only once.
    """
    rows: list[LineageRow] = []
    shown: set[str] = set()
    waiting = [(0, "", record.ref.uri, record.ref.sha256)]
    while waiting:
        depth, name, uri, sha256 = waiting.pop()
        found = _record_or_none(store, uri, sha256)
        repeated = uri in shown
        shown.add(uri)
        rows.append(
            LineageRow(
                depth=depth, name=name, uri=uri, sha256=sha256, record=found, repeated=repeated
            )
        )
        if found and not repeated:
            waiting.extend(
                (depth + 1, source.name, source.uri, source.sha256)
                for source in reversed(found.inputs)
            )
    return rows


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
            )
        )
    return rows


def _by_name(store: ArtifactStore, wanted: str, *names: str) -> ArtifactRecord:
    pipeline, task, output = names
    output, _, number = output.rpartition("@") if "@" in output[1:] else (output, "", "")
    records = [
        record for record in store.records(pipeline, None, task, output) if not record.key.index
    ]
    if not records:
        raise FindingsError([problems.missing(wanted, store.root)])
    if not number:
        return records[-1]
    if not number.isdecimal() or not 1 <= int(number) <= len(records):
        why = f"`{output}` has the versions 1 to {len(records)}"
        raise FindingsError([_unclear(wanted, why)])
    return records[int(number) - 1]


def _by_hash(store: ArtifactStore, digits: str) -> ArtifactRecord:
    records = [record for record in store.records() if record.ref.sha256.startswith(digits)]
    if not records:
        raise FindingsError([problems.missing(digits, store.root)])
    if len({record.ref.sha256 for record in records}) > 1:
        raise FindingsError([_unclear(digits, "several artifacts have a hash that starts so")])
    return records[-1]


def _record_or_none(store: ArtifactStore, uri: str, sha256: str) -> ArtifactRecord | None:
    """The record at a URI, if this store has it and it is still the same content."""
    try:
        found = store.record(uri)
    except FindingsError as problem:
        if any(finding.code == "PORT404" for finding in problem.findings):
            raise
        return None
    return found if found.ref.sha256 == sha256 else None


def _unclear(wanted: str, why: str) -> Finding:
    return error(
        "PORT400",
        f"`{wanted}` does not say which artifact is meant",
        why=why,
        next="give a URI, `pipeline/task/output`, `pipeline/task/output@VERSION`, or a hash; "
        "`port artifacts` lists them",
    )
