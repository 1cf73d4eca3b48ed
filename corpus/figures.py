"""What is measured of the corpus: figures for each source, and their sum."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Figures:
    """Counts of one source, or of all.

    Attributes:
        files: Python files that no earlier source has.
        dag_files: Those in which the reader finds DAGs.
        dags: DAGs in them.
        tasks: By how they move: native, lowered, hosted, hole.
        compiled: By target: files of which every DAG compiles.
        compiled_bare: By target: those of them without a hosted task.
        loaded: DAGs that real Airflow loads.
        loaded_files: Files in which it finds them.
        exact: Those of the DAGs that are read with exactly their task ids and edges.
        loaded_tasks: Tasks that Airflow loads.
        loaded_holes: Those of the tasks that are not read, or with a structural hole.
        wrong: What was read, Airflow has not, and no finding tells of; a line each, by task.
        short: DAGs that are not exact; a line each.
        tripped: Files given back as Airflow files of which every DAG is equal to the original's.
        uneven: Those that are not; a line each.
        blockers: What stands against compiling or is not known, by file.
        faults: Tracebacks, of which there must be none.
    """

    files: int = 0
    dag_files: int = 0
    dags: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    compiled: Counter[str] = field(default_factory=Counter)
    compiled_bare: Counter[str] = field(default_factory=Counter)
    loaded: int = 0
    loaded_files: int = 0
    exact: int = 0
    loaded_tasks: int = 0
    loaded_holes: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    tripped: int = 0
    uneven: list[str] = field(default_factory=list)
    blockers: dict[str, set[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Take another's counts in."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            elif isinstance(mine, dict):
                for key, many in theirs.items():
                    mine.setdefault(key, set()).update(many)
            else:
                setattr(self, name, mine + theirs)

    @property
    def wrong_tasks(self) -> int:
        """Tasks of which something wrong was said."""
        return len({where for where, _ in self.wrong})

    def shares(self) -> dict[str, float]:
        """What is guarded against falling, in percent; `wrong` against rising."""
        found = {
            "exact": share(self.exact, self.loaded),
            "tasks_without_holes": share(self.loaded_tasks - self.loaded_holes, self.loaded_tasks),
            "wrong": share(self.wrong_tasks, self.loaded_tasks),
            "round_trips": share(self.tripped, self.loaded_files),
        }
        return found | {
            f"compiled_{target}": share(count, self.dag_files)
            for target, count in self.compiled.items()
        }

    def as_data(self) -> dict[str, Any]:
        """As JSON data."""
        plain = {
            name: getattr(self, name)
            for name in self.__slots__
            if name not in ("blockers", "short", "uneven", "wrong")
        }
        return plain | {
            "wrong": [f"{where}: {what}" for where, what in self.wrong],
            "short": self.short,
            "uneven": self.uneven,
            "blockers": {what: sorted(files) for what, files in most(self.blockers)},
            "shares": self.shares(),
        }


def share(part: int, whole: int) -> float:
    """In percent, two places; a hundred of nothing."""
    return round(100 * part / whole, 2) if whole else 100.0


def most(blockers: dict[str, set[str]]) -> list[tuple[str, set[str]]]:
    """Blockers by how many files they block, the most first."""
    return sorted(blockers.items(), key=lambda one: (-len(one[1]), one[0]))
