"""What differs between two runs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from intermodal.cli.render.differences import code_text, differences_text
from intermodal.tracking.differences import differences, is_different
from intermodal.tracking.facts import OutputFact, RunFacts, TaskFacts
from intermodal.tracking.known_runs import merged

MODEL = OutputFact("s3://b/1", "a" * 64, "Model", 2048)
ROWS = OutputFact("s3://raw/rows", "d" * 64, "")
TRAIN = TaskFacts(
    "train", state="finished", metrics={"loss": 0.5, "nan": math.nan, "intermodal.x": 1.0},
    parameters={"trees": "5", "rate": "0.1"}, code_hash="c" * 64, outputs={"return": MODEL},
    inputs={"rows": ROWS}, started=0, ended=1000,
)  # fmt: skip
RUN = RunFacts(
    "etl", "r1", "local", "finished", {"trees": "5"}, (TRAIN,), "p" * 64, started=0, ended=2000
)


def changed(left, right):
    return [(row.section, row.task, row.name) for row in differences(left, right) if not row.same]


def with_task(**fields):
    return replace(RUN, run_id="r2", tasks=(replace(TRAIN, **fields),))


TIMES = ("times", "", "")


def test_a_run_is_like_itself():
    assert changed(RUN, RUN) == [TIMES]
    assert not is_different(differences(RUN, RUN))
    text = differences_text(RUN, RUN, differences(RUN, RUN), everything=False)
    assert "no differences" in text


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"metrics": {"loss": 0.25, "nan": math.nan}}, ("metrics", "train", "loss")),
        ({"metrics": {"loss": 0.5}}, ("metrics", "train", "nan")),
        ({"parameters": {"trees": "5", "rate": "0.2"}}, ("parameters", "train", "rate")),
        ({"state": "failed"}, ("states", "train", "")),
        ({"cached": True}, ("states", "train", "")),
        ({"code_hash": "e" * 64}, ("code", "train", "")),
        (
            {"outputs": {"return": replace(MODEL, sha256="b" * 64)}},
            ("artifacts", "train", "return"),
        ),
        ({"outputs": {}}, ("artifacts", "train", "return")),
        ({"inputs": {"rows": replace(ROWS, sha256="e" * 64)}}, ("inputs", "train", "rows")),
    ],
)
def test_what_changed_is_told(fields, expected):
    other = with_task(**fields)
    assert changed(RUN, other) == sorted([expected, TIMES], key=lambda row: row == TIMES)
    assert is_different(differences(RUN, other))
    assert differences_text(RUN, other, differences(RUN, other), everything=False)


def test_the_same_content_at_another_place_is_the_same():
    moved = with_task(
        outputs={"return": replace(MODEL, uri="gs://elsewhere")},
        inputs={"rows": replace(ROWS, uri="gs://elsewhere")},
        metrics={**TRAIN.metrics, "intermodal.x": 2.0},
    )
    assert changed(RUN, moved) == [TIMES]


def test_times_targets_and_hashes_of_different_compilers_make_no_difference():
    other = with_task(ended=60_000)
    other = replace(other, target="kfp@2", pipeline_hash="q" * 64, ended=61_000)
    assert changed(RUN, other) == [("run", "", "target"), TIMES, ("times", "train", "")]
    assert not is_different(differences(RUN, other))


def test_code_that_only_one_run_knows_is_not_told():
    assert changed(RUN, with_task(code_hash="")) == [TIMES]


def test_a_task_that_only_one_run_has():
    other = replace(RUN, run_id="r2", tasks=(TRAIN, TaskFacts("late", (1,), state="skipped")))
    assert changed(RUN, other) == [("states", "late[1]", ""), TIMES]


def test_the_text_is_aligned_and_tells_the_change_of_numbers():
    other = with_task(metrics={"loss": 0.25, "nan": math.nan}, code_hash="e" * 64)
    text = differences_text(RUN, other, differences(RUN, other), everything=False)
    assert "  train loss  0.5           0.25          -0.25" in text.splitlines()
    assert "code changed in tasks: train" in text
    assert "the same: 2 parameters, 2 states, 1 metric, 1 artifact, 1 input, 1 code" in text
    assert "etl r1" in text
    whole = differences_text(RUN, other, differences(RUN, other), everything=True)
    assert "  trees" in whole


def test_code_is_shown_as_a_unified_diff():
    rows = differences(RUN, with_task(code_hash="e" * 64))
    (text,) = code_text(rows, {"c" * 64: "a\nb\n", "e" * 64: "a\nc\n"})
    assert text.splitlines() == [
        f"--- train {'c' * 12}", f"+++ train {'e' * 12}", "@@ -1,2 +1,2 @@", " a", "-b", "+c",
    ]  # fmt: skip
    assert list(code_text(rows, {})) == ["train: its code is not kept in the store"]


def test_what_two_know_of_a_run_is_put_together():
    stored = replace(RUN, state="unknown", tasks=(replace(TRAIN, metrics={}, page=""),), target="")
    tracked = replace(
        RUN,
        tasks=(replace(TRAIN, outputs={}, started=5, page="http://m"), TaskFacts("register")),
        page="http://r",
    )
    found = merged(stored, tracked)
    assert (found.state, found.target, found.page) == ("finished", "local", "http://r")
    assert [task.task for task in found.tasks] == ["register", "train"]
    train = found.tasks[1]
    assert (train.metrics, train.outputs) == (TRAIN.metrics, TRAIN.outputs)
    assert (train.started, train.page) == (0, "http://m")
    newer = replace(tracked, tasks=(replace(TRAIN, attempt=2, outputs={}),))
    assert merged(stored, newer).tasks[0].outputs == {}
    assert merged(newer, stored).tasks[0].attempt == 2
