"""Statements and requests as Airflow's own operators, or as functions where those would not do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from intermodal.analysis import graph
from intermodal.analysis.connection_calls import (
    as_call,
    headers_of,
    is_request,
    patience,
    with_inputs_in_place,
)
from intermodal.analysis.needs import needs_runtime
from intermodal.analysis.rewrite import map_tasks
from intermodal.ir import (
    Expression,
    Http,
    Literal_,
    OutputRef,
    Pipeline,
    SecretRef,
    Sql,
    Task,
    Wait,
)
from intermodal_compilers.airflow.dialects import Dialect
from intermodal_compilers.airflow.operators import Operator, text_setting
from intermodal_compilers.airflow.templates import changed_by_jinja
from intermodal_compilers.airflow.values import Values
from intermodal_compilers.airflow.views import is_cached
from intermodal_compilers.pysource import Expr, Lines, Name, Value, call, dict_of

# Airflow takes text that ends so for the name of a file with the statement.
FILE_ENDINGS = (".sql", ".json")

PROVIDERS: Mapping[str, str] = {
    "SQLExecuteQueryOperator": "apache-airflow-providers-common-sql",
    "HttpOperator": "apache-airflow-providers-http",
}

# How functions of `runtime.connections` find a connection that no secret of the worker's holds.
STORED_URL = '''\
def stored_url(name: str) -> str:
    """The URL of a connection that Airflow knows."""
    from {module} import {name}

    return from_airflow({name}.{get}(name).get_uri())
'''


def call_where_needed(pipeline: Pipeline, dialect: Dialect, *, tracked: bool) -> Pipeline:
    """The pipeline with Python calls in place of the statements and requests that need them."""
    if not any(is_request(task) for task in graph.tasks(pipeline)):
        return pipeline
    words = ("airflow.sdk", "Connection", "get")
    if dialect.is_airflow_2:
        words = ("airflow.hooks.base", "BaseHook", "get_connection")
    stored = STORED_URL.format(module=words[0], name=words[1], get=words[2])

    def change(task: Task) -> Task:
        if not is_request(task):
            return task
        task = with_inputs_in_place(task)
        return as_call(task, stored) if _needs_call(task, tracked=tracked) else task

    return map_tasks(pipeline, change)


def _needs_call(task: Task, *, tracked: bool) -> bool:
    """Whether no operator does it: Airflow keeps what operators are given, and shows it to people."""
    action = task.action
    if isinstance(action, Wait) or (isinstance(action, Http) and action.connection is None):
        return True
    if task.environment or task.secrets or is_cached(task) or needs_runtime(task, tracking=tracked):
        return True
    parts = (part for e in graph.action_expressions(action) for part in graph.parts(e))
    return any(isinstance(part, SecretRef) for part in parts)


def sql_operator(task: Task, action: Sql, values: Values) -> Operator:
    """`SQLExecuteQueryOperator`; its rows are made what JSON has."""
    operator = Operator("SQLExecuteQueryOperator")
    operator.settings["conn_id"] = Value(action.connection)
    operator.settings["sql"] = _statement(action.statement, operator, values)
    if action.parameters:
        given = {name: values.argument(e) for name, e in action.parameters.items()}
        operator.settings["parameters"] = dict_of(given)
    operator.linked = _linked((action.statement, *action.parameters.values()))
    if task.outputs:
        operator.helpers.add("json_rows")
        operator.settings["handler"] = Name("json_rows")
    else:
        operator.settings["do_xcom_push"] = Value(False)
    return operator


def http_operator(task: Task, action: Http, values: Values) -> Operator:
    """`HttpOperator`; its response is read in the charset that it names."""
    operator = Operator("HttpOperator")

    def text(expression: Expression) -> Expr:
        return text_setting(values.text(expression), operator)

    operator.settings |= {
        "http_conn_id": Value(action.connection),
        "method": Value(action.method),
        "endpoint": text(action.url),
    }
    if headers := headers_of(action):
        operator.settings["headers"] = dict_of({name: text(e) for name, e in headers.items()})
    if action.body is not None:
        operator.settings["data"] = text(action.body)
    silence = patience(task)
    seconds = int(silence) if silence == int(silence) else silence
    operator.settings["extra_options"] = Value({"timeout": seconds})
    if task.outputs:
        operator.helpers.add("body_text")
        operator.settings["response_filter"] = Name("body_text")
    else:
        operator.settings["do_xcom_push"] = Value(False)
    return operator


def packages_with(packages: tuple[str, ...], used: Iterable[str]) -> tuple[str, ...]:
    """The packages, and those of the operators that are used."""
    kinds = frozenset(used)
    named = {package.strip().split("[")[0].split("=")[0].lower() for package in packages}
    found = (PROVIDERS[name] for name in PROVIDERS if name in kinds)
    return (*packages, *(provider for provider in found if provider not in named))


def taken_by(action: Sql | Http) -> dict[str, Expression]:
    """What a statement or a request is made of, each by a name."""
    if isinstance(action, Sql):
        values = {f"parameter_{name}": value for name, value in action.parameters.items()}
        return {"statement": action.statement, **values}
    values = {f"header_{name}": value for name, value in action.headers.items()}
    return {"url": action.url, **values, **({} if action.body is None else {"body": action.body})}


def with_taken(action: Sql | Http, given: Mapping[str, Expression]) -> Sql | Http:
    """The action with others in place of what it is made of, by the names of `taken_by`."""
    if isinstance(action, Sql):
        values = {key: given.get(f"parameter_{key}", e) for key, e in action.parameters.items()}
        statement = given.get("statement", action.statement)
        return action.model_copy(update={"statement": statement, "parameters": values})
    values = {key: given.get(f"header_{key}", e) for key, e in action.headers.items()}
    url, body = given.get("url", action.url), given.get("body", action.body)
    return action.model_copy(update={"url": url, "headers": values, "body": body})


def _statement(statement: Expression, operator: Operator, values: Values) -> Expr:
    text = statement.value if isinstance(statement, Literal_) else None
    if not isinstance(text, str):
        return values.argument(statement)
    if changed_by_jinja(text) or text.endswith(FILE_ENDINGS):
        operator.imports.add("literal")
        return call("literal", Value(text))
    return Lines(text)


def _linked(expressions: Iterable[Expression]) -> set[str]:
    return {e.node for e in expressions if isinstance(e, OutputRef)}
