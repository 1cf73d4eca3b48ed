"""`port run`: what is asked of the engine, and what is told of a run."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from intermodal import registry
from intermodal.cli.progress import line
from intermodal.findings import error
from intermodal.running import Progress, RunResult, TaskFailure, TaskResult
from intermodal.trace import Trace

STARTED = datetime(2026, 1, 2, tzinfo=UTC)


def result(state="succeeded", **more):
    return RunResult(
        **{
            "pipeline": "etl",
            "run_id": "r1",
            "state": state,
            "folder": Path("run"),
            "parameters": {"limit": 3},
            "outputs": {"total": 3.0},
            "instances": {"fetch": TaskResult("succeeded", 1, 0.5)},
            "failures": (),
            "findings": (),
            "trace": Trace(pipeline="etl", state="succeeded", instances={}),
            "started": STARTED,
            "ended": STARTED + timedelta(seconds=1.5),
            **more,
        }
    )


FAILURE = TaskFailure(
    instance="total",
    attempt=2,
    kind="user",
    exception="ValueError",
    message="no numbers",
    traceback='Traceback (most recent call last):\n  File "etl.py", line 12, in total\nValueError: x\n',
    log_tail="reading\n\x1b[2Jdone",
    log=Path("logs/total.log"),
    finding=error("PORT600", "task `total` failed: ValueError: no numbers"),
)


class Engine:
    """Says what it was given, tells of events, and gives a result."""

    def __init__(self, given, events=()):
        self.given = given
        self.events = events

    def run(self, pipeline, parameters, options):
        self.pipeline, self.parameters, self.options = pipeline, parameters, options
        for event in self.events:
            options.on_event(event)
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given


@pytest.fixture
def engine(monkeypatch):
    """Install an engine that gives a result."""
    load = registry.load

    def install(given=None, events=()):
        made = Engine(given or result(), events)
        monkeypatch.setattr(
            registry, "load", lambda g, n: (lambda: made) if g == "backends" else load(g, n)
        )
        return made

    return install


def test_what_the_engine_is_asked(call, etl, project, engine):
    asked = engine()
    done = call("run", etl, "-p", "limit=5", "-p", "label=7", "--workers", 2)
    assert done.code == 0
    assert asked.pipeline.name == "etl"
    assert asked.parameters == {"limit": 5, "label": "7"}
    options = asked.options
    assert (options.workers, options.resume, options.tracking) == (2, "", "")
    assert options.store == str(project / ".intermodal/store")
    assert options.python_path == (project,)


def test_store_and_tracking_come_from_options_the_environment_or_the_project(
    call, etl, project, engine
):
    (project / "intermodal.toml").write_text('store = "s"\ntracking = "sqlite:///t.db"\n')
    asked = engine()
    call("run", etl)
    assert asked.options.store == str(project / "s")
    assert asked.options.tracking == f"sqlite:///{project}/t.db"
    call("run", etl, env={"INTERMODAL_STORE": "e", "INTERMODAL_TRACKING": "http://e"})
    assert (asked.options.store, asked.options.tracking) == ("e", "http://e")
    call("run", etl, "--store", "o", "--tracking", "")
    assert (asked.options.store, asked.options.tracking) == ("o", "")


def test_the_end_tells_where_everything_is(call, etl, engine):
    engine()
    done = call("run", etl, "--tracking", "sqlite:///mlflow.db")
    assert done.out.startswith("etl succeeded in 1.50 s\n")
    assert "  run       r1\n" in done.out
    assert "  output    total = 3.0\n" in done.out
    assert "  store     .intermodal/store\n" in done.out
    assert re.search(r"  see it    \S*mlflow ui --backend-store-uri sqlite:///mlflow.db", done.out)
    assert "--resume" not in done.out


def test_artifacts_of_the_run_are_listed(call, etl, project, engine):
    from intermodal.artifacts import ArtifactKey, ArtifactStore

    store = ArtifactStore(project / ".intermodal/store")
    for run in ("r0", "r1"):
        store.save({"run": run}, ArtifactKey(pipeline="etl", run=run, task="a", output="return"))
    engine()
    done = call("run", etl)
    assert "etl/a/return@2" in done.out
    assert "etl/a/return@1" not in done.out
    assert [row["run"] for row in call("run", etl, "--json").json["artifacts"]] == ["r1"]


def test_a_failure_shows_the_users_traceback_and_output(call, etl, engine):
    engine(result("failed", failures=(FAILURE,)))
    done = call("run", etl)
    assert done.code == 1
    assert "error[PORT600]: task `total` failed: ValueError: no numbers" in done.err
    assert '       File "etl.py", line 12, in total\n' in done.err
    assert "     reading\n" in done.err
    assert "\x1b" not in done.err
    assert "all output: logs/total.log" in done.err
    assert "etl failed in 1.50 s" in done.out
    assert f"go on     port run {etl} --resume r1" in done.out


def test_going_on_needs_the_same_places(call, etl, engine):
    engine(result("failed", failures=(FAILURE,)))
    done = call("run", etl, "--store", "other", "--tracking", "http://u:secret@host")
    assert f"port run {etl} --store other --tracking http://host --resume r1" in done.out
    done = call("run", etl, "--tracking", "")
    assert f"port run {etl} --tracking '' --resume r1" in done.out


def test_a_failed_run_fails_even_without_a_finding(call, etl, engine):
    engine(result("failed"))
    assert call("run", etl).code == 1


def test_json(call, etl, engine):
    engine(result("failed", failures=(FAILURE,)), [Progress("fetch", "succeeded", 1, 0.5)])
    done = call("run", etl, "--json")
    assert done.code == 1
    assert done.err == ""
    assert done.json["state"] == "failed"
    assert done.json["tasks"] == {"fetch": {"state": "succeeded", "attempts": 1, "seconds": 0.5}}
    assert done.json["findings"][0]["code"] == "PORT600"
    assert done.json["failures"][0]["task"] == "total"


def test_interrupted_runs_end_with_130(call, etl, engine):
    broken_off = replace(FAILURE, kind="interrupted", traceback="KeyboardInterrupt")
    engine(result("interrupted", failures=(broken_off,)))
    done = call("run", etl)
    assert done.code == 130
    assert "KeyboardInterrupt" not in done.err
    assert "--resume r1" in done.out
    engine(KeyboardInterrupt())
    assert call("run", etl).code == 130


def test_resume_takes_no_parameters(call, etl, engine):
    asked = engine()
    assert call("run", etl, "--resume", "r1").code == 0
    assert (asked.options.resume, asked.parameters) == ("r1", {})
    assert call("run", etl, "--resume", "r1", "-p", "limit=1").code == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("limit=many", "`limit=many` does not fit"),
        ("limt=1", "did you mean `limit`?"),
        ("limit", "write `-p name=value`"),
    ],
)
def test_wrong_parameters(call, etl, engine, given, said):
    engine()
    done = call("run", etl, "-p", given)
    assert done.code == 1
    assert "error[PORT603]" in done.err
    assert said in done.err


def test_progress_in_plain_lines(call, etl, engine):
    engine(
        events=[
            Progress("fetch", "running", 1),
            Progress("fetch", "retrying", 1, 0.5, "ValueError: x\nmore"),
            Progress("fetch", "succeeded", 2, 1.25),
            Progress("old", "succeeded", 1, 9.0, restored=True),
            Progress("total", "failed", 1, 0.1, "KeyError: 'a'"),
            Progress("last", "upstream_failed"),
        ]
    )
    assert call("run", etl).err.splitlines() == [
        "  again   fetch in 0.5 s: attempt 1 failed: ValueError: x",
        "  ok      fetch  1.25 s, attempt 2",
        "  ok      old  (from the run before)",
        "  failed  total  0.10 s",
        "  not run last",
    ]


def test_no_instance_name_steers_the_terminal():
    assert "\x1b" not in line(Progress("a\x1b[2J", "succeeded", 1, 0.1))


def test_live_progress_on_a_terminal(call, etl, engine, monkeypatch):
    from intermodal.cli import progress

    monkeypatch.setattr(progress, "is_terminal", lambda **_: True)
    engine(
        events=[
            Progress("[red]fetch[/red]", "running", 1),
            Progress("[red]fetch[/red]", "succeeded", 1, 0.2),
            Progress("more[0]", "succeeded", 1, 0.2),
            Progress("more[1]", "succeeded", 1, 0.2),
        ]
    )
    done = call("run", etl, env={"TERM": "xterm", "NO_COLOR": "1"})
    assert done.code == 0
    assert "ok      [red]fetch[/red]  0.20 s" in done.err
    assert "more[1]" in done.err


def test_pipeline_with_errors_does_not_start(call, project, engine):
    asked = engine()
    (project / "cycle.yaml").write_text(
        "name: cycle\nbody:\n"
        "- {node: task, id: a, action: {kind: noop}, after: [b]}\n"
        "- {node: task, id: b, action: {kind: noop}, after: [a]}\n"
    )
    done = call("run", "cycle.yaml")
    assert done.code == 1
    assert "error[PORT104]" in done.err
    assert not hasattr(asked, "pipeline")
