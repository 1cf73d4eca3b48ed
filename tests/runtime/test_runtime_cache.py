"""Outputs of earlier successes used again: keys, age, damage, secrets, and what is told of it."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from intermodal import runtime
from intermodal.artifacts import Metrics
from intermodal.runtime import cache as caching


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A context maker; each run has an id of its own, all share the store."""
    monkeypatch.setenv("INTERMODAL_EVENTS", str(tmp_path / "events.jsonl"))
    for name in ("INTERMODAL_STORE", "INTERMODAL_TRACKING"):
        monkeypatch.delenv(name, raising=False)

    def context(task="t", pipeline="p", **more):
        context.runs += 1
        run_id = f"r{context.runs}"
        return runtime.Context(pipeline, run_id, task, store=str(tmp_path / "store"), **more)

    context.runs = 0
    context.store = tmp_path / "store"
    context.entries = lambda: sorted((tmp_path / "store" / ".cache").glob("*"))
    context.events = lambda: [
        json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()
    ]
    return context


class Calls:
    """Functions that count their calls."""

    def __init__(self):
        self.count = 0

    def double(self, a: int) -> int:
        self.count += 1
        return 2 * a

    def frame(self, rows: int) -> pd.DataFrame:
        self.count += 1
        return pd.DataFrame({"a": range(rows)})


def run(function, context, outputs=None, cache=None, **inputs):
    given = {"return": "value"} if outputs is None else outputs
    return runtime.run(function, context=context, inputs=inputs, outputs=given, cache=cache or {})


def test_the_same_code_and_inputs_are_a_hit(place):
    calls = Calls()
    assert [run(calls.double, place(), a=a) for a in (1, 1, 2)] == [2, 2, 4]
    assert calls.count == 2


def test_a_hit_ends_as_cached_without_having_started(place):
    calls = Calls()
    for _ in range(2):
        run(calls.double, place(index=(3,)), a=1)
    assert [(e["event"], e.get("outcome")) for e in place.events()] == [
        ("start", None),
        ("end", "succeeded"),
        ("end", "cached"),
    ]
    assert place.events()[-1]["outputs"] == {"return": 2}
    assert place.events()[-1]["index"] == [3]


def test_without_a_cache_nothing_is_kept_or_found(place):
    calls = Calls()
    for _ in range(2):
        runtime.run(
            calls.double, context=place(), inputs={"a": 1}, outputs={"return": "value"}, cache=None
        )
    assert calls.count == 2
    assert place.entries() == []


def test_other_code_is_a_miss(place):
    calls = Calls()
    for code in ("x", "y", "x"):
        run(calls.double, place(), cache={"code": code}, a=1)
    assert calls.count == 2
    run(calls.double, place(), a=1)
    assert calls.count == 3, "the source of the function is a code of its own"


def test_a_key_stands_for_its_task_instance_whatever_the_inputs(place):
    calls = Calls()
    key = {"key": "v1", "code": ""}
    assert [run(calls.double, place(), cache=key, a=a) for a in (1, 2)] == [2, 2]
    assert run(calls.double, place("other"), cache=key, a=2) == 4
    assert run(calls.double, place(pipeline="q"), cache=key, a=3) == 6
    assert run(calls.double, place(index=(1,)), cache=key, a=4) == 8
    assert run(calls.double, place(), cache={"key": "v2"}, a=5) == 10
    assert calls.count == 5


def test_artifacts_are_inputs_by_their_content(place):
    calls = Calls()
    first, second, other = (
        run(calls.frame, place(f"make{n}"), {"return": "Dataset"}, {"key": "k"}, rows=rows)
        for n, rows in enumerate((3, 3, 4))
    )
    assert first != second

    counted = []

    def length(data: pd.DataFrame) -> int:
        counted.append(len(data))
        return len(data)

    assert [run(length, place(), data=d) for d in (first, second, other)] == [3, 3, 4]
    assert [run(length, place("many"), data=d) for d in ([first], [second])] == [1, 1]
    assert counted == [3, 4, 1]


def test_a_hit_gives_the_artifact_that_was_stored(place):
    calls = Calls()
    first, again = (run(calls.frame, place(), {"return": "Dataset"}, rows=2) for _ in range(2))
    assert first == again
    assert calls.count == 1
    assert place.events()[-1]["artifacts"] == {"return": first["$artifact"]["sha256"]}


def test_large_values_are_found_too(place):
    def large(size: int) -> list[int]:
        calls.append(size)
        return list(range(size))

    calls = []
    first, again = (run(large, place(), size=20_000) for _ in range(2))
    assert first == again
    assert first["$artifact"]["kind"] == "Value"
    assert len(calls) == 1
    ends = [event for event in place.events() if event["event"] == "end"]
    assert ends[0]["outputs"] == ends[1]["outputs"]


def test_an_artifact_that_is_gone_or_damaged_is_a_miss(place):
    calls = Calls()
    first = run(calls.frame, place(), {"return": "Dataset"}, rows=2)
    content = next(place.store.rglob("content*"))
    content.chmod(0o644)
    content.write_bytes(b"something else")
    second = run(calls.frame, place(), {"return": "Dataset"}, rows=2)
    assert second["$artifact"]["uri"] != first["$artifact"]["uri"]
    assert run(calls.frame, place(), {"return": "Dataset"}, rows=2) == second
    assert calls.count == 2


def test_artifacts_in_lists_are_found_or_missed_as_one(place):
    calls = []

    def several(a: int) -> list[pd.DataFrame]:
        calls.append(a)
        return [pd.DataFrame({"a": [n]}) for n in range(2)]

    first, again = (run(several, place(), a=1) for _ in range(2))
    assert first == again
    assert len(calls) == 1
    ends = [e for e in place.events() if e["event"] == "end"]
    assert ends[0]["artifacts"] == ends[1]["artifacts"] != {}
    assert ends[0]["outputs"] == ends[1]["outputs"]
    next(place.store.glob("p/*/t/*/*/return%5B1%5D/artifact.json")).unlink()
    run(several, place(), a=1)
    assert len(calls) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 1, "time": "soon", "outputs": {"return": 1}}',
        '{"version": 1, "time": "2020-01-01T00:00:00+00:00", "outputs": {"other": 1}}',
        '{"version": 9, "time": "2020-01-01T00:00:00+00:00", "outputs": {"return": 1}}',
    ],
)
def test_a_damaged_entry_is_a_miss_and_is_replaced(place, text, capsys):
    calls = Calls()
    run(calls.double, place(), a=1)
    (entry,) = place.entries()
    entry.write_text(text)
    assert [run(calls.double, place(), a=1) for _ in range(2)] == [2, 2]
    assert calls.count == 2
    assert capsys.readouterr().err == ""


def test_age_is_measured_when_the_entry_is_read(place, monkeypatch):
    calls = Calls()
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(caching, "now", lambda: moment)
    run(calls.double, place(), cache={"ttl": 10}, a=1)
    moment += timedelta(seconds=10)
    run(calls.double, place(), cache={"ttl": 10}, a=1)
    assert calls.count == 1
    moment += timedelta(seconds=1)
    run(calls.double, place(), cache={"ttl": 60}, a=1)
    assert calls.count == 1, "the limit is the reader's"
    run(calls.double, place(), cache={"ttl": 10}, a=1)
    assert calls.count == 2
    run(calls.double, place(), cache={"ttl": None}, a=1)
    assert calls.count == 2


def test_a_failure_is_not_kept(place):
    def fail(a: int) -> int:
        calls.append(a)
        raise ValueError("no")

    calls = []
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            run(fail, place(), a=1)
    assert len(calls) == 2
    assert place.entries() == []


def test_secrets_are_in_neither_keys_nor_entries(place, monkeypatch, capsys):
    marker = {"$secret": [{"name": "token", "key": None}]}
    seen = []

    def use(token: str, more: list[str]) -> int:
        seen.append((token, *more))
        return len(token)

    monkeypatch.setenv("INTERMODAL_SECRET_TOKEN", "hunter22")
    run(use, place(), token=marker, more=[marker])
    monkeypatch.setenv("INTERMODAL_SECRET_TOKEN", "another1")
    run(use, place(), token=marker, more=[marker])
    assert seen == [("hunter22", "hunter22")], "the value is no part of the key"

    def leak(token: str) -> list[str]:
        return [f"it is\n{token}"]

    run(leak, place("leak"), token=marker)
    assert "is not cached (its outputs hold a secret)" in capsys.readouterr().err
    assert not any("another1" in path.read_text() for path in place.entries())


def test_code_without_a_hash_is_not_cached(place, capsys):
    five = eval(compile("lambda: 5", "<nowhere>", "eval"))
    assert [run(five, place()) for _ in range(2)] == [5, 5]
    assert "its code has no hash here" in capsys.readouterr().err
    assert place.entries() == []


def test_a_store_that_fails_fails_no_task(place, capsys):
    place.store.write_text("a file where the store's folder should be")
    assert run(Calls().double, place(), a=1) == 2
    assert "PORT410" in capsys.readouterr().err


def test_two_writers_of_one_key_do_no_harm(place):
    """Both miss, both run, both write: the second finds the first one's entry there."""
    calls = Calls()

    def racing(a: int) -> int:
        if not calls.count:
            calls.double(a)
            run(racing, place(), a=a)
        return 2 * a

    assert run(racing, place(), a=1) == 2
    assert len(place.entries()) == 1


def test_commands_are_cached_by_text_inputs_and_environment(place, tmp_path):
    log = tmp_path / "calls"

    def shell(command, environment=None, **inputs):
        return runtime.run_shell(
            command,
            context=place(),
            inputs=inputs,
            outputs={"return": "string"},
            environment=environment,
            cache={"key": None, "ttl": None, "code": ""},
        )

    command = f'echo x >> {log}; echo "$a$b"'
    assert [shell(command, a="1", b=""), shell(command, a="1", b="")] == ["1", "1"]
    assert shell(command, a="2", b="") == "2"
    assert shell(command, {"b": "3"}, a="2") == "23"
    assert len(log.read_text().splitlines()) == 3


def test_the_tracker_is_told(place, monkeypatch):
    told = []

    class Session:
        findings = ()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def park(self, _store):
            return []

        def __getattr__(self, name):
            return lambda *given: told.append((name, *given))

    monkeypatch.setattr("intermodal.tracking.session.session", lambda *_: Session())

    def score(a: int) -> Metrics:
        return Metrics(accuracy=a / 2)

    made = run(score, place(), {"return": "Metrics"}, a=1)
    ref = made["$artifact"]
    run(score, place(tracking="somewhere"), {"return": "Metrics"}, a=1)
    assert [call for call in told if call[0] != "record_environment"] == [
        ("record_inputs", {"a": 1}),
        ("set_tag", "intermodal.cached", "true"),
        ("record_reference", "return", ref["uri"], ref["sha256"], "Metrics"),
        ("know", {"accuracy": 0.5}, ref["uri"], ref["format"]),
        ("record_metrics", "", {"accuracy": 0.5}),
    ]
