"""Measures the corpus: `python -m corpus`; `python -m corpus fetch` gets its files and nothing more."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from corpus.fetch import HERE, dag_files, fetch

FLOORS = HERE / "floors.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if a figure is worse than `floors.json` allows."""
    parser = argparse.ArgumentParser(prog="python -m corpus", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("measure", "fetch"), default="measure")
    parser.add_argument("--only", default="", help="sources whose name contains this")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--page", type=Path, help="write the table there, in Markdown")
    given = parser.parse_args(arguments)
    if given.what == "fetch":
        for one in fetch():
            print(f"{one.name}: {len(dag_files(one))} files in {one.folder}")
        return 0
    return _measure(given)


def _measure(given: argparse.Namespace) -> int:
    from corpus.measure import measure
    from corpus.table import page

    began = time.perf_counter()
    measured = measure(given.only)
    text = page(measured)
    print(text)
    print(f"measured in {time.perf_counter() - began:.0f} s")
    total = measured.total
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(total.as_data(), indent=1, sort_keys=True))
    if given.page:
        given.page.write_text(INTRODUCTION + text, encoding="utf-8")
    problems = [] if given.only else fallen(measured.guarded(), json.loads(FLOORS.read_text()))
    problems += [f"a fault: {fault}" for fault in total.faults[:10]]
    print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems else 0


INTRODUCTION = """# The corpus

Real DAG files of published packages (`corpus/sources.toml`), read without running them, compiled, and loaded in real
Airflow for comparison. `make corpus` measures it anew and writes this page.

"""


def fallen(shares: dict[str, float], floors: dict[str, dict[str, float]]) -> list[str]:
    """Which figures are worse than they may be, a line each."""
    low = [
        f"{name} is {shares.get(name, 0.0):g}, and must be at least {least:g}"
        for name, least in floors["at_least"].items()
        if shares.get(name, 0.0) < least
    ]
    high = [
        f"{name} is {shares[name]:g}, and must be at most {most:g}"
        for name, most in floors["at_most"].items()
        if shares[name] > most
    ]
    return low + high


if __name__ == "__main__":
    sys.exit(main())
