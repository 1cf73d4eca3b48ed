"""Retention: which versions may go, what keeps them, and removing them so that their lineage stays.

What is kept in any case:

| what | why |
|---|---|
| versions of runs that have not ended | their tasks may still take them |
| versions that a registered model refers to | the registry would lead nowhere |
| inputs of what is kept; their inputs, where that is asked for | what is kept can be made again |
| versions that a cache entry refers to, where that is asked for | else the entry goes first, and the task runs again |
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from intermodal.artifacts.lineage import Lineage, RunName
from intermodal.artifacts.model import ArtifactKey, ArtifactRecord, ArtifactRef, is_ref
from intermodal.artifacts.store import ArtifactStore
from intermodal.findings import Finding, FindingsError, warning

CACHE = ".cache"
VALUE = "Value"
"""The kind of a large JSON value, which may refer to artifacts."""

UNKNOWN_RUN = timedelta(days=1)
"""How long after its last artifact a run counts as running, if nobody knows how it ended."""

STALE_RUN = timedelta(days=7)
"""The same for a run that was never marked as ended, as after a power cut."""


KeepInputs = Literal["direct", "all", "none"]


class Reason(NamedTuple):
    """What keeps a version: in general words, and who it is here."""

    why: str
    who: str = ""


@dataclass(frozen=True)
class Policy:
    """What may go: versions to which all of this applies.

    Attributes:
        keep_last: Never the newest so many of an output.
        older_than: Only those that are older.
        pipeline: Only of this pipeline.
        run: Only of this run.
        kind: Only of this kind.
        keep_inputs: Not what a version that stays for another reason was made from (`direct`), nor what
            that was made from, and so on (`all`); or `none`.
        keep_cached: Not what a cache entry refers to.
    """

    keep_last: int = 1
    older_than: timedelta | None = None
    pipeline: str | None = None
    run: str | None = None
    kind: str | None = None
    keep_inputs: KeepInputs = "direct"
    keep_cached: bool = False


@dataclass(frozen=True)
class Registered:
    """A model version in a registry: its name for people, and what it refers to."""

    name: str
    uri: str
    sha256: str = ""


@dataclass(frozen=True)
class Use:
    """What others know of versions being in use.

    Attributes:
        models: Versions of registered models.
        open_runs: Runs that have not ended.
        ended_runs: Runs of which it is known that they have.
    """

    models: Sequence[Registered] = ()
    open_runs: frozenset[RunName] = frozenset()
    ended_runs: frozenset[RunName] = frozenset()


@dataclass(frozen=True)
class Plan:
    """What pruning would do.

    Attributes:
        removed: Versions that go, oldest first.
        kept: Versions that the policy would let go, with what keeps them, by URI.
        cache: Names of cache entries that go.
        unswept: Versions of which an earlier pruning left content behind.
        total: How many versions there are.
        findings: References that lead nowhere, and records that cannot be read.
    """

    removed: tuple[ArtifactRecord, ...]
    kept: Mapping[str, Reason]
    cache: tuple[str, ...]
    unswept: tuple[ArtifactKey, ...]
    total: int
    findings: tuple[Finding, ...]

    @property
    def size(self) -> int:
        """Bytes of content that go."""
        return sum(record.ref.size for record in self.removed)


@dataclass
class _Keeping:
    """Who goes and who stays, while that is being decided."""

    lineage: Lineage
    going: dict[str, ArtifactRecord]
    kept: dict[str, Reason] = field(default_factory=dict)

    def keep(self, uri: str, why: str, who: str = "") -> None:
        """Keep a version that would go."""
        if self.going.pop(uri, None) is not None:
            self.kept[uri] = Reason(why, who)

    def inside(self, value: Any) -> set[str]:
        """The URIs of the versions that a JSON value refers to."""
        found = (self.lineage.at(ref.uri) for ref in _references(value))
        return {node.id for node in found if node is not None}


def plan(store: ArtifactStore, policy: Policy, use: Use, now: datetime) -> Plan:
    """What the policy removes from a store, and what is in its way. Nothing is changed."""
    records, findings = store.scan(pruned=True)
    live = [record for record in records if record.pruned_at is None]
    state = _Keeping(Lineage(records), {r.ref.uri: r for r in _candidates(live, policy, now)})
    running = _running(live, use, now)
    for uri, record in tuple(state.going.items()):
        if (record.key.pipeline, record.key.run) in running:
            state.keep(uri, "in a run that has not ended", record.key.run)
    findings += _not_there(records, policy)
    findings += _keep_models(state, store.root, use.models)
    entries = {name: state.inside(value) for name, value in store.json_files(CACHE).items()}
    if policy.keep_cached:
        for uri in (uri for uris in entries.values() for uri in uris):
            state.keep(uri, "in the cache")
    if policy.keep_inputs != "none":
        findings += _keep_inputs(state, store, live, deep=policy.keep_inputs == "all")
    gone = set(state.going) | {r.ref.uri for r in records if r.pruned_at is not None}
    return Plan(
        removed=tuple(state.going.values()),
        kept=state.kept,
        cache=tuple(sorted(name for name, uris in entries.items() if gone & uris)),
        unswept=tuple(store.unswept()),
        total=len(live),
        findings=tuple(findings),
    )


def carry_out(store: ArtifactStore, planned: Plan) -> None:
    """Do what a plan says. What was cut short is finished by planning and doing it again.

    Raises:
        FindingsError: PORT404, the store cannot be used; what went before is removed for good.
    """
    for name in planned.cache:
        store.delete(f"{CACHE}/{name}")
    for record in planned.removed:
        store.prune(record)
    for key in planned.unswept:
        store.sweep(key)


def _candidates(
    live: Sequence[ArtifactRecord], policy: Policy, now: datetime
) -> Iterator[ArtifactRecord]:
    """The versions that the policy lets go, oldest first."""
    newest: defaultdict[tuple[object, ...], list[ArtifactRecord]] = defaultdict(list)
    for record in live:
        key = record.key
        newest[key.pipeline, key.task, key.index, key.output].append(record)
    last = {
        record.ref.uri
        for versions in newest.values()
        for record in versions[max(0, len(versions) - policy.keep_last) :]
    }
    for record in live:
        key = record.key
        fits = (
            policy.pipeline in {None, key.pipeline}
            and policy.run in {None, key.run}
            and policy.kind in {None, record.ref.kind}
        )
        old = policy.older_than is None or now - record.created_at > policy.older_than
        if fits and old and record.ref.uri not in last:
            yield record


def _not_there(records: Iterable[ArtifactRecord], policy: Policy) -> list[Finding]:
    """What the policy names and the store has never had: most likely it is misspelt."""
    known = list(records)
    named = {
        "run": (policy.run, {record.key.run for record in known}),
        "pipeline": (policy.pipeline, {record.key.pipeline for record in known}),
        "kind": (policy.kind, {record.ref.kind for record in known}),
    }
    return [
        warning(
            "PORT541" if what == "run" else "PORT400",
            f"the store has no artifact of {what} `{wanted}`",
            next="`port artifacts` lists what is there, by its whole name",
        )
        for what, (wanted, there) in named.items()
        if wanted is not None and wanted not in there
    ]


def _running(live: Iterable[ArtifactRecord], use: Use, now: datetime) -> set[RunName]:
    """The runs that count as not ended."""
    latest: dict[RunName, datetime] = {}
    for record in live:  # oldest first
        latest[record.key.pipeline, record.key.run] = record.created_at
    found: set[RunName] = set()
    for run, moment in latest.items():
        age = now - moment
        if run in use.open_runs:
            limit = STALE_RUN
        elif run in use.ended_runs:
            continue
        else:
            limit = UNKNOWN_RUN
        if age <= limit:
            found.add(run)
    return found


def _keep_models(state: _Keeping, root: str, models: Iterable[Registered]) -> Iterator[Finding]:
    """Keep what registered models refer to; finds those that refer to nothing."""
    by_content: defaultdict[str, list[str]] = defaultdict(list)
    for stored in state.lineage.records:
        by_content[stored.ref.sha256].append(stored.ref.uri)
    for model in models:
        node = state.lineage.at(model.uri)
        record = node.record if node is not None else None
        if record is not None and record.pruned_at is None:
            state.keep(record.ref.uri, "registered as a model", model.name)
            continue
        for same in by_content.get(model.sha256, ()):
            state.keep(same, "registered as a model", model.name)
        if record is not None or model.uri.startswith(f"{root}/"):
            how = "was pruned" if record is not None else "is not there"
            yield warning(
                "PORT542",
                f"{model.name} refers to `{model.uri}`, which {how}",
                next="delete the registered version, or run again what made it",
            )


def _keep_inputs(
    state: _Keeping, store: ArtifactStore, live: Iterable[ArtifactRecord], *, deep: bool
) -> list[Finding]:
    """Keep what the versions that stay were made from, or refer to in a large value."""
    findings: list[Finding] = []
    names = {record.ref.uri: state.lineage.nodes[record.ref.uri].name for record in live}
    waiting = [record for record in live if record.ref.uri not in state.going]
    while waiting and state.going:
        record = waiting.pop()
        uris = [link.source for link in state.lineage.sources(record.ref.uri)]
        if record.ref.kind == VALUE:
            uris += _inside(state, store, record, findings)
        for uri in uris:
            taken = state.going.get(uri)
            if taken is not None:
                state.keep(uri, "input of what stays", names[record.ref.uri])
                if deep:
                    waiting.append(taken)
    return findings


def _inside(
    state: _Keeping, store: ArtifactStore, record: ArtifactRecord, findings: list[Finding]
) -> set[str]:
    """What a stored JSON value refers to."""
    try:
        return state.inside(store.load(record.ref))
    except FindingsError as problem:
        why = "; ".join(finding.what for finding in problem.findings)
        what = f"what `{record.ref.uri}` refers to is not known, and may go"
        findings.append(warning("PORT542", what, why=why))
        return set()


def _references(value: Any) -> Iterator[ArtifactRef]:
    """All references inside a JSON value."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if is_ref(item):
            with suppress(ValueError):  # somebody else's
                yield ArtifactRef.from_json(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
