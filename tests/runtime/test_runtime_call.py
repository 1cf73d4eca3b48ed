"""Running functions and commands as tasks: inputs, outputs, store, events, errors."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, TypedDict

import pandas as pd
import pytest

from intermodal import runtime
from intermodal.artifacts import ArtifactStore, File, Metrics
from intermodal.runtime.call import code_hash
from intermodal.runtime.problems import classify
from intermodal.runtime.secrets import variable_of
from intermodal.runtime.shell import CommandFailed


class Split(NamedTuple):
    train: pd.DataFrame
    rows: int


class Parts(TypedDict):
    a: int
    b: str


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A context maker; the store and the event log are in the test's folder."""
    monkeypatch.setenv("INTERMODAL_EVENTS", str(tmp_path / "events.jsonl"))
    for name in ("INTERMODAL_STORE", "INTERMODAL_TRACKING"):
        monkeypatch.delenv(name, raising=False)

    def context(task="t", **more):
        return runtime.Context("p", "r1", task, store=str(tmp_path / "store"), **more)

    context.events = lambda: [
        json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()
    ]
    context.store = tmp_path / "store"
    return context


def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2]})


def run(function, context, outputs=None, unpack="none", **inputs):
    given = {"return": "value"} if outputs is None else outputs
    return runtime.run(function, context=context, inputs=inputs, outputs=given, unpack=unpack)


def test_a_plain_function_needs_no_store(place):
    def add(a: int, b: int) -> int:
        return a + b

    assert run(add, place(), a=1, b=2.0) == 3
    assert not place.store.exists()


def test_a_function_without_outputs_gives_nothing(place):
    assert run(lambda: 5, place(), outputs={}) is None


def test_several_outputs(place):
    def split(rows: pd.DataFrame) -> Split:
        return Split(rows, len(rows))

    made = run(frame, place("frame"), {"return": "Dataset"})
    given = run(split, place(), {"train": "Dataset", "rows": "value"}, "attributes", rows=made)
    assert given["rows"] == 2
    assert given["train"]["$artifact"]["kind"] == "Dataset"

    def parts() -> Parts:
        return {"a": 1, "b": "x"}

    values = {"a": "value", "b": "value"}
    assert run(parts, place("parts"), values, "items") == {"a": 1, "b": "x"}


def test_a_missing_output_is_told(place):
    def parts():
        return {"a": 1}

    with pytest.raises(runtime.WrongValue, match="without the declared outputs `a`, `b`: 'b'"):
        run(parts, place(), {"a": "value", "b": "value"}, "items")


def test_artifacts_come_as_the_function_wants_them(place, tmp_path):
    made = run(frame, place("frame"), {"return": "Dataset"})

    def columns(
        data: pd.DataFrame, more: list[pd.DataFrame], named: dict[str, pd.DataFrame]
    ) -> list[int]:
        return [len(data), *(len(f) for f in more), *(len(f) for f in named.values())]

    assert run(columns, place(), data=made, more=[made, made], named={"x": made}) == [2] * 4


def test_files_come_as_paths(place, tmp_path):
    path = tmp_path / "made.txt"

    def write() -> File:
        path.write_text("content")
        return path

    def read(file: File) -> str:
        return file.read_text()

    made = run(write, place("write"), {"return": "File"})
    path.unlink()
    assert run(read, place("read"), file=made) == "content"


def test_metrics_may_be_a_plain_dict(place):
    def score() -> Metrics:
        return {"accuracy": 0.5}

    made = run(score, place("score"), {"return": "Metrics"})

    def read(scores: Metrics) -> float:
        return scores["accuracy"]

    assert run(read, place("read"), scores=made) == 0.5


@pytest.mark.parametrize(("size", "by_reference"), [(32 * 1024 - 2, False), (32 * 1024 - 1, True)])
def test_values_over_32_kib_of_json_go_by_reference(place, size, by_reference):
    given = run(lambda: "x" * size, place())
    assert isinstance(given, dict) is by_reference

    def length(text: str) -> int:
        return len(text)

    assert run(length, place("length"), text=given) == size


def test_a_large_list_of_references_is_resolved_too(place):
    made = run(frame, place("frame"), {"return": "Dataset"})

    def many() -> list:
        return [made] * 200

    given = run(many, place("many"))
    assert given["$artifact"]["kind"] == "Value"

    def count(frames: list[pd.DataFrame]) -> int:
        return sum(len(f) for f in frames)

    assert run(count, place("count"), frames=given) == 400


class Model:
    """A class of the user's own."""

    def __init__(self, size):
        self.size = size


class Bundle(NamedTuple):
    data: pd.DataFrame
    models: dict[str, Model]
    name: str


class Named(TypedDict):
    data: pd.DataFrame
    n: int


def test_references_are_resolved_by_the_annotation_of_their_place(place):
    """As artifacts collected by a loop arrive, on every target."""
    data = run(frame, place("frame"), {"return": "Dataset"})
    model = run(lambda: Model(7), place("model"), {"return": "Model"})

    def nested(
        models: list[Model],
        table: dict[str, list[pd.DataFrame]],
        pair: tuple[pd.DataFrame, Model],
        many: tuple[pd.DataFrame, ...],
        maybe: list[pd.DataFrame] | None,
        bundle: Bundle,
        named: Named,
        plain: list,
        anything,
    ) -> list[int]:
        return [
            models[1].size,
            len(table["a"][0]),
            len(pair[0]),
            pair[1].size,
            len(many[1]),
            len(maybe[0]),
            len(bundle.data),
            bundle.models["m"].size,
            len(named["data"]),
            plain[0].size,
            len(anything["x"][0]),
        ]

    given = {
        "models": [model, model],
        "table": {"a": [data]},
        "pair": [data, model],
        "many": [data, data],
        "maybe": [data],
        "bundle": {"data": data, "models": {"m": model}, "name": "b"},
        "named": {"data": data, "n": 1},
        "plain": [model],
        "anything": {"x": [data]},
    }
    assert run(nested, place("nested"), **given) == [7, 2, 2, 7, 2, 2, 2, 7, 2, 7, 2]


def test_the_element_type_decides_how_it_is_loaded(place):
    """The same parquet file as the frame of another library."""
    polars = pytest.importorskip("polars")
    made = run(frame, place("frame"), {"return": "Dataset"})

    def kinds(frames: list[polars.DataFrame], named: dict[str, polars.DataFrame]) -> list[str]:
        return [type(f).__module__.split(".")[0] for f in (*frames, *named.values())]

    assert run(kinds, place(), frames=[made], named={"a": made}) == ["polars", "polars"]


def test_a_wrong_element_is_named(place):
    def add(values: list[int]) -> int:
        return sum(values)

    with pytest.raises(runtime.WrongValue, match=r"input `values` of `t`\[1\] is 'x'"):
        run(add, place(), values=[1, "x"])


def test_a_list_of_frames_as_a_declared_artifact_is_one(place):
    def several() -> list[pd.DataFrame]:
        return [frame(), frame()]

    made = run(several, place("several"), {"return": "Artifact"})
    assert made["$artifact"]["kind"] == "Artifact"

    def count(frames: list[pd.DataFrame]) -> int:
        return sum(len(f) for f in frames)

    assert run(count, place("count"), frames=made) == 4


class Node(TypedDict):
    frames: list[pd.DataFrame]
    next: "Node | None"


def test_artifacts_inside_lists_and_maps_are_stored_one_by_one(place):
    def several() -> list[pd.DataFrame]:
        return [frame(), frame()]

    def named() -> dict[str, pd.DataFrame | None]:
        return {"a": frame(), "b": None}

    def bundle() -> list[Bundle]:
        return [Bundle(frame(), {"m": Model(3)}, "b")]

    def nodes() -> Node:
        return {"frames": [frame()], "next": {"frames": [], "next": None}}

    two = run(several, place("several"))
    assert [ref["$artifact"]["kind"] for ref in two] == ["Dataset", "Dataset"]
    assert [ref["$artifact"]["uri"].split("/")[-2] for ref in two] == [
        "return%5B0%5D",
        "return%5B1%5D",
    ]
    end = place.events()[-1]
    sha = two[0]["$artifact"]["sha256"]
    assert end["outputs"] == {"return": [{"$artifact": sha}] * 2}
    assert end["artifacts"] == {"return[0]": sha, "return[1]": sha}

    def count(frames: list[pd.DataFrame], more: dict[str, pd.DataFrame | None]) -> int:
        return sum(map(len, frames)) + len(more["a"]) + (more["b"] is None)

    assert run(count, place("count"), frames=two, more=run(named, place("named"))) == 7

    def size(bundles: list[Bundle], node: Node) -> int:
        (given,) = bundles
        return len(given.data) + given.models["m"].size + len(node["frames"][0])

    made = run(bundle, place("bundle")), run(nodes, place("nodes"))
    assert run(size, place("size"), bundles=made[0], node=made[1]) == 7


def test_a_wrong_part_of_a_list_of_artifacts_is_named(place):
    def several() -> list[pd.DataFrame]:
        return [frame(), [1]]

    with pytest.raises(runtime.WrongValue, match=r"what `t` returns\[1\] is a list, not DataFrame"):
        run(several, place())


def test_numbers_of_numpy_stay_numbers(place):
    import numpy as np

    def numbers() -> list[np.float64]:
        return [np.float64(0.5), 1]

    assert run(numbers, place()) == [0.5, 1]
    assert not place.store.exists()


def test_lineage_is_recorded(place):
    made = run(frame, place("frame"), {"return": "Dataset"})

    def use(data: pd.DataFrame, n: int) -> pd.DataFrame:
        return data.head(n)

    run(use, place("use"), {"return": "Dataset"}, data=made, n=1)
    (record,) = ArtifactStore(place.store).records("p", "r1", "use")
    assert [(item.name, item.uri) for item in record.inputs] == [("data", made["$artifact"]["uri"])]
    assert record.parameters == {"n": 1}
    assert record.code_hash == code_hash(use)


def test_a_large_value_is_part_of_the_lineage(place):
    large = run(lambda: ["x" * 50_000], place("large"))

    def use(values: list[str]) -> pd.DataFrame:
        return pd.DataFrame({"a": values})

    run(use, place("use"), {"return": "Dataset"}, values=large)
    (record,) = ArtifactStore(place.store).records("p", "r1", "use")
    assert [item.uri for item in record.inputs] == [large["$artifact"]["uri"]]


def test_a_record_tells_where_it_was_made_and_the_store_keeps_the_code_once(place, monkeypatch):
    def make() -> pd.DataFrame:
        return pd.DataFrame({"a": ["hunter2-hunter2"]})

    monkeypatch.setenv(variable_of("password"), "hunter2-hunter2")
    for number in range(2):
        where = place(f"make{number}", target="kfp@2", link="http://e/1")
        run(make, where, {"return": "Dataset"})
    store = ArtifactStore(place.store)
    records = store.records()
    assert {(one.target, one.link) for one in records} == {("kfp@2", "http://e/1")}
    assert store.names(".code") == [f"{code_hash(make)}.txt"]
    kept = store.code(records[0].code_hash)
    assert kept.startswith("def make() -> pd.DataFrame:\n    return")
    assert "hunter2" not in kept
    assert store.code("0" * 64) is None


def test_the_code_hash_is_that_of_the_text_wherever_it_stands():
    def inner():
        def function(a):
            return a  # as below

        return function

    def decorated(given):
        return given

    @decorated
    def function(a):
        return a  # as below

    def other(a):
        return a

    assert len(code_hash(function)) == 64
    assert code_hash(function) == code_hash(inner())
    assert code_hash(function) != code_hash(other)


def test_a_decorated_function_keeps_its_decorator(place):
    import functools

    def twice(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return 2 * function(*args, **kwargs)

        return wrapper

    @twice
    def number(a: int) -> int:
        return a

    assert run(number, place(), a=2.0) == 4


def test_a_task_object_is_called_as_the_plain_function(place):
    from intermodal import task

    @task
    def number(a: int) -> int:
        return a + 1

    assert run(number, place(), a=2.0) == 3


@pytest.mark.parametrize(
    ("value", "part"),
    [(None, "is None"), ([1], "is a list, not DataFrame")],
)
def test_an_artifact_of_another_class_is_the_users_error(place, value, part):
    def give() -> pd.DataFrame:
        return value

    with pytest.raises(runtime.WrongValue, match=part):
        run(give, place(), {"return": "Dataset"})


def test_a_path_without_a_file_is_the_users_error(place, tmp_path):
    def give() -> File:
        return tmp_path / "nothing"

    with pytest.raises(runtime.WrongValue, match="PORT409"):
        run(give, place(), {"return": "File"})


def test_a_damaged_artifact_is_trouble_of_the_surroundings(place):
    made = run(frame, place("frame"), {"return": "Dataset"})
    next(place.store.rglob("content*")).write_bytes(b"something else")
    with pytest.raises(runtime.InfrastructureError, match="PORT401"):
        run(len, place("use"), obj=made)


def test_what_the_function_raises_leaves_unchanged(place):
    problem = KeyError("x")

    def fail():
        raise problem

    with pytest.raises(KeyError) as raised:
        run(fail, place())
    assert raised.value is problem


def test_events_tell_of_start_and_end(place):
    def give() -> int:
        return 5

    run(give, place("t", index=(0, 2), attempt=3))
    start, end = place.events()
    assert (start["event"], start["task"], start["index"], start["attempt"]) == (
        "start",
        "t",
        [0, 2],
        3,
    )
    assert end["event"] == "end"
    assert end["outcome"] == "succeeded"
    assert end["outputs"] == {"return": 5}
    assert start["source"] == end["source"] == "runtime"
    assert start["time"] <= end["time"]


def test_events_tell_of_failures_and_of_artifacts_by_hash(place):
    made = run(frame, place("frame"), {"return": "Dataset"})
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 // 0, place("bad"))
    ends = [event for event in place.events() if event["event"] == "end"]
    assert ends[0]["artifacts"] == {"return": made["$artifact"]["sha256"]}
    assert "outputs" not in ends[0]
    assert (ends[1]["outcome"], ends[1]["error"].split(":")[0]) == ("failed", "ZeroDivisionError")


def test_no_events_without_a_file(place, monkeypatch, tmp_path):
    monkeypatch.delenv("INTERMODAL_EVENTS")
    run(lambda: 5, place())
    assert list(tmp_path.iterdir()) == []


class EngineTimeout(BaseException):
    """As engines raise it in a task's thread."""


@pytest.mark.parametrize(
    ("problem", "kind", "outcome"),
    [
        (ValueError(), "user", "failed"),
        (TimeoutError(), "user", "failed"),
        (runtime.InfrastructureError(), "infrastructure", "failed"),
        (runtime.AttemptTimeout(), "timeout", "timed_out"),
        (EngineTimeout(), "timeout", "timed_out"),
        (KeyboardInterrupt(), "interrupted", "interrupted"),
        (SystemExit(0), "user", "failed"),
    ],
)
def test_whose_trouble_it_is(place, problem, kind, outcome):
    def fail():
        raise problem

    assert classify(problem) == kind
    with pytest.raises(type(problem)):
        run(fail, place())
    assert place.events()[-1]["outcome"] == outcome


def test_the_environment_goes_before_the_compiled_store(place, monkeypatch, tmp_path):
    monkeypatch.setenv("INTERMODAL_STORE", str(tmp_path / "other"))
    run(frame, place(), {"return": "Dataset"})
    assert (tmp_path / "other").is_dir()
    assert not place.store.exists()


def shell(command, context, outputs=None, **inputs):
    return runtime.run_shell(command, context=context, inputs=inputs, outputs=outputs or {})


@pytest.mark.parametrize(
    ("text", "tag", "value"),
    [
        ("42", "string", "42"),
        ("42", "integer", 42),
        ("4.5", "float", 4.5),
        ("true", "boolean", True),
        ("[1, 2]", "list", [1, 2]),
        ('{"a": 1}', "map", {"a": 1}),
        ("word", "value", "word"),
        ("42", "value", 42),
        ("", "string", ""),
    ],
)
def test_the_last_line_is_read_by_its_type(place, text, tag, value):
    assert shell(f"echo first; echo '{text}'", place(), {"return": tag}) == value


@pytest.mark.parametrize(
    ("text", "tag"),
    [("x", "integer"), ("1.5", "integer"), ("true", "integer"), ("1", "boolean"), ("{}", "list")],
)
def test_a_last_line_that_does_not_fit(place, text, tag):
    with pytest.raises(runtime.WrongValue, match=tag):
        shell(f"echo '{text}'", place(), {"return": tag})


def test_a_command_takes_text_as_it_is_and_other_values_as_json(place):
    command = 'echo "$a|$b|$c|$EXTRA"'
    given = runtime.run_shell(
        command,
        context=place(),
        inputs={"a": "x y'z", "b": [1, None], "c": True},
        outputs={"return": "string"},
        environment={"EXTRA": "more"},
    )
    assert given == "x y'z|[1, null]|true|more"


def test_a_command_takes_and_gives_artifacts_as_paths(place, tmp_path):
    def write() -> File:
        path = tmp_path / "in.txt"
        path.write_text("b\na\n")
        return path

    made = run(write, place("write"), {"return": "File"})
    out = tmp_path / "out.txt"
    given = shell(f'sort "$file" > {out}; echo {out}', place("sort"), {"return": "File"}, file=made)
    assert Path(given["$artifact"]["uri"].removeprefix("file://")).read_text() == "a\nb\n"


def test_a_failing_command(place):
    with pytest.raises(CommandFailed, match="exit code 3"):
        shell("exit 3", place())
    assert place.events()[-1]["outcome"] == "failed"


def test_importing_the_runtime_loads_nothing_heavy():
    code = "import sys, intermodal.runtime; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "pydantic",
        "pandas",
        "fsspec",
        "yaml",
        "intermodal.ir",
        "intermodal.findings",
        "mlflow",
    }
    assert heavy & set(loaded) == set()


def test_secrets_that_were_put_in_already_are_not_recorded(place, monkeypatch):
    from intermodal.runtime.stored import Inputs

    monkeypatch.setenv("INTERMODAL_SECRET_TOKEN", "hunter22")
    taken = Inputs(place())
    for name, value in {
        "plain": "Bearer hunter22",
        "deep": {"a": ["hunter22"]},
        "marked": {"$secret": [{"name": "token", "key": None}]},
        "other": [1, "hunter"],
    }.items():
        taken.take(name, value, None)
    assert taken.parameters == {"other": [1, "hunter"]}
