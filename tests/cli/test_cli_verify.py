"""`port verify`: a toy engine that runs what it is given, or something else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from intermodal import registry
from intermodal.engines import EngineOffer, SourceRun, TrialResult, Waits
from intermodal.findings import FindingsError, error
from intermodal.running import RunOptions, local_backend
from intermodal.trace import Instance, Trace


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


# An old file of another system, run as it is

OLD = """\
import datetime
from airflow.sdk import DAG, task

with DAG("etl", start_date=datetime.datetime(2026, 1, 1)):
    @task(task_id="fetch")
    def fetch(): ...
    @task(task_id="total")
    def total(numbers): ...
    total(fetch())
"""


def ran(trace, **waits):
    """The old run, by what its tasks wait for."""
    waits = {name: Waits((up,), "all_success") for name, up in waits.items()}
    return SourceRun("toy@2.0", trace, waits, "")


def old_trace(**instances):
    """That of the old DAG, with other instances; None takes one away."""
    fetch = Instance(state="succeeded", attempts=1, outputs={"return": [1.0, 1.0, 1.0]})
    total = Instance(state="succeeded", attempts=1, outputs={"return": 3.0})
    trace = Trace(pipeline="etl", state="succeeded", instances={"fetch": fetch, "total": total})
    return changed(trace, **instances)


@pytest.fixture
def verify_old(call, etl, engine, project):
    """`port verify --old old.py --new etl.py --on toy`; the toy engine has run the old file."""
    (project / "old.py").write_text(OLD)
    engine.old = ran(old_trace(), total="fetch")
    engine.run_source = classmethod(lambda cls, *args: cls.seen.append(args) or cls.old)

    def run(*more, old="old.py", new=etl):
        given = ("--old", old, "--new", new, "--on", "toy", "--old-on", "toy")
        return call("verify", *given, *more)

    return run


def test_old_and_new_do_the_same(verify_old, engine):
    done = verify_old("-p", "limit=3")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "etl: 2 tasks: same states, same attempts, same outputs",
        "  old on toy@2.0, new on toy@2.0",
    ]
    name, file, pipeline, trial, _ = engine.seen[0]
    assert (name, file.name, pipeline) == ("toy@2.0", "old.py", "etl")
    assert trial.parameters == {"limit": 3}


def test_what_is_ignored_is_not_called_the_same(verify_old, engine):
    engine.old = ran(old_trace(total=Instance(state="succeeded", attempts=4)))
    done = verify_old("--ignore", "attempts", "--ignore", "total.outputs.return")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "etl: 2 tasks: same states, same outputs"
    assert "not compared: attempts, total.outputs.return" in done.out


def test_differences_have_both_values(verify_old, engine):
    other = Instance(state="succeeded", attempts=2, outputs={"return": 4.0})
    engine.old = ran(old_trace(total=other))
    done = verify_old()
    assert done.code == 1
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[0] == ["etl:", "2", "tasks:", "differs", "on", "toy@2.0"]
    assert ["total", "succeeded", "after", "2", "succeeded", "outputs.return"] in [
        [word for word in row if word != "·"] for row in rows
    ]
    assert "error[PORT703]: toy@2.0: `total`: outputs.return is 3.0, expected 4.0" in done.err
    assert "`total`: attempts is 1, expected 2" in done.err


def test_both_traces_are_in_the_json(verify_old, engine):
    engine.old = ran(old_trace(fetch=None))
    done = verify_old("--json")
    assert done.code == 1
    [told] = done.json
    assert told["old"]["engine"] == "toy@2.0"
    assert set(told["old"]["trace"]["instances"]) == {"total"}
    [made] = told["engines"]
    assert made["verdict"] == "differs"
    assert {
        "instance": "fetch",
        "field": "instance",
        "expected": "absent",
        "actual": "present",
    } in (made["differences"])


def test_tasks_with_other_names(verify_old, engine):
    trace = old_trace(fetch=None, total=None)
    kept = old_trace().instances
    instances = {"get.rows": kept["fetch"], "To-tal": kept["total"]}
    engine.old = ran(trace.model_copy(update={"instances": instances}), **{"To-tal": "get.rows"})
    assert verify_old().code == 1
    done = verify_old("--map", "get.rows=fetch", "--map", "To-tal=total")
    assert done.code == 0, done.err
    wrong = verify_old("--map", "rows=fetch")
    assert wrong.code == 2
    assert "there is no task `rows` in toy@2.0" in wrong.err
    assert "new: fetch, total" in wrong.err


def test_a_result_that_the_old_engine_does_not_keep(verify_old, engine):
    trace = old_trace(total=Instance(state="succeeded", attempts=1))
    engine.old = ran(trace)
    assert verify_old().code == 1
    engine.old = dataclasses.replace(
        engine.old, waits={"total": Waits((), "all_success", keeps=False)}
    )
    assert verify_old().code == 0


def test_names_that_are_spelled_alike(verify_old, engine):
    kept = old_trace().instances
    instances = {"Fetch": kept["fetch"], "total": kept["total"]}
    engine.old = ran(old_trace().model_copy(update={"instances": instances}))
    assert verify_old().code == 0


def test_a_task_that_started_before_what_the_old_one_waits_for(verify_old, engine):
    kept = engine.try_out

    def hasty(*args):
        spans = {"fetch": (10.0, 20.0), "total": (15.0, 16.0)}
        return dataclasses.replace(kept(*args), spans=spans)

    engine.try_out = staticmethod(hasty)
    done = verify_old()
    assert done.code == 1
    assert "`total`: ordered is false, expected true" in done.err
    engine.old = ran(old_trace())
    assert verify_old().code == 0


def test_values_that_are_no_json_are_compared_by_type_and_said_so(verify_old, engine):
    moment = {"$type": "datetime.datetime"}
    engine.old = ran(
        old_trace(total=Instance(state="succeeded", attempts=1, outputs={"return": moment}))
    )
    done = verify_old()
    assert done.code == 0, done.err
    assert "by type only, for what it returns is no JSON: total" in done.out


def test_secrets_of_the_old_system_are_not_shown(verify_old, engine, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_STORE", "postgres://me:pass%21word@host/db")
    monkeypatch.setenv("DATABASE_PASSWORD", "correct-horse")
    url = "postgres://me:pass%21word@host/db"
    said = {"url": url, "raw": ["pass!word", "correct-horse"], "n": 1}
    engine.old = ran(
        old_trace(total=Instance(state="succeeded", attempts=1, outputs={"return": said}))
    )
    new = changed(
        old_trace(), total=Instance(state="succeeded", attempts=1, outputs={"return": url})
    )
    for change in (engine.change, lambda _: new):
        engine.change = staticmethod(change)
        for more in ((), ("--json",)):
            done = verify_old(*more)
            assert done.code == 1
            shown = done.out + done.err
            assert "***" in shown
            assert not [word for word in ("pass!word", "pass%21word", "horse") if word in shown]


def test_requirements_are_those_of_what_hosts_old_classes(verify_old, engine, project):
    (project / "more.txt").write_text("airflow\n")
    kept = {"run_source": engine.run_source, "try_out": engine.try_out}

    def needing_none(name):
        def run(*given):
            if given[-1] is not None:
                raise FindingsError([error("PORT700", "there is no such environment")])
            return kept[name](*given)

        return staticmethod(run)

    engine.run_source = needing_none("run_source")
    engine.try_out = needing_none("try_out")
    assert verify_old("--requirements", "more.txt").code == 0


def test_an_old_file_that_does_not_run(verify_old, engine):
    def broken(*_):
        raise FindingsError([error("PORT704", "`old.py` was not run to an end on toy@2.0")])

    engine.run_source = staticmethod(broken)
    done = verify_old()
    assert done.code == 3
    assert "was not run to an end" in done.err


def test_a_new_file_that_is_one_of_the_old_system(verify_old, engine, project):
    (project / "two.py").write_text(OLD + OLD.replace('"etl"', '"other"'))
    done = verify_old(old="two.py", new="two.py")
    assert done.code == 1  # its functions give nothing
    heads = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert heads == [f"{name}: 2 tasks: differs on toy@2.0" for name in ("etl", "other")]
    assert [file.name for _, file, *_ in engine.seen if isinstance(file, Path)] == ["two.py"] * 2


def test_a_class_that_skips_itself_by_a_value(verify_old, engine):
    def skipping(trace):
        total = trace.instances["total"].model_copy(update={"outputs": {"ran": False}})
        return changed(trace, total=total)

    engine.change = staticmethod(skipping)
    fetch = Instance(state="succeeded", attempts=1)
    engine.old = ran(old_trace(fetch=fetch, total=Instance(state="skipped", attempts=1)))
    done = verify_old(new="old.py")
    assert done.code == 0, done.err
    assert "skipped by a value of its own, not by state: total" in done.out


def test_an_old_file_with_several(verify_old, project):
    (project / "two.py").write_text(OLD.replace('"etl"', '"a"') + OLD.replace('"etl"', '"b"'))
    done = verify_old(old="two.py")
    assert done.code == 2
    assert "holds no DAG `etl`" in done.err
    assert "it holds a, b" in done.err


@pytest.mark.parametrize(
    "given",
    [
        ("--old", "old.py"),
        ("--new", "etl.py"),
        ("etl.py", "--old", "old.py", "--new", "etl.py"),
        ("etl.py", "--map", "a=b"),
        ("etl.py", "--variables", "v.json"),
        (),
    ],
)
def test_options_that_do_not_go_together(call, etl, given):
    assert call("verify", *given).code == 2


def test_help_says_that_the_old_file_is_executed(call):
    assert "EXECUTED" in call("verify", "--help").out
