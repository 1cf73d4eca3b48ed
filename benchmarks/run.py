"""The figures that the project publishes: whole processes, beside the kfp SDK in the same run.

Run it with `make bench`. Times are medians; ratios are what counts, since machines differ.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from intermodal_backends.engines.environment import require

HERE = Path(__file__).resolve().parent
PORT = str(Path(sys.executable).with_name("port"))
RUNS = 5


def walls(commands: Mapping[str, Sequence[str]], runs: int = RUNS) -> dict[str, float]:
    """Median wall time of each command in seconds, after one round that is not counted.

    They take turns, so that whatever else the machine does slows all of them.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, cwd=HERE)
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def measured(program: str, *args: str, python: str = sys.executable) -> dict[str, float]:
    """What a program of this folder prints as JSON, run in a process of its own."""
    command = [python, str(HERE / program), *args]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(what: str, ours: str, peer: str = "", ratio: str = "", goal: str = "") -> None:
    """Print one line of the table."""
    print(f"{what:<52} {ours:>14} {peer:>16} {ratio:>9}  {goal}", flush=True)


def against_the_sdk(kfp_python: str, folder: Path) -> None:
    """Start-up and compile time of three tasks; size of a spec of 200 calls."""
    kfp = str(Path(kfp_python).with_name("kfp"))
    out = str(folder / "out")
    compiling = [PORT, "compile", str(HERE / "three_tasks.py"), "--out", out]
    sdk = [kfp, "dsl", "compile", "--py", str(HERE / "three_tasks_kfp.py")]
    three = [argument for name in ("airflow", "kfp", "prefect") for argument in ("--target", name)]
    found = walls(
        {
            "sdk": [*sdk, "--output", str(folder / "sdk.yaml")],
            "kfp": [*compiling, "--target", "kfp"],
            "three": [*compiling, *three],
            "help": [PORT, "--help"],
        }
    )
    theirs, ours, all_three, helped = found.values()
    row(
        "port compile, three tasks, kfp only",
        f"{ours:.3f} s",
        f"{theirs:.3f} s",
        f"{theirs / ours:.1f}x",
        "4x",
    )
    row(
        "port compile, three tasks, three targets",
        f"{all_three:.3f} s",
        f"{theirs:.3f} s",
        f"{theirs / all_three:.1f}x",
        "4x",
    )
    row("port --help", f"{helped:.3f} s", f"{theirs:.3f} s", f"{theirs / helped:.1f}x", "10x")
    size = measured("spec_size.py")["bytes"]
    sdk = measured("spec_size_kfp.py", python=kfp_python)["bytes"]
    row(
        "spec of 200 calls of one component",
        f"{size / 1000:.0f} kB",
        f"{sdk / 1000:.0f} kB",
        f"{sdk / size:.1f}x",
        "5x",
    )


def scaling() -> None:
    """Time and memory of compiling long pipelines to three targets."""
    results = {n: measured("compile_many.py", str(n)) for n in (1_000, 10_000)}
    for n, found in results.items():
        goal = "2 s" if n == 1_000 else "25 s"
        row(f"compile {n:,} tasks to three targets", f"{found['seconds']:.2f} s", goal=goal)
        for name in ("airflow", "kfp", "prefect"):
            row(f"    {name}", f"{found[name]:.2f} s")
        row("    peak memory above start", f"{found['megabytes']:.0f} MB")
    small, large = results[1_000], results[10_000]
    row("growth of time for ten times the tasks", f"{large['seconds'] / small['seconds']:.1f}x")
    row(
        "growth of memory for ten times the tasks",
        f"{large['megabytes'] / small['megabytes']:.1f}x",
    )


def constructs() -> None:
    """The construct whose compile time grows most when there is twice as much of it."""
    found = measured("constructs.py")
    worst = max(found, key=lambda name: found[name])
    row("growth of time for twice of any construct, worst", f"{found[worst]:.1f}x", worst)


def local_engine() -> None:
    """A thousand trivial tasks on the embedded engine."""
    found = measured("local_many.py", "1000")
    row("local engine, 1,000 trivial tasks, with start-up", f"{found['seconds']:.2f} s", goal="3 s")


def tracking() -> None:
    """Metrics a second beside MLflow's own call, and how much later a tracked task starts."""
    found = measured("tracking.py")
    row("", "intermodal", "mlflow", "ratio", "goal")
    row(
        "log_metric in a loop, until the server has all",
        f"{found['ours']:.0f}/s",
        f"{found['plain']:.0f}/s",
        f"{found['ours'] / found['plain']:.0f}x",
        "20x",
    )
    later = found["tracked"] - found["untracked"]
    row("a tracked task starts later by", f"{later * 1000:.0f} ms", goal="150 ms")


def main() -> None:
    """Print the whole table."""
    os.environ["PYTHONHASHSEED"] = "0"
    # As for any user: both sides keep their bytecode, which the uncounted first run writes.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    kfp_python = str(require("kfp@2").python)
    row("", "intermodal", "kfp SDK", "ratio", "goal")
    with tempfile.TemporaryDirectory() as folder:
        against_the_sdk(kfp_python, Path(folder))
    scaling()
    constructs()
    local_engine()
    tracking()


if __name__ == "__main__":
    main()
