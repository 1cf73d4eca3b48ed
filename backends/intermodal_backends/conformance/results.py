"""All cases on all engines, as data: `python -m intermodal_backends.conformance.results`.

Writes `evidence.json` of the package and the page of the docs that is made from it.
"""

from __future__ import annotations

import argparse
import fnmatch
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from intermodal import registry
from intermodal.analysis.defaults import fold_defaults
from intermodal.analysis.uses import used_features
from intermodal.compile import compile_pipeline
from intermodal.compiling import Target
from intermodal.evidence import FILE, CaseResult, Evidence, Shown, hash_of, read_evidence
from intermodal.evidence_page import page
from intermodal.features import Declares, Feature
from intermodal.findings import FindingsError, errors_of
from intermodal.running import local_backend
from intermodal.trace import Trace
from intermodal_backends.conformance.case import Case, find_cases
from intermodal_backends.conformance.harness import Outcome, run_engine, run_reference
from intermodal_backends.engines.environment import require

ENGINES = ("airflow@3.3", "prefect@3", "airflow@2.11", "kfp@2")
"""Those that every case is run on; the slowest first, so that two at a time end together."""

REFERENCE = local_backend()
LOCAL = f"{REFERENCE.name}@{REFERENCE.versions[0]}"

Told = dict[str, tuple[Shown, tuple[str, ...]]]
"""By case: what it showed, and what differs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, write, and say how many cases did what they should; 1 if any did not."""
    given = _options(arguments)
    started = time.perf_counter()
    every = find_cases(given.cases.resolve())
    chosen = [case for case in every if fnmatch.fnmatch(case.name, given.only)]
    here = references(chosen)
    traces = {name: outcome.trace for name, outcome in here.items() if outcome.trace}
    with ProcessPoolExecutor(given.jobs, multiprocessing.get_context("spawn")) as pool:
        jobs = {
            name: pool.submit(run_on, name, given.cases.resolve(), given.only, traces)
            for name in given.engine or ENGINES
        }
        told = {name: job.result() for name, job in jobs.items()}
    told[LOCAL] = {name: (Shown(verdict=o.verdict), o.differences) for name, o in here.items()}
    evidence = merged(read_evidence(), every, told)
    FILE.write_text(evidence.to_json(), encoding="utf-8")
    write_page(given.page, evidence)
    wrong = _print(told)
    print(f"{len(chosen)} cases in {time.perf_counter() - started:.0f} s")
    return 1 if wrong else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run all cases on all engines; write results.")
    parser.add_argument("--cases", type=Path, default=Path("tests/conformance"))
    parser.add_argument("--page", type=Path, default=Path("docs/matrix.md"))
    parser.add_argument("--only", default="*", metavar="GLOB", help="cases by name; others stay")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="engines; others stay")
    parser.add_argument("--jobs", type=int, default=2, help="engines at once")
    return parser.parse_args(arguments)


def references(cases: Iterable[Case]) -> dict[str, Outcome]:
    """What the reference executor does, by case."""
    outcomes: dict[str, Outcome] = {}
    for case in cases:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
            outcomes[case.name] = run_reference(case, Path(work))
    return outcomes


def run_on(name: str, root: Path, only: str, traces: dict[str, Trace]) -> Told:
    """Run the cases on one engine."""
    target, _ = registry.resolve_target(name)
    assert target is not None
    told: Told = {}
    with registry.load("engines", target.name)(require(name)) as engine:
        for case in find_cases(root):
            if not fnmatch.fnmatch(case.name, only):
                continue
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
                outcome = run_engine(case, target, engine, Path(work), traces.get(case.name))
            told[case.name] = (shown(case, target, outcome), outcome.differences)
            print(f"{name} {case.name}: {outcome.verdict}", file=sys.stderr, flush=True)
    return told


def shown(case: Case, target: Target, outcome: Outcome) -> Shown:
    """An outcome as it is kept: the reason is the one that the case declares."""
    declared = case.exclusion(target) or case.compiles_only(target)
    reason = declared.reason if declared and outcome.verdict != "same" else ""
    return Shown(verdict=outcome.verdict, reason=reason)


def merged(before: Evidence, cases: Sequence[Case], told: dict[str, Told]) -> Evidence:
    """The results with those just made; cases that are gone are left out."""
    targets = [Target(c.name, v) for c in registry.compilers().values() for v in c.versions]
    found: dict[str, CaseResult] = {}
    for case in cases:
        old = before.cases[case.name].targets if case.name in before.cases else {}
        new = {
            name: results[case.name][0] for name, results in told.items() if case.name in results
        }
        now = {
            str(target): new.get(str(target))
            or (old.get(str(target)) if str(target) in ENGINES else None)
            or without_engine(case, target)
            for target in targets
        }
        now |= {name: made[name] for made in (old, new) for name in (LOCAL,) if name in made}
        found[case.name] = CaseResult(
            content=case.content_hash(), features=features_of(case), targets=now
        )
    return Evidence(support=support_of_all(), cases=found)


def features_of(case: Case) -> tuple[Feature, ...]:
    """The features that a case's pipeline uses; none if it does not load."""
    try:
        pipeline = case.pipeline()
    except FindingsError:
        return ()
    return tuple(sorted({use.feature for use in used_features(fold_defaults(pipeline))}))


def without_engine(case: Case, target: Target) -> Shown:
    """What compiling alone shows."""
    try:
        compiled = compile_pipeline(case.pipeline(), target, case.settings)
    except FindingsError:
        return Shown(verdict="refused")
    if not errors_of(compiled.findings):
        return Shown(verdict="compiled")
    exclusion = case.exclusion(target)
    return Shown(verdict="refused", reason=exclusion.reason if exclusion else "")


def all_that_declare() -> list[Declares]:
    """The reference executor, and every compiler."""
    return [REFERENCE, *registry.compilers().values()]


def support_of_all() -> dict[str, str]:
    """Hashes of what every version of every target says it supports."""
    return {
        f"{one.name}@{version}": hash_of(one.capabilities(version))
        for one in all_that_declare()
        for version in one.versions
    }


def write_page(file: Path, evidence: Evidence) -> None:
    """Write the page that shows them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(all_that_declare(), evidence), encoding="utf-8")


def _print(told: dict[str, Told]) -> int:
    """Say what came of it; gives how many cases did not do what they should."""
    wrong = 0
    for name, results in told.items():
        verdicts = [seen.verdict for seen, _ in results.values()]
        counts = ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts)))
        print(f"{name}: {counts}")
        for case, (seen, differences) in results.items():
            if seen.verdict == "differs":
                wrong += 1
                print(f"  {case}:", *differences, sep="\n    ")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
