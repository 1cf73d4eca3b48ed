"""Which tasks need the runtime on the worker, and which run as plain functions."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.analysis.rewrite import map_tasks
from intermodal.ir import (
    ArtifactType,
    DataVersion,
    DurationType,
    ListType,
    Literal_,
    MapType,
    OptionalType,
    OutputRef,
    ParameterRef,
    Pipeline,
    PythonCall,
    Shell,
    StructType,
    Task,
    TimestampType,
    Type,
    Wait,
)

WITH_RUNTIME = (PythonCall, Shell, Wait)
PLAIN = (Literal_, OutputRef, ParameterRef)
TYPED_VALUES = (ArtifactType, TimestampType, DurationType, StructType)


def needs_runtime(task: Task, *, tracking: bool = False) -> bool:
    """Whether the task fetches or stores artifacts or data, tracks, or has values that JSON lacks.

    Args:
        task: The task.
        tracking: Whether the run is tracked; then every task reports.
    """
    if tracking or task.tracks or takes_data(task):
        return True
    types = (*task.input_types.values(), *task.outputs.values())
    return any(isinstance(part, TYPED_VALUES) for type_ in types for part in type_parts(type_))


def takes_data(task: Task) -> bool:
    """Whether an input names a version of data."""
    return any(
        isinstance(part, DataVersion)
        for value in task.inputs.values()
        if not isinstance(value, PLAIN)
        for part in graph.parts(value)
    )


def send_through_runtime(pipeline: Pipeline) -> Pipeline:
    """The pipeline with all tasks that can run through the runtime doing so, so that it logs them."""
    return map_tasks(
        pipeline,
        lambda task: (
            task.model_copy(update={"tracks": True})
            if isinstance(task.action, WITH_RUNTIME)
            else task
        ),
    )


def type_parts(type_: Type) -> Iterator[Type]:
    """A type and everything it is made of."""
    yield type_
    match type_:
        case OptionalType(item=item) | ListType(item=item):
            yield from type_parts(item)
        case MapType(value=value):
            yield from type_parts(value)
        case StructType(fields=fields):
            for part in fields.values():
                yield from type_parts(part)
        case _:
            return
