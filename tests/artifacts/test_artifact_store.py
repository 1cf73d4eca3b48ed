"""The store: versions, verification, crashes and rivals."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from artifacts.sample_keys import make_key
from intermodal.artifacts import ArtifactKey, ArtifactRef, ArtifactStore, LineageInput
from intermodal.artifacts.storage import MARKER
from intermodal.findings import FindingsError


def codes(caught) -> list[str]:
    return [finding.code for finding in caught.value.findings]


def test_what_is_saved_can_be_loaded(store, key):
    ref, findings = store.save({"a": 1}, key)
    assert findings == []
    assert store.load(ref) == {"a": 1}
    assert ref.uri.startswith(f"{store.root}/{key.path}/content")


def test_the_layout_on_disk(local, key):
    local.save("hello", key, code_hash="c0de")
    folder = Path(local.root.removeprefix("file://"), key.path)
    assert sorted(path.name for path in folder.iterdir()) == [MARKER, "content.txt"]
    assert (folder / "content.txt").read_text() == "hello"
    assert json.loads((folder / MARKER).read_text())["code_hash"] == "c0de"


def test_a_record_tells_where_a_version_came_from(store, key):
    inputs = (LineageInput(name="rows", uri="file:///x", sha256="1" * 64),)
    ref, _ = store.save(1, key, inputs=inputs, code_hash="c0de", parameters={"trees": 5})
    record = store.record(ref.uri)
    assert record.ref == ref
    assert record.key == key
    assert (record.inputs, record.code_hash, record.parameters) == (inputs, "c0de", {"trees": 5})
    assert record.python_type == "builtins:int"
    assert record.created_at.utcoffset().total_seconds() == 0


def test_the_same_content_again_gives_the_first_reference(store, key):
    first, _ = store.save([1, 2], key)
    again, _ = store.save([1, 2], key)
    assert again == first
    assert len(store.records()) == 1


def test_other_content_never_overwrites(store, key):
    first, _ = store.save("first", key)
    with pytest.raises(FindingsError) as caught:
        store.save("second", key)
    assert codes(caught) == ["PORT405"]
    assert store.load(first) == "first"


def test_the_same_bytes_of_another_format_are_other_content(store, key):
    store.save("1\n", key)
    with pytest.raises(FindingsError) as caught:
        store.save(1, key)
    assert codes(caught) == ["PORT405"]


def test_a_missing_artifact_is_a_finding(store, key):
    ref, _ = store.save(1, key)
    gone = ref.model_copy(update={"uri": ref.uri.replace("/result/", "/other/")})
    for read in (store.load, store.open_path, lambda ref: store.record(ref.uri)):
        with pytest.raises(FindingsError) as caught:
            read(gone)
        assert codes(caught) == ["PORT400"]


@pytest.mark.parametrize(
    "uri",
    ["file:///etc/passwd", "s3://other/p/r/t/-/1/o/content", "{root}/../secret", "/etc/passwd", ""],
)
def test_a_reference_to_outside_of_the_store_is_refused(store, uri):
    uri = uri.format(root=store.root)
    ref = ArtifactRef(uri=uri, sha256="0" * 64, size=0, kind="File", format="file")
    with pytest.raises(FindingsError) as caught:
        store.open_path(ref)
    assert codes(caught) == ["PORT400"]


def test_dots_in_a_reference_are_refused(local, key):
    ref, _ = local.save("x", key)
    climbing = ref.model_copy(update={"uri": f"{local.root}/a/../{key.path}/content.txt"})
    with pytest.raises(FindingsError) as caught:
        local.load(climbing)
    assert codes(caught) == ["PORT406"]


def test_changed_content_is_found_out(store, key):
    ref, _ = store.save("true", key)
    overwrite(store, ref, b"false")
    for read in (store.load, store.open_path, lambda ref: store.fetch(ref, Path("never-made"))):
        with pytest.raises(FindingsError) as caught:
            read(ref)
        assert codes(caught) == ["PORT401"]
    assert not Path("never-made").exists()


def test_a_reference_that_lies_about_its_format_is_refused(store, key):
    ref, _ = store.save(b"cos\nsystem\n(S'false'\ntR.", key)
    with pytest.raises(FindingsError) as caught:
        store.load(ref.model_copy(update={"format": "cloudpickle"}))
    assert codes(caught) == ["PORT401"]


def test_a_changed_pickle_is_not_run(store, key, tmp_path):
    ref, _ = store.save(lambda: 1, key)
    assert ref.format == "cloudpickle"
    proof = tmp_path / "it-ran"
    payload = f"cbuiltins\nopen\n(V{proof}\nVw\ntR.".encode()
    overwrite(store, ref, payload)
    with pytest.raises(FindingsError) as caught:
        store.load(ref)
    assert codes(caught) == ["PORT401"]
    assert not proof.exists()


def test_stored_content_is_read_only(local, key):
    ref, _ = local.save("x", key)
    assert local.open_path(ref).stat().st_mode & 0o222 == 0


def test_fetch_gives_a_copy_of_ones_own(store, key, tmp_path):
    ref, _ = store.save("x", key)
    fetched = store.fetch(ref, tmp_path)
    assert fetched == tmp_path / "result.txt"
    assert fetched.stat().st_mode & 0o200
    assert store.fetch(ref, tmp_path / "deep/new.txt").read_text() == "x"
    with pytest.raises(FindingsError) as caught:
        store.fetch(ref, tmp_path)
    assert codes(caught) == ["PORT006"]


def test_remote_content_is_downloaded_once_and_checked_each_time(memory, key, tmp_path):
    ref, _ = memory.save("x", key)
    path = memory.open_path(ref)
    inode = path.stat().st_ino
    assert memory.open_path(ref).stat().st_ino == inode
    path.chmod(0o644)
    path.write_text("damaged")
    assert memory.open_path(ref).read_text() == "x"


def test_records_are_filtered_and_sorted_by_creation(store):
    for run, task, output in [
        ("r2", "a", "x"),
        ("r1", "b", "x"),
        ("r1", "a", "y"),
        ("r1", "a", "x"),
    ]:
        store.save(1, make_key(output, run=run, task=task))
    found = [(r.key.run, r.key.task, r.key.output) for r in store.records()]
    assert found == [("r2", "a", "x"), ("r1", "b", "x"), ("r1", "a", "y"), ("r1", "a", "x")]
    assert [r.key.task for r in store.records(run="r1", output="x")] == ["b", "a"]
    assert len(store.records(pipeline="diagnosis", run="r1", task="a")) == 2
    assert store.records(pipeline="other") == []
    assert store.records(pipeline="*") == []


def test_strange_names_stay_apart(store):
    names = ["..", "../..", "a/b", "a%2Fb", "x" * 500, "x" * 501, "☃", "artifact.json", ".tmp"]
    refs = [store.save(name, make_key(name, pipeline=name, task=name))[0] for name in names]
    assert [store.load(ref) for ref in refs] == names
    assert [record.key.output for record in store.records()] == names
    assert [store.records(task=name)[0].key.output for name in names] == names


def test_a_key_that_only_looks_like_another_is_not_it(store):
    store.save("dash", make_key(task="-"))
    assert store.records(task="-")[0].key == ArtifactKey(
        pipeline="diagnosis", run="r1", task="-", output="result"
    )


def test_a_folder_without_its_marker_is_no_version(store, key):
    put(store, f"{key.path}/content.json", b"1")
    assert store.records() == []
    ref, _ = store.save(2, key)
    assert store.load(ref) == 2


def test_a_damaged_record_is_left_out_with_a_finding(store, key):
    store.save(1, key)
    put(store, f"{make_key('bad').path}/{MARKER}", b'{"record_version": 99}')
    records, findings = store.scan()
    assert [record.key.output for record in records] == ["result"]
    assert [(finding.code, finding.severity) for finding in findings] == [("PORT407", "warning")]
    with pytest.raises(FindingsError) as caught:
        store.record(f"{store.root}/{make_key('bad').path}/content.json")
    assert [finding.severity for finding in caught.value.findings] == ["error"]


def test_a_record_in_another_keys_place_is_left_out(store, key):
    ref, _ = store.save(1, key)
    content = read(store, f"{key.path}/{MARKER}")
    put(store, f"{make_key('stolen').path}/{MARKER}", content)
    records, findings = store.scan()
    assert [record.ref for record in records] == [ref]
    assert [finding.code for finding in findings] == ["PORT407"]


def test_a_store_may_be_moved(local, key, tmp_path):
    ref, _ = local.save("x", key)
    Path(local.root.removeprefix("file://")).rename(tmp_path / "moved")
    moved = ArtifactStore(tmp_path / "moved")
    (record,) = moved.records()
    assert record.ref.uri != ref.uri
    assert moved.load(record.ref) == "x"


class Crash(BaseException):
    pass


def test_a_crash_between_content_and_marker_leaves_nothing_visible(store, key, monkeypatch):
    def crash(*_):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(ArtifactStore, "_write_marker", crash)
        with pytest.raises(Crash):
            store.save("lost", key)
    assert store.records() == []
    ref, _ = store.save("kept", key)
    assert store.load(ref) == "kept"


def test_a_crash_after_the_upload_leaves_nothing_visible(memory, key, monkeypatch):
    def crash(*_):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(type(memory._storage), "create", crash)
        with pytest.raises(Crash):
            memory.save("lost", key)
    assert memory.records() == []
    assert memory.names(key.path) != []
    ref, _ = memory.save("kept", key)
    assert memory.load(ref) == "kept"


SAVE_AND_DIE = """
import os, sys
from intermodal.artifacts import ArtifactKey, ArtifactStore
ArtifactStore._write_marker = lambda *_: os._exit(7)
key = ArtifactKey(pipeline="diagnosis", run="r1", task="train", output="result")
ArtifactStore(sys.argv[1]).save("lost", key)
"""


def test_a_killed_process_leaves_nothing_visible(local, key):
    assert (
        subprocess.run([sys.executable, "-c", SAVE_AND_DIE, local.root], check=False).returncode
        == 7
    )
    assert local.records() == []
    ref, _ = local.save("kept", key)
    assert local.load(ref) == "kept"


SAVE_WHEN_TOLD = """
import sys
from intermodal.artifacts import ArtifactKey, ArtifactStore
from intermodal.findings import FindingsError
store = ArtifactStore(sys.argv[1])
keys = [ArtifactKey(pipeline="p", run="r", task="t", index=(i,), output="o") for i in range(40)]
print("ready", flush=True)
sys.stdin.readline()
won = 0
for key in keys:
    try:
        store.save([sys.argv[2]] * 1000, key)
        won += 1
    except FindingsError as problem:
        assert [f.code for f in problem.findings] == ["PORT405"], problem
print(won)
"""


def test_of_two_processes_one_wins_each_key(local):
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", SAVE_WHEN_TOLD, local.root, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for rival in rivals:
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        rival.stdin.write("go\n")
        rival.stdin.flush()
    won = [int(rival.communicate()[0]) for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0, 0]
    assert sum(won) == 40
    values = [local.load(record.ref) for record in local.records()]
    assert sorted(value.count("one") for value in values) == [0] * won[1] + [1000] * won[0]


def test_of_many_threads_one_wins(local, key):
    outcomes: list[tuple[int, ArtifactRef | str]] = []
    barrier = threading.Barrier(8)

    def save(number):
        barrier.wait()
        try:
            outcomes.append((number, local.save(str(number) * 1000, key)[0]))
        except FindingsError as problem:
            outcomes.append((number, problem.findings[0].code))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome for _, outcome in outcomes].count("PORT405") == 7
    (record,) = local.records()
    winners = [number for number, ref in outcomes if ref == record.ref]
    assert [local.load(record.ref)] == [str(number) * 1000 for number in winners]


def test_run_files(store):
    assert store.get_json(".runs/r1.json") is None
    store.put_json(".runs/r1.json", {"state": "running"})
    store.put_json(".runs/r1.json", {"state": "succeeded"})
    assert store.get_json(".runs/r1.json") == {"state": "succeeded"}
    assert store.names(".runs") == ["r1.json"]
    assert store.names(".nothing") == []
    assert store.records() == []


def test_exclusive_creation_has_one_winner(store):
    assert store.exclusive_create(".runs/parent", "mine")
    assert not store.exclusive_create(".runs/parent", "theirs")
    assert read(store, ".runs/parent") == b"mine"


def test_a_rival_between_check_and_creation_wins(memory, key, monkeypatch):
    ref, _ = memory.save("first", key)
    monkeypatch.setattr(memory._storage, "_exists", lambda _: False)
    with pytest.raises(FindingsError) as caught:
        memory.save("second", key)
    assert codes(caught) == ["PORT405"]
    assert memory.load(ref) == "first"


def test_a_damaged_run_file_is_a_finding(store):
    put(store, ".runs/r1.json", b"{")
    with pytest.raises(FindingsError) as caught:
        store.get_json(".runs/r1.json")
    assert codes(caught) == ["PORT407"]


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", "a//b", "a\\b", "a\0b", "./x"])
def test_run_files_stay_in_the_store(store, path):
    for use in (lambda: store.put_json(path, 1), lambda: store.exclusive_create(path, "1")):
        with pytest.raises(FindingsError) as caught:
            use()
        assert codes(caught) == ["PORT406"]


def test_a_store_that_cannot_be_used_is_a_finding(tmp_path, key):
    (tmp_path / "file").write_text("")
    for use in (
        lambda: ArtifactStore(tmp_path / "file").save(1, key),
        lambda: ArtifactStore("nosuchthing://x"),
        lambda: ArtifactStore("ftp://user:hunter2@host/x"),
    ):
        with pytest.raises(FindingsError) as caught:
            use()
        assert codes(caught) == ["PORT404"]
        assert "hunter2" not in str(caught.value.findings)


def test_a_new_store_is_empty_and_makes_nothing(tmp_path):
    store = ArtifactStore(tmp_path / "new")
    assert store.records() == []
    assert not (tmp_path / "new").exists()


def test_relative_and_home_roots(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ArtifactStore("x/../store").root == f"file://{tmp_path}/store"
    assert ArtifactStore(f"file://{tmp_path}/store").root == f"file://{tmp_path}/store"


IMPORTS_NOTHING = """
import sys
import intermodal.artifacts.store, intermodal.artifacts.listing
from intermodal.artifacts import ArtifactStore, ArtifactKey, kind_of
store = ArtifactStore(sys.argv[1])
ref, _ = store.save({"a": 1}, ArtifactKey(pipeline="p", run="r", task="t", output="o"))
store.load(ref)
heavy = {"pandas", "numpy", "pyarrow", "polars", "sklearn", "skops", "joblib", "cloudpickle", "fsspec"}
sys.exit(f"imported {heavy & set(sys.modules)}" if heavy & set(sys.modules) else 0)
"""


def test_a_local_store_of_json_values_imports_nothing_heavy(tmp_path):
    done = subprocess.run([sys.executable, "-c", IMPORTS_NOTHING, tmp_path], check=False)
    assert done.returncode == 0


def test_annotations_do_not_even_import_pydantic():
    code = "import sys; from intermodal.artifacts import Metrics, Html; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def put(store: ArtifactStore, path: str, content: bytes) -> None:
    """Write as something other than the store would."""
    store._storage.replace(path, content)


def read(store: ArtifactStore, path: str) -> bytes:
    return store._storage.read(path)


def overwrite(store: ArtifactStore, ref: ArtifactRef, content: bytes) -> None:
    put(store, ref.uri.removeprefix(f"{store.root}/"), content)
