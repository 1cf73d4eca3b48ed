"""Property tests: whatever a user writes reaches Airflow as it was written, and nothing is executed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import types
from datetime import UTC, datetime

import jinja2
import pytest
from airflow_cases import python
from fake_airflow import Literal, execute, rendered
from hypothesis import given, settings
from hypothesis import strategies as st
from running_airflow import Running

import hostile_pipelines as hostile
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
from intermodal.margins import indented
from intermodal.runtime.secrets import variable_of
from intermodal_compilers.airflow import templates
from intermodal_compilers.airflow.dialects import CONTEXT_KEYS
from intermodal_compilers.airflow.embed import Embedded
from intermodal_compilers.airflow.names import OWN, Names, identifier
from intermodal_compilers.pysource import Name, quote

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
                ["def outer():", *indented("\n".join(embedded.inner()), "    "), "    return f"]
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


# Control flow and policies


def running(pipeline, version="3.3"):
    return Running(dag_text(pipeline, version))


BOTH = st.sampled_from(["3.3", "2.10"])


@settings(max_examples=15)
@given(hostile.TEXTS, BOTH)
def test_expressions_of_text_give_what_they_mean(text, version):
    run = running(hostile.computed(text), version)
    found = {name: run.result(name) for name in hostile.EXPECTED}
    assert found == {name: value(text) for name, value in hostile.EXPECTED.items()}


@settings(max_examples=15)
@given(hostile.TEXTS)
def test_date_patterns_are_text(pattern):
    run = running(hostile.dated(pattern))
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    given_to = {name: moment.isoformat() for name in run.tasks["dated"].arguments}
    assert run.tasks["dated"].function(**given_to) == moment.strftime(pattern)


@settings(max_examples=15)
@given(hostile.TEXTS, BOTH)
def test_conditions_and_items_of_text(text, version):
    run = running(hostile.chosen(text), version)
    assert run.result("first") == ["yes"]
    assert run.result("by_name") == [f"arm_{hostile.ARMS[0]}"]
    assert run.result("guarded") == run.result("no") == text
    run.given |= {"given": f"{text}!", "maybe": list(hostile.ARMS)}
    assert run.result("first") == ["no"]
    assert run.result("by_name") == [f"arm_{name}" for name in hostile.ARMS]
    looped = running(hostile.looped(text), version)
    assert looped.result("inner") == [text, text + text]
    pair = [text, text]
    assert looped.result("pair", pair) == pair
    assert looped.result("about", pair) == text + json.dumps(pair)


@settings(max_examples=15)
@given(hostile.TEXTS, BOTH)
def test_what_other_runs_people_and_checks_are_given(text, version):
    run = running(hostile.triggering(text), version)
    conf = run.value(run.tasks["start"].settings["conf"])
    assert conf == {text: text, "deep": {text: [text]}, "given": text}
    waits = running(hostile.waiting(text), version)
    assert waits.result("function") is True
    exits = running(hostile.exiting(text), version)
    assert exits.result("fixed") == text
    assert exits.tasks["last"].function("succeeded") == f"{text}succeeded"
    said = hostile.Format(parts=(hostile.literal(text), hostile.ParameterRef(name="given")))
    for message, expected in ((hostile.literal(text), text), (said, text + text)):
        asked = running(hostile.approving(message, text))
        settings = asked.tasks["approve"].settings
        assert asked.value(settings["subject"]) == expected
        assert settings["assigned_users"] == [{"id": text, "name": text}]


@settings(max_examples=15)
@given(hostile.TEXTS, BOTH)
def test_texts_of_policies_are_arguments(text, version):
    told = running(hostile.notified(text), version)
    hooks = told.tasks["told"].settings["on_failure_callback"]
    assert [closed_over(hook).get("text") for hook in hooks] == [text] * 4
    assert closed_over(hooks[1])["address"] == text
    assert closed_over(hooks[2])["variable"] == variable_of(text)
    assert running(hostile.pooled(text), version).tasks["pooled"].settings["pool"] == text
    grouped = running(hostile.grouped(text), version)
    [group] = grouped.groups
    assert text.strip() in f"{group.get('group_display_name')} {group['tooltip']}"
    assert grouped.tasks["inside"].settings["task_display_name"] == text
    assert f'"key": {quote(text)}' in " ".join(dag_text(hostile.cached(text), version).split())


def closed_over(hook):
    names = hook.__code__.co_freevars
    return dict(zip(names, (cell.cell_contents for cell in hook.__closure__), strict=True))


def test_mails_are_text_without_markup(monkeypatch):
    sent = []

    class Hook(contextlib.AbstractContextManager):
        def __exit__(self, *problem):
            return None

        def send_email_smtp(self, **given):
            sent.append(given)

    run = running(hostile.notified("<b>&\n"))
    smtp = types.SimpleNamespace(SmtpHook=Hook)
    for name in ("airflow", "airflow.providers", "airflow.providers.smtp", SMTP):
        monkeypatch.setitem(sys.modules, name, smtp)
    run.tasks["told"].settings["on_failure_callback"][1]({})
    body = "<pre>&lt;b&gt;&amp;\n</pre>"
    assert sent == [{"to": "<b>&\n", "subject": "<b>&", "html_content": body}]


SMTP = "airflow.providers.smtp.hooks.smtp"


@pytest.mark.parametrize(
    "text",
    [
        "s3://b/a\nb",
        "s3://b/\t",
        "",
        "  ",
        "a\x00b",
        "é",
        "airflow:x",
        "s3://[",
        "self",
        "pg://u:p@h/t",
    ],
)
def test_names_that_are_no_assets_are_refused(text):
    result = compile_pipeline(hostile.asset_pipeline(text), Target("airflow", "3.3"), Settings())
    assert {finding.code for finding in errors_of(result.findings)} == {"PORT203"}


@pytest.mark.parametrize("text", ["s3://b/'\"{{ ds }}\\", "s3://b/$(id)", '"""'])
def test_assets_are_named_by_text(text):
    run = running(hostile.asset_pipeline(text))
    settings = run.tasks["moved"].settings
    assert settings["inlets"] == settings["outlets"] == [("Asset", (text,), {})]
    assert run.dag["schedule"][1] == (("Asset", (text,), {}), ("Asset", (text,), {}))


NAMES = {*hostile.WORDS, *OWN, *CONTEXT_KEYS} - {"__debug__"}


@pytest.mark.parametrize("version", ["3.3", "2.10"])
def test_words_that_mean_something_name_anything(version):
    for word in sorted(NAMES)[version == "3.3" :: 2]:  # half of them each, for speed
        run = running(hostile.named(word), version)
        assert run.dag["dag_id"] == word
        assert run.result(word) == "a"
        assert run.result(f"{word}_arm") == "aarun"
        assert run.result(f"{word}_inner") == [1, 2]


@pytest.mark.parametrize("place", sorted(hostile.SECRETS))
def test_no_secret_leaves_its_task(place, monkeypatch):
    """What comes out of a task the user did not write holds no secret, and neither does the file."""
    monkeypatch.setenv(variable_of("token", "k"), "hunter22")
    result = compile_pipeline(hostile.SECRETS[place](), Target("airflow", "3.3"), Settings())
    if errors_of(result.findings):
        assert place in hostile.EXPOSED
        return
    assert place not in hostile.EXPOSED
    run = Running(result.files["hostile.py"])
    assert "hunter22" not in repr(vars(run))
    added = [made for name, made in run.tasks.items() if name not in ("t", "e")]
    assert not any("hunter22" in repr(run.result(made)) for made in added if made.function)


@pytest.mark.parametrize("word", ["a\n", "class\n", "class", "a b", "", "é", "1a", "a\u2028"])
def test_what_is_no_name_never_stands_as_one(word):
    with pytest.raises(ValueError, match="is not a Python name"):
        Name(word)
