"""Files and folders as artifacts, and what may not be in them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from artifacts.sample_keys import make_key
from intermodal.artifacts import Directory
from intermodal.artifacts.folders import safe_relative_path
from intermodal.artifacts.hashing import hash_content, hash_folder
from intermodal.findings import FindingsError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "report v1"
    (made / "deep/er").mkdir(parents=True)
    (made / "index.html").write_text("<b>")
    (made / "deep/er/ü %.txt").write_text("x")
    (made / "artifact.json").write_text("{}")
    return made


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def refusals(caught) -> list[tuple[str, str]]:
    return [(finding.code, finding.why) for finding in caught.value.findings]


def test_a_file_keeps_its_extension_and_its_name(store, tmp_path):
    file = tmp_path / "rows.2026.tar.gz"
    file.write_bytes(b"1,2")
    ref, findings = store.save(file, make_key())
    assert (ref.kind, ref.format, ref.size, findings) == ("File", "file", 3, [])
    assert ref.uri.endswith(".tar.gz")
    loaded = store.load(ref, Path)
    assert loaded.read_bytes() == b"1,2"
    assert loaded.name.endswith(".tar.gz")
    (tmp_path / "out").mkdir()
    assert store.fetch(ref, tmp_path / "out") == tmp_path / "out/rows.2026.tar.gz"


def test_a_folder_comes_back_whole(store, folder, tmp_path):
    ref, findings = store.save(folder, make_key(), kind="File")
    assert (ref.kind, ref.format, findings) == ("Directory", "directory", [])
    assert tree(store.load(ref)) == tree(folder)
    assert tree(store.open_path(ref)) == tree(folder)
    assert tree(store.fetch(ref, tmp_path / "copy")) == tree(folder)
    assert store.fetch(ref, tmp_path / "copy").name == folder.name
    assert len(store.records()) == 1


def test_an_empty_folder_comes_back(local, tmp_path):
    (tmp_path / "empty").mkdir()
    ref, _ = local.save(tmp_path / "empty", make_key())
    assert list(local.load(ref).iterdir()) == []


def test_a_changed_file_in_a_folder_is_found_out(local, folder):
    ref, _ = local.save(folder, make_key())
    inside = local.open_path(ref) / "index.html"
    inside.chmod(0o644)
    inside.write_text("<i>")
    with pytest.raises(FindingsError) as caught:
        local.load(ref)
    assert [finding.code for finding in caught.value.findings] == ["PORT401"]


def test_an_added_file_in_a_folder_is_found_out(local, folder):
    ref, _ = local.save(folder, make_key())
    (local.open_path(ref) / "more").write_text("")
    with pytest.raises(FindingsError):
        local.open_path(ref)


def test_the_hash_of_a_folder_is_as_documented(folder):
    import hashlib
    from urllib.parse import quote

    lines = [
        f"{quote(name)} {hashlib.sha256(content).hexdigest()}\n"
        for name, content in tree(folder).items()
    ]
    assert hash_folder(folder).sha256 == hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    assert hash_folder(folder).size == 6


def test_names_count_in_the_hash_and_places_do_not(folder, tmp_path):
    before = hash_content(folder)
    moved = folder.rename(tmp_path / "elsewhere")
    os.utime(moved / "index.html", (0, 0))
    assert hash_content(moved) == before
    (moved / "index.html").rename(moved / "index.htm")
    assert hash_content(moved) != before


def test_links_that_stay_inside_become_their_content(local, folder):
    (folder / "link").symlink_to("index.html")
    (folder / "linked-folder").symlink_to("deep")
    stored = tree(local.load(local.save(folder, make_key())[0]))
    assert stored["link"] == b"<b>"
    assert stored["linked-folder/er/ü %.txt"] == b"x"


def test_everything_that_may_not_be_stored_is_told_at_once(local, folder, tmp_path):
    (tmp_path / "secret").write_text("s")
    (folder / "1").symlink_to(tmp_path / "secret")
    (folder / "2").symlink_to("../secret")
    (folder / "3").symlink_to("nowhere")
    (folder / "4").symlink_to("..")
    (folder / "5").symlink_to(".")
    (folder / "deep/6").symlink_to("..")
    os.mkfifo(folder / "7")
    (folder / "8").symlink_to("8")
    (folder / "back\\slash").write_text("")
    with pytest.raises(FindingsError) as caught:
        local.save(folder, make_key())
    outside = "it is a link to a place outside the folder"
    nowhere = "it is a link that leads nowhere"
    circle = "it is a link that runs in a circle"
    assert {code for code, _ in refusals(caught)} == {"PORT406"}
    whys = {Path(f.what.split("`")[1]).name: f.why for f in caught.value.findings}
    assert whys.pop("8") in {circle, nowhere}
    assert whys == {
        "1": outside,
        "2": outside,
        "3": nowhere,
        "4": outside,
        "5": circle,
        "6": circle,
        "7": "it is neither a file nor a folder",
        "back\\slash": "not every store and system can hold this name",
    }
    assert local.records() == []


def test_two_links_in_a_circle_are_refused(local, folder):
    for name, other in [("a", "b"), ("b", "a")]:
        (folder / name).mkdir()
        (folder / name / "to").symlink_to(f"../{other}")
    with pytest.raises(FindingsError) as caught:
        local.save(folder, make_key())
    assert {code for code, _ in refusals(caught)} == {"PORT406"}


def test_a_name_that_is_not_utf8_is_refused(local, folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text("")
    with pytest.raises(FindingsError) as caught:
        local.save(folder, make_key())
    assert "\\udcff" in caught.value.findings[0].what
    assert json.dumps(caught.value.findings[0].to_data(), ensure_ascii=False).encode()


def test_a_path_without_a_file_is_a_finding(local, tmp_path):
    with pytest.raises(FindingsError) as caught:
        local.save(tmp_path / "never written", make_key())
    assert [finding.code for finding in caught.value.findings] == ["PORT409"]


def test_text_annotated_as_a_path_is_one(local, folder):
    ref, _ = local.save(str(folder), make_key(), type_hint=Directory)
    assert tree(local.load(ref)) == tree(folder)


@pytest.mark.parametrize("name", ["", "/x", "..", "a/../b", "a//b", "./a", "a\\b", "a\0", "a/"])
def test_unsafe_names_are_refused(name):
    with pytest.raises(FindingsError) as caught:
        safe_relative_path(name)
    assert [finding.code for finding in caught.value.findings] == ["PORT406"]


def test_a_remote_listing_cannot_write_outside(memory, folder, tmp_path, monkeypatch):
    ref, _ = memory.save(folder, make_key())
    filesystem = memory._storage._fs
    found = filesystem.find(memory._storage._root)
    content = next(name for name in found if name.endswith("index.html")).rpartition("/")[0]
    monkeypatch.setattr(filesystem, "find", lambda _: [f"{content}/../../../../escaped"])
    with pytest.raises(FindingsError) as caught:
        memory.open_path(ref)
    assert [finding.code for finding in caught.value.findings] == ["PORT406"]


def test_a_recorded_name_cannot_leave_the_destination(local, tmp_path):
    file = tmp_path / "plain.txt"
    file.write_text("x")
    ref, _ = local.save(file, make_key())
    marker = local.open_path(ref).parent / "artifact.json"
    text = marker.read_text()
    marker.chmod(0o644)
    marker.write_text(text.replace('"plain.txt"', '"../plain.txt"'))
    (tmp_path / "out").mkdir()
    assert local.fetch(ref, tmp_path / "out").parent == tmp_path / "out"
