"""Statements and requests over connections, where the neutral ones say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping

from intermodal.ir import (
    AnyType,
    Expression,
    Http,
    ListType,
    Literal_,
    MapOf,
    Sql,
    StringType,
    Task,
)
from intermodal_compilers.airflow.translate.context import RETURN, Context, hosted_of
from intermodal_compilers.airflow.translate.hosting import host
from intermodal_compilers.airflow.translate.sources import read

CONNECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
ROWS = ListType.of(item=ListType.of(item=AnyType.of()))
STATEMENT = frozenset({"sql", "conn_id", "parameters", "autocommit", "do_xcom_push"})
REQUEST = frozenset({"endpoint", "method", "http_conn_id", "headers", "data", "do_xcom_push"})
WITHOUT_BODY = ("GET", "HEAD", "DELETE")


def sql_task(task: Task, context: Context) -> Task:
    """One plain statement; several, templates, and rows that others read stay with Airflow's operator.

    What the operator makes of rows depends on its hook, so those who read them are given its own.
    """
    arguments = hosted_of(task).arguments
    statement, connection = read(arguments.get("sql")), read(arguments.get("conn_id"))
    parameters = _fixed(arguments.get("parameters"))
    plain = not set(arguments) - STATEMENT and not context.pulled.get(task.id)
    if not plain or parameters is None or not (_is_one(statement) and _is_name(connection)):
        return host(task, context)
    action = Sql.of(
        connection=connection, statement=Literal_.of(value=statement), parameters=parameters
    )
    return task.model_copy(update={"action": action, "outputs": {RETURN: ROWS}})


def http_task(task: Task, context: Context) -> Task:
    """A request without a body; what is sent, and what is done with the response, is Airflow's."""
    arguments = hosted_of(task).arguments
    endpoint, method = read(arguments.get("endpoint")), read(arguments.get("method"))
    connection = read(arguments.get("http_conn_id"))
    headers = _fixed(arguments.get("headers"))
    plain = not set(arguments) - REQUEST and not context.pulled.get(task.id)
    plain = plain and not read(arguments.get("data")) and method in WITHOUT_BODY
    if not plain or headers is None or not (_is_plain(endpoint) and _is_name(connection)):
        return host(task, context)
    url = Literal_.of(value=f"/{str(endpoint).lstrip('/')}")
    action = Http.of(url=url, method=method, headers=headers, connection=connection)
    return task.model_copy(update={"action": action, "outputs": {RETURN: StringType.of()}})


def _fixed(given: Expression | None) -> Mapping[str, Expression] | None:
    """Values by name that nothing renders; None where there are others."""
    if isinstance(given, MapOf):
        return None
    values = read(given)
    if values is None:
        return {} if given is None or isinstance(given, Literal_) else None
    if not isinstance(values, dict) or any("{" in str(value) for value in values.values()):
        return None
    return {name: Literal_.of(value=value) for name, value in values.items()}


def _is_one(statement: object) -> bool:
    return (
        _is_plain(statement)
        and not str(statement).endswith((".sql", ".hql"))
        and ";" not in str(statement).strip().removesuffix(";")
    )


def _is_plain(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip()) and "{" not in text


def _is_name(text: object) -> bool:
    return isinstance(text, str) and CONNECTION.fullmatch(text) is not None
