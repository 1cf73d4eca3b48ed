"""The smaller commands: targets, graph, schema, explain, completion, artifacts, engines, help."""

from __future__ import annotations

import importlib
import shlex

import click
import pytest

from intermodal import evidence
from intermodal.cli.command import WithExamples
from intermodal.cli.main import COMMANDS, EXAMPLES
from intermodal.codes import CODES
from intermodal.evidence import CaseResult, Evidence, Shown


def test_targets(call):
    done = call("targets")
    assert done.code == 0
    assert "toy     2.0, 1.0" in done.out
    rows = [line.split() for line in done.out.splitlines()]
    assert ["feature", "brick@1.0", "toy@2.0"] in rows
    assert ["retry", "lowered", "lowered"] in rows


def test_targets_as_rows(call):
    rows = call("targets", "--json").json
    assert [(r["target"], r["version"]) for r in rows[:3]] == [
        ("brick", "1.0"),
        ("toy", "2.0"),
        ("toy", "1.0"),
    ]
    [loops] = [r for r in rows if (r["feature"], r["version"]) == ("structure.for_each", "2.0")]
    assert loops == {
        "feature": "structure.for_each",
        "target": "toy",
        "version": "2.0",
        "support": "refused",
        "how": "",
        "why": "toys do not loop",
        "compiles": 0,
        "ran_same": None,
        "cases": 0,
    }


def test_one_targets_support(call):
    done = call("targets", "toy@1")
    assert done.out.startswith("toy@1.0\n")
    assert ["structure.for_each", "refused", "0", "-", "0", "toys", "do", "not", "loop"] in [
        line.split() for line in done.out.splitlines()
    ]
    rows = call("targets", "toy", "--json").json
    assert {(r["target"], r["version"]) for r in rows} == {("toy", "2.0")}
    assert [r["how"] for r in rows if r["feature"] == "retry"] == ["it tries again by itself"]
    assert call("targets", "tory").code == 1


def test_targets_with_what_real_runs_have_shown(call, monkeypatch):
    shown = {
        "same": Shown(verdict="same"),
        "excluded": Shown(verdict="excluded", reason="it is slow"),
        "refused": Shown(verdict="refused"),
    }
    cases = {
        name: CaseResult(content="", features=("retry",), targets={"toy@2.0": verdict})
        for name, verdict in shown.items()
    }
    monkeypatch.setattr(evidence, "read_evidence", lambda: Evidence(cases=cases))
    assert "retry" in (out := call("targets").out)
    assert ["retry", "lowered", "lowered", "1/3"] in [line.split() for line in out.splitlines()]
    [retry] = [r for r in call("targets", "toy", "--json").json if r["feature"] == "retry"]
    assert (retry["compiles"], retry["ran_same"], retry["cases"]) == (2, 1, 3)


def test_graph(call, etl):
    assert call("graph", etl).out.startswith("flowchart TD\n")
    assert '"fetch" -> "total"' in call("graph", etl, "--format", "dot").out


def test_graph_to_a_file(call, etl, project):
    assert call("graph", etl, "--format", "svg", "--out", "pictures/etl.svg").code == 0
    assert (project / "pictures/etl.svg").read_text().startswith("<svg")
    (project / "taken").mkdir()
    done = call("graph", etl, "--out", "taken")
    assert done.code == 1
    assert "PORT006" in done.err


def test_graph_of_several_pipelines_asks_which(call, etl, project):
    etl.write_text(etl.read_text() + "\n\n@pipeline\ndef other():\n    fetch(1)\n")
    done = call("graph", etl)
    assert done.code == 2
    assert "choose one of `etl`, `other` with `--pipeline`" in done.err
    assert "total" not in call("graph", etl, "--pipeline", "other").out
    assert "no pipeline `third`" in call("graph", etl, "--pipeline", "third").err


def test_schema(call):
    assert call("schema").json["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("code", ["PORT200", "port200", "200"])
def test_explain(call, code):
    done = call("explain", code)
    assert done.out.startswith(f"PORT200: {CODES['PORT200'].title}\n\n")
    assert call("explain", code, "--json").json["code"] == "PORT200"


def test_explain_all(call):
    assert len(call("explain").out.splitlines()) == len(CODES)
    assert list(call("explain", "--json").json) == list(CODES)


def test_explain_an_unknown_code(call):
    done = call("explain", "PORT20")
    assert done.code == 2
    assert "there is no code `PORT20`" in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(call, shell):
    assert "_PORT_COMPLETE" in call("completion", shell).out


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("port comp", ["compile", "completion"]),
        ("port compile --target ", ["brick", "toy"]),
        ("port compile --target toy@", ["toy@2.0", "toy@1.0"]),
        ("port explain PORT10", [c for c in CODES if c.startswith("PORT10")]),
        ("port engines install pref", ["prefect@3"]),
        ("port compile --profile c", ["cloud"]),
        ("port compile --code e", ["embed"]),
    ],
)
def test_completions(call, project, line, found):
    (project / "intermodal.toml").write_text('[profiles.cloud]\ncode = "image"\n')
    words = line.split(" ")
    environment = {
        "_PORT_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = call(env=environment)
    assert [row.partition(",")[2] for row in done.out.splitlines()] == found


def test_every_command_loads_and_has_help_with_examples(call):
    for name in COMMANDS:
        found = importlib.import_module(f"intermodal.cli.{name}").command
        assert found.name == name
        assert isinstance(found, WithExamples)
        assert call(name, "--help").code == 0
        assert found.examples, name


def _examples():
    yield from EXAMPLES
    for name in COMMANDS:
        found = importlib.import_module(f"intermodal.cli.{name}").command
        yield from found.examples
        for inner in getattr(found, "commands", {}).values():
            yield from inner.examples


def _words(context):
    """What is left to resolve; click calls it differently since 8.2."""
    first = getattr(context, "_protected_args", None)
    return [*(context.protected_args if first is None else first), *context.args]


@pytest.mark.parametrize("example", sorted(set(_examples())))
def test_examples_parse(example):
    from intermodal.cli.main import port

    command, *arguments = shlex.split(example.split(">")[0].split("|")[0])
    assert command == "port"
    context = port.make_context("port", arguments)
    _, found, rest = port.resolve_command(context, _words(context))
    inner = found.make_context(found.name, rest, parent=context)
    if isinstance(found, click.Group):
        _, last, rest = found.resolve_command(inner, _words(inner))
        last.make_context(last.name, rest, parent=inner)


def test_help_lists_every_command_without_loading_it(call):
    said = call("--help").out
    assert all(f"  {name} " in said for name in COMMANDS)
    assert call().out == said


def test_engines(call):
    names = [row["name"] for row in call("engines", "list", "--json").json]
    assert "airflow@3.3" in names
    assert "kfp@2" in call("engines", "list").out


def test_an_unknown_engine_stops_before_anything_is_installed(call, monkeypatch):
    from intermodal import engines

    monkeypatch.setattr(engines, "install", lambda *_: pytest.fail("installed something"))
    done = call("engines", "install", "kfp@2", "airflw")
    assert done.code == 1
    assert "error[PORT702]" in done.err
    assert "did you mean `airflow" in done.err


def test_a_failed_installation_is_a_backends_failure(call, monkeypatch):
    from intermodal import engines
    from intermodal.findings import FindingsError, error

    def broken(*_):
        raise FindingsError([error("PORT701", "no network")])

    monkeypatch.setattr(engines, "install", broken)
    done = call("engines", "install", "kfp")
    assert done.code == 3
    assert "error[PORT701]: no network" in done.err


@pytest.fixture
def stored(project):
    """A store with two versions of a number, and one artifact made from the second."""
    from intermodal.artifacts import ArtifactKey, ArtifactStore, LineageInput

    (project / "intermodal.toml").write_text('store = "kept"\n')
    store = ArtifactStore(project / "kept")

    def save(value, run, task, inputs=()):
        key = ArtifactKey(pipeline="etl", run=run, task=task, output="return")
        return store.save(value, key, inputs=inputs)[0]

    save({"n": 1}, "r1", "fetch")
    second = save({"n": 2}, "r2", "fetch")
    source = LineageInput(name="rows", uri=second.uri, sha256=second.sha256)
    save("made", "r2", "report", [source])
    return project


def test_artifacts_are_listed_with_their_versions(call, stored):
    said = call("artifacts").out
    assert "etl/fetch/return@1" in said
    assert "etl/fetch/return@2" in said
    assert "etl/report/return@1" in said
    rows = call("artifacts", "--task", "fetch", "--run", "r2", "--json").json["artifacts"]
    assert [row["version"] for row in rows] == [2]
    assert call("artifacts", "list", "--pipeline", "nothing").out.startswith("no artifacts in")


def test_an_artifact_is_fetched(call, stored):
    done = call("artifacts", "get", "etl/fetch/return@1", "--out", "one.json")
    assert done.code == 0
    assert '"n"' in (stored / "one.json").read_text()
    again = call("artifacts", "get", "etl/fetch/return@1", "--out", "one.json")
    assert again.code == 1
    assert "PORT006" in again.err
    assert "PORT400" in call("artifacts", "get", "etl/nothing/return").err


def test_a_subcommand_that_is_a_command_is_named(call, stored):
    done = call("artifacts", "lineage", "etl/report/return")
    assert done.code == 2
    assert "Did you mean `port lineage`?" in done.err


def test_no_store_yet(call, project):
    done = call("artifacts")
    assert done.code == 0
    assert done.out.startswith("no artifacts in")
    assert not (project / ".intermodal").exists()


def test_artifacts_with_a_wrong_command(call, project):
    assert call("artifacts", "lst").code == 2


def test_what_the_engine_of_this_machine_supports(call):
    rows = call("targets", "local", "--json").json
    support = {row["feature"]: (row["support"], row["why"]) for row in rows}
    assert {row["target"] for row in rows} == {"local"}
    assert support["structure.branch"] == ("native", "")
    assert support["action.http"] == ("native", "")
    assert call("targets", "local").out.startswith("local@1\n")
