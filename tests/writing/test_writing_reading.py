"""What is written reads as a user would have written it."""

import textwrap

import pytest

from intermodal.authoring.load import load_source
from intermodal.findings import errors_of
from intermodal.ir import (
    AnyType,
    CapturedSource,
    Group,
    IntegerType,
    Literal_,
    MapType,
    Noop,
    OutputRef,
    Parameter,
    Pipeline,
    PythonCall,
    Retry,
    Shell,
    StringType,
    Task,
)
from intermodal_compilers.writing import write_module

ANY = AnyType()


def call(text, *, imports=(), definitions=()):
    name = text.split("def ")[1].split("(")[0]
    source = CapturedSource(function=text, imports=imports, definitions=definitions)
    return PythonCall(module="dags.etl", function=name, source=source)


def task(id_, text, *, gives=True, sources=None, **more):
    inputs = more.pop("inputs", {})
    outputs = {"return": ANY} if gives else {}
    return Task(
        id=id_, action=call(text, **(sources or {})), inputs=inputs, outputs=outputs, **more
    )


def out(node):
    return OutputRef(node=node)


@pytest.fixture
def load(tmp_path):
    def load(text, name="written"):
        file = tmp_path / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        loaded = load_source(file, tmp_path)
        assert errors_of(loaded.findings) == [], text
        return loaded

    return load


EXTRACT = 'def extract(day: str):\n    """Rows of a day."""\n    # As the API gives them.\n    return [day]\n'
CLEAN = "def clean(rows, *, strict=False):\n    return [row for row in rows if row]\n"
LOAD = "def load(rows):\n    print(len(rows), TABLE)\n"
TABLE = {"definitions": ("TABLE = 'orders'\n",)}

ETL = '''\
"""Orders of a day.

Every morning.
"""

from intermodal import Cron, noop, pipeline, task


@task
def extract(day: str):
    """Rows of a day."""
    # As the API gives them.
    return [day]


@task(retry=2)
def clean(rows, *, strict=False):
    return [row for row in rows if row]


TABLE = 'orders'


@task(timeout="1h30m", pool="warehouse")
def load(rows):
    print(len(rows), TABLE)


@pipeline(schedule=Cron("0 6 * * *"), labels={"team": "sales"})
def etl(day: str = "today"):
    """Orders of a day."""
    begin = noop(id="begin")
    extract_result = extract(day)
    clean_result = clean(extract_result, strict=True)
    load_task = load(clean_result)
    again = load.with_options(id="again")(rows=[])
    end = noop(id="end")

    begin >> extract_result
    load_task >> again >> end
'''


def test_a_small_pipeline():
    from intermodal.ir import Cron, Schedule

    inputs = {"rows": out("clean")}
    hour = {"timeout": 5400, "pool": "warehouse"}
    nodes = (
        Task(id="begin", action=Noop()),
        task("extract", EXTRACT, inputs={"day": param("day")}, after=("begin",)),
        task(
            "clean",
            CLEAN,
            inputs={"rows": out("extract"), "strict": Literal_(value=True)},
            retry=Retry(max=2),
        ),
        task("load", LOAD, gives=False, inputs=inputs, sources=TABLE, **hour),
        task(
            "again",
            LOAD,
            gives=False,
            inputs={"rows": Literal_(value=[])},
            sources=TABLE,
            after=("load",),
            **hour,
        ),
        Task(id="end", action=Noop(), after=("again",)),
    )
    pipeline = Pipeline(
        name="etl",
        description="Orders of a day.",
        labels={"team": "sales"},
        schedule=Schedule(triggers=(Cron(expression="0 6 * * *"),)),
        parameters={"day": Parameter(type=StringType(), default="today")},
        body=nodes,
    )
    written = write_module([pipeline], caption="Orders of a day.\n\nEvery morning.")
    assert written.text == ETL
    assert written.findings == ()


def param(name):
    from intermodal.ir import ParameterRef

    return ParameterRef(name=name)


def test_what_all_uses_share_stands_in_the_decorator():
    texts = [
        task(name, EXTRACT, inputs={"day": Literal_(value="x")}, pool="p", retry=Retry(max=number))
        for number, name in enumerate("ab", 1)
    ]
    text = write_module([Pipeline(name="p", body=tuple(texts))]).text
    assert '@task(pool="p")\ndef extract(' in text
    assert 'extract.with_options(id="a", retry=1)(day="x")' in text
    assert 'extract.with_options(id="b", retry=2)(day="x")' in text


HELPED = "def {}(x=1):\n    return helper(x)\n"
PLUS = {
    "imports": ("import math",),
    "definitions": ("def helper(x):\n    return math.floor(x) + 1\n",),
}
MINUS = {"definitions": ("def helper(x):\n    return x - 1\n",)}


def test_names_that_clash_get_numbers(load):
    """Of two helpers of one name each function has its own; what they share stands there once."""
    first = Pipeline(
        name="first",
        body=(
            task("a", HELPED.format("a"), sources=PLUS),
            task("b", HELPED.format("b"), sources=PLUS),
        ),
    )
    second = Pipeline(
        name="second",
        body=(
            task("c", HELPED.format("c"), sources=MINUS),
            task("a", HELPED.format("a"), sources=MINUS),
        ),
    )
    written = write_module([first, second])
    assert written.text.count("def helper(x):\n    return math.floor(x) + 1\n") == 1
    assert "def helper_2(x):\n    return x - 1\n" in written.text
    assert "def c(x=1):\n    return helper_2(x)\n" in written.text
    assert "def a_2(x=1):\n    return helper_2(x)\n" in written.text
    assert written.renamed == {"helper_2": "helper", "a_2": "a"}
    assert written.findings == ()
    one, two = load(written.text).pipelines
    assert [node.id for node in two.body] == ["c", "a"]
    assert one.body[0].action.source.definitions == PLUS["definitions"]


def test_an_import_that_names_what_it_has_anyway_stands_once(load):
    twice = [
        task(name, f"def {name}():\n    return path.sep\n", sources={"imports": (text,)})
        for name, text in (("a", "from os import path"), ("b", "from os import path as path"))
    ]
    text = write_module([Pipeline(name="p", body=tuple(twice))]).text
    assert text.count("import path") == 1
    load(text)


def test_what_cannot_be_renamed_safely_stays_as_it_is(load):
    local = "def g(x=1):\n    def inner():\n        helper = 2\n        return helper\n    return inner() + helper(x)\n"
    pipeline = Pipeline(
        name="p",
        body=(task("a", HELPED.format("a"), sources=PLUS), task("g", local, sources=MINUS)),
    )
    written = write_module([pipeline])
    [finding] = written.findings
    assert (finding.code, finding.what) == ("PORT807", "task `g` is written in the words of the IR")
    assert load(written.text).pipelines[0].body[1].action.source.function == local


def test_words_of_authoring_that_a_user_has_too(load):
    """A user's own `text` and `run` keep their names; Intermodal's get others."""
    source = "def text(run='x'):\n    return group(run)\n"
    helper = {
        "definitions": ("def group(x):\n    return task(x)\n", "def task(x):\n    return x\n")
    }
    from intermodal.ir import Format, RunFact

    said = Format(parts=(Literal_(value="at "), RunFact(fact="run_id")))
    inner = task("g.text", source, sources=helper, inputs={"run": said})
    pipeline = Pipeline(name="text", body=(Group(id="g", body=(inner,)),))
    text = write_module([pipeline]).text
    assert "from intermodal import group as group_" in text
    assert "@task_(id=" in text
    assert '@pipeline(name="text")\ndef text_pipeline():' in text
    assert 'text(text_("at {run_id}", run_id=run.id))' in text
    again = load(text).pipelines[0].body[0].body[0]
    assert again.action.source.definitions == helper["definitions"]
    assert again.inputs == {"run": said}


def test_order_is_said_in_few_lines():
    def noop(name, *after):
        return Task(id=name, action=Noop(), after=after)

    body = [noop("a"), noop("b", "a"), noop("c", "a"), noop("d", "b", "c"), noop("e", "d")]
    body += [noop(f"w{number}", "e") for number in range(30)]
    body += [noop("last", *(f"w{number}" for number in range(30)))]
    lines = write_module([Pipeline(name="p", body=tuple(body))]).text.splitlines()
    orders = [line.strip() for line in lines if ">>" in line]
    assert orders[0] == "a >> [b, c] >> d >> e"
    assert all(len(line) <= 84 for line in orders)
    assert len(orders) == 5


def test_a_value_stands_after_what_it_is_made_of(load):
    body = (
        task("load", LOAD, gives=False, inputs={"rows": out("extract")}, sources=TABLE),
        task("extract", EXTRACT, inputs={"day": Literal_(value="x")}),
    )
    text = write_module([Pipeline(name="p", body=body)]).text
    assert '    extract_result = extract(day="x")\n    load(extract_result)\n' in text


def test_scripts_stand_in_triple_quotes(load):
    script = "set -e\nif true; then\n  echo \"a \\\\ b\" 'c'\nfi\n"
    pipeline = Pipeline(name="p", body=(Task(id="s", action=Shell(command=script)),))
    text = write_module([pipeline]).text
    assert '"""set -e\nif true; then\n  echo "a \\\\\\\\ b" \'c\'\nfi\n"""' in text
    assert load(text).pipelines[0].body[0].action.command == script


def test_types_that_annotations_do_not_say(load):
    odd = "def f(rows: tuple, n: int = 1) -> set:\n    return {*rows}\n"
    body = (
        task("f", odd, inputs={"rows": Literal_(value=[1]), "n": Literal_(value=2)}),
        Task(
            id="parts",
            action=call("def parts():\n    return {}\n").model_copy(update={"unpack": "items"}),
            outputs={"low": IntegerType(), "high": MapType(value=IntegerType())},
        ),
    )
    text = write_module([Pipeline(name="p", body=body)]).text
    assert '@task(takes={"rows": Any}, returns=Any)\ndef f(' in text
    assert '@task(returns={"low": int, "high": dict[str, int]})\ndef parts(' in text
    loaded = load(text).pipelines[0]
    assert loaded.body[0].input_types == {"rows": ANY, "n": IntegerType()}
    assert loaded.body[1].outputs == body[1].outputs


MISSING = '''\
from __future__ import annotations

from intermodal import pipeline, task, worker_imports

SIZE = 3

with worker_imports():
    import no_such_package.models as models
    from no_such_package import Hook, Session

    class OwnHook(Hook):
        size = SIZE
        sql = """
select 1
"""


@task
def f(session: Session = None):
    return OwnHook(models.Row, session)
'''


def test_packages_that_only_workers_have(load):
    sources = {
        "imports": (
            "from no_such_package import Hook, Session",
            "import no_such_package.models as models",
        ),
        "definitions": (
            "SIZE = 3\n",
            'class OwnHook(Hook):\n    size = SIZE\n    sql = """\nselect 1\n"""\n',
        ),
    }
    body = (
        task(
            "f",
            "def f(session: Session = None):\n    return OwnHook(models.Row, session)\n",
            sources=sources,
        ),
    )
    text = write_module([Pipeline(name="p", body=body)], worker_only=True).text
    assert MISSING in text
    source = load(text).pipelines[0].body[0].action.source
    assert source.definitions == sources["definitions"]
    assert "worker_imports" not in write_module([Pipeline(name="p", body=body)]).text


NESTED = """def f():
    '''Says.

        More:
          é deeper
        '''
    return '''a
        b'''
"""
MOVED = """def f():
    '''Says.

    More:
      é deeper
    '''
    return '''a
        b'''
"""


def test_docstrings_stand_under_their_functions(load):
    """A function that was nested was captured with its strings as they were."""
    text = write_module([Pipeline(name="p", body=(task("f", NESTED),))]).text
    assert MOVED in text
    assert load(text).pipelines[0].body[0].docs == "Says.\n\nMore:\n  é deeper"


def test_linters_are_told_what_comparisons_mean(load):
    from intermodal.ir import Compare

    given = Parameter(type=ANY, default=None)
    odd = Compare(operator="==", left=param("x"), right=Literal_(value=None))
    pipeline = Pipeline(
        name="p", parameters={"x": given}, body=(Task(id="n", action=Noop(), guard=odd),)
    )
    text = write_module([pipeline]).text
    assert "# ruff: noqa: E711" in text
    assert "guard=x == None" in text
    assert load(text).pipelines[0].body[0].guard == odd
    plain = pipeline.model_copy(update={"body": (Task(id="n", action=Noop()),)})
    assert "noqa" not in write_module([plain]).text


def test_what_would_fail_when_it_is_imported_stays_text(load):
    body = (task("f", "@decorated\ndef f():\n    return 1\n"),)
    written = write_module([Pipeline(name="p", body=body)])
    [finding] = written.findings
    assert "`decorated`" in finding.why
    load(written.text)


def test_modules_of_other_pipelines_are_named(load):
    from intermodal.ir import TriggerRun

    run = TriggerRun(pipeline="second", wait=True)
    far = TriggerRun(pipeline="far-away", parameters={"day": Literal_(value="x")})
    body = (Task(id="a", action=run), Task(id="trigger_far-away", action=far, retry=Retry(max=1)))
    second = Pipeline(name="second", body=(Task(id="n", action=Noop()),))
    text = write_module([Pipeline(name="first", body=body), second]).text
    assert 'trigger(second, wait=True, id="a")' in text
    assert 'trigger("far-away", options={"retry": 1}, day="x")' in text
    load(text)


def test_pipelines_of_one_name_keep_apart():
    body = (Task(id="n", action=Noop()),)
    text = write_module([Pipeline(name="same", body=body)] * 2).text
    assert "def same():" in text
    assert 'name="same")\ndef same_pipeline():' in text


def test_the_same_is_written_every_time():
    text = textwrap.dedent(EXTRACT)
    body = tuple(
        task(
            f"t{number}", text.replace("extract", f"f{number}"), inputs={"day": Literal_(value="x")}
        )
        for number in range(1000)
    )
    pipeline = Pipeline(name="p", body=body)
    assert write_module([pipeline]) == write_module([pipeline])
