"""What becomes of the tasks of a DAG that was read: what translation makes of them, or a hole."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal.importing import ReadTask
from intermodal_compilers.airflow.importer.build import BuiltPipeline
from intermodal_compilers.airflow.importer.model import ReadDag
from intermodal_compilers.airflow.translate.support import Becomes, what_becomes

TARGET = "local"
"""Whom it is translated for: nobody who would keep Airflow's classes."""


def read_tasks(dag: ReadDag, built: BuiltPipeline) -> Mapping[str, ReadTask]:
    """The tasks of a DAG with what they become, and why where that is not native."""
    holes = {
        name: Becomes("hole", "; ".join(dict.fromkeys(reasons)))
        for name, reasons in built.holes.items()
    }
    becomes = {**_becomes(built), **holes}
    return {
        task.id: ReadTask(
            operator=task.operator,
            support=becomes[task.id].support,
            why=becomes[task.id].why,
            downstream=task.downstream,
            span=task.span,
        )
        for task in dag.tasks.values()
    }


def _becomes(built: BuiltPipeline) -> dict[str, Becomes]:
    """What translation makes of the tasks; a fault of ours in it stops no other file, and is told."""
    try:
        return dict(what_becomes(built.pipeline, TARGET))
    except Exception as problem:
        from intermodal.analysis import graph

        why = f"translating its DAG fails: {type(problem).__name__}: {problem}"
        return {task.id: Becomes("hole", why) for task in graph.tasks(built.pipeline)}
