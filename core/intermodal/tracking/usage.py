"""Which artifacts and runs are in use, as the tracker and the runs' own folders tell."""

from __future__ import annotations

from typing import Any

from intermodal.artifacts.pruning import Registered, Use
from intermodal.findings import FindingsError, error
from intermodal.tracking.facts import UsageTracker
from intermodal.tracking.stored_facts import run_states
from intermodal.tracking.tracker import is_off, resolve, without_password


def usage(address: str, store: str) -> Use:
    """What is in use of a store.

    Args:
        address: Of the tracker; empty or `none` asks nobody.
        store: URI of the store.

    Raises:
        FindingsError: PORT544, the tracker does not tell.
    """
    states = run_states(store)
    running = {name for name, state in states.items() if state == "running"}
    ended = set(states) - running
    models: list[Registered] = []
    if not is_off(address):
        for tracker in _asked(address):
            try:
                open_runs, versions = tracker.find_open_runs(), tracker.find_versions()
            except FindingsError as problem:
                raise _not_told(address, problem.findings[0].why) from problem
            except Exception as problem:  # whatever a tracker raises, nothing is removed then
                raise _not_told(address, str(problem).strip() or repr(problem)) from problem
            running |= {(run.pipeline, run.run_id) for run in open_runs}
            models += [
                Registered(f"{one.name} version {one.version}", one.uri, one.sha256)
                for one in versions
            ]
    return Use(models, frozenset(running), frozenset(ended - running))


def _asked(address: str) -> list[UsageTracker]:
    """The trackers at an address that tell what is in use."""
    try:
        tracker: Any = resolve(address)
    except FindingsError as problem:
        raise _not_told(address, problem.findings[0].why) from problem
    found = [
        one for one in getattr(tracker, "trackers", (tracker,)) if isinstance(one, UsageTracker)
    ]
    if not found:
        raise _not_told(address, "this kind of tracker keeps no list of models that can be read")
    return found


def _not_told(address: str, why: str) -> FindingsError:
    shown = without_password(address)
    return FindingsError(
        [
            error(
                "PORT544",
                f"the tracker at `{shown}` does not tell what is in use: nothing is removed",
                why=without_password(why.splitlines()[0])[:300] if why else "",
                next="start it, or say with `--without-tracker` that it need not be asked",
            )
        ]
    )
