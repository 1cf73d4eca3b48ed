"""Statements on databases and requests over HTTP: what `sql` and `http` tasks run as functions.

Compilers put these functions, with what they need of this file, into what they emit. So they use the
standard library only, and SQLAlchemy for databases other than SQLite. Lines leave room to be moved
right, docstrings have one line, and names are those that no emitted file has of its own.
"""

import base64
import json
import os
import re
import sqlite3
from contextlib import closing
from typing import Any
from urllib import parse, request

# What a redirected request takes along to another server.
CARRIED_ON = ("accept", "content-type", "user-agent")
CONTENT = "content-type"
REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 30
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"([^\s\x00-\x1f\x7f][^\x00-\x08\n-\x1f\x7f]*)?")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What stays as it is in a URL; anything else is percent-encoded.
SAFE = "!#$%&'()*+,/:;=?@[]~"
# Databases that SQLAlchemy knows by other names than Airflow.
DIALECTS = {"postgres": "postgresql", "mssql": "mssql+pymssql"}


def run_sql(
    connection: str,
    statement: str,
    parameters: dict[str, object],
) -> list[list[object]]:
    """Run one statement on a connection; its rows as lists of JSON values."""
    url = connection_url(connection)
    run = run_on_sqlite if url.startswith("sqlite:") else run_on_server
    try:
        return run(url, statement, parameters)
    except Exception as problem:
        told = without_login(str(problem), url)
        if told == str(problem):
            raise
    raise RuntimeError(told)


def run_on_sqlite(
    url: str,
    statement: str,
    parameters: dict[str, Any],
) -> list[list[object]]:
    """Run a statement on SQLite: `sqlite:///relative`, `sqlite:////absolute`."""
    path, _, options = url.partition("://")[2].removeprefix("/").partition("?")
    place = f"file:{parse.quote(path) if path else ':memory:'}?{options}"
    with closing(sqlite3.connect(place, uri=True)) as database:
        rows = json_rows(database.execute(statement, parameters))
        database.commit()
    return rows


def run_on_server(
    url: str,
    statement: str,
    parameters: dict[str, Any],
) -> list[list[object]]:
    """Run a statement on any database that SQLAlchemy has a driver for."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(url, hide_parameters=True)
    try:
        with engine.begin() as database:
            plain = database.execution_options(no_parameters=True)
            result = plain.exec_driver_sql(statement, parameters or None)
            return json_rows(result.cursor) if result.returns_rows else []
    finally:
        engine.dispose()


def json_rows(cursor: Any) -> list[list[object]]:
    """The rows of a statement as JSON values; none if it gives no rows."""
    if cursor.description is None:
        return []
    names = [column[0] for column in cursor.description]
    rows = (zip(row, names, strict=True) for row in cursor.fetchall())
    return [[json_value(value, name) for value, name in row] for row in rows]


def json_value(value: Any, column: str) -> Any:
    """A value as JSON has it: times in ISO 8601, durations in seconds."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and abs(value) < float("inf"):
        return value
    if isinstance(value, list | tuple):
        return [json_value(item, column) for item in value]
    if isinstance(value, dict):
        return {str(key): json_value(value[key], column) for key in value}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    # Exact numbers with digits after the point are text: JSON's are rounded.
    if hasattr(value, "as_tuple") and value.is_finite():
        whole = value.as_tuple().exponent >= 0
        return int(value) if whole else format(value, "f")
    kind = type(value).__name__
    if kind == "UUID":
        return str(value)
    raise TypeError(f"column `{column}` holds {kind}, which JSON lacks: convert it")


def send_to(
    connection: str,
    path: str,
    method: str,
    headers: dict[str, object],
    body: object,
    timeout: float,
) -> str:
    """Send a request to the server of a connection; the text of the response."""
    base = connection_url(connection).rstrip("/")
    if not base.startswith(("http://", "https://")) or "?" in base:
        raise ValueError(f"the connection `{connection}` is no URL for HTTP")
    if "://" in path.partition("?")[0]:
        raise ValueError(f"a path on `{connection}` cannot name another server")
    url = base + path if path.startswith("/") else f"{base}/{path}"
    return send_request(url, method, headers, body, timeout)


def send_request(
    url: str,
    method: str,
    headers: dict[str, object],
    body: object,
    timeout: float,
) -> str:
    """Send a request; the response's text. A status from 400 on is an error."""
    sent = {name: header_text(name, value) for name, value in headers.items()}
    data = None if body is None else json_text(body).encode()
    opener = request.OpenerDirector()
    opener.add_handler(request.ProxyHandler())
    opener.add_handler(request.HTTPHandler())
    opener.add_handler(request.HTTPSHandler())
    for _ in range(MOST_REDIRECTS):
        url, login = split_login(url)
        if login:
            sent["Authorization"] = login
        asked = request.Request(url, data, sent, method=method)
        with opener.open(asked, timeout=timeout) as response:
            status, place = response.status, response.headers.get("Location")
            if status not in REDIRECTS or not place:
                return response_text(method, response)
        if status not in (307, 308):
            method, data = method_after(status, method), None
            sent = {name: sent[name] for name in sent if name.lower() != CONTENT}
        sent = carried_on(sent, url, parse.urljoin(url, place))
        url = parse.urljoin(url, place)
    raise RuntimeError(f"the server redirects more than {MOST_REDIRECTS} times")


def response_text(method: str, response: Any) -> str:
    """The body, in the charset that it names, or else UTF-8."""
    if response.status >= 400:
        answer = f"{response.status} {response.reason}"
        raise RuntimeError(f"the server answered {method} with {answer}")
    charset = response.headers.get_content_charset("utf-8")
    text: str = response.read().decode(charset)
    return text


def method_after(status: int, method: str) -> str:
    """The method that a redirected request goes on with, as browsers do it."""
    if method == "HEAD" or (status == 301 and method != "POST"):
        return method
    return "GET"


def carried_on(
    headers: dict[str, str],
    before: str,
    url: str,
) -> dict[str, str]:
    """The headers for where a server redirects to: others get no credentials."""
    if parse.urlsplit(before)[:2] == parse.urlsplit(url)[:2]:
        return headers
    kept = (name for name in headers if name.lower() in CARRIED_ON)
    return {name: headers[name] for name in kept}


def header_text(name: str, value: object) -> str:
    """A header's value, if it is one: with a line break it could be several."""
    text = json_text(value)
    if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(text):
        raise ValueError(f"the header {name!a} holds what no header can")
    return text


def json_text(value: object) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def split_login(url: str) -> tuple[str, str]:
    """A URL as it is sent, and the user and password in it as a header's value."""
    if CONTROL.search(url):
        raise ValueError("the URL holds a control character")
    try:
        parts = parse.urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
        known = known and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ValueError("the URL is none for a request over HTTP")
    login, at, place = parts.netloc.rpartition("@")
    path = parse.quote(parts.path or "/", safe=SAFE)
    query = parse.quote(parts.query, safe=SAFE)
    plain = parts._replace(netloc=place, path=path, query=query, fragment="")
    if not at:
        return plain.geturl(), ""
    user, _, password = login.partition(":")
    pair = f"{parse.unquote(user)}:{parse.unquote(password)}"
    return plain.geturl(), "Basic " + base64.b64encode(pair.encode()).decode()


def connection_url(name: str) -> str:
    """The URL of a connection, which the worker has as a secret."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
    variable = f"INTERMODAL_SECRET_{plain}"
    url = os.environ.get(variable) or stored_url(name)
    if not url:
        raise LookupError(f"there is no connection `{name}`: set {variable}")
    return url


def stored_url(name: str) -> str:
    """The URL of a connection that is a variable of Airflow's, or nothing."""
    return from_airflow(os.environ.get(f"AIRFLOW_CONN_{name.upper()}", ""))


def from_airflow(held: str) -> str:
    """The URL in place of a connection as Airflow writes it, or nothing."""
    if not held:
        return ""
    if held.lstrip().startswith("{"):
        fields = json.loads(held)
    else:
        kind, _, rest = held.partition("://")
        scheme, _, rest = rest.rpartition("://")
        parts = parse.urlsplit(f"//{rest}")
        login, _, place = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        host, _, port = place.partition(":")
        fields = {
            "conn_type": kind,
            "login": parse.unquote(user),
            "password": parse.unquote(password),
            "host": (f"{scheme}://" if scheme else "") + parse.unquote(host),
            "port": port,
            "schema": parse.unquote(parts.path.removeprefix("/")),
            "extra": parts.query,
        }
    if fields.get("extra"):
        raise LookupError("a connection's extras are known to Airflow only")
    return url_of({key: str(value or "") for key, value in fields.items()})


def url_of(fields: dict[str, str]) -> str:
    """The URL of a connection that Airflow has in these fields."""
    kind = fields["conn_type"].replace("-", "_")
    host, schema = fields.get("host", ""), fields.get("schema", "")
    if kind == "sqlite":
        return f"sqlite:///{host or '/' + schema}"
    kind = DIALECTS.get(kind, kind)
    if kind in ("http", "https"):
        kind, schema = schema or kind, ""
    if "://" in host:
        kind, _, host = host.partition("://")
    login = parse.quote(fields.get("login", ""), safe="")
    if password := fields.get("password"):
        login += ":" + parse.quote(password, safe="")
    port = f":{fields['port']}" if fields.get("port") else ""
    return f"{kind}://{login + '@' if login else ''}{host}{port}/{schema}"


def without_login(text: str, url: str) -> str:
    """The text without the URL and its password, which drivers may quote."""
    password = parse.urlsplit(url).netloc.rpartition("@")[0].partition(":")[2]
    for hidden in (url, password, parse.unquote(password)):
        text = text.replace(hidden, "***") if hidden else text
    return text
