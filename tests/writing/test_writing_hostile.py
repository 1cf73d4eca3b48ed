"""Difficult text stays text: it comes back as it was, and never becomes code."""

import ast
import itertools
import json

import pytest
import written_same as same
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hostile_pipelines as hostile
import intermodal
from intermodal.authoring.load import load_source
from intermodal.findings import errors_of
from intermodal.ir import (
    AnyType,
    Arm,
    Branch,
    CapturedSource,
    Container,
    Group,
    Literal_,
    MapType,
    Noop,
    Parameter,
    Pipeline,
    PythonCall,
    Shell,
    Sql,
    StringType,
    StructType,
    Task,
)
from intermodal_compilers.writing import write_module

NUMBERS = itertools.count()
WORST = hostile.MARK + '"""\\\\\n\\\\N{BULLET}\\\\"{x!r}{{\u2028'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


def comes_back(pipelines, folder, **options):
    written = write_module(pipelines, **options)
    assert write_module(pipelines, **options) == written
    ast.parse(written.text)
    file = folder / f"written_{next(NUMBERS)}.py"  # what was captured of a file is kept by its name
    file.write_text(written.text, encoding="utf-8", newline="")
    loaded = load_source(file, folder)
    assert errors_of(loaded.findings) == [], written.text
    for before, after in zip(pipelines, loaded.pipelines, strict=True):
        said, back = same.forms(before, after, written.renamed)
        assert json.dumps(back, sort_keys=True) == json.dumps(said, sort_keys=True), written.text
    return written


MADE = (
    *(hostile.computed, hostile.dated, hostile.chosen, hostile.looped, hostile.grouped),
    *(hostile.notified, hostile.secret, hostile.cached, hostile.pooled, hostile.waiting),
    *(hostile.triggering, hostile.exiting, hostile.asset_pipeline),
)


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
@settings(max_examples=5)
@given(text=hostile.TEXTS)
@example(text=WORST)
def test_text_comes_back_as_it_was(make, text, folder):
    comes_back([make(text)], folder)


@settings(max_examples=15)
@given(text=hostile.TEXTS)
@example(text=WORST)
def test_texts_of_the_pipeline_and_of_commands(text, folder):
    shell = Task(id="shell", action=Shell(command=f"true {text}"), docs=text, display_name=text)
    rows = {"type": "list"}
    statement = Sql(connection=text, statement=Literal_(value=text + "\n" + text))
    box = Container(image=text, command=(Literal_(value=text),), args=(Literal_(value=text),))
    odd = Parameter(type=StructType(fields={text: StringType()}), default={text: text}, help=text)
    pipeline = Pipeline(
        name="p",
        description=text,
        labels={text: text},
        owners=(text,),
        parameters={
            "odd-1.x": odd,
            "1st": Parameter(type=AnyType(), default=rows, choices=(text, 1)),
        },
        body=(shell, Task(id="sql", action=statement), Task(id="box", action=box)),
        outputs={text: Literal_(value=text)},
    )
    comes_back([pipeline], folder, caption=text)


def test_words_of_python_and_of_authoring_as_names(folder):
    words = dict.fromkeys([*hostile.WORDS, *intermodal.__all__, "ir", "timedelta", "keep"])
    comes_back([hostile.named(word) for word in words], folder)
    for word in ("text", "run", "keep", "class", "group"):
        comes_back([hostile.named(word)], folder)


def test_names_that_meet(folder):
    """Ids that become the same variable, and pipelines that are named like functions and tasks."""
    ids = [
        "a-b",
        "a.b",
        "a_b",
        "A_B",
        "keep",
        "keep_2",
        "2nd",
        "noop",
        "noop_2",
        "_",
        "-".join("_x"),
    ]
    body = tuple(
        Task(id=name, action=Noop(), after=tuple(ids[:place])) for place, name in enumerate(ids)
    )
    tasks = (hostile.keep("k", hostile.literal(1)), *body)
    first = Pipeline(name="keep", body=tasks)
    second = Pipeline(name="k-e.ep", body=(hostile.keep("keep", hostile.literal(2)),))
    comes_back([first, second], folder)


SNIPPETS = st.sampled_from(
    [
        "def keep(x):\n    return x\n",
        "def keep(x, *rest):\n    return x\n",
        "def keep(x=[]):\n    return x\n",
        "def keep(x): yield x\n",
        "async def keep(x):\n    return x\n",
        "def other(x):\n    return x\n",
        "def keep(x):\n    return helper(x)\n",
        "def keep(x: tuple) -> set:\n    return {x}\n",
        "def keep(x: 'no such') -> 'int':\n    return 1\n",
        "keep = lambda x: x\n",
        "def keep(x):\n  return (\n",
        "import os; os.abort()\n",
    ]
)
DEFINITIONS = st.lists(
    st.sampled_from(
        [
            "def helper(x):\n    return x\n",
            "def helper(x):\n    return -x\n",
            "helper = abs\n",
            "x = (\n",
            "class helper:\n    helper = 1\n",
        ]
    ),
    max_size=2,
)
IMPORTS = st.lists(
    st.sampled_from(["import os", "from os import *", "x = 1", "from . import y"]), max_size=2
)


@settings(max_examples=30)
@given(sources=st.lists(st.tuples(SNIPPETS, DEFINITIONS, IMPORTS), min_size=1, max_size=4))
def test_whatever_was_captured_comes_back(sources, folder):
    """Source that is no function stays text: loading never runs it."""
    tasks = [
        Task(
            id=f"t{number}",
            action=PythonCall(
                module="jobs",
                function="keep",
                source=CapturedSource(
                    function=text, definitions=tuple(definitions), imports=tuple(imports)
                ),
            ),
            inputs={"x": Literal_(value=1)},
            outputs={"return": AnyType()},
        )
        for number, (text, definitions, imports) in enumerate(sources)
    ]
    written = comes_back([Pipeline(name="p", body=tuple(tasks))], folder)
    kept = {finding.what for finding in written.findings}
    assert len(kept) == written.text.count("action(")


def test_empty_regions(folder):
    arm = Arm(
        name="when", condition=hostile.IS_TOKEN.model_copy(update={"left": Literal_(value=1)})
    )
    branch = Branch(id="b", arms=(arm,), otherwise=())
    comes_back([Pipeline(name="p", body=(branch, Group(id="g", body=())))], folder)


def test_a_parameter_of_any_shape(folder):
    shape = MapType(value=StructType(fields={"a": StringType(), "class": AnyType()}))
    comes_back([Pipeline(name="p", parameters={"x": Parameter(type=shape, required=True)})], folder)
