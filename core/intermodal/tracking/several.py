"""Several trackers at one address: each gets everything, and one that is away stops no other.

The log is kept until all of them have it. Those that have it get it once more then, which changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from intermodal.tracking.tracker import Pages, Tracker, TrackerError, without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from intermodal.findings import Finding
    from intermodal.tracking.facts import RunFacts
    from intermodal.tracking.records import Record, Status
    from intermodal.tracking.tracker import TaskIdentity


class SeveralTrackers:
    """Sends to each of several trackers."""

    schemes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, trackers: Mapping[str, Tracker]) -> None:
        """Trackers by address, in order."""
        self._trackers = dict(trackers)
        self._away: dict[str, dict[str, Exception]] = {}  # session -> address -> what it raised

    @property
    def live(self) -> bool:
        """Parts are for all or for none: the last part leaves out the metrics that were sent before."""
        return all(getattr(tracker, "live", False) for tracker in self._trackers.values())

    @property
    def trackers(self) -> tuple[Tracker, ...]:
        """Those it sends to, in order."""
        return tuple(self._trackers.values())

    def begin(self, identity: TaskIdentity, started: int) -> None:
        """Begin with each. Raises TrackerError if all of them are away."""
        away: dict[str, Exception] = {}
        for address, tracker in self._trackers.items():
            try:
                tracker.begin(identity, started)
            except Exception as problem:  # whatever it is, the others go on
                away[address] = problem
        self._away[identity.session] = away
        if len(away) == len(self._trackers):
            raise _all_away(away)

    def replay(self, identity: TaskIdentity, records: Iterable[Record]) -> list[Finding]:
        """Send to each that has begun; a PORT500 for each that does not have all of it."""
        away = self._away[identity.session]
        findings: list[Finding] = []
        known = list(records)
        for address, tracker in self._trackers.items():
            if address in away:
                continue
            try:
                findings += tracker.replay(identity, iter(known))
            except Exception as problem:  # as above
                away[address] = problem
        return findings + [_undelivered(*item) for item in away.items()]

    def end(self, identity: TaskIdentity, status: Status) -> None:
        """End the attempt with each that has its records."""
        away = self._away[identity.session]
        reached = {a: t for a, t in self._trackers.items() if a not in away}
        _each(reached, lambda tracker: tracker.end(identity, status))

    def pages(self, identity: TaskIdentity) -> Pages:
        """The first page that one of them has."""
        away = self._away.get(identity.session, {})
        found = [t.pages(identity) for a, t in self._trackers.items() if a not in away]
        run = next((pages.run for pages in found if pages.run), "")
        return Pages(run, next((pages.task for pages in found if pages.task), ""))

    def open_run(self, identity: TaskIdentity, started: int) -> None:
        """Open the run with each."""
        _each(self._trackers, lambda tracker: tracker.open_run(identity, started))

    def close_run(self, identity: TaskIdentity, status: Status) -> None:
        """Close the run with each."""
        _each(self._trackers, lambda tracker: tracker.close_run(identity, status))

    def find_runs(self, run_id: str, pipeline: str | None = None) -> list[RunFacts]:
        """What the first of them that can be read, and has such a run, knows."""
        from intermodal.tracking.facts import ReadableTracker

        readable = [t for t in self._trackers.values() if isinstance(t, ReadableTracker)]
        return next(filter(None, (t.find_runs(run_id, pipeline) for t in readable)), [])


def _each(trackers: Mapping[str, Tracker], do: Callable[[Tracker], object]) -> None:
    """Do it with all of them, then raise a TrackerError for those that failed."""
    failed: dict[str, Exception] = {}
    for address, tracker in trackers.items():
        try:
            do(tracker)
        except Exception as problem:  # whatever it is, the others go on
            failed[address] = problem
    if failed:
        raise _all_away(failed)


def _all_away(problems: Mapping[str, Exception]) -> TrackerError:
    told = (f"{without_password(a)}: {_reason(problem)}" for a, problem in problems.items())
    return TrackerError("; ".join(told))


def _undelivered(address: str, problem: Exception) -> Finding:
    from intermodal.findings import warning

    what = f"`{without_password(address)}` did not take the records; they are kept"
    next_step = "the others have them; once it is back, `port track sync` sends them"
    return warning("PORT500", what, why=_reason(problem), next=next_step)


def _reason(problem: Exception) -> str:
    from intermodal.findings import FindingsError

    if isinstance(problem, FindingsError):
        return "; ".join(finding.why or finding.what for finding in problem.findings)
    text = str(problem).strip() or type(problem).__name__
    return without_password(text.splitlines()[0])[:500]
