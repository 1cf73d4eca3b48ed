"""Cached tasks on the embedded engine."""

from datetime import timedelta
from pathlib import Path

from local_pipelines import FRAME, attempts, output, ref, shell, states, task

from intermodal.ir import Cache, ForEach, ItemRef, Items, Literal_, Retry, SecretRef


def literal(value):
    return Literal_(value=value)


def counted(path, **fields):
    return task("count_calls", inputs={"path": literal(str(path))}, cache=Cache(), **fields)


def test_a_second_run_finds_what_the_first_one_made(run, tmp_path):
    body = counted(tmp_path / "calls"), task("echo", inputs={"value": ref("count_calls")})
    first, second = run(*body), run(*body)
    assert states(first) == {"count_calls": "succeeded", "echo": "succeeded"}
    assert states(second) == {"count_calls": "cached", "echo": "succeeded"}
    assert attempts(second) == {"count_calls": 0, "echo": 1}
    assert output(second, "echo") == output(second, "count_calls") == 1
    assert second.state == "succeeded"
    assert second.instances["count_calls"].state == "cached"
    assert second.instances["count_calls"].attempts == 0
    assert [p.state for p in run.told if p.instance == "count_calls"] == ["running", "cached"]


def test_a_disabled_cache_is_none(run, tmp_path):
    body = task(
        "count_calls", inputs={"path": literal(str(tmp_path / "x"))}, cache=Cache(enabled=False)
    )
    assert [output(run(body), "count_calls") for _ in range(2)] == [1, 2]


def test_time_to_live_and_key(run, tmp_path):
    calls = tmp_path / "calls"
    old = Cache(ttl=timedelta(0))
    fresh = Cache(key="v1")
    body = [
        task("count_calls", id="old", inputs={"path": literal(str(calls))}, cache=old),
        task("count_calls", "old", id="kept", inputs={"path": literal(str(calls))}, cache=fresh),
    ]
    assert states(run(*body)) == {"old": "succeeded", "kept": "succeeded"}
    assert states(run(*body)) == {"old": "succeeded", "kept": "cached"}


def test_instances_of_a_loop_have_results_of_their_own(run, tmp_path):
    def loop(**cache):
        body = task("double", inputs={"item": ItemRef(loop="each")}, cache=Cache(**cache))
        items = Items(lists=(literal([1, 2, 2]),))
        return (
            ForEach(id="each", items=items, body=(body,), outputs={"all": ref("double")}),
            task("total", inputs={"values": ref("each", "all")}),
        )

    assert output(run(*loop(key="k")), "total") == 10
    again = run(*loop(key="k"))
    assert output(again, "total") == 10
    assert {s for name, s in states(again).items() if name != "total"} == {"cached"}


def test_artifacts_are_found_with_their_content(run):
    body = task("frame", outputs=FRAME, cache=Cache()), task("rows", inputs={"data": ref("frame")})
    first, second = run(*body), run(*body)
    assert states(second) == {"frame": "cached", "rows": "succeeded"}
    assert output(second, "rows") == 3
    assert (
        first.trace.instances["frame"].artifacts == second.trace.instances["frame"].artifacts != {}
    )


def test_commands_are_cached(run, tmp_path):
    body = shell("sh", f"echo x >> {tmp_path}/log", cache=Cache())
    run(body)
    assert states(run(body)) == {"sh": "cached"}
    other = shell("sh", f"echo x >> {tmp_path}/log", cache=Cache(), environment={"A": "1"})
    assert states(run(other)) == {"sh": "succeeded"}, "what it runs in is part of what it does"


def test_a_resumed_run_still_says_cached(run, tmp_path):
    def body(path):
        return (
            counted(tmp_path / "calls"),
            task("fail_unless", "count_calls", inputs={"path": literal(path)}),
        )

    needed = str(tmp_path / "needed")
    run(*body(needed))
    second = run(*body(needed))
    assert states(second) == {"count_calls": "cached", "fail_unless": "failed"}
    Path(needed).touch()
    third = run(*body(needed), options={"resume": second.run_id})
    assert third.instances["count_calls"].state == "cached"
    assert third.instances["count_calls"].restored
    assert states(third) == {"count_calls": "cached", "fail_unless": "succeeded"}


def test_a_failed_attempt_is_not_kept_and_its_retry_is(run, tmp_path):
    body = task(
        "mark_and_fail_first",
        inputs={"folder": literal(str(tmp_path))},
        retry=Retry(max=1),
        cache=Cache(),
    )
    assert attempts(run(body)) == {"mark_and_fail_first": 2}
    assert attempts(run(body)) == {"mark_and_fail_first": 0}


def test_secrets_are_kept_nowhere(run):
    options = {"environment": {"INTERMODAL_SECRET_TOKEN": "hunter22"}}
    body = (
        task("use_secret", inputs={"token": SecretRef(name="token")}, cache=Cache()),
        task("echo", inputs={"value": SecretRef(name="token")}, cache=Cache()),
    )
    result = run(*body, options=options)
    assert states(run(*body, options=options)) == {"use_secret": "cached", "echo": "succeeded"}
    assert [finding.code for finding in result.findings] == ["PORT410"]
    kept = (run.store / ".cache").glob("*.json")
    assert not any("hunter22" in path.read_text() for path in kept)
