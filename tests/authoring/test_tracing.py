"""Functions become a pipeline; mistakes become findings that say what to write instead."""

import textwrap
from pathlib import Path

import pytest

from intermodal.analysis.validate import validate
from intermodal.authoring.load import load_source
from intermodal.ir import ArtifactType, Index, Join, Literal_, OutputRef, ParameterRef

HEAD = """\
from typing import Any, Literal, NamedTuple, TypedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from intermodal import *

@task
def give() -> int:
    return 1

@task
def use(n: int, label: str = "x") -> str:
    return label * n

class Parts(NamedTuple):
    low: int
    high: int

@task
def split() -> Parts:
    return Parts(1, 2)

"""
HEAD_LINES = HEAD.count("\n")


@pytest.fixture
def load(tmp_path):
    def load(body, head=HEAD):
        file = tmp_path / "pipe.py"
        file.write_text(head + textwrap.dedent(body), encoding="utf-8")
        return load_source(file, tmp_path)

    return load


@pytest.fixture
def trace(load):
    def trace(body):
        loaded = load(body)
        assert loaded.findings == ()
        return loaded.pipelines[0]

    return trace


def test_calls_make_the_graph(trace):
    p = trace(
        '''
        @pipeline(owners="ml", labels={"a": "b"})
        def totals(limit: int = 3):
            """Adds up."""
            first = use(give(), label="y")
            use.with_options(id="second", timeout="1m", after=[first])(limit)
            return {"text": first}
        '''
    )
    give, use, second = p.body
    assert (p.name, p.description, p.owners, p.labels) == (
        "totals",
        "Adds up.",
        ("ml",),
        {"a": "b"},
    )
    assert use.inputs == {"n": OutputRef(node="give"), "label": Literal_(value="y")}
    assert second.inputs == {"n": ParameterRef(name="limit")}
    assert (second.id, second.after, second.timeout.total_seconds()) == ("second", ("use",), 60)
    assert p.outputs == {"text": OutputRef(node="use")}
    assert (give.span.file, give.span.line, give.span.column) == ("pipe.py", HEAD_LINES + 5, 17)
    assert give.action.module == "pipe"


def test_outside_a_pipeline_a_task_is_its_function(load):
    load("@pipeline\ndef p():\n    give()\n")
    import sys

    module = sys.modules["pipe"]
    assert module.use(2, label="ab") == "abab"
    assert module.split() == (1, 2)
    assert module.use.__name__ == "use"


def test_several_outputs_by_name_and_in_order(trace):
    p = trace(
        """
        @pipeline
        def p():
            parts = split()
            use(parts.low)
            low, high = parts
            use(high)
        """
    )
    assert p.body[0].action.unpack == "attributes"
    assert set(p.body[0].outputs) == {"low", "high"}
    assert p.body[1].inputs["n"] == OutputRef(node="split", output="low")
    assert p.body[2].inputs["n"] == OutputRef(node="split", output="high")


def test_repeated_calls_are_numbered(trace):
    p = trace("@pipeline\ndef p():\n    give()\n    give()\n    give()\n")
    assert [task.id for task in p.body] == ["give", "give_2", "give_3"]


def test_shell_and_container(trace):
    p = trace(
        """
        @pipeline
        def p(word: str = "a"):
            n = shell("echo $word", inputs={"word": word}, returns=int, environment={"A": "b"})
            container("busybox", command=["sh", "-c", "cat"], args=[n, output_path("out")], outputs={"out": str})
        """
    )
    shell, container = p.body
    assert (shell.id, shell.action.command, shell.environment) == (
        "shell",
        "echo $word",
        {"A": "b"},
    )
    assert container.inputs == {"arg_0": OutputRef(node="shell")}
    assert [part.op for part in container.action.args] == ["input", "path"]


def test_indexing_and_options(trace):
    p = trace(
        """
        @task
        def table() -> dict[str, list[int]]: ...

        @pipeline
        def p():
            use.with_options(retry=Retry(2, delay="30s"), join=Join.ALL_DONE)(table()["a"][0])
        """
    )
    value = p.body[1].inputs["n"]
    assert isinstance(value, Index)
    assert isinstance(value.base, Index)
    assert p.body[1].join is Join.ALL_DONE
    assert p.body[1].retry.delay.total_seconds() == 30


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("str", "string"),
        ("float", "float"),
        ("int | None", "optional"),
        ("list[str]", "list"),
        ("dict[str, Any]", "map"),
        ("datetime", "timestamp"),
        ("timedelta", "duration"),
        ("Any", "any"),
        ("Literal['a', 'b']", "string"),
        ("int | float", "float"),
    ],
)
def test_parameter_types(trace, annotation, kind):
    p = trace(
        f"@task\ndef t(x: {annotation}) -> None: ...\n@pipeline\ndef p(x: {annotation}):\n    t(x)\n"
    )
    assert p.body[0].input_types["x"].kind == kind
    assert p.parameters["x"].type.kind == kind
    assert p.parameters["x"].required


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("bytes", "Artifact"),
        ("Path", "File"),
        ("Metrics", "Metrics"),
        ("Html", "Html"),
        ("Directory", "Directory"),
    ],
)
def test_artifact_types(trace, annotation, kind):
    p = trace(f"@task\ndef t() -> {annotation}: ...\n@pipeline\ndef p():\n    t()\n")
    assert isinstance(p.body[0].outputs["return"], ArtifactType)
    assert p.body[0].outputs["return"].artifact == kind


MISUSES = [
    ("shell(None)", "PORT116", "without a command"),
    ("container(None)", "PORT116", "without an image"),
    ("shell('echo \\ud800')", "PORT118", "command"),
    ("shell('true', owners=['a', 'b\\ud800'])", "PORT118", "owners"),
    ("shell('true', environment={'A': '\\ud800'})", "PORT118", "environment"),
    ("len(give())", "PORT110", "len()"),
    ("if give(): pass", "PORT110", "`if`"),
    ("for x in give(): pass", "PORT110", "iterated"),
    ("give() + 1", "PORT110", "arithmetic"),
    ("f'{give()}'", "PORT110", "f-string"),
    ("str(give())", "PORT110", "text"),
    ("range(give())", "PORT110", "range()"),
    ("give().real", "PORT110", ".real"),
    ("1 in give()", "PORT110", "`in`"),
    ("use({1: give()})", "PORT116", "no text"),
    ("use(split())", "PORT110", "outputs have names"),
    ("use(open)", "PORT116", "cannot be written"),
    ("use()", "PORT116", "missing a required argument"),
    ("use(1, 2, 3)", "PORT116", "too many"),
    ("use.with_options(colour=1)(1)", "PORT116", "no option `colour`"),
    ("use.with_options(timeout='soon')(1)", "PORT118", "soon"),
    ("use.with_options(retry=Retry(-1))(1)", "PORT118", "greater than or equal"),
    ("use.with_options(id='a b')(1)", "PORT109", "id"),
    ("task(lambda x: x)(1)", "PORT111", "lambda"),
    ("p()", "PORT116", "calls itself"),
    ("1 / 0", "PORT117", "ZeroDivisionError"),
    ("give() >> 3", "PORT116", "orders tasks"),
    ("give() * timedelta(1)", "PORT110", "arithmetic"),
    ("for_each(give()).__enter__(); for_each().__enter__()", "PORT116", "nothing to go over"),
    ("for_each(3).__enter__()", "PORT116", "goes over no `int`"),
    ("for_each([1], max_parallel=0).__enter__()", "PORT118", "max_parallel"),
    ("collect(give())", "PORT116", "stands in no loop"),
    ("collect(3)", "PORT116", "takes results"),
    ("x = give(); w = when(x > 1).__enter__(); w.merge(x)", "PORT116", "stands outside"),
    ("with when(give() > 1) as w: w.merge()", "PORT116", "merge` of nothing"),
    ("text('{a}')", "PORT116", "no value for `{a}`"),
    ("text('{')", "PORT116", "template"),
    ("state_of(3)", "PORT116", "takes the result"),
    ("on_exit(use.map, [1])", "PORT116", "single tasks"),
    ("on_exit(3)", "PORT116", "takes a task"),
    ("trigger(3)", "PORT116", "takes no 3"),
    ("wait_until(use, 1, every='often')", "PORT118", "every"),
    ("approval('go?', approvers=3)", "PORT118", "approvers"),
    ("give().as_teardown(setups=3)", "PORT116", "setups"),
    ("use.with_options(guard=True)(1)", "PORT118", "guard"),
    ("use.with_options(secrets={'A': 'b'})(1)", "PORT118", "secrets"),
    ("secret(3)", "PORT116", "named by text"),
    ("when(give() > 1)", "PORT116", "`when(...)` stands without `with`"),
    ("for_each([1])", "PORT116", "`for_each(...)` stands without `with`"),
    ("with when(give() > 1) as w: use(1)\n    w.otherwise()", "PORT116", "stands without `with`"),
    ("with when(give() > 1) as w:\n        with w.otherwise(): use(1)", "PORT116", "another block"),
    (
        "with choose('a') as w:\n        with w.arm('a'): use(1)\n        use(2)",
        "PORT116",
        "none of its",
    ),
    (
        "with when(give() > 1) as w: a, b = use(1), use(2)\n    w.merge(a, b)",
        "PORT116",
        "`use` and `use_2`, which stand in the same arm",
    ),
    ("with for_each([1]) as x: collect(use(x))", "PORT116", "inside its loop"),
    ("collect(use.map([1]))", "PORT116", "a list already"),
    ("use.map(x=[1])", "PORT116", "no list to go over"),
    ("use.map([1], n=2)", "PORT116", "given by name, too"),
    ("p.map([1])", "PORT116", "no `.map`"),
    ("run.date", "PORT116", "no `run.date`"),
    ("give() << give()", "PORT116", "no `<<`"),
    ("f'{secret(\"a\")}'", "PORT110", "f-string"),
    ("secret('a') == 'b'", "PORT110", "compared"),
    ("f'{input_path(\"a\")}'", "PORT110", "f-string"),
    ("'a' + give()", "PORT110", "joined to text"),
    ("round(give())", "PORT110", "arithmetic"),
    ("container('i', command='echo hi')", "PORT116", "list of words"),
    ("container('i', args='hi')", "PORT116", "list of words"),
    ("shell('true', inputs=[1])", "PORT116", "a dict of values"),
    ("shell('true', inputs={'a b': 1})", "PORT116", "environment variable"),
    ("text('{a!r}', a=1)", "PORT116", "takes no `!r`"),
    ("give() > 1 & give() < 2", "PORT110", "joined to 1"),
]


ADVICE = [
    ("give().f1", '["f1"]'),
    ("give().with_options(id='a')", "before the call"),
    ("run.logical_date.isoformat()", ".strftime("),
    ("if give() > 1 and give() < 2: pass", "`&`"),
    ("use()", "`use(n: int, label: str = 'x') -> str`"),
]
"""Mistakes, and what is written instead."""


@pytest.mark.parametrize(("line", "words"), ADVICE)
def test_advice(load, line, words):
    [finding] = load(f"@pipeline\ndef p():\n    {line}\n").findings
    assert words in finding.next


def test_several_outputs_are_unpacked_as_arguments(trace):
    p = trace(
        "@task\ndef add(a: int, b: int) -> int: ...\n@pipeline\ndef p():\n    add(*split())\n"
    )
    assert [value.output for value in p.body[-1].inputs.values()] == ["low", "high"]


TYPE_MISTAKES = [
    ("with for_each(give()) as x: use(x)", "goes over integer"),
    ("use.map(give())", "goes over integer"),
    ("with when(give() > 'x'): give()", "compares number with string by `>`"),
    ("use.with_options(guard=give() == '1')(1)", "compares number with string by `==`"),
    ("use(1, text('{n:%Y}', n=give()))", "takes number for a timestamp"),
    ("use(1, (use(1) + timedelta(1)).strftime('%Y'))", "takes string for a timestamp"),
    ("with choose(give()) as w:\n        with w.arm('1'): use(1)", "chooses by integer"),
    (
        "with when(give() > 1) as w: a = give()\n    with w.otherwise(): b = use(1)\n    use(w.merge(a, b))",
        "takes integer for `n`, but gets string",
    ),
]


@pytest.mark.parametrize(("line", "words"), TYPE_MISTAKES)
def test_types_of_what_regions_take_and_give(trace, line, words):
    [finding] = validate(trace(f"@pipeline\ndef p():\n    {line}\n"))
    assert finding.code == "PORT107"
    assert words in finding.what
    assert finding.span is not None
    assert finding.next


@pytest.mark.parametrize(("line", "code", "words"), MISUSES)
def test_mistakes_in_the_pipeline_function(load, line, code, words):
    loaded = load(f"@pipeline\ndef p():\n    {line}\n")
    assert loaded.pipelines == ()
    [finding] = loaded.findings
    assert finding.code == code
    assert words in finding.what
    assert finding.next
    if code != "PORT111":
        line_of_it = HEAD_LINES + 3
        assert finding.span.file == "pipe.py"
        assert line_of_it <= finding.span.line <= line_of_it + line.count("\n")


DEFINITIONS = [
    ("def t(x: list = []) -> int: ...", "PORT113", "mutable default"),
    ("def t(x: set[int]) -> int: ...", "PORT115", "annotation"),
    ("def t(*x: int) -> int: ...", "PORT116", "takes `*x"),
    ("async def t() -> int: ...", "PORT111", "coroutine"),
    ("def t() -> tuple: ...", "PORT115", "annotation"),
]


@pytest.mark.parametrize(("definition", "code", "words"), DEFINITIONS)
def test_mistakes_in_a_task(load, definition, code, words):
    loaded = load(f"@task\n{definition}\n@pipeline\ndef p():\n    t()\n")
    findings = [f for f in loaded.findings if f.severity == "error"]
    assert code in [f.code for f in findings]
    assert any(words in f.what for f in findings)


def test_a_closure_is_named(load):
    loaded = load(
        """
        def make(scale):
            @task
            def t(n: int) -> int:
                return n * scale
            return t

        scaled = make(3)

        @pipeline
        def p():
            scaled(1)
        """
    )
    [finding] = loaded.findings
    assert finding.code == "PORT112"
    assert "`scale`" in finding.what


def test_two_tasks_of_one_name(load):
    loaded = load(
        """
        first = give

        @task
        def give() -> int:
            return 2

        @pipeline
        def p():
            first()
            give()
        """
    )
    assert [f.code for f in loaded.findings] == ["PORT114"]


def test_one_id_given_twice(load):
    loaded = load(
        "@pipeline\ndef p():\n    give.with_options(id='a')()\n    use.with_options(id='a')(1)\n"
    )
    assert [f.code for f in loaded.findings] == ["PORT106"]


FILES = [
    (b"def (", "PORT003"),
    (b"x = 1\n", "PORT004"),
    (b"import nothing_of_that_name\n", "PORT005"),
    (b"raise SystemExit(3)\n", "PORT005"),
    (b"\xff\xfe\x00binary", "PORT002"),
    (b"x = '\0'\n", "PORT002"),
    (b"#" + b"x" * (11 * 1024 * 1024), "PORT002"),
    (b"(" * 5000, "PORT003"),
]


@pytest.mark.parametrize(("content", "code"), FILES)
def test_files_that_cannot_be_loaded(tmp_path, content, code):
    file = tmp_path / "bad.py"
    file.write_bytes(content)
    loaded = load_source(file, tmp_path)
    assert [f.code for f in loaded.findings] == [code]


def test_missing_files_and_other_files(tmp_path):
    assert [f.code for f in load_source(tmp_path / "gone.py", tmp_path).findings] == ["PORT001"]
    (tmp_path / "notes.txt").write_text("x")
    assert [f.code for f in load_source(tmp_path / "notes.txt", tmp_path).findings] == ["PORT001"]


def test_a_folder_gives_all_its_pipelines(tmp_path):
    (tmp_path / "a.py").write_text(HEAD + "@pipeline\ndef a():\n    give()\n")
    (tmp_path / "helper.py").write_text("x = 1\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.yaml").write_text("ir_version: 1\nname: b\n")
    (tmp_path / "other.yaml").write_text("just: data\n")
    loaded = load_source(tmp_path, tmp_path)
    assert loaded.findings == ()
    assert [p.name for p in loaded.pipelines] == ["a", "b"]


def test_the_error_is_placed_in_the_users_own_file(load):
    loaded = load("def helper():\n    raise KeyError('x')\n@pipeline\ndef p():\n    helper()\n")
    [finding] = loaded.findings
    assert finding.code == "PORT117"
    assert finding.span.line == HEAD_LINES + 2


def test_a_second_pipeline_in_one_process_does_not_see_the_first(tmp_path):
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "same.py").write_text(HEAD + f"@pipeline\ndef {name}():\n    give()\n")
        loaded = load_source(folder / "same.py", folder)
        assert [p.name for p in loaded.pipelines] == [name]


def test_the_example_of_the_design_loads():
    root = Path(__file__).resolve().parents[2]
    loaded = load_source(root / "examples/diagnosis/pipeline.py", root)
    assert loaded.findings == ()
    assert [task.id for task in loaded.pipelines[0].body] == [
        "load",
        "validate",
        "split",
        "train",
        "evaluate",
        "register",
    ]


def test_text_with_paths_stays_in_the_command(trace):
    p = trace(
        "@pipeline\ndef p():\n    container('i', args=[text('cat {m} {n}', m=input_path('m'), n=give())],"
        " inputs={'m': give()})\n"
    )
    box = p.body[-1]
    assert set(box.inputs) == {"m", "arg_1"}
    assert [part.op for part in box.action.args[0].parts] == ["literal", "path", "literal", "input"]


def test_a_task_waits_for_a_whole_loop_by_what_it_collects(trace):
    p = trace(
        "@pipeline\ndef p():\n    with for_each([1]) as x:\n        r = use(x)\n"
        "    give.with_options(after=[collect(r)])()\n"
    )
    assert p.body[-1].after == ("for_each",)
    assert validate(p) == []


EXIT_MISTAKES = ["say = on_exit(give)\n    use(say)", "return on_exit(give)"]


@pytest.mark.parametrize("line", EXIT_MISTAKES)
def test_nothing_waits_for_exit_tasks(trace, line):
    [finding] = validate(trace(f"@pipeline\ndef p():\n    {line}\n"))
    assert (finding.code, finding.why) == ("PORT108", "exit tasks run after everything else")


@pytest.mark.parametrize("channel", ["sms:me", "slack", "email:", "log:x", "slack:OPS"])
def test_channels(trace, channel):
    p = trace(
        f"@pipeline(notifications=Notification('failure', {channel!r}))\ndef p():\n    give()\n"
    )
    found = [finding.code for finding in validate(p)]
    assert found == ([] if channel == "slack:OPS" else ["PORT118"])
