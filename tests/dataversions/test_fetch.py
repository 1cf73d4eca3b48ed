"""Fetching data and checking it: files, folders, memory, DVC's own folders, and lakeFS by a mock."""

import hashlib
import importlib
import json
import shutil
import sys
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from intermodal.artifacts.hashing import hash_content
from intermodal.dataversions import fetch_dvc
from intermodal.dataversions.digests import digest_of, listing_hash
from intermodal.dataversions.fetch import fetch
from intermodal.dataversions.marker import Wanted
from intermodal.findings import FindingsError

ROWS = b"a,b\n1,2\n"
SHA = hashlib.sha256(ROWS).hexdigest()
OTHER = "0" * 64


def sha(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def md5(content):
    return hashlib.md5(content).hexdigest()


def refused(wanted, code):
    with pytest.raises(FindingsError) as caught:
        fetch(wanted)
    [finding] = caught.value.findings
    assert finding.code == code, finding
    return f"{finding.what} {finding.why} {finding.next}"


@pytest.fixture
def memory():
    filesystem = MemoryFileSystem()
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()


def test_a_file_is_used_where_it_is(folder):
    (folder / "rows.csv").write_bytes(ROWS)
    found = fetch(Wanted("rows.csv", digest=f"sha256:{SHA}"))
    assert found == (folder / "rows.csv", SHA, "rows.csv")
    assert fetch(Wanted(f"file://{folder}/rows.csv", digest=sha(ROWS))).path == found.path
    assert fetch(Wanted(str(folder / "rows.csv"), digest=sha(ROWS))).path == found.path


def test_a_mismatch_names_both_hashes(folder):
    (folder / "rows.csv").write_bytes(ROWS)
    told = refused(Wanted("rows.csv", digest=f"sha256:{OTHER}"), "PORT555")
    assert SHA in told
    assert OTHER in told


def test_nothing_there():
    assert "INTERMODAL_DATA" in refused(Wanted("rows.csv", digest=sha(ROWS)), "PORT556")


def test_a_folder(folder):
    (folder / "texts/sub").mkdir(parents=True)
    (folder / "texts/sub/a.txt").write_text("a")
    digest = f"sha256:{hash_content(folder / 'texts').sha256}"
    assert fetch(Wanted("texts", digest=digest)).path == folder / "texts"
    (folder / "texts/sub/b.txt").write_text("b")
    refused(Wanted("texts", digest=digest), "PORT555")


def test_what_is_fetched_is_kept_and_fetched_anew_if_it_is_damaged(memory, copies):
    memory.pipe_file("/lake/rows.csv", ROWS)
    wanted = Wanted("memory://lake/rows.csv", digest=sha(ROWS))
    found = fetch(wanted)
    assert found.path.name == "rows.csv"
    assert found.path.is_relative_to(copies)
    memory.pipe_file("/lake/rows.csv", b"something else")
    assert fetch(wanted) == found
    found.path.write_bytes(b"damaged")
    assert sha(b"something else") in refused(wanted, "PORT555")
    memory.pipe_file("/lake/rows.csv", ROWS)
    assert fetch(wanted).path.read_bytes() == ROWS
    assert [path.name for path in copies.iterdir() if path.name.startswith(".")] == []


def test_a_remote_folder(memory):
    memory.pipe_file("/lake/texts/a.txt", b"a")
    memory.pipe_file("/lake/texts/sub/b.txt", b"b")
    with pytest.raises(FindingsError) as caught:
        fetch(Wanted("memory://lake/texts", digest=f"sha256:{OTHER}"))
    digest = caught.value.findings[0].why.split()[2].rstrip(",")
    found = fetch(Wanted("memory://lake/texts", digest=digest)).path
    assert sorted(path.name for path in found.rglob("*.txt")) == ["a.txt", "b.txt"]


def test_nothing_there_in_a_remote_place(memory):
    refused(Wanted("memory://lake/rows.csv", digest=sha(ROWS)), "PORT556")


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "lakefs_spec", None)
    told = refused(Wanted(f"lakefs://repo/{'a' * 64}/rows.csv"), "PORT556")
    assert "install lakefs-spec" in told


class MockLakeFS(MemoryFileSystem):
    """A mock: lakeFS has no server that could run here. Only its addresses are like the real ones."""

    protocol = "lakefs"
    store = {}  # noqa: RUF012 - as in the class above
    pseudo_dirs = [""]  # noqa: RUF012


def test_lakefs_by_a_mock(monkeypatch):
    known = importlib.import_module("fsspec.registry")._registry
    monkeypatch.setitem(known, "lakefs", MockLakeFS)
    place = f"lakefs://repo/{'a' * 64}/tables/rows.csv"
    fsspec.filesystem("lakefs").pipe_file(place, ROWS)
    found = fetch(Wanted(place))
    assert (found.path.read_bytes(), found.sha256, found.address) == (ROWS, SHA, place)
    refused(Wanted("lakefs://repo/main/rows.csv"), "PORT550")


def test_a_disk_that_cannot_be_written(memory, monkeypatch, tmp_path):
    memory.pipe_file("/lake/rows.csv", ROWS)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    told = refused(Wanted("memory://lake/rows.csv", digest=sha(ROWS)), "PORT556")
    assert "XDG_CACHE_HOME" in told


# DVC


def keep(root, content, layout="files/md5"):
    """Put content where DVC keeps it."""
    name = md5(content)
    path = root / layout / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def keep_folder(root, files):
    listed = [
        {"md5": keep(root, content), "relpath": name} for name, content in sorted(files.items())
    ]
    content = json.dumps(listed, sort_keys=True).encode()
    name = listing_hash(listed)
    path = root / "files/md5" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def test_hashes_are_those_of_dvc(folder):
    """Made by `dvc add` of DVC 3.67.1."""
    (folder / "rows.csv").write_bytes(ROWS)
    (folder / "imgs/sub").mkdir(parents=True)
    (folder / "imgs/x.txt").write_text("x\n")
    (folder / "imgs/sub/y.txt").write_text("y\n")
    assert digest_of(folder / "rows.csv", "md5") == "md5:e5ebd4c02cefbe7955977c67ada242b7"
    assert digest_of(folder / "imgs", "md5") == "md5:ca9b0808b4c77c072050bd29347aa79a.dir"


def test_an_old_dvc_counts_texts_without_the_line_ends_of_windows(folder):
    written = {"text": b"x\r\ny\r\n", "bytes": b"\0\r\n", "empty": b""}
    counted = {"text": b"x\ny\n", "bytes": b"\0\r\n", "empty": b""}
    for name, content in written.items():
        (folder / name).write_bytes(content)
        found = digest_of(folder / name, "md5-dos2unix")
        assert found == f"md5-dos2unix:{md5(counted[name])}"


def test_the_working_copy_if_it_is_right(folder):
    (folder / "rows.csv").write_bytes(ROWS)
    found = fetch(Wanted("rows.csv", digest=f"md5:{md5(ROWS)}"))
    assert found == (folder / "rows.csv", SHA, f"rows.csv#md5:{md5(ROWS)}")


def test_else_dvcs_cache(folder):
    (folder / "rows.csv").write_bytes(b"edited")
    keep(folder / ".dvc/cache", ROWS)
    assert fetch(Wanted("rows.csv", digest=f"md5:{md5(ROWS)}")).path.read_bytes() == ROWS


def test_a_cache_that_stands_elsewhere(folder, tmp_path):
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config.local").write_text(f"[cache]\n    dir = {tmp_path}/shared\n")
    keep(tmp_path / "shared", ROWS)
    assert fetch(Wanted("rows.csv", digest=f"md5:{md5(ROWS)}")).path.read_bytes() == ROWS


@pytest.mark.parametrize("remote", ["kept", "memory://kept"])
def test_else_its_remote(folder, remote, memory):
    digest = f"md5:{keep(folder / 'kept', ROWS)}"
    memory.put(str(folder / "kept"), "/kept", recursive=True)
    if remote.startswith("memory"):
        shutil.rmtree(folder / "kept")
    assert fetch(Wanted("rows.csv", digest=digest, remote=remote)).path.read_bytes() == ROWS


def test_the_layout_of_an_old_dvc(folder):
    digest = f"md5-dos2unix:{keep(folder / 'kept', ROWS, '')}"
    assert fetch(Wanted("rows.csv", digest=digest, remote="kept")).path.read_bytes() == ROWS


def test_a_folder_of_dvc(folder):
    name = keep_folder(folder / "kept", {"a.txt": b"a", "sub/b.txt": b"b"})
    found = fetch(Wanted("texts", digest=f"md5:{name}", remote="kept")).path
    assert (found / "sub/b.txt").read_bytes() == b"b"
    assert digest_of(found, "md5") == f"md5:{name}"


def test_a_list_of_files_that_leaves_its_folder(folder):
    name = keep_folder(folder / "kept", {"../../evil.txt": b"a"})
    with pytest.raises(FindingsError) as caught:
        fetch(Wanted("texts", digest=f"md5:{name}", remote="kept"))
    assert caught.value.findings[0].code == "PORT406"
    assert list(folder.parent.rglob("evil.txt")) == []


@pytest.mark.parametrize("content", [b"[]", b"{", b'[{"md5": "x", "relpath": "a"}]', b"[3]"])
def test_a_list_of_files_that_was_changed(folder, content):
    name = keep_folder(folder / "kept", {"a.txt": b"a"})
    (folder / "kept/files/md5" / name[:2] / name[2:]).write_bytes(content)
    told = refused(Wanted("texts", digest=f"md5:{name}", remote="kept"), "PORT555")
    assert name in told


def test_content_that_was_changed_in_the_remote(folder):
    name = keep(folder / "kept", ROWS)
    (folder / "kept/files/md5" / name[:2] / name[2:]).write_bytes(b"changed")
    told = refused(Wanted("rows.csv", digest=f"md5:{name}", remote="kept"), "PORT555")
    assert name in told
    assert md5(b"changed") in told


def without_dvc(monkeypatch):
    def import_module(name):
        raise ImportError(name)

    monkeypatch.setattr(fetch_dvc.importlib, "import_module", import_module)


def test_nowhere_says_what_was_tried(folder, monkeypatch):
    without_dvc(monkeypatch)
    (folder / ".dvc").mkdir()
    wanted = Wanted("rows.csv", digest=f"md5:{md5(ROWS)}", remote="kept")
    told = refused(wanted, "PORT556")
    for part in ("DVC's cache", "DVC's remote `kept`", "`dvc` is not installed", "dvc pull"):
        assert part in told
    (folder / "rows.csv").write_bytes(b"edited")
    told = refused(wanted, "PORT555")
    assert md5(ROWS) in told
    assert md5(b"edited") in told


class MockDvcFileSystem:
    """Stands in for `dvc.api.DVCFileSystem`, which integration tests run for real."""

    content = ROWS

    def __init__(self, root):
        self.root = root

    def isdir(self, path):
        return False

    def get(self, path, target, recursive):
        assert path == "sub/rows.csv"
        Path(target).write_bytes(self.content)


@pytest.mark.parametrize(("content", "code"), [(ROWS, None), (b"newer", "PORT556")])
def test_the_package_is_asked_last(folder, monkeypatch, content, code):
    (folder / ".dvc").mkdir()
    (folder / "sub").mkdir()
    api = type("api", (), {"DVCFileSystem": MockDvcFileSystem})
    monkeypatch.setattr(MockDvcFileSystem, "content", content)
    monkeypatch.setattr(fetch_dvc.importlib, "import_module", lambda name: api)
    wanted = Wanted("sub/rows.csv", digest=f"md5:{md5(ROWS)}")
    if code is None:
        assert fetch(wanted).path.read_bytes() == ROWS
    else:
        assert f"`dvc` has md5:{md5(b'newer')}" in refused(wanted, code)
