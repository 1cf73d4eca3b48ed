"""Property tests: whatever a user writes reaches Airflow as it was written, and nothing is executed."""

from __future__ import annotations

import subprocess

import jinja2
from airflow_cases import python
from fake_airflow import Literal, execute, rendered
from hypothesis import given, settings
from hypothesis import strategies as st

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    AnyType,
    Format,
    Literal_,
    Parameter,
    ParameterRef,
    Pipeline,
    Shell,
    StringType,
    Task,
)
from intermodal_compilers.airflow import templates
from intermodal_compilers.airflow.embed import Embedded, indent
from intermodal_compilers.airflow.names import Names, identifier

MARKERS = ["{{", "}}", "{%", "%}", "{#", "#}", "{% raw %}", "{% endraw %}", "{", "%", "ds"]
QUOTES = ['"""', "'''", "'", '"', "\\", "$(id)", "`id`", "${#a[@]}", ".sh", "#", ";", "%s", "{0}"]
CHARACTERS = ["\n", "\r\n", "\r", "\u2028", "\x0c", "\t", "\x7f", " ", "a", "é", "\U0001f600"]
PIECES = st.sampled_from([*MARKERS, *QUOTES, *CHARACTERS])
TEXTS = st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20).filter(
    lambda text: text.isprintable()
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def dag_text(pipeline, version="3.3"):
    result = compile_pipeline(pipeline, Target("airflow", version), Settings())
    assert errors_of(result.findings) == []
    return result.files[f"{pipeline.name}.py"]


@given(TEXTS, TEXTS)
def test_escaped_text_renders_to_itself(text, other):
    environment = jinja2.Environment(autoescape=False)
    assert environment.from_string(templates.escaped(text)).render() == text
    joined = templates.join([(text, False), ("{{ value }}", True), (other, False)])
    assert environment.from_string(joined).render(value="V") == f"{text}V{other}"


@given(VALUES, VALUES, TEXTS)
def test_values_reach_a_task(default, value, text):
    call = python("def keep(a, b, c):\n    return [a, b, c]\n")
    path = Format(parts=(Literal_(value=text), ParameterRef(name="p"), Literal_(value=text)))
    inputs = {"a": Literal_(value=value), "b": ParameterRef(name="p"), "c": path}
    pipeline = Pipeline(
        name="p",
        parameters={"p": Parameter(default=default, help=text)},
        body=(Task(id="keep", action=call, inputs=inputs, outputs={"return": AnyType()}),),
    )
    recorded = execute(dag_text(pipeline))
    (task,) = recorded.tasks
    parameter = recorded.dag["params"]["p"]
    assert parameter[1] == (default,)
    assert parameter[2].get("description", "") == text
    given_ = task.arguments["a"]
    assert given_ == Literal(value) or rendered(given_) == value
    assert repr(getattr(given_, "value", given_)) == repr(value)
    template = task.arguments["c"].replace(" | as_text", "")
    assert rendered(template, params={"p": "V"}) == f"{text}V{text}"


@given(TEXTS, TEXTS, TEXTS)
def test_texts_around_a_task_reach_airflow(docs, name, label):
    task = Task(
        id="t",
        action=python("def t(x):\n    return x\n"),
        inputs={"x": Literal_(value=docs)},
        outputs={"return": AnyType()},
        docs=docs,
        display_name=name,
        labels={label: docs},
        environment={"A": docs},
        owners=(label,),
    )
    pipeline = Pipeline(name="p", description=docs, labels={label[:20]: name[:20]}, body=(task,))
    recorded = execute(dag_text(pipeline))
    (made,) = recorded.tasks
    assert made.settings.get("task_display_name", "") in (name, "")
    assert made.settings["owner"] == label
    assert recorded.dag["tags"] == [f"{label[:20]}:{name[:20]}" if name else label[:20]]
    assert made.function(docs) == docs


@given(TEXTS, TEXTS)
def test_commands_and_variables_reach_bash(command, value):
    inputs = {"text": Literal_(value=value)}
    task = Task(id="t", action=Shell(command=command), inputs=inputs, environment={"E": value})
    recorded = execute(dag_text(Pipeline(name="p", body=(task,)), "2.11"))
    settings = recorded.task("t").settings
    assert rendered(settings["bash_command"]) == command
    assert not settings["bash_command"].endswith((".sh", ".bash"))
    assert rendered(settings["env"]) == {"E": value, "text": value}


@settings(max_examples=10)
@given(
    st.lists(TEXTS, min_size=1, max_size=3),
    st.sampled_from(["", "\n"]),
    st.sampled_from(["", "\n"]),
)
def test_shell_outputs_are_the_last_line_of_stdout(lines, end, noise_end):
    """Run for real: what a command writes to stderr, its quotes and missing newlines change nothing."""
    clean = [line.replace("\r", "").replace("\n", "") or "x" for line in lines]
    command = 'printf %s "$text"; printf "noise$noise_end" >&2'
    task = Task(id="t", action=Shell(command=command), outputs={"return": StringType()})
    recorded = execute(dag_text(Pipeline(name="p", body=(task,))))
    script = rendered(recorded.task("t").settings["bash_command"])
    environment = {"text": "\n".join(clean) + end, "noise_end": noise_end, "PATH": "/usr/bin:/bin"}
    done = _as_airflow_runs(script, environment)
    assert done.returncode == 0
    # As Airflow's SubprocessHook takes it.
    assert done.stdout.decode().split("\n")[-2] == clean[-1]


def test_a_failing_shell_task_keeps_its_exit_code():
    task = Task(id="t", action=Shell(command="echo 1; exit 7"), outputs={"return": StringType()})
    recorded = execute(dag_text(Pipeline(name="p", body=(task,))))
    script = rendered(recorded.task("t").settings["bash_command"])
    assert _as_airflow_runs(script, {"PATH": "/usr/bin:/bin"}).returncode == 7


def _as_airflow_runs(script, environment):
    return subprocess.run(
        ["bash", "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_embedding_changes_no_string(texts):
    """Strings of several lines stay as they are, however deep their function comes to stand."""
    quoted = [
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\x0c", "\\f")
        for text in texts
    ]
    body = "".join(f'    parts.append("""{text}""")\n' for text in quoted)
    function = f"def f():\n    parts = []\n{body}    return parts\n"
    for action in (python(function), python(function, definitions=("def g():\n    return f\n",))):
        embedded = Embedded(action.source, "f")
        assert embedded.problem() == ""
        for lines in filter(None, (embedded.standalone, embedded.inner())):
            names: dict = {}
            exec("\n".join(lines), names)
            assert names["f"]() == texts
        nested: dict = {}
        exec(
            "\n".join(
                ["def outer():", *indent("\n".join(embedded.inner()), "    "), "    return f"]
            ),
            nested,
        )
        assert nested["outer"]()() == texts


@given(st.lists(st.text(max_size=60), max_size=30))
def test_names_are_identifiers_and_never_twice(wanted):
    names = Names()
    claimed = [names.claim(text, "_task") for text in wanted]
    assert len(set(claimed)) == len(claimed)
    assert all(name.isidentifier() and identifier(name) for name in claimed)
