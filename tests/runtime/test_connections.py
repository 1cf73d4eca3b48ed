"""Statements and requests as functions: values as JSON, credentials kept, nothing injected."""

import base64
import json
import sqlite3
import traceback
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from intermodal.runtime import connections
from intermodal.runtime.connections import (
    connection_url,
    from_airflow,
    json_value,
    run_sql,
    send_request,
    send_to,
    split_login,
)
from intermodal_backends.conformance.airflow_connections import airflow_connection
from intermodal_backends.conformance.playground import open_playground


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server():
    with open_playground() as one:
        yield one


@pytest.fixture(scope="module")
def other():
    with open_playground() as one:
        yield one


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "some file.db"
    monkeypatch.setenv("INTERMODAL_SECRET_DB", f"sqlite:///{path}")
    return path


def send(url, method="GET", headers=None, body=None):
    return send_request(url, method, headers or {}, body, 5.0)


# Values


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        (1.5, 1.5),
        ("é", "é"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (time(3, 4), "03:04:00"),
        (timedelta(minutes=1.5), 90.0),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal(12), 12),
        (Decimal("1E+3"), 1000),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, (date(2026, 1, 2),)], [1, ["2026-01-02"]]),
        ({"a": Decimal("0.1"), 2: None}, {"a": "0.1", "2": None}),
    ],
)
def test_values_are_those_of_json(value, wanted):
    given = json_value(value, "c")
    assert given == wanted
    assert type(given) is type(wanted)
    json.dumps(given, allow_nan=False)


@pytest.mark.parametrize(
    "value", [b"", bytearray(b"x"), memoryview(b"x"), float("nan"), float("inf"), Decimal("NaN")]
)
def test_what_json_lacks_is_refused_by_its_column(value):
    with pytest.raises(TypeError, match="column `picture`"):
        json_value([value], "picture")


# Statements


def test_a_statement_is_committed_and_gives_rows(database):
    assert run_sql("db", "create table t (a integer, b text)", {}) == []
    assert run_sql("db", "insert into t values (:a, :b)", {"a": 1, "b": "x'; --"}) == []
    assert run_sql("db", "select * from t", {}) == [[1, "x'; --"]]
    assert database.exists()


def test_a_statement_that_fails_changes_nothing(database):
    run_sql("db", "create table t (a integer unique)", {})
    with pytest.raises(sqlite3.IntegrityError):
        run_sql("db", "insert into t values (1), (1)", {})
    with pytest.raises(TypeError, match="holds bytes"):
        run_sql("db", "insert into t values (2) returning x'00'", {})
    assert run_sql("db", "select count(*) from t", {}) == [[0]]


def test_only_one_statement_at_a_time(database):
    with pytest.raises(sqlite3.Error):
        run_sql("db", "create table t (a); drop table t", {})


@pytest.mark.parametrize("form", ["sqlite+pysqlite:///{}", "sqlite:///{}", "sqlite:///{}?mode=ro"])
def test_the_same_rows_by_sqlalchemy(database, form, monkeypatch):
    pytest.importorskip("sqlalchemy", reason="it comes with the database drivers of workers")
    run_sql("db", "create table t (a integer, b text, c numeric)", {})
    run_sql("db", "insert into t values (1, '100 %', 2.5)", {})
    monkeypatch.setenv("INTERMODAL_SECRET_DB", form.format(database))
    assert run_sql("db", "select a, b like '100 %', c, :n from t", {"n": None}) == [
        [1, 1, 2.5, None]
    ]


def test_sqlalchemy_commits_and_rolls_back(database, monkeypatch):
    pytest.importorskip("sqlalchemy", reason="it comes with the database drivers of workers")
    monkeypatch.setenv("INTERMODAL_SECRET_DB", f"sqlite+pysqlite:///{database}")
    assert run_sql("db", "create table t (a integer unique)", {}) == []
    assert run_sql("db", "insert into t values (:a)", {"a": 1}) == []
    with pytest.raises(Exception, match="UNIQUE") as caught:
        run_sql("db", "insert into t values (:a), (:a), (:b)", {"a": 1, "b": 4711})
    assert "4711" not in str(caught.value)
    assert run_sql("db", "select a from t", {}) == [[1]]


def test_a_statement_without_parameters_is_sent_as_it_is(database, monkeypatch):
    """Drivers that know `%s` would take the `%` of a statement for one."""
    pytest.importorskip("sqlalchemy", reason="it comes with the database drivers of workers")
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def see(cursor, statement, context):
        sent.append(statement)

    sent = []
    monkeypatch.setenv("INTERMODAL_SECRET_DB", f"sqlite+pysqlite:///{database}")
    event.listen(Engine, "do_execute_no_params", see)
    try:
        assert run_sql("db", "select 7 % 4", {}) == [[3]]
    finally:
        event.remove(Engine, "do_execute_no_params", see)
    assert sent == ["select 7 % 4"]


def test_a_memory_is_a_database(monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_DB", "sqlite://")
    assert run_sql("db", "select 1", {}) == [[1]]


def test_errors_hold_no_password(monkeypatch):
    def fail(url, statement, parameters):
        raise RuntimeError(f"cannot reach {url} with o/p and o%2Fp")

    monkeypatch.setattr(connections, "run_on_server", fail)
    monkeypatch.setenv("INTERMODAL_SECRET_DB", "postgresql://jo:o%2Fp@host/db")
    with pytest.raises(RuntimeError, match="cannot reach") as caught:
        run_sql("db", "select 1", {})
    shown = "".join(traceback.format_exception(caught.value))
    assert "o/p" not in shown
    assert "o%2Fp" not in shown


# Connections


def test_a_secret_goes_before_a_variable_of_airflows(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_MY_DB", "postgres://jo:pw@host:5432/sales")
    assert connection_url("my_db") == "postgresql://jo:pw@host:5432/sales"
    monkeypatch.setenv("INTERMODAL_SECRET_MY_DB", "sqlite:////data/x.db")
    assert connection_url("my_db") == "sqlite:////data/x.db"


def test_a_connection_that_is_not_there(monkeypatch):
    with pytest.raises(LookupError, match="set INTERMODAL_SECRET_MY_DB"):
        connection_url("my-db")


@pytest.mark.parametrize(
    ("held", "url"),
    [
        ("", ""),
        ("sqlite:///data/x.db", "sqlite:////data/x.db"),
        ("sqlite://%2Fdata%2FX.db", "sqlite:////data/X.db"),
        ('{"conn_type": "sqlite", "host": "/data/x.db"}', "sqlite:////data/x.db"),
        ("mysql://jo:o%40p@host/db", "mysql://jo:o%40p@host/db"),
        ("google-cloud://", "google_cloud:///"),
        ("http://jo:pw@host:80/https", "https://jo:pw@host:80/"),
        ("http://host", "http://host/"),
        ("http://https://host", "https://host/"),
        (
            """{"conn_type": "http", "host": "https://host", "login": "jo", "password": "p@w",
                "port": 8443, "schema": null, "extra": ""}""",
            "https://jo:p%40w@host:8443/",
        ),
    ],
)
def test_airflows_forms(held, url):
    assert from_airflow(held) == url


@pytest.mark.parametrize("held", ["postgres://host/db?sslmode=require", '{"extra": {"a": 1}}'])
def test_extras_of_airflows_are_not_lost_in_silence(held):
    with pytest.raises(LookupError, match="extras"):
        from_airflow(held)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////data/x.db",
        "http://jo:o%20p@127.0.0.1:80",
        "https://host",
        "https://jo@host:8443",
        "https://host:8443/base/v1",
        "postgresql://jo:p%40w@host:5432/sales",
    ],
)
def test_the_cases_connections_mean_the_same_in_airflows_form(url):
    assert from_airflow(airflow_connection(url)).rstrip("/") == url


# Requests


def test_a_connections_login_is_sent(server, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_API", f"http://jo:o%2Fp@{server.address}/echo/")
    told = json.loads(send_to("api", "v1?a=b", "GET", {}, None, 5.0))
    given = "Basic " + base64.b64encode(b"jo:o/p").decode()
    assert told["path"] == "/echo/v1?a=b"
    assert told["headers"]["authorization"] == hashed(given)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("postgresql://jo:pw4711@host/db", "/x"),
        ("http://host?a=pw4711", "/x"),
        ("http://jo:pw4711@host", "https://elsewhere/x"),
    ],
)
def test_a_connection_is_one_server(url, path, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_API", url)
    with pytest.raises(ValueError, match="`api`") as caught:
        send_to("api", path, "GET", {}, None, 5.0)
    assert "pw4711" not in str(caught.value)


@pytest.mark.parametrize("path", ["//other/x", "@other/x", "/..//x"])
def test_a_path_cannot_lead_to_another_server(server, path, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_API", f"http://{server.address}/echo")
    assert json.loads(send_to("api", path, "GET", {}, None, 5.0))["path"].startswith("/echo")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/x",
        "/x",
        "http://",
        "http://host:pw4711/",
        "http://[pw4711/",
        "http://host/a\r\nX: 1",
        "http://host/a\tb",
        "http://ho\nst/",
        "",
    ],
)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(ValueError, match="URL") as caught:
        send(url)
    assert "pw4711" not in "".join(traceback.format_exception(caught.value))


def test_urls_are_encoded_once():
    assert split_login("http://h/a b/%20?q=é&r=1#top") == ("http://h/a%20b/%20?q=%C3%A9&r=1", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("A", "b\r\nC: d"), ("A", "b\nC"), ("A", "\x00"), ("A\r\nB", "c"), ("A B", "c"), ("", "c")],
)
def test_headers_cannot_become_several(server, name, value):
    with pytest.raises(ValueError, match="header"):
        send(f"http://{server.address}/echo", headers={name: value})


def test_bodies_are_text_or_json(server):
    def body_of(body):
        return json.loads(send(f"http://{server.address}/echo", "POST", {"X-A": 1}, body))["body"]

    assert body_of("é") == "é"
    assert json.loads(body_of({"a": [1, None]})) == {"a": [1, None]}
    assert body_of("") == ""


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_bad_status_is_an_error_that_keeps_the_url(server, status):
    with pytest.raises(RuntimeError, match=f"answered PUT with {status}") as caught:
        send(f"http://{server.address}/status/{status}?key=pw4711", "PUT", {}, "x")
    assert "pw4711" not in str(caught.value)


def hashed(text):
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:12]


SECRETS = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Api-Key": "k", "Accept": "text/plain"}


def test_another_server_gets_no_credentials(server, other):
    url = f"http://jo:pw@{server.address}/redirect/307?to=http://{other.address}/echo"
    told = json.loads(send(url, "POST", {**SECRETS, "Content-Type": "text/x"}, "kept"))
    assert told["headers"] == {"content-type": "text/x"}
    assert told["body"] == "kept"


def test_the_same_server_gets_them(server):
    told = json.loads(send(f"http://{server.address}/redirect/302?to=/echo", "GET", SECRETS))
    assert set(told["headers"]) == {"authorization", "cookie", "x-api-key"}


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (301, "PUT", "PUT"),
        (302, "POST", "GET"),
        (302, "DELETE", "GET"),
        (303, "PUT", "GET"),
        (307, "PUT", "PUT"),
        (308, "POST", "POST"),
    ],
)
def test_redirected_methods(server, status, method, then):
    url = f"http://{server.address}/redirect/{status}?to=/echo"
    told = json.loads(send(url, method, {"Content-Type": "text/x"}, "x"))
    kept = status in (307, 308)
    assert told == {
        "method": then,
        "path": "/echo",
        "headers": {"content-type": "text/x"} if kept else {},
        "body": "x" if kept else "",
    }


def test_redirects_end(server):
    loop = f"http://{server.address}/redirect/302?to=%2Fredirect%2F302%3Fto%3D%2Fmissing"
    with pytest.raises(RuntimeError, match="404"):
        send(loop)
    with pytest.raises(ValueError, match="URL"):
        send(f"http://{server.address}/redirect/302?to=file:///etc/passwd")


def test_endless_redirects_end(server, monkeypatch):
    monkeypatch.setattr(connections, "MOST_REDIRECTS", 1)
    with pytest.raises(RuntimeError, match="redirects more than"):
        send(f"http://{server.address}/redirect/302?to=/echo")


def test_responses_are_text(server):
    assert send(f"http://{server.address}/latin") == "Grüße"
    with pytest.raises(UnicodeDecodeError):
        send(f"http://{server.address}/bytes")
