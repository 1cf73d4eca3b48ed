"""Runs as all that know of them tell: the artifact store, the folder of a local run, and the tracker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from intermodal.artifacts.model import ArtifactRecord
from intermodal.artifacts.store import ArtifactStore
from intermodal.findings import Finding, FindingsError, error, warning
from intermodal.tracking.facts import OutputFact, ReadableTracker, RunFacts, TaskFacts
from intermodal.tracking.stored_facts import run_states, stored_facts

if TYPE_CHECKING:
    from intermodal.tracking.tracker import Tracker

RunName = tuple[str, str]
"""Pipeline and run id."""

MOST_NAMED = 5


@dataclass
class KnownRuns:
    """Finds runs by what a user calls them.

    Attributes:
        store: Of their artifacts.
        records: Of all versions in it, pruned ones among them.
        tracker: An address to ask, empty or `none` for nobody.
        findings: Gets what could not be asked.
        untracked: The runs in the store that the tracker was asked for and does not know.
    """

    store: ArtifactStore
    records: Sequence[ArtifactRecord]
    tracker: str = ""
    findings: list[Finding] = field(default_factory=list)
    untracked: list[RunName] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_run: dict[RunName, list[ArtifactRecord]] = {}
        for record in self.records:
            name = record.key.pipeline, record.key.run
            self._by_run.setdefault(name, []).append(record)
        for name in run_states(self.store.root):
            self._by_run.setdefault(name, [])

    def named(self, wanted: str) -> list[RunName]:
        """The runs in the store that a text may mean: `pipeline/run`, a run id, or how one begins."""
        pipeline, _, rest = wanted.partition("/")
        exact = [name for name in self._by_run if wanted == name[1] or (pipeline, rest) == name]
        if exact or not wanted:
            return exact
        return [
            name
            for name in self._by_run
            if name[1].startswith(wanted)
            or (rest and pipeline == name[0] and name[1].startswith(rest))
        ]

    def find(self, wanted: str, *, metrics: bool = True) -> RunFacts:
        """Everything that is known of the run that a user means.

        Args:
            wanted: `pipeline/run`, a run id, the beginning of either, or the tracker's own id.
            metrics: Whether to read them out of artifacts where no tracker has them.

        Raises:
            FindingsError: PORT541, there is no such run, or several.
        """
        names = self.named(wanted)
        if len(names) > 1:
            raise FindingsError([_several(wanted, names)])
        if names:
            return self.facts(names[0], metrics=metrics)
        pipeline, _, rest = wanted.partition("/")
        tracked = self.tracked(wanted) or (self.tracked(rest, pipeline) if rest else [])
        found = list(dict.fromkeys((run.pipeline, run.run_id) for run in tracked))
        if len(found) > 1:
            raise FindingsError([_several(wanted, found)])
        if not found:
            raise FindingsError([_unknown(wanted, self.store.root, self._by_run, self.findings)])
        return merged(self.stored(found[0], metrics=metrics), tracked[0])

    def facts(self, name: RunName, *, metrics: bool = True) -> RunFacts:
        """Everything that is known of a run in the store."""
        tracked = self.tracked(name[1], name[0])
        same = [run for run in tracked if (run.pipeline, run.run_id) == name]
        if not same:
            self.untracked.append(name)
        return merged(self.stored(name, metrics=metrics), next(iter(same), None))

    def stored(self, name: RunName, *, metrics: bool = True) -> RunFacts | None:
        """What is known of a run without the tracker."""
        return stored_facts(self.store, *name, self._by_run.get(name, ()), metrics=metrics)

    def tracked(self, run_id: str, pipeline: str | None = None) -> list[RunFacts]:
        """What the tracker knows; nothing, and a PORT543, where it cannot be asked."""
        from intermodal.tracking.tracker import is_off, resolve

        if is_off(self.tracker) or any(finding.code == "PORT543" for finding in self.findings):
            return []
        try:
            return readable(resolve(self.tracker)).find_runs(run_id, pipeline)
        except FindingsError as problem:
            why = "; ".join(finding.why or finding.what for finding in problem.findings)
        except Exception as problem:  # whatever a tracker raises, the store can still tell
            why = str(problem).strip().splitlines()[0] if str(problem).strip() else repr(problem)
        self.findings.append(not_asked(self.tracker, why))
        return []


def readable(tracker: Tracker) -> ReadableTracker:
    """The tracker, if it can be read. Raises TrackerError if it cannot."""
    from intermodal.tracking.tracker import TrackerError

    if not isinstance(tracker, ReadableTracker):
        raise TrackerError("this kind of tracker cannot be read back")
    return tracker


def not_asked(address: str, why: str) -> Finding:
    """PORT543: what the tracker knows is missing."""
    from intermodal.tracking.tracker import without_password

    shown = without_password(address)
    return warning(
        "PORT543",
        f"the tracker at `{shown}` was not read: what only it knows is missing",
        why=without_password(why)[:300],
        next="start it, or give another with `--tracking`; `--tracking none` asks nobody",
    )


def merged(stored: RunFacts | None, tracked: RunFacts | None) -> RunFacts:
    """What two know of one run; where both know something, the tracker goes first.

    Raises:
        ValueError: Neither knows it.
    """
    if tracked is None or stored is None:
        known = stored or tracked
        if known is None:
            raise ValueError("nobody knows the run")
        return known
    ours = {(task.task, task.index): task for task in stored.tasks}
    theirs = {(task.task, task.index): task for task in tracked.tasks}
    tasks = [
        _merged_task(ours.get(key), theirs.get(key))
        for key in sorted({*ours, *theirs}, key=lambda key: (key[0], tuple(map(str, key[1]))))
    ]
    return replace(
        tracked,
        target=tracked.target or stored.target,
        state=stored.state if tracked.state == "unknown" else tracked.state,
        parameters={**stored.parameters, **tracked.parameters},
        tasks=tuple(tasks),
        pipeline_hash=tracked.pipeline_hash or stored.pipeline_hash,
        started=_first(tracked.started, stored.started),
        ended=_first(tracked.ended, stored.ended),
    )


def _merged_task(stored: TaskFacts | None, tracked: TaskFacts | None) -> TaskFacts:
    if stored is None or tracked is None or stored.attempt > tracked.attempt:
        known = stored or tracked
        if known is None:
            raise ValueError("nobody knows the task")
        return known
    if stored.attempt < tracked.attempt:
        return tracked
    return replace(
        tracked,
        state=stored.state if tracked.state == "running" else tracked.state,
        parameters={**stored.parameters, **tracked.parameters},
        metrics=tracked.metrics or stored.metrics,
        code_hash=tracked.code_hash or stored.code_hash,
        outputs={**tracked.outputs, **_known(stored.outputs, tracked.outputs)},
        inputs=stored.inputs or tracked.inputs,
        started=_first(stored.started, tracked.started),
        ended=_first(stored.ended, tracked.ended),
        cached=stored.cached or tracked.cached,
    )


def _known(
    stored: Mapping[str, OutputFact], tracked: Mapping[str, OutputFact]
) -> dict[str, OutputFact]:
    """The stored outputs, those of which only the hash is known completed."""
    return {
        name: fact if fact.uri or name not in tracked else tracked[name]
        for name, fact in stored.items()
    }


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one


def _several(wanted: str, names: Iterable[RunName]) -> Finding:
    listed = sorted("/".join(name) for name in names)
    more = f" and {len(listed) - MOST_NAMED} more" if len(listed) > MOST_NAMED else ""
    return error(
        "PORT541",
        f"`{wanted}` does not say which run is meant",
        why=f"it may be {', '.join(f'`{name}`' for name in listed[:MOST_NAMED])}{more}",
        next="give more of the id, or `pipeline/run`",
    )


def _unknown(wanted: str, root: str, known: Iterable[RunName], asked: Sequence[Finding]) -> Finding:
    latest = sorted(name[1] for name in known)[-3:]
    not_asked = ", and the tracker was not read" if asked else ""
    return error(
        "PORT541",
        f"there is no run `{wanted}`",
        why=f"the store `{root}` has none{not_asked}",
        next=f"the latest runs: {', '.join(f'`{name}`' for name in latest)}"
        if latest
        else "`port artifacts` lists what is there",
    )
