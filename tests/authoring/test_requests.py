"""`sql(...)` and `http(...)`: what they become, and what they do not take."""

import textwrap

import pytest

from intermodal.authoring.load import load_source
from intermodal.ir import (
    AnyType,
    Format,
    Http,
    ListType,
    Literal_,
    MapOf,
    OutputRef,
    ParameterRef,
    Sql,
    StringType,
)

HEAD = """\
from intermodal import *

@task
def give() -> dict[str, int]:
    return {}

@task
def words() -> str:
    return ""

"""


@pytest.fixture
def load(tmp_path):
    def load(*lines):
        body = textwrap.indent("\n".join(lines), "    ")
        file = tmp_path / "pipe.py"
        file.write_text(f"{HEAD}@pipeline\ndef p(n: int = 1):\n{body}\n", encoding="utf-8")
        return load_source(file, tmp_path)

    return load


@pytest.fixture
def last(load):
    def last(*lines):
        loaded = load(*lines)
        assert loaded.findings == ()
        return loaded.pipelines[0].body[-1]

    return last


def test_a_statement(last):
    task = last('sql("select :a", connection="db", parameters={"a": n, "b": None}, timeout="5m")')
    assert task.id == "sql"
    assert task.timeout.total_seconds() == 300
    assert task.outputs == {"return": ListType(item=ListType(item=AnyType()))}
    assert isinstance(task.action, Sql)
    assert (task.action.connection, task.action.statement.value) == ("db", "select :a")
    assert task.action.parameters == {"a": ParameterRef(name="n"), "b": Literal_(value=None)}


def test_a_request(last):
    task = last('http(text("/{n}", n=n), connection="api", headers={"X": give()["a"]}, id="get")')
    assert task.id == "get"
    assert task.outputs == {"return": StringType()}
    assert isinstance(task.action, Http)
    assert (task.action.method, task.action.connection, task.action.body) == ("GET", "api", None)
    assert isinstance(task.action.url, Format)
    assert set(task.action.headers) == {"X"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('"a"', "text/plain; charset=utf-8"),
        ('text("{n}", n=n)', "text/plain; charset=utf-8"),
        ("words()", "text/plain; charset=utf-8"),
        ("{}", "application/json"),
        ('{"a": n}', "application/json"),
        ("[]", "application/json"),
        ("give()", "application/json"),
    ],
)
def test_the_type_of_a_body(last, body, kind):
    task = last(f'http("https://x", method="POST", body={body})')
    assert task.action.headers == {"Content-Type": Literal_(value=kind)}


def test_a_type_that_is_given_stays(last):
    task = last('http("https://x", method="POST", body={"a": n}, headers={"content-type": "x"})')
    assert set(task.action.headers) == {"content-type"}
    assert isinstance(task.action.body, MapOf)


def test_results_are_passed_on(last):
    task = last('http("https://x", method="POST", body=sql("select 1", connection="db"))')
    assert task.action.body == OutputRef(node="sql")


@pytest.mark.parametrize(
    "line",
    [
        "sql(n, connection='db')",
        "sql(text('select {n}', n=n), connection='db')",
        "sql('select 1', connection=n)",
        "sql('select 1', connection='db', parameters=[1])",
        "sql('select 1', connection='db', parameters={1: 2})",
        "http('https://x', method='get')",
        "http('https://x', headers=['a'])",
        "http('https://x', connection=1)",
        "http('https://x', outputs={})",
    ],
)
def test_wrong_calls_are_findings_at_their_line(load, line):
    findings = load(line).findings
    assert findings
    assert all(f.span.line == 13 and f.next for f in findings)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sql(' ', connection='db')", "runs no statement"),
        ("sql('select 1', connection='a b')", "connection `a b`"),
        ("http('example.com')", "no URL of a server"),
        ("http('file:///etc/passwd')", "no URL of a server"),
        ("http('https://jo:pw@example.com/')", "password in its URL"),
        ("http('https://example.com/\\r\\nX: 1')", "no URL"),
        ("http(3)", "no URL"),
        ("http('https://other/x', connection='api')", "besides that of `api`"),
        ("http('https://x', body='a')", "body with GET"),
        ("http('https://x', method='HEAD', body='a')", "body with HEAD"),
        ("http('https://x', headers={'A': 'b\\nc'})", "header 'A'"),
        ("http('https://x', headers={'A b': 'c'})", "header 'A b'"),
    ],
)
def test_what_means_nothing_is_a_finding(load, line, words):
    from intermodal.analysis.validate import validate

    (pipeline,) = load(line).pipelines
    (finding,) = validate(pipeline)
    assert finding.code == "PORT118"
    assert words in finding.what
    assert finding.next
    assert finding.span.line == 13
