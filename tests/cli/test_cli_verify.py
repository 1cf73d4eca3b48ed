"""`port verify`: a toy engine that runs what it is given, or something else."""

from __future__ import annotations

import dataclasses

import pytest

from intermodal import registry
from intermodal.engines import EngineOffer, TrialResult
from intermodal.findings import FindingsError, error
from intermodal.running import RunOptions, local_backend
from intermodal.trace import Instance


class ToyEngine:
    """Runs the pipeline itself, in its own folder."""

    seen: list = []  # noqa: RUF012

    @classmethod
    def offers(cls):
        return [EngineOffer("toy@2.0", "toy 2.0.1", ">=3.11", "/engines/toy")]

    @classmethod
    def try_out(cls, name, pipeline, compiled, trial, requirements=None):
        cls.seen.append((name, compiled, trial, requirements))
        options = RunOptions(store=str(trial.work / "store"), python_path=trial.python_path)
        trace = local_backend().run(pipeline, trial.parameters, options).trace
        return TrialResult(cls.change(trace), "first line\nthe secret is hunter2-hunter2\n", False)

    @staticmethod
    def change(trace):
        return trace


def changed(trace, **instances):
    """The trace with other instances; None takes one away."""
    found = {**trace.instances, **instances}
    kept = {name: instance for name, instance in found.items() if instance is not None}
    return trace.model_copy(update={"instances": kept})


@pytest.fixture
def engine(monkeypatch):
    """The toy engine is the only one; a class of its own for each test."""
    kind = type("ToyEngine", (ToyEngine,), {"seen": []})
    names, load = registry.names, registry.load
    monkeypatch.setattr(registry, "names", lambda g: ["toy"] if g == "engines" else names(g))
    monkeypatch.setattr(registry, "load", lambda g, n: kind if g == "engines" else load(g, n))
    return kind


def test_the_same(call, etl, engine):
    done = call("verify", etl, "--on", "local,toy", "-p", "limit=2")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "etl: 2 task instances · the same on 1 of 1 engine"
    assert [line.split() for line in lines[1:]] == [
        ["local", "toy@2.0"],
        ["the", "run", "succeeded", "same"],
        ["fetch", "succeeded", "same"],
        ["total", "succeeded", "same"],
    ]
    [(name, compiled, trial, requirements)] = engine.seen
    assert (name, trial.parameters, requirements) == ("toy@2.0", {"limit": 2}, None)
    assert set(compiled.files) == {"etl.txt", "manifest.json"}


def test_without_on_it_is_what_is_installed_of_the_projects_targets(call, etl, engine, project):
    assert call("verify", etl, "--json").json[0]["engines"][0]["engine"] == "toy@2.0"
    (project / "intermodal.toml").write_text('targets = ["brick"]\n')
    done = call("verify", etl)
    assert done.code == 3
    assert "port engines install brick" in done.err


def test_other_outputs_and_attempts(call, etl, engine, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_WORD", "hunter2-hunter2")
    engine.change = staticmethod(
        lambda trace: changed(
            trace,
            fetch=trace.instances["fetch"].model_copy(update={"attempts": 3}),
            total=trace.instances["total"].model_copy(update={"outputs": {"return": 4.0}}),
        )
    )
    done = call("verify", etl, "--on", "toy")
    assert done.code == 1
    rows = [line.split() for line in done.out.splitlines()]
    assert ["fetch", "succeeded", "succeeded", "after", "3"] in rows
    assert ["total", "succeeded", "outputs.return"] in rows
    assert "error[PORT703]: toy@2.0: `total`: outputs.return is 4.0, expected 3.0" in done.err
    assert "--> etl.py:17" in done.err
    assert "`--ignore total.outputs.return`" in done.err
    assert "first line" in done.err
    assert "hunter2" not in done.err + call("verify", etl, "--on", "toy", "--json").out
    ignored = ["--ignore", "fetch.attempts", "--ignore", "total.outputs"]
    assert call("verify", etl, "--on", "toy", *ignored).code == 0


def test_an_instance_that_did_not_run(call, etl, engine):
    engine.change = staticmethod(
        lambda trace: changed(trace, total=Instance(state="not_started")).model_copy(
            update={"state": "failed"}
        )
    )
    done = call("verify", etl, "--on", "toy")
    assert done.code == 1
    assert ["the", "run", "succeeded", "failed"] in [s.split() for s in done.out.splitlines()]
    [made] = call("verify", etl, "--on", "toy", "--json").json[0]["engines"]
    assert made["verdict"] == "differs"
    assert {
        "instance": None,
        "field": "state",
        "expected": "succeeded",
        "actual": "failed",
    } in made["differences"]
    assert made["trace"]["instances"]["total"]["state"] == "not_started"


def test_a_run_that_was_ended(call, etl, engine):
    kept = engine.try_out

    def slow(*args):
        return dataclasses.replace(kept(*args), timed_out=True)

    engine.try_out = staticmethod(slow)
    done = call("verify", etl, "--on", "toy", "--timeout", "9")
    assert done.code == 1
    assert "ended after 9 s" in done.err


def test_what_the_target_refuses(call, engine, project):
    (project / "loops.yaml").write_text(
        "name: loops\nbody:\n- node: for_each\n  id: each\n"
        "  items: {lists: [{op: literal, value: [1]}]}\n"
        "  body: [{node: task, id: a, action: {kind: noop}}]\n"
    )
    done = call("verify", "loops.yaml", "--on", "toy")
    assert done.code == 1
    assert ["the", "run", "succeeded", "refused"] in [s.split() for s in done.out.splitlines()]
    assert "PORT200" in done.err
    assert engine.seen == []


def test_an_engine_that_does_not_work(call, etl, engine):
    def broken(*_):
        raise FindingsError([error("PORT704", "the process of `toy@2.0` ended")])

    engine.try_out = staticmethod(broken)
    done = call("verify", etl, "--on", "toy")
    assert done.code == 3
    assert "not run" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--on", "tory"], 1, "PORT702"),
        (["--on", "toy", "--pipeline", "other"], 2, "holds no pipeline `other`"),
        (["--on", "toy", "-p", "limits=2"], 1, "did you mean `limit`?"),
        (["--on", "toy", "--approve", "nothing"], 2, "`nothing`"),
        (["--on", "toy", "--timeout", "0"], 2, "PORT009"),
    ],
)
def test_bad_input(call, etl, engine, arguments, code, said):
    done = call("verify", etl, *arguments)
    assert done.code == code
    assert said in done.err


def test_several_pipelines_of_a_source(call, etl, engine):
    etl.write_text(etl.read_text() + "\n\n@pipeline\ndef other():\n    fetch(1)\n")
    reports = call("verify", etl, "--on", "toy", "--json").json
    assert [report["pipeline"] for report in reports] == ["etl", "other"]
    done = call("verify", etl, "--on", "toy", "-p", "limit=2")
    assert "parameters are for one" in done.err
    assert call("verify", etl, "--on", "toy", "-p", "limit=2", "--pipeline", "etl").code == 0
