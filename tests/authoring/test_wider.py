"""What pipelines of other systems need: types beside annotations, odd names, actions without a function."""

import textwrap

import pytest

from intermodal.authoring.load import load_source
from intermodal.ir import (
    AnyType,
    Cache,
    Compare,
    InputRef,
    IntegerType,
    ItemRef,
    ListType,
    Literal_,
    MapType,
    OutputRef,
    Parameter,
    ParameterRef,
    Sql,
    StringType,
)

HEAD = """\
from typing import Annotated, Any, Literal, TypedDict
from intermodal import *
from intermodal import ir

@task
def give() -> int:
    return 1

"""


@pytest.fixture
def load(tmp_path):
    def load(body):
        file = tmp_path / "pipe.py"
        file.write_text(HEAD + textwrap.dedent(body), encoding="utf-8")
        return load_source(file, tmp_path)

    return load


@pytest.fixture
def trace(load):
    def trace(body):
        loaded = load(body)
        assert loaded.findings == ()
        return loaded.pipelines[0]

    return trace


def test_types_given_beside_annotations(trace):
    p = trace(
        """
        @task(takes={"rows": list[int], "odd": Any}, returns=int)
        def count(rows, odd: tuple, n: int = 0) -> set:
            return len(rows)

        @task(returns=TypedDict("Parts", {"low": int, "high": int}))
        def split(n):
            return {"low": 0, "high": n}

        @task(returns=type(None))
        def say(text):
            print(text)

        @task(returns={"first": int, "rest": list[int]})
        def cut(n): ...

        @task(returns=("chosen", str))
        def choose_one(n): ...

        @pipeline
        def p():
            say(split(count([1], odd=2, n=3)).low)
            choose_one(cut(1).first)
        """
    )
    count, split, say, cut, chosen = p.body
    assert (cut.outputs, cut.action.unpack) == (
        {"first": IntegerType(), "rest": numbers()},
        "items",
    )
    assert (chosen.outputs, chosen.action.unpack) == ({"chosen": StringType()}, "none")
    assert count.input_types == {"rows": numbers(), "odd": AnyType(), "n": IntegerType()}
    assert count.outputs == {"return": IntegerType()}
    assert split.outputs == {"low": IntegerType(), "high": IntegerType()}
    assert split.action.unpack == "items"
    assert say.outputs == {}


def test_types_that_do_not_travel_are_findings(load):
    [finding] = load("@task(takes={'n': set})\ndef f(n): ...").findings
    assert (finding.code, "list[...]" in finding.why) == ("PORT118", True)
    [finding] = load("@pipeline\ndef p():\n    noop(returns=int)").findings
    assert finding.code == "PORT116"


def test_parameters_with_help_and_other_names(trace):
    p = trace(
        """
        @task
        def use(day: str, n: int) -> None: ...

        @pipeline
        def p(
            day: Annotated[str, Param(help="Which day", name="first-day")] = "mon",
            n: Annotated[int, Param(choices=[1, 2])] = 1,
            way: Annotated[Literal["a", "b"], Param(help="How")] = "a",
        ):
            use(day, n)
        """
    )
    assert [span_free(parameter) for parameter in p.parameters.values()] == [
        Parameter(type=StringType(), default="mon", help="Which day"),
        Parameter(type=IntegerType(), default=1, choices=(1, 2)),
        Parameter(type=StringType(), default="a", choices=("a", "b"), help="How"),
    ]
    assert list(p.parameters) == ["first-day", "n", "way"]
    assert p.body[0].inputs["day"] == ParameterRef(name="first-day")


def test_actions_in_the_words_of_the_ir(trace):
    p = trace(
        """
        @pipeline
        def p(day: str):
            statement = ir.Literal_(value="select 1")
            rows = action(
                ir.Sql(connection="db", statement=statement), id="rows", outputs={"return": list[int]},
                inputs={"day": day}, takes={"day": str}, retry=1,
            )
            with when(is_in(day, ["sat", "sun"])):
                noop(guard=ir.Literal_(value=True))
            container("image", args=[input_value("rows")], inputs={"rows": rows})
            noop(id="last", guard=~is_in(day, ["sat"]), cache=Cache(enabled=False))
        """
    )
    rows, branch, box, last = p.body
    assert rows.action == Sql(connection="db", statement=Literal_(value="select 1"))
    assert (rows.inputs, rows.input_types) == (
        {"day": ParameterRef(name="day")},
        {"day": StringType()},
    )
    assert rows.outputs == {"return": ListType(item=IntegerType())}
    weekend = Literal_(value=["sat", "sun"])
    day = ParameterRef(name="day")
    assert branch.arms[0].condition == Compare(operator="in", left=day, right=weekend)
    assert branch.arms[0].body[0].guard == Literal_(value=True)
    assert box.action.args == (InputRef(name="rows"),)
    assert box.inputs == {"rows": OutputRef(node="rows")}
    assert last.guard == Compare(operator="not in", left=day, right=Literal_(value=["sat"]))
    assert span_free(last.cache) == Cache(enabled=False)


def test_something_else_than_an_action_is_a_finding(load):
    [finding] = load("@pipeline\ndef p():\n    action('echo')").findings
    assert finding.code == "PORT116"


def test_an_item_stands_for_its_loop_where_something_waits(trace):
    p = trace(
        """
        @pipeline
        def p():
            with for_each([1, 2]) as item:
                noop(id="one")
            with for_each([1], [2]) as (a, b):
                noop(id="two")
            noop(id="end", after=[item, b])
            noop(id="later", after=ir.OutputRef(node="end"))
        """
    )
    assert p.body[2].after == ("for_each", "for_each_2")
    assert p.body[3].after == ("end",)
    assert ItemRef(loop="for_each") not in p.body[2].inputs.values()


def test_imports_that_only_workers_have(trace):
    p = trace(
        """
        with worker_imports():
            import no_such_package as missing

        @task
        def f() -> int:
            return missing.value

        @pipeline
        def p():
            f()
        """
    )
    assert p.body[0].action.source.imports == ("import no_such_package as missing",)
    assert p.body[0].action.source.definitions == ()


def test_modules_of_one_package_come_along_together(trace):
    p = trace(
        """
        import os.path
        import xml.dom
        import xml.sax
        import xml.sax

        @task
        def f() -> str:
            return xml.dom.__name__ + xml.sax.__name__

        @pipeline
        def p():
            f()
        """
    )
    assert p.body[0].action.source.imports == ("import xml.dom", "import xml.sax")


def test_bare_lists_and_dicts_of_typing(trace):
    p = trace(
        """
        import typing

        @task
        def f(rows: typing.List, by: typing.Dict) -> None: ...

        @pipeline
        def p():
            f([1], {})
        """
    )
    assert p.body[0].input_types == {"rows": ListType(), "by": MapType()}


def numbers():
    return ListType(item=IntegerType())


def span_free(node):
    return node.model_copy(update={"span": None})
