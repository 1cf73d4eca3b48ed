"""`hosted(...)` and `source(...)`: what they become, and what they do not take."""

from __future__ import annotations

import textwrap

import pytest

from intermodal.authoring.load import load_source
from intermodal.ir import (
    AnyType,
    Hosted,
    ListOf,
    Literal_,
    MapOf,
    OutputRef,
    ParameterRef,
    Retry,
    SourceExpression,
)

HEAD = """\
from datetime import timedelta

from intermodal import hosted, pipeline, source, task, worker_imports

with worker_imports():
    from airflow.sdk import BaseOperator

    class Mine(BaseOperator):
        pass

FACTOR = 3

def work(x, **context):
    return x * FACTOR

@task
def give() -> int:
    return 1

"""
EMPTY = "airflow.providers.standard.operators.empty.EmptyOperator"


@pytest.fixture
def load(tmp_path):
    """`load(body)` gives the tasks of a pipeline by id, or the findings."""

    def run(body, head=HEAD):
        file = tmp_path / "made.py"
        inside = textwrap.indent(textwrap.dedent(body), "    ")
        file.write_text(f'{head}@pipeline\ndef p(day: str = "x"):\n{inside}\n')
        loaded = load_source(file, tmp_path)
        if loaded.findings:
            return loaded.findings
        return {task.id: task for task in loaded.pipelines[0].body}

    return run


def test_a_class_with_its_arguments_and_the_options_of_any_task(load):
    tasks = load(f"""\
        n = give()
        first = hosted("{EMPTY}", arguments={{"n": n, "all": [n, 1], "map": {{"d": day}}}}, retry=2)
        first >> hosted("{EMPTY}", id="last", expand={{"x": [1, 2]}}, outputs=["key"], packages=["a"])
    """)
    first, last = tasks["empty"], tasks["last"]
    assert isinstance(first.action, Hosted)
    assert (first.action.ecosystem, first.action.class_path) == ("airflow", EMPTY)
    given = first.action.arguments
    number = OutputRef.of(node="give")
    assert given["n"] == number
    assert given["all"] == ListOf.of(items=(number, Literal_.of(value=1)))
    assert given["map"] == MapOf.of(entries={"d": ParameterRef.of(name="day")})
    assert (first.retry, dict(first.outputs)) == (Retry.of(max=2), {"return": AnyType.of()})
    assert isinstance(last.action, Hosted)
    assert last.action.expand == {"x": Literal_.of(value=[1, 2])}
    assert (list(last.outputs), last.action.packages, last.after) == (
        ["return", "key"],
        ("a",),
        ("empty",),
    )


def expression(tasks, name="a"):
    return tasks["empty"].action.arguments[name]


def test_a_source_brings_what_it_names(load):
    told = """source("timedelta(FACTOR)", imports=["from datetime import timedelta"])"""
    found = expression(load(f'hosted("{EMPTY}", arguments={{"a": {told}}})'))
    assert found == SourceExpression.of(
        ecosystem="airflow",
        text="timedelta(FACTOR)",
        imports=("from datetime import timedelta",),
        definitions=("FACTOR = 3\n",),
    )


def test_names_that_an_expression_binds_itself_are_its_own(load):
    found = expression(
        load(f"""hosted("{EMPTY}", arguments={{"a": source("lambda work: work")}})""")
    )
    assert (found.imports, found.definitions) == ((), ())


@pytest.mark.parametrize("given", ["work", 'source("work")'])
def test_a_function_comes_with_what_it_needs(load, given):
    found = expression(load(f'hosted("{EMPTY}", arguments={{"a": {given}}})'))
    assert found.text == "work"
    assert found.definitions == ("FACTOR = 3\n", "def work(x, **context):\n    return x * FACTOR\n")


def test_a_task_can_be_given_as_its_function(load):
    found = expression(load(f'hosted("{EMPTY}", arguments={{"a": [give]}})')).items[0]
    assert found.definitions == ("def give() -> int:\n    return 1\n",)


def test_a_function_of_another_module_is_imported(load):
    found = expression(load(f'import json\nhosted("{EMPTY}", arguments={{"a": json.dumps}})'))
    assert found.text == "dumps"
    assert "def dumps" in "".join(found.definitions)


def test_a_class_of_the_module_that_needs_what_is_missing_here(load):
    action = load('hosted(source("Mine"), ecosystem="airflow", id="mine")')["mine"].action
    assert action.class_path == "Mine"
    assert action.class_source == SourceExpression.of(
        ecosystem="airflow",
        text="Mine",
        imports=("from airflow.sdk import BaseOperator",),
        definitions=("class Mine(BaseOperator):\n    pass\n",),
    )


@pytest.mark.parametrize(
    ("body", "code", "what"),
    [
        ('hosted("luigi.Task")', "PORT206", "`luigi.Task` is a class of `luigi`"),
        ('hosted("Operator")', "PORT116", "`Operator` is no path"),
        ('hosted("airflow.a-b")', "PORT116", "no path"),
        (f'hosted("{EMPTY}", arguments=[1])', "PORT116", "`arguments` is a dict"),
        (f'hosted("{EMPTY}", arguments={{"a": timedelta(1)}})', "PORT116", "timedelta"),
        (f'hosted("{EMPTY}", arguments={{"a": lambda: 1}})', "PORT116", "<lambda>"),
        (f'hosted("{EMPTY}", speed=2)', "PORT116", "no option `speed`"),
        ("hosted(3)", "PORT116", "no `int`"),
        ('source("a b")', "PORT116", "one Python expression"),
        ('source("a", imports=["import ("])', "PORT116", "one Python expression"),
    ],
)
def test_what_it_does_not_take(load, body, code, what):
    (finding,) = load(body)
    assert finding.code == code
    assert what in finding.what
    assert finding.span is not None
