"""Lists and maps, nested and empty, keep the types of what they hold."""

from typing import Any

from witness import attempt

from intermodal import pipeline, task


@task
def report(
    names: list[str],
    sizes: list[int],
    settings: dict[str, Any],
    empty: list[float],
) -> str:
    with attempt("report") as seen:
        return seen(f"{names!r} {sizes!r} {sorted(settings.items())!r} {empty!r}")


@pipeline
def containers(
    names: list[str] = ["a", "b c", "{{ d }}"],
    sizes: list[int] = [1, 2, 3],
    settings: dict[str, Any] = {
        "on": True,
        "off": None,
        "deep": {"list": ["x", {}]},
    },
    empty: list[float] = [],
):
    report(names, sizes, settings, empty)
