"""Values of every type, and hostile ones, arrive as they were given: the emitted programs are run."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp_running import RECORD, run_spec

from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    AnyType,
    BooleanType,
    CapturedSource,
    FloatType,
    Index,
    IntegerType,
    ListType,
    Literal_,
    MapType,
    OptionalType,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    RunFact,
    Shell,
    StringType,
    Task,
)
from intermodal_compilers.kfp import KfpCompiler

TARGET = Target("kfp", "2")

HOSTILE = [
    "{{$}}",
    "{{$.inputs.parameters['value']}}",
    "{{$.pipeline_job_uuid}} {{!$}} {{!!$ {{{$}}}",
    "{{!artifact}}{}",
    'it\'s "quoted" \\ \n\t $(id) `id` ${HOME} {% raw %} {{ x }} \'\'\'""" é 🎉',
    "",
    " x \n",
    "null",
    "7",
]
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text("{}$!.'\"[]ax\\ \n", max_size=12),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
)
SAFE = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), SAFE, FLOATS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
TYPED = [
    (StringType(), TEXTS),
    (IntegerType(), SAFE),
    (FloatType(), FLOATS),
    (BooleanType(), st.booleans()),
    (ListType(item=StringType()), st.lists(TEXTS, max_size=3)),
    (ListType(item=ListType(item=IntegerType())), st.lists(st.lists(SAFE, max_size=3), max_size=3)),
    (MapType(value=FloatType()), st.dictionaries(TEXTS, FLOATS, max_size=3)),
    (MapType(value=ListType(item=StringType())), st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2), max_size=2)),
    (OptionalType(item=IntegerType()), st.none() | SAFE),
    (AnyType(), JSON),
    (ListType(item=AnyType()), st.lists(JSON, max_size=3)),
    (MapType(value=OptionalType(item=StringType())), st.dictionaries(TEXTS, st.none() | TEXTS, max_size=3)),
]  # fmt: skip

SEEN = CapturedSource(
    function="def seen(value):\n    RECORD.append(value)\n    return value",
    imports=("from kfp_running import RECORD",),
)


def task(identity, value, type_, source=SEEN, **more):
    return Task(
        id=identity,
        action=PythonCall(module="m", function="seen", source=source),
        inputs={"value": value},
        outputs={"return": type_},
        **more,
    )


def compiled(pipeline, settings=None):
    result = KfpCompiler().compile(pipeline, TARGET, settings or Settings())
    assert not errors_of(result.findings), result.findings
    return result.files["pipeline.yaml"]


def exact(value):
    """JSON text, so that 1 is not 1.0, nor True; KFP's structs do not keep the order of keys."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize(("type_", "values"), TYPED, ids=[str(n) for n in range(len(TYPED))])
def test_values_pass_unchanged(type_, values, tmp_path_factory):
    @settings(max_examples=20)
    @given(values, values)
    def check(value, default):
        pipeline = Pipeline(
            name="p",
            parameters={"given": Parameter(type=type_, default=default)},
            body=(
                task("literal", Literal_(value=value), type_),
                task("passed", OutputRef(node="literal"), type_),
                task("default", ParameterRef(name="given"), type_),
            ),
        )
        RECORD.clear()
        run_spec(compiled(pipeline), tmp_path_factory.mktemp("run"))
        assert [exact(one) for one in RECORD] == [
            exact(one) for one in (default, value, value)
        ] or [exact(one) for one in RECORD] == [exact(one) for one in (value, default, value)]

    check()


@given(TEXTS)
def test_texts_in_sources_stay_as_written(tmp_path_factory, text):
    source = CapturedSource(
        function=f"def seen(value):\n    RECORD.append({text!r} == value)\n    return value",
        imports=SEEN.imports,
    )
    pipeline = Pipeline(name="p", body=(task("a", Literal_(value=text), StringType(), source),))
    RECORD.clear()
    run_spec(compiled(pipeline), tmp_path_factory.mktemp("run"))
    assert RECORD == [True]


@pytest.mark.parametrize("text", HOSTILE)
def test_shell_commands_and_their_inputs_stay_as_written(tmp_path, text):
    command = f"cat <<'XX' >{tmp_path}/command\n{text}\nXX\nprintf %s \"$value\" >{tmp_path}/value"
    shell = Task(
        id="shell", action=Shell(command=command), inputs={"value": OutputRef(node="first")}
    )
    first = task("first", Literal_(value=text), StringType())
    run_spec(compiled(Pipeline(name="p", body=(first, shell))), tmp_path)
    assert (tmp_path / "command").read_text() == text + "\n"
    assert (tmp_path / "value").read_text() == text


def test_shell_values_are_json_and_the_last_line_is_the_result(tmp_path):
    inputs = {
        "items": OutputRef(node="first"),
        "n": Literal_(value=3),
        "nothing": Literal_(value=None),
        "odd-name.x": Literal_(value="odd"),
    }
    command = 'echo noise; echo "[$items, $n, $nothing, $(env | grep -c ^odd-name.x=odd)]"'
    shell = Task(
        id="shell",
        action=Shell(command=command),
        inputs=inputs,
        outputs={"return": ListType(item=AnyType())},
        environment={"ITEMS": "x"},
    )
    first = task("first", Literal_(value=[1, 2]), ListType(item=IntegerType()))
    done, _ = run_spec(compiled(Pipeline(name="p", body=(first, shell))), tmp_path)
    assert json.loads(done["shell"]["parameters"]["return"]) == [[1, 2], 3, None, 1]


def test_items_are_picked_and_the_run_has_an_id(tmp_path):
    nested = MapType(value=ListType(item=IntegerType()))
    body = (
        task("first", Literal_(value={"a": [1, 2], "b": []}), nested),
        task(
            "second",
            Index(
                base=Index(base=OutputRef(node="first"), key=Literal_(value="a")),
                key=Literal_(value=1),
            ),
            IntegerType(),
        ),
        task("third", RunFact(fact="run_id"), StringType()),
        task("fourth", RunFact(fact="pipeline"), StringType()),
    )
    outputs = {"number": OutputRef(node="second"), "run": OutputRef(node="third")}
    pipeline = Pipeline(name="p", body=body, outputs=outputs)
    done, given = run_spec(compiled(pipeline), tmp_path)
    assert given == {"number": 2.0, "run": "run-7"}
    assert done["fourth"]["parameters"] == {"return": "p"}


@pytest.mark.parametrize(
    ("type_", "value", "problem"),
    [
        (IntegerType(), 2**53, OverflowError),
        (IntegerType(), 1.5, TypeError),
        (IntegerType(), "1", TypeError),
        (StringType(), 5, TypeError),
        (BooleanType(), 1, TypeError),
        (FloatType(), "1.0", TypeError),
        (FloatType(), float("inf"), ValueError),
        (ListType(item=StringType()), "ab", TypeError),
        (MapType(value=IntegerType()), {"a": None}, TypeError),
    ],
)
def test_what_would_arrive_changed_is_an_error(tmp_path, type_, value, problem):
    source = CapturedSource(function=f"def seen(value):\n    return {value!r}".replace("inf", "float('inf')"))  # fmt: skip
    pipeline = Pipeline(name="p", body=(task("a", Literal_(value=0), type_, source),))
    with pytest.raises(problem):
        run_spec(compiled(pipeline), tmp_path)


def test_a_run_may_give_plain_text_where_the_type_is_open(tmp_path):
    pipeline = Pipeline(
        name="p",
        parameters={"x": Parameter(type=OptionalType(item=StringType()))},
        body=(task("a", ParameterRef(name="x"), AnyType()),),
    )
    text = compiled(pipeline)
    for given_, wanted in (("hello", "hello"), ('"7"', "7"), ("7", 7), (5.0, 5), ("null", None)):
        done, _ = run_spec(text, tmp_path, {"x": given_})
        assert json.loads(done["a"]["parameters"]["return"]) == wanted
