"""The figures as text for people: a table of sources, what blocks most files, what was wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from corpus.compiling import TARGETS
from corpus.figures import Figures, most, share
from corpus.measure import Measured

MOST_BLOCKERS = 10
SUPPORTS = ("native", "lowered", "hosted", "hole")
HEAD = (
    "source", "files", "DAG files", "DAGs", "native", "lowered", "hosted", "holes",
    *(str(target) for target in TARGETS), "loaded", "exact", "wrong tasks", "round trips",
)  # fmt: skip


def page(measured: Measured) -> str:
    """All of it in Markdown."""
    total = measured.total
    parts = [
        table(measured),
        "",
        summary(measured, total),
        "",
        f"## What blocks the most files ({len(total.blockers)} kinds in all)",
        "",
        *blockers(total.blockers),
        "",
        f"## Wrong answers ({total.wrong_tasks} of {total.loaded_tasks} tasks)",
        "",
        *(f"- `{where}`: {_cell(what)}" for where, what in total.wrong),
        "",
        f"## DAGs that are not read exactly ({total.loaded - total.exact} of {total.loaded})",
        "",
        *(f"- {_cell(line)}" for line in total.short),
        "",
    ]
    return "\n".join(parts)


def table(measured: Measured) -> str:
    """A row for each source, and the sum."""
    rows = [_row(name, one) for name, one in measured.sources.items()]
    rows.append(_row("all", measured.total))
    widths = [max(len(row[n]) for row in (HEAD, *rows)) for n in range(len(HEAD))]
    lines = [_line(HEAD, widths), _line(["-" * width for width in widths], widths)]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _row(name: str, one: Figures) -> list[str]:
    targets = [f"{one.compiled[str(t)]} ({one.compiled_bare[str(t)]})" for t in TARGETS]
    return [
        name, str(one.files), str(one.dag_files), str(one.dags),
        *(str(one.tasks[support]) for support in SUPPORTS), *targets,
        str(one.loaded), str(one.exact), str(one.wrong_tasks), f"{one.tripped}/{one.loaded_files}",
    ]  # fmt: skip


def _line(cells: Iterable[str], widths: list[int]) -> str:
    padded = (
        cell.ljust(width) if number == 0 else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join(padded)} |"


def summary(measured: Measured, total: Figures) -> str:
    """What the sums come to."""
    compiled = ", ".join(
        f"{target} {share(total.compiled[str(target)], total.dag_files)} %" for target in TARGETS
    )
    cost = measured.pace
    pace = (
        f"{cost.files / max(cost.seconds, 0.001):.0f} files a second on one core; {cost.peak} MiB at most, "
        f"{cost.half} MiB after half of the files"
        if cost
        else "not measured"
    )
    whole = total.loaded_tasks - total.loaded_holes
    return (
        f"- {share(total.exact, total.loaded)} % of the DAGs that Airflow's DagBag loads are read with exactly "
        f"its task ids and edges; {share(whole, total.loaded_tasks)} % of its tasks have no structural hole; "
        f"wrong answers are {share(total.wrong_tasks, total.loaded_tasks)} % of tasks.\n"
        f"- Files that compile: {compiled} (in the table: how many, and how many of them without a hosted task).\n"
        f"- Serialized round trips are equal for {share(total.tripped, total.loaded_files)} % of the files that "
        f"Airflow loads.\n"
        f"- Reading: {pace}.\n"
        f"- Tracebacks: {len(total.faults)}."
    )


def blockers(found: Mapping[str, set[str]]) -> list[str]:
    """The most frequent ones, with how many files each is found in."""
    return [
        f"{number}. {len(files)} files: {_cell(what)} (say {min(files)})"
        for number, (what, files) in enumerate(most(dict(found))[:MOST_BLOCKERS], 1)
    ]


def _cell(text: str) -> str:
    return " ".join(text.split())[:240]
