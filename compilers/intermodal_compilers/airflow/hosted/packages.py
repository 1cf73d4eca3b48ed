"""Which packages an emitted file needs, by what it imports."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX = "airflow.providers."
# Providers whose names have two parts, by the first.
TWO_PARTS = frozenset({"apache", "atlassian", "cncf", "common", "dbt", "microsoft", "singularity"})
# What comes with Airflow itself.
INCLUDED_2 = frozenset(
    {"common-compat", "common-io", "common-sql", "fab", "ftp", "http", "imap", "smtp", "sqlite"}
)
INCLUDED_3 = frozenset({"common-compat", "common-io", "common-sql", "smtp", "standard"})


def provider_packages(modules: Iterable[str], version: str) -> list[str]:
    """The provider packages that modules belong to, sorted, without those that come with Airflow."""
    included = INCLUDED_2 if version.startswith("2.") else INCLUDED_3
    found = {name for module in modules if (name := provider_of(module)) and name not in included}
    return [f"apache-airflow-providers-{name}" for name in sorted(found)]


def provider_of(module: str) -> str:
    """The provider that a module belongs to, as its package spells it; empty if to none."""
    if not module.startswith(PREFIX):
        return ""
    parts = module.removeprefix(PREFIX).split(".")
    return "-".join(parts[: 2 if parts[0] in TWO_PARTS else 1])
