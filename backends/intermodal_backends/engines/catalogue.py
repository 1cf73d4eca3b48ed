"""The engines we know: which software, which version, which lock file, which Pythons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intermodal.findings import FindingsError, error

LOCKS = Path(__file__).parent / "locks"


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine at one version.

    Attributes:
        name: What the user types, `family@version`.
        distribution: The engine's name on the package index.
        version: The exact version that the lock file pins.
        python: Oldest Python (inclusive) and the first too new one (exclusive).
        exclude_newer: The day as of which the lock is resolved, for engines whose own
            requirements have no upper bounds and no longer work with today's packages.
        locks: The folder of its lock file, for those who run the engine with more packages.
    """

    name: str
    distribution: str
    version: str
    python: tuple[tuple[int, int], tuple[int, int]]
    exclude_newer: str = ""
    locks: Path = LOCKS

    @property
    def family(self) -> str:
        """The name without its version; also the name of the driver's entry point."""
        return self.name.partition("@")[0]

    @property
    def folder_name(self) -> str:
        """The name in a form that is plain in paths: `airflow-3.3`."""
        return self.name.replace("@", "-")

    @property
    def source(self) -> Path:
        """The requirements that the lock file is made from."""
        return self.locks / f"{self.folder_name}.in"

    @property
    def lock(self) -> Path:
        """The hash-pinned requirements."""
        return self.locks / f"{self.folder_name}.txt"

    @property
    def python_range(self) -> str:
        """The Pythons as a version specifier: `>=3.11,<3.13`."""
        (low_major, low_minor), (high_major, high_minor) = self.python
        return f">={low_major}.{low_minor},<{high_major}.{high_minor}"


TODAY = ((3, 11), (3, 14))
BEFORE_3_13 = ((3, 11), (3, 13))

# The first of a family is what its bare name means.
ENGINES: tuple[EngineSpec, ...] = (
    EngineSpec("airflow@3.3", "apache-airflow", "3.3.2", TODAY),
    EngineSpec("airflow@2.11", "apache-airflow", "2.11.0", BEFORE_3_13, exclude_newer="2025-07-01"),
    EngineSpec("airflow@2.10", "apache-airflow", "2.10.5", BEFORE_3_13, exclude_newer="2025-07-01"),
    EngineSpec("prefect@3", "prefect", "3.8.8", TODAY),
    EngineSpec("kfp@2", "kfp", "2.17.0", TODAY),
)


def lookup(name: str) -> EngineSpec:
    """The engine of that name; a bare family name means its default version.

    Raises:
        FindingsError: PORT702 if there is no such engine.
    """
    for spec in ENGINES:
        if name in {spec.name, spec.family}:
            return spec
    known = ", ".join(spec.name for spec in ENGINES)
    raise FindingsError(
        [
            error(
                "PORT702",
                f"there is no engine `{name}`",
                next=f"Use one of {known}.",
            )
        ]
    )
