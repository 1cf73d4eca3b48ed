"""What has to be known of a pipeline before any of it is lowered."""

from __future__ import annotations

from intermodal.analysis import graph
from intermodal.analysis.needs import needs_runtime, type_parts
from intermodal.analysis.typing import TypeChecker
from intermodal.compiling import Settings
from intermodal.frozen import Frozen
from intermodal.ir import ArtifactType, ForEach, Pipeline, PythonCall, Shell, Task, Type, Wait
from intermodal_compilers.kfp.encoding import is_json
from intermodal_compilers.kfp.references import whole_references


class Facts(Frozen):
    """Facts of one pipeline.

    Attributes:
        types: Types of its expressions.
        tracked: Whether runs are tracked.
        runtime_tasks: Ids of the tasks that use Intermodal's runtime.
        numbered: Ids of the loops whose items travel with their positions, as JSON text.
    """

    types: TypeChecker
    tracked: bool
    runtime_tasks: frozenset[str]
    numbered: frozenset[str]


def facts_of(pipeline: Pipeline, settings: Settings) -> Facts:
    """The facts of a pipeline without groups."""
    nodes = {placed.node.id: placed.node for placed in graph.walk(pipeline)}
    loops = [node for node in nodes.values() if isinstance(node, ForEach)]
    types = TypeChecker(pipeline, {**nodes, **{task.id: task for task in pipeline.exit_tasks}})
    tracked = bool(settings.tracking) and pipeline.tracking.enabled
    runtime = frozenset(
        task.id for task in graph.tasks(pipeline) if _uses_runtime(task, types, tracked=tracked)
    )
    numbered = frozenset(
        loop.id
        for loop in loops
        if is_json(types.item_type(loop)) or not runtime.isdisjoint(graph.ids_inside(loop))
    )
    return Facts(types, tracked, runtime, numbered)


def _uses_runtime(task: Task, types: TypeChecker, *, tracked: bool) -> bool:
    action = task.action.check if isinstance(task.action, Wait) else task.action
    if not isinstance(action, (PythonCall, Shell)):
        return False
    cache = task.cache
    if cache is not None and cache.enabled and cache.ttl is not None:
        return True
    if needs_runtime(task, tracking=tracked):
        return True
    whole = (ref for value in task.inputs.values() for ref in whole_references(value))
    return any(_holds_artifact(types.type_of(reference)) for reference in whole)


def _holds_artifact(type_: Type) -> bool:
    return any(isinstance(part, ArtifactType) for part in type_parts(type_))
