"""Statements and requests as Python calls, for engines that have no operator for them."""

from __future__ import annotations

from collections.abc import Mapping
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
    task = with_inputs_in_place(task)
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

    known = {name: types[name] for name in given if name in types}
    return task.model_copy(update={"action": call, "inputs": given, "input_types": known})


def with_inputs_in_place(task: Task) -> Task:
    """The task with its inputs where its statement or request refers to them.

    For those that it does not use, it still waits.
    """
    if not task.inputs:
        return task

    def placed(value: Expression) -> Expression:
        return map_expression(
            value, lambda part: task.inputs[part.name] if isinstance(part, InputRef) else part
        )

    action: Any = task.action
    looked_at = action.check if isinstance(action, Wait) else action
    changed: dict[str, object] = {}
    if isinstance(looked_at, Sql):
        changed["statement"] = placed(looked_at.statement)
        changed["parameters"] = {key: placed(e) for key, e in looked_at.parameters.items()}
    elif isinstance(looked_at, Http):
        changed["url"] = placed(looked_at.url)
        changed["headers"] = {key: placed(e) for key, e in looked_at.headers.items()}
        changed["body"] = None if looked_at.body is None else placed(looked_at.body)
    looked_at = looked_at.model_copy(update=changed)
    used = {ref.node for ref in graph.references(graph.action_expressions(looked_at))}
    unused = (ref.node for ref in graph.references(task.inputs.values()) if ref.node not in used)
    if isinstance(action, Wait):
        looked_at = action.model_copy(update={"check": looked_at})
    after = tuple(dict.fromkeys((*task.after, *unused)))
    moved: dict[str, object] = {
        "action": looked_at,
        "inputs": {},
        "input_types": {},
        "after": after,
    }
    return task.model_copy(update=moved)


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


def shared_source(function: str) -> str:
    """The source of one function of `runtime.connections`, without what it needs."""
    return _source(function, "").function


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
