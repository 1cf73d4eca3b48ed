"""Hosted tasks as Python: readable calls, functions of the module, loaded back to the same."""

from __future__ import annotations

import json

import pytest
import written_same as same

from intermodal.authoring.load import load_source
from intermodal.ir import (
    AnyType,
    Hosted,
    ListOf,
    Literal_,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    SourceExpression,
    StringType,
    Task,
)
from intermodal_compilers.writing import write_module

PYTHON = "airflow.providers.standard.operators.python.PythonOperator"
ANY = {"return": AnyType.of()}


def literal(value):
    return Literal_.of(value=value)


def source(text, imports=(), definitions=()):
    return SourceExpression.of(
        ecosystem="airflow", text=text, imports=imports, definitions=definitions
    )


def hosted(name, path=PYTHON, outputs=ANY, **given):
    action = {
        key: given.pop(key) for key in ("expand", "expand_maps", "class_source") if key in given
    }
    made = Hosted.of(ecosystem="airflow", class_path=path, arguments=given, **action)
    return Task.of(id=name, action=made, outputs=outputs)


@pytest.fixture
def text(tmp_path):
    """`text(*tasks)` gives a pipeline of them as Python, once it is sure to load back to them."""

    def write(*tasks, parameters=()):
        given = {name: Parameter.of(type=StringType.of(), default="") for name in parameters}
        pipeline = Pipeline.of(name="p", body=tasks, parameters=given)
        written = write_module([pipeline], worker_only=True)
        assert written.findings == ()
        file = tmp_path / "written.py"
        file.write_text(written.text, encoding="utf-8")
        loaded = load_source(file, tmp_path)
        assert loaded.findings == (), written.text
        before, after = same.forms(pipeline, loaded.pipelines[0], written.renamed, worker_only=True)
        assert json.dumps(after, indent=1, sort_keys=True) == json.dumps(
            before, indent=1, sort_keys=True
        ), written.text
        return written.text

    return write


def test_a_class_is_a_call_with_its_arguments(text):
    path = "airflow.providers.google.cloud.operators.gcs.GCSCreateBucketOperator"
    made = text(hosted("create_bucket", path, bucket_name=literal("bucket-{{ ds }}")))
    assert made == (
        '"""The pipeline p."""\n\n'
        "from intermodal import hosted, pipeline\n\n\n"
        "@pipeline\n"
        "def p():\n"
        "    hosted(\n"
        f'        "{path}",\n'
        '        id="create_bucket",\n'
        '        arguments={"bucket_name": "bucket-{{ ds }}"},\n'
        "    )\n"
    )


def test_functions_are_those_of_the_module(text):
    definitions = ("FACTOR = 3\n", "def work(x):\n    return x * FACTOR\n")
    made = text(hosted("a", python_callable=source("work", (), definitions)))
    assert "FACTOR = 3\n\n\ndef work(x):\n    return x * FACTOR\n" in made
    assert '"python_callable": work' in made


def test_functions_that_cannot_be_made_without_airflow_are_named_in_quotes(text):
    imports = ("from airflow.sdk import Context, dag",)
    definitions = ("@dag.decorate\ndef work(x: Context):\n    return x\n",)
    made = text(hosted("a", python_callable=source("work", imports, definitions)))
    assert 'source("work")' in made
    assert "with worker_imports():\n    from airflow.sdk import Context, dag\n" in made


def test_two_functions_of_one_name(text):
    one = source("work", (), ("def work():\n    return 1\n",))
    two = source("[work]", (), ("def work():\n    return 2\n",))
    made = text(hosted("a", python_callable=one), hosted("b", python_callable=two))
    assert '"python_callable": work}' in made
    assert 'source("[work_2]")' in made


def test_a_parameter_named_like_a_function(text):
    given = hosted(
        "a",
        python_callable=source("work", (), ("def work():\n    return 1\n",)),
        x=ParameterRef.of(name="work"),
    )
    assert '"python_callable": work' in text(given, parameters=["work"])


def test_expressions_say_their_own_imports(text):
    wait = source("timedelta(minutes=5)", ("from datetime import timedelta", "import json"))
    made = text(hosted("a", wait=ListOf.of(items=(wait, literal(1)))))
    assert '"timedelta(minutes=5)"' in made
    assert 'imports=["from datetime import timedelta"]' in made
    assert "json" not in made


def test_expressions_on_lines_stay_on_them(text):
    made = text(hosted("a", x=source("[\n    first,\n    'b',\n]", ("from m import first",))))
    assert "\n    first,\n" in made


def test_own_classes_expansion_and_outputs(text):
    own = source("Mine", ("from airflow.sdk import Base",), ("class Mine(Base):\n    pass\n",))
    made = text(
        hosted("a", "Mine", {**ANY, "key": AnyType.of()}, class_source=own),
        hosted("b", "astronomer.X", expand={"x": OutputRef.of(node="a", output="key")}),
        hosted("c", expand_maps=literal([{"x": 1}])),
    )
    assert 'hosted(source("Mine"), id="a", ecosystem="airflow", outputs=["key"])' in made
    assert 'hosted("astronomer.X", id="b", ecosystem="airflow", expand={"x": a.key})' in made
    assert '"c", expand_maps=[{"x": 1}]' in made.replace("id=", "").replace("\n        ", " ")
