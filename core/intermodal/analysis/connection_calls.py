"""Statements and requests as Python calls, for engines that have no operator for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.expressions import map_expression
from intermodal.analysis.rewrite import map_tasks
from intermodal.ir import (
    CapturedSource,
    Expression,
    Http,
    InputRef,
    Literal_,
    MapOf,
    MapType,
    Pipeline,
    PythonCall,
    Sql,
    StringType,
    Task,
    Type,
    Wait,
)

SILENCE = 60.0
"""Seconds that a server may be silent, where the task has no timeout."""

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
MODULE = "intermodal.runtime.connections"
STORED = "stored_url"


def is_request(task: Task) -> bool:
    """Whether the task runs a statement, sends a request, or waits for what one gives."""
    action = task.action.check if isinstance(task.action, Wait) else task.action
    return isinstance(action, (Sql, Http))


def call_connections(pipeline: Pipeline, stored: str = "") -> Pipeline:
    """The pipeline with Python calls in place of statements and requests.

    Args:
        pipeline: A valid pipeline.
        stored: Source of a function `stored_url(name)`, where a place has its own connections; it gives
            the URL of one, or nothing. It may use what `runtime.connections` defines and imports.
    """
    if not any(is_request(task) for task in graph.tasks(pipeline)):
        return pipeline
    return map_tasks(pipeline, lambda task: as_call(task, stored) if is_request(task) else task)


def as_call(task: Task, stored: str = "") -> Task:
    """The task as one that calls a function; see `call_connections`."""
    action = task.action.check if isinstance(task.action, Wait) else task.action
    match action:
        case Sql():
            function, given, types = "run_sql", _of_statement(action), STATEMENT_TYPES
        case Http(connection=None):
            function, given, types = "send_request", _of_request(task, action), REQUEST_TYPES
        case Http():
            function, given, types = "send_to", _of_request(task, action), REQUEST_TYPES
        case _:
            return task
    call: Any = PythonCall.of(module=MODULE, function=function, source=_source(function, stored))
    if isinstance(task.action, Wait):
        call = task.action.model_copy(update={"check": call})

    def resolved(part: Expression) -> Expression:
        return task.inputs[part.name] if isinstance(part, InputRef) else part

    inputs = {name: map_expression(value, resolved) for name, value in given.items()}
    changed = {
        "action": call,
        "inputs": inputs,
        "input_types": {name: types[name] for name in inputs if name in types},
        "after": tuple(dict.fromkeys((*task.after, *_unused(task, inputs)))),
    }
    return task.model_copy(update=changed)


def connection_of(task: Task) -> str | None:
    """The connection that a task made by `as_call` uses."""
    action = task.action.check if isinstance(task.action, Wait) else task.action
    name = task.inputs.get("connection") if is_own_call(action) else None
    return str(name.value) if isinstance(name, Literal_) else None


def is_own_call(action: object) -> bool:
    """Whether an action calls a function of `runtime.connections`, which workers need not have."""
    return isinstance(action, PythonCall) and action.module == MODULE


def patience(task: Task) -> float:
    """Seconds that the server of a request may be silent."""
    return SILENCE if task.timeout is None else task.timeout.total_seconds()


def headers_of(action: Http) -> Mapping[str, Expression]:
    """The headers of a request; a body without a type of its own has the one that says nothing."""
    if action.body is None or any(name.lower() == "content-type" for name in action.headers):
        return action.headers
    return {**action.headers, "Content-Type": Literal_.of(value="application/octet-stream")}


STATEMENT_TYPES: Mapping[str, Type] = {
    "connection": StringType.of(),
    "statement": StringType.of(),
    "parameters": MapType.of(),
}
REQUEST_TYPES: Mapping[str, Type] = {
    "connection": StringType.of(),
    "url": StringType.of(),
    "path": StringType.of(),
    "method": StringType.of(),
    "headers": MapType.of(),
}


def _of_statement(action: Sql) -> dict[str, Expression]:
    return {
        "connection": Literal_.of(value=action.connection),
        "statement": action.statement,
        "parameters": _map_of(action.parameters),
    }


def _of_request(task: Task, action: Http) -> dict[str, Expression]:
    where: dict[str, Expression] = {"url": action.url}
    if action.connection is not None:
        where = {"connection": Literal_.of(value=action.connection), "path": action.url}
    return {
        **where,
        "method": Literal_.of(value=action.method),
        "headers": _map_of(headers_of(action)),
        "body": Literal_.of(value=None) if action.body is None else action.body,
        "timeout": Literal_.of(value=patience(task)),
    }


def _map_of(entries: Mapping[str, Expression]) -> Expression:
    """A map; one value where all in it are known."""
    values = {n: e.value for n, e in entries.items() if isinstance(e, Literal_)}
    if len(values) == len(entries):
        return Literal_.of(value=values)
    return MapOf.of(entries=dict(entries))


def _unused(task: Task, inputs: Mapping[str, Expression]) -> Iterator[str]:
    """Tasks that an input refers to which the action does not use: the task still waits for them."""
    used = {reference.node for reference in graph.references(inputs.values())}
    for reference in graph.references(task.inputs.values()):
        if reference.node not in used:
            yield reference.node


@cache
def _source(function: str, stored: str) -> CapturedSource:
    """The source of a function of `runtime.connections`, which finds connections as `stored` does."""
    # Only here, since most pipelines do without: what it imports takes its time.
    from intermodal.authoring.capture import capture
    from intermodal.runtime import connections

    source, _ = capture(getattr(connections, function), None)
    assert source is not None
    if not stored:
        return source
    ours = f"def {STORED}("
    definitions = tuple(stored if d.startswith(ours) else d for d in source.definitions)
    return source.model_copy(update={"definitions": definitions})
