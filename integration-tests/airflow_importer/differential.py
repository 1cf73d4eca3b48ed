"""Example DAGs of Airflow's own packages: each run as it is, and imported, compiled and run again.

    python integration-tests/airflow_importer/differential.py [--on airflow@3.3,prefect@3] [NAME...]

prints one line for each DAG and engine, and what differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.ecosystems import translate
from intermodal.engines import SourceRun, Trial
from intermodal.findings import FindingsError, errors_of
from intermodal.importing import ImportSettings, importer
from intermodal.ir import Pipeline
from intermodal.side_by_side import Old, data_beside, side_of
from intermodal.verifying import Request, Tried, needed_beside
from intermodal_backends.conformance.trial import run_compiled
from intermodal_backends.engines import environment
from intermodal_backends.engines.airflow_files import run_dag_file

AIRFLOW = "airflow@3.3"
HOSTS = Path(__file__).with_name("hosts.in")
FOLDERS = ("airflow/example_dags", "airflow/providers/standard/example_dags")

# What those print or return that is a clock's, a random number's or the run's own, by DAG.
IGNORED: dict[str, tuple[str, ...]] = {
    "example_asset_state_store_producer": ("load.outputs.return",),
    "example_bash_decorator": (
        "describe_dag_folder.outputs.return",
        "get_file_stats.outputs.return",
        "show_dag_folder_stats.outputs.return",
    ),
    "example_task_state_store": ("run_job.outputs.return",),
    "example_task_state_store_mapped": ("process_table.outputs.return",),
    "tutorial": ("print_date.outputs.return",),
    "example_bash_operator": (
        "describe_dag_folder.outputs.return",
        "show_dag_folder_stats.outputs.return",
    ),
}

# DAGs that throw dice for which way to take, or go by the minute.
BY_CHANCE = frozenset(
    {
        "example_branch_dop_operator_v3",
        "example_branch_operator",
        "example_branch_python_operator_decorator",
    }
)

# DAGs that do not end by themselves here: people answer them, other DAGs run before them, they wait
# long, they need parameters, Kubernetes, or plugins that only Airflow's own installation loads.
NEEDS_MORE = frozenset(
    {
        "example_custom_weight",
        "example_external_task",
        "example_external_task_marker_child",
        "example_hitl_operator",
        "example_kubernetes_executor",
        "example_local_kubernetes_executor",
        "example_params_ui_tutorial",
        "example_retry_policy",
        "example_sensors",
        "example_workday_timetable",
    }
)


@dataclass(frozen=True)
class Told:
    """What came of one DAG on one engine: `same`, or a word for why not, and the details."""

    dag: str
    engine: str
    verdict: str
    details: tuple[str, ...] = ()


def example_files(python_root: Path) -> list[Path]:
    """The example files in an environment's packages."""
    [packages] = python_root.glob("lib/python3*/site-packages")
    return sorted(
        file
        for folder in FOLDERS
        for file in (packages / folder).glob("*.py")
        if file.name != "__init__.py"
    )


class Bench:
    """Warm engines, and what is asked of them."""

    def __init__(self, engines: Sequence[str], timeout: float) -> None:
        self.names = list(engines)
        self.timeout = timeout
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        self._engines = {}
        for name in dict.fromkeys((AIRFLOW, *self.names)):
            driver = registry.load("engines", name.partition("@")[0])
            # Other engines run Airflow's classes, so they need its packages.
            more = None if name == AIRFLOW else HOSTS
            at = environment.require(name, extra_requirements=more)
            self._engines[name] = self._resources.enter_context(driver(at))
        return self

    def __exit__(self, *exc: object) -> None:
        self._resources.close()

    def run_file(self, file: Path, only: Sequence[str] = ()) -> Iterator[Told]:
        """Every DAG of a file on every engine."""
        [source] = importer("airflow").read([file], ImportSettings())
        every = {dag.id: dag.build() for dag in source.pipelines}
        for dag in source.pipelines:
            if dag.id in BY_CHANCE | NEEDS_MORE or (only and dag.id not in only):
                continue
            built = every[dag.id]
            request = Request(
                pipeline=built.pipeline,
                others=tuple(one.pipeline for name, one in every.items() if name != dag.id),
                python_path=(file.parent,),
                ignore=IGNORED.get(dag.id, ()),
                timeout=self.timeout,
                beside=data_beside(file),
            )
            old = Old(file, dag.id, AIRFLOW, {})
            try:
                ran = self._run_old(old, request)
            except FindingsError as problem:
                yield Told(dag.id, "old", "no old run", (_last(problem.findings[0].why),))
                continue
            if ran.trace.state != "succeeded":
                yield Told(dag.id, "old", "old failed")
            bad = errors_of((*source.findings, *built.findings))
            for name in self.names:
                if bad:
                    yield Told(dag.id, name, "hole", tuple(f.what for f in bad))
                    continue
                try:
                    yield self._run_new(name, request, old, ran)
                except Exception as problem:  # one DAG must not stop the others
                    yield Told(dag.id, name, "crashed", (f"{type(problem).__name__}: {problem}",))

    def _run_old(self, old: Old, request: Request) -> SourceRun:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
            trial = Trial(Path(work), python_path=request.python_path, timeout=self.timeout)
            return run_dag_file(self._engines[AIRFLOW], old.file, old.name, trial)

    def _run_new(self, name: str, request: Request, old: Old, ran: SourceRun) -> Told:
        target, _ = registry.resolve_target(name)
        compiled = compile_pipeline(request.pipeline, target, Settings(trace=True))
        if bad := errors_of(compiled.findings):
            return Told(old.name, name, "refused", tuple(f"{f.code} {f.what}" for f in bad))
        seen = _seen(request.pipeline, target.name)
        others = {
            other.name: compile_pipeline(other, target, Settings(trace=True))
            for other in needed_beside(seen, target.name, request.others)
        }
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
            trial = Trial(
                Path(work),
                python_path=request.python_path,
                timeout=self.timeout,
                beside=request.beside,
                others={one: made for one, made in others.items() if made.files},
            )
            done = run_compiled(seen, compiled, self._engines[name], trial)
        side = side_of(Tried(name, seen, compiled, done), request, old, ran)
        if done.timed_out:
            return Told(old.name, name, "timed out")
        if not side.verified.differences:
            return Told(old.name, name, "same")
        details = [str(difference)[:300] for difference in side.verified.differences]
        if any(d.field in ("state", "instance") for d in side.verified.differences):
            details.append("log: " + " | ".join(_errors(done.log)))
        return Told(old.name, name, "differs", tuple(details))


def _seen(pipeline: Pipeline, target: str) -> Pipeline:
    return translate(pipeline, target).pipeline or pipeline


def _last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else ""


def _errors(log: str) -> list[str]:
    found = [line.strip()[:200] for line in log.splitlines() if "rror" in line]
    return list(dict.fromkeys(found))[-4:]


def tally(told: Sequence[Told]) -> dict[str, Counter[str]]:
    """How many DAGs came to each verdict, by engine."""
    found: dict[str, Counter[str]] = {}
    for one in told:
        found.setdefault(one.engine, Counter())[one.verdict] += 1
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", default=f"{AIRFLOW},prefect@3")
    parser.add_argument("--timeout", type=float, default=120.0)
    parser.add_argument("--dag", action="append", default=[])
    parser.add_argument("names", nargs="*", help="Files, by name without .py")
    given = parser.parse_args(arguments)
    files = [
        file
        for file in example_files(environment.require(AIRFLOW).root)
        if not given.names or file.stem in given.names
    ]
    told = []
    with Bench(given.on.split(","), given.timeout) as bench:
        for file in files:
            for one in bench.run_file(file, given.dag):
                told.append(one)
                print(f"{one.verdict:10} {one.engine:12} {one.dag}  ({file.stem})", flush=True)
                for detail in one.details:
                    print(f"    {detail}", flush=True)
    for engine, verdicts in tally(told).items():
        print(engine, dict(verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
