"""Connections for an Airflow that runs compiled output: its own variables, made of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from intermodal.analysis import graph
from intermodal.ir import Http, Pipeline, Sql, Wait
from intermodal.runtime.secrets import variable_of

PREFIX = "AIRFLOW_CONN_"
KINDS: Mapping[str, str] = {"postgresql": "postgres", "https": "http"}
"""What Airflow calls schemes of URLs that it has other names for."""


def airflow_variable(name: str) -> str:
    """The variable in which Airflow finds a connection."""
    return PREFIX + name.upper()


def airflow_variables(pipeline: Pipeline, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that hold Airflow's connections, and those made of our secrets."""
    found = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    for name in _connections(pipeline):
        url = environment.get(variable_of(name))
        if url and airflow_variable(name) not in found:
            found[airflow_variable(name)] = airflow_connection(url)
    return found


def airflow_connection(url: str) -> str:
    """A connection as Airflow's variables hold it, in JSON, for the URL that a secret holds."""
    parts = urlsplit(url)
    scheme = parts.scheme.partition("+")[0]
    fields: dict[str, object] = {"conn_type": KINDS.get(scheme, scheme)}
    if scheme == "sqlite":
        return json.dumps({**fields, "host": parts.path.removeprefix("/")})
    is_web = scheme in ("http", "https")
    fields |= {
        "host": parts.hostname,
        "port": parts.port,
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "schema": scheme if is_web else parts.path.removeprefix("/"),
        "extra": dict(parse_qsl(parts.query)),
    }
    if is_web and parts.path.strip("/"):
        fields["host"] = f"{scheme}://{parts.hostname}"
        if parts.port:
            fields["host"] = f"{fields['host']}:{parts.port}"
        fields |= {"host": f"{fields['host']}{parts.path.rstrip('/')}", "port": None}
    return json.dumps({key: value for key, value in fields.items() if value})


def _connections(pipeline: Pipeline) -> list[str]:
    found: list[str] = []
    for task in graph.tasks(pipeline):
        action = task.action.check if isinstance(task.action, Wait) else task.action
        if isinstance(action, (Sql, Http)) and action.connection is not None:
            found.append(action.connection)
    return list(dict.fromkeys(found))
