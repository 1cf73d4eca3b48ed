"""What captured source leaves behind: modules of the user's own project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intermodal.findings import Finding, warning
from intermodal.ir import PythonCall, Task


def local_module_findings(tasks: Iterable[Task], holder: str, instead: str) -> Iterator[Finding]:
    """A warning for each module of the project that embedded functions import, once.

    Args:
        tasks: Tasks whose functions are embedded.
        holder: What the functions are embedded in: `the DAG file`.
        instead: What to do.
    """
    known: set[str] = set()
    for task in tasks:
        source = task.action.source if isinstance(task.action, PythonCall) else None
        for module in source.local_modules if source else ():
            if module in known:
                continue
            known.add(module)
            yield warning(
                "PORT121",
                f"`{task.id}` imports `{module}`, which is part of your project",
                task.span,
                why=f"{holder} holds the task's own module only",
                next=instead,
            )
