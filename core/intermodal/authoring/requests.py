"""Tasks that run a statement on a database, or send a request over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from intermodal import ir
from intermodal.analysis.connection_calls import JSON, TEXT
from intermodal.authoring.actions import _add
from intermodal.authoring.handles import TaskHandle, as_expression, wrong
from intermodal.authoring.options import TEXT as WORDS
from intermodal.authoring.options import checked
from intermodal.authoring.regions import tracer_for
from intermodal.authoring.tracing import Tracer

ROWS = ir.ListType.of(item=ir.ListType.of(item=ir.AnyType.of()))
LIKE_TEXT = (ir.StringType, ir.TimestampType)


def sql(
    statement: str,
    *,
    connection: str,
    parameters: Mapping[str, Any] | None = None,
    id: str = "sql",
    **options: Any,
) -> TaskHandle:
    """Run one statement on a database; the result is its rows, as lists of values.

    Args:
        statement: The statement, in the database's own SQL. Values never become part of it.
        connection: The connection's name. Where tasks run, the secret of that name holds its URL, such
            as `postgresql://user:password@host/db` or `sqlite:////data/sales.db`; Airflow looks among
            its own connections.
        parameters: Values that the database's driver binds, in the form that it knows: `:name` for
            SQLite and Oracle, `%(name)s` for PostgreSQL and MySQL.
        id: The task's id; further calls with the same id get a number.
        **options: As for `@task`.
    """
    tracer = tracer_for("sql")
    given = {"statement": statement, "connection": connection}
    checked(dict.fromkeys(given, WORDS), given, "an `sql` task")
    action = ir.Sql.of(
        connection=connection,
        statement=ir.Literal_.of(value=statement),
        parameters=_values(tracer, "parameters", parameters),
    )
    return _add(tracer, id, action, {}, {"return": ROWS}, options)


def http(
    url: Any,
    *,
    method: str = "GET",
    headers: Mapping[str, Any] | None = None,
    body: Any = None,
    connection: str | None = None,
    id: str = "http",
    **options: Any,
) -> TaskHandle:
    """Send a request; the result is the text of the response. A status from 400 on fails the attempt.

    Args:
        url: Where to, such as `https://api.example.com/v1/rates`; with a connection, the path there.
        method: The method, in capitals.
        headers: Values by name.
        body: Text, or values that are sent as JSON.
        connection: The connection's name. Where tasks run, the secret of that name holds its URL, such
            as `https://user:password@api.example.com`; Airflow looks among its own connections.
        id: The task's id; further calls with the same id get a number.
        **options: As for `@task`. A server may be silent for `timeout`, or a minute.
    """
    tracer = tracer_for("http")
    methods = get_args(get_type_hints(ir.Http)["method"])
    if method not in methods:
        wrong(f"`http` sends no {method!r}", f"use one of {', '.join(methods)}")
    if connection is not None:
        checked({"connection": WORDS}, {"connection": connection}, "an `http` task")
    sent = _values(tracer, "headers", headers)
    content = None if body is None else as_expression(tracer, body)
    if content is not None and not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = ir.Literal_.of(value=TEXT if _is_text(body, content) else JSON)
    action = ir.Http.of(
        url=as_expression(tracer, url),
        method=method,
        headers=sent,
        body=content,
        connection=connection,
    )
    return _add(tracer, id, action, {}, {"return": ir.StringType.of()}, options)


def _values(tracer: Tracer, what: str, given: Any) -> dict[str, ir.Expression]:
    """Values by name, as expressions."""
    if given is not None and not (
        isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
    ):
        wrong(f"`{what}` is a dict of values by name", f'write `{what}={{"name": value}}`')
    return {name: as_expression(tracer, value) for name, value in (given or {}).items()}


def _is_text(body: Any, content: ir.Expression) -> bool:
    """Whether a body is text, rather than what JSON has to be made of."""
    if isinstance(content, ir.Literal_):
        return isinstance(content.value, str)
    if isinstance(body, TaskHandle) and isinstance(content, ir.OutputRef):
        return isinstance(body._outputs[content.output], LIKE_TEXT)
    return isinstance(content, ir.Format | ir.DateFormat)
