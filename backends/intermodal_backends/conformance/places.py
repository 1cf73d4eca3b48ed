"""Where a run of a case finds things: its folder, loopback servers, and connections to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from intermodal.runtime.secrets import variable_of
from intermodal_backends.conformance.airflow_connections import airflow_connection, airflow_variable
from intermodal_backends.conformance.case import Case
from intermodal_backends.conformance.playground import open_playground

SERVERS = ("server", "other")


@contextmanager
def open_places(case: Case, work: Path) -> Iterator[Mapping[str, str]]:
    """What `{work}`, `{server}` and `{other}` stand for in a case's parameters and connections.

    The servers are there for as long as the run takes, if the case uses them.
    """
    used = json.dumps([case.expect.parameters, case.expect.connections])
    with ExitStack() as stack:
        places = {"work": str(work)}
        for name in SERVERS:
            if f"{{{name}}}" in used:
                places[name] = stack.enter_context(open_playground()).address
        yield places


def filled(value: Any, places: Mapping[str, str]) -> Any:
    """A JSON value with places put in."""
    if isinstance(value, str):
        for name, place in places.items():
            value = value.replace(f"{{{name}}}", place)
        return value
    if isinstance(value, dict):
        return {key: filled(item, places) for key, item in value.items()}
    return [filled(item, places) for item in value] if isinstance(value, list) else value


def connection_variables(case: Case, places: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a case's connections: ours, and Airflow's."""
    variables: dict[str, str] = {}
    for name, text in case.expect.connections.items():
        url = filled(text, places)
        variables[variable_of(name)] = url
        variables[airflow_variable(name)] = airflow_connection(url)
    return variables


def passwords(case: Case) -> dict[str, str]:
    """The passwords of a case's connections, by the connection's name."""
    found = {name: urlsplit(text).password for name, text in case.expect.connections.items()}
    return {name: unquote(password) for name, password in found.items() if password}
