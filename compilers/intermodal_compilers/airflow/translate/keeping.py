"""Tasks that stay what they are in Airflow while those around them are translated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intermodal.analysis import graph
from intermodal.ir import AnyType, Expression, Hosted, Literal_, OutputRef, Task
from intermodal_compilers.airflow.translate import pulls
from intermodal_compilers.airflow.translate.context import RETURN, Context, hosted_of
from intermodal_compilers.airflow.translate.kinds import name_of

PYTHON = "airflow.providers.standard.operators.python"
# Classes that only decorators make -> the operator that does the same with the function.
PLAIN: Mapping[str, str] = {
    "_PythonDecoratedOperator": f"{PYTHON}.PythonOperator",
    "_BranchPythonDecoratedOperator": f"{PYTHON}.BranchPythonOperator",
    "_ShortCircuitDecoratedOperator": f"{PYTHON}.ShortCircuitOperator",
    "_PythonVirtualenvDecoratedOperator": f"{PYTHON}.PythonVirtualenvOperator",
    "_BranchPythonVirtualenvDecoratedOperator": f"{PYTHON}.BranchPythonVirtualenvOperator",
    "_PythonExternalDecoratedOperator": f"{PYTHON}.ExternalPythonOperator",
    "_BranchExternalPythonDecoratedOperator": f"{PYTHON}.BranchExternalPythonOperator",
    "DecoratedSensorOperator": "airflow.providers.standard.sensors.python.PythonSensor",
}

# Classes that only a decorator around the whole DAG makes.
OF_THE_DAG = frozenset({"_AssetMainOperator"})


def to_keep(probe: Context) -> frozenset[str]:
    """Ids of the tasks to keep: those without a neutral form, and what they take in Airflow's own way.

    None where settings of the DAG change how they render their templates: no pipeline but Airflow's has those.

    Args:
        probe: The pipeline, all of its tasks translated.
    """
    if probe.dag_settings:
        return frozenset()
    kept = {name for name in probe.hosting if _may_stay(probe.tasks[name])}
    pending = list(kept)
    while pending:
        for name in _parts_read(pending.pop(), probe):
            if name not in kept and _may_stay(probe.tasks[name]):
                kept.add(name)
                pending.append(name)
    return frozenset(kept)


def _may_stay(task: Task) -> bool:
    """Whether a task can be made outside of the DAG that it came from."""
    return isinstance(task.action, Hosted) and name_of(task.action.class_path) not in OF_THE_DAG


def _parts_read(task: str, probe: Context) -> Iterator[str]:
    """Tasks of whose result a task reads a part by name, or whose instances it pulls by text."""
    for reference in graph.references(graph.expressions(probe.tasks[task])):
        if isinstance(reference, OutputRef) and reference.output != RETURN:
            yield from probe.whole & {reference.node}
    for pull in pulls.pulls_of(probe.tasks[task]):
        for name in probe.pull_sources(task, pull):
            if probe.is_expanded(name) or (pull.output != RETURN and name in probe.whole):
                yield name


def kept_task(task: Task, context: Context) -> Task:
    """The task with its class; what is common to all tasks of Airflow's is said in neutral terms already."""
    action = hosted_of(task)
    path = action.class_path
    if action.class_source is not None and action.class_source.text.isidentifier():
        path = action.class_source.text
    else:
        path = PLAIN.get(name_of(path), path)
    arguments = {
        name: context.resolved(value)
        for name, value in action.arguments.items()
        if not (name in ("op_args", "op_kwargs") and _is_empty(value))
    }
    expand = {name: context.resolved(value) for name, value in action.expand.items()}
    maps = None if action.expand_maps is None else context.resolved(action.expand_maps)
    updates = {
        "class_path": path,
        "arguments": arguments,
        "expand": expand,
        "expand_maps": maps,
    }
    keys = sorted(context.pulled.get(task.id, set()) - {RETURN})
    outputs = {key: AnyType.of() for key in (RETURN, *keys)}
    return task.model_copy(update={"action": action.model_copy(update=updates), "outputs": outputs})


def _is_empty(value: Expression) -> bool:
    return isinstance(value, Literal_) and value.value in ([], {})
