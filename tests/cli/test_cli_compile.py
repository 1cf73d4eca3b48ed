"""`port compile`: files, exit codes, and nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intermodal.cli import matrix
from intermodal.cli.options import CODE_MODES
from intermodal.project import CODE_MODES as MODES_OF_COMPILING

YAML = "ir_version: 1\nname: {}\nbody: [{{node: task, id: a, action: {{kind: noop}}}}]\n"


def test_files_land_in_a_folder_for_each_target_and_pipeline(call, etl, project):
    done = call("compile", etl, "--target", "toy", "--target", "brick")
    assert done.code == 0
    written = {p.relative_to(project).as_posix() for p in (project / "build").rglob("*.*")}
    assert written == {
        f"build/{t}/etl/{f}" for t in ("toy", "brick") for f in ("etl.txt", "manifest.json")
    }
    assert "toy@2.0" in done.out
    assert "ok  build/toy/etl" in done.out
    assert "4 files in" in done.out
    assert done.err == ""


def test_two_versions_of_a_target_get_folders_of_their_own(call, etl, project):
    assert call("compile", etl, "--target", "toy@1", "--target", "toy@2").code == 0
    assert sorted(p.name for p in (project / "build").iterdir()) == ["toy@1.0", "toy@2.0"]


def test_the_projects_targets_and_sources_are_used_without_arguments(call, etl, project):
    (project / "pipelines").mkdir()
    etl.rename(project / "pipelines" / "etl.py")
    done = call("compile", "--json")
    assert done.code == 0
    assert [c["target"] for c in done.json["compiled"]] == ["toy@2.0", "brick@1.0"]


def test_a_second_time_nothing_is_touched(call, etl, project):
    call("compile", etl)
    file = project / "build/toy/etl/etl.txt"
    before = file.stat().st_mtime_ns
    done = call("compile", etl, "--json")
    assert done.json["changed"] == []
    assert file.stat().st_mtime_ns == before
    assert "(4 unchanged)" in call("compile", etl).out


def test_check_writes_nothing_and_tells_what_differs(call, etl, project):
    assert call("compile", etl, "--check").code == 1
    assert not (project / "build").exists()
    call("compile", etl)
    clean = call("compile", etl, "--check")
    assert clean.code == 0
    assert "4 files up to date" in clean.out
    (project / "build/toy/etl/etl.txt").write_text("edited")
    (project / "build/brick/etl/etl.txt").unlink()
    stale = call("compile", etl, "--check")
    assert stale.code == 1
    assert "PORT008" in stale.err
    assert "`build/toy/etl/etl.txt` differs" in stale.err
    assert "`build/brick/etl/etl.txt` is missing" in stale.err
    assert (project / "build/toy/etl/etl.txt").read_text() == "edited"


def test_files_no_longer_compiled_are_stale_and_then_removed(call, etl, project):
    call("compile", etl)
    manifest = project / "build/toy/etl/manifest.json"
    listed = json.loads(manifest.read_text())
    listed["files"].append("old.txt")
    manifest.write_text(json.dumps(listed))
    old, own = manifest.with_name("old.txt"), manifest.with_name("notes.txt")
    old.write_text("x")
    own.write_text("a person's file")
    assert "`build/toy/etl/old.txt` is no longer compiled" in call("compile", etl, "--check").err
    assert call("compile", etl, "--json").json["removed"] == ["toy/etl/old.txt"]
    assert not old.exists()
    assert own.exists()
    assert call("compile", etl, "--check").code == 0


def test_a_manifest_cannot_make_us_remove_files_elsewhere(call, etl, project):
    call("compile", etl)
    manifest = project / "build/toy/etl/manifest.json"
    victim = project / "victim.txt"
    victim.write_text("x")
    manifest.write_text(json.dumps({"files": ["../../../victim.txt", str(victim), 3]}))
    assert call("compile", etl).code == 0
    assert victim.exists()


def test_a_pipeline_that_is_gone_is_stale(call, project):
    (project / "pipelines").mkdir()
    for name in ("one", "two"):
        (project / f"pipelines/{name}.yaml").write_text(YAML.format(name))
    assert call("compile").code == 0
    (project / "pipelines/two.yaml").unlink()
    done = call("compile", "--check")
    assert done.code == 1
    assert "`build/toy/two` belongs to no pipeline any more" in done.err
    assert call("compile", "pipelines/one.yaml", "--check").code == 0


def test_an_error_in_one_pipeline_writes_none(call, etl, project):
    (project / "bad.yaml").write_text(YAML.format("bad") + "colour: red\n")
    done = call("compile", etl, "bad.yaml")
    assert done.code == 1
    assert "error[PORT100]" in done.err
    assert "--> bad.yaml:4:1" in done.err
    assert "4 | colour: red" in done.err
    assert "nothing written · 1 error" in done.out
    assert not (project / "build").exists()


def test_what_a_target_refuses_is_an_error_at_the_users_line(call, project):
    loop = (
        "name: loops\nbody:\n- node: for_each\n  id: each\n"
        "  items: {lists: [{op: literal, value: [1]}]}\n"
        "  body: [{node: task, id: a, action: {kind: noop}}]\n"
    )
    (project / "loops.yaml").write_text(loop)
    done = call("compile", "loops.yaml", "--target", "toy")
    assert done.code == 1
    assert "error[PORT200]: toy@2.0 cannot express" in done.err
    assert "--> loops.yaml:3:3" in done.err
    assert "= why:  toys do not loop" in done.err
    assert "= next: unroll it" in done.err
    assert "1 error" in done.out


def test_lowered_features_are_counted_and_told_on_request(call, project):
    text = YAML.format("again").replace("{kind: noop}", "{kind: noop}, retry: {max: 2}")
    (project / "again.yaml").write_text(text)
    done = call("compile", "again.yaml", "--target", "toy")
    assert "1 lowered" in done.out
    assert done.err == ""
    told = call("compile", "again.yaml", "--target", "toy", "--notes")
    assert "note[PORT201]" in told.err
    assert "it tries again by itself" in told.err


def test_profiles_and_code_reach_the_compiler(call, etl, project):
    (project / "intermodal.toml").write_text(
        'targets = ["toy"]\n[profiles.cloud]\ncode = "image"\n[profiles.cloud.toy]\nqueue = 3\n'
    )
    call("compile", etl, "--profile", "cloud")
    text = (project / "build/toy/etl/etl.txt").read_text()
    assert "with image, {'toy': {'queue': '3'}}" in text
    call("compile", etl, "--profile", "cloud", "--code", "import")
    assert "with import" in (project / "build/toy/etl/etl.txt").read_text()
    done = call("compile", etl, "--profile", "clod")
    assert done.code == 2
    assert "there is no profile `clod`" in done.err


def test_code_modes_are_those_of_compiling():
    assert CODE_MODES == MODES_OF_COMPILING


def test_two_pipelines_of_one_name_do_not_overwrite_each_other(call, etl, project):
    (project / "other.yaml").write_text(YAML.format("etl"))
    done = call("compile", etl, "other.yaml")
    assert done.code == 1
    assert "error[PORT106]: two pipelines are called `etl`" in done.err


def test_the_same_source_twice_is_the_same_pipeline(call, etl):
    assert call("compile", etl, etl, "--json").json["findings"] == []


@pytest.mark.parametrize("out", ["blocked", "blocked/deeper"])
def test_a_file_in_place_of_the_folder_is_a_finding(call, etl, project, out):
    (project / "blocked").write_text("mine")
    for arguments in ((), ("--check",)):
        done = call("compile", etl, "--out", out, *arguments)
        assert done.code == 1
        assert "error[PORT006]: cannot write to" in done.err
        assert (project / "blocked").read_text() == "mine"


def test_a_folder_in_place_of_a_file_changes_nothing(call, etl, project):
    (project / "build/brick/etl/etl.txt").mkdir(parents=True)
    done = call("compile", etl)
    assert done.code == 1
    assert "PORT006" in done.err
    assert not (project / "build/toy").exists()
    assert list((project / "build").rglob(".*")) == []
    assert done.out.count("not written") == 2
    assert "ok" not in done.out


def test_a_failure_while_writing_leaves_nothing_behind(call, etl, project, monkeypatch):
    write = Path.write_bytes

    def full(self, data):
        if "brick" in self.parts:
            raise OSError(28, "No space left on device", str(self))
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    done = call("compile", etl)
    assert done.code == 1
    assert "No space left on device" in done.err
    assert not (project / "build").exists()


@pytest.mark.parametrize("moved", range(4))
def test_a_failure_between_two_files_leaves_what_was_there(call, etl, project, monkeypatch, moved):
    assert call("compile", etl).code == 0
    outdated = project / "build/toy/etl/old.txt"
    outdated.write_text("of an earlier version")
    manifest = project / "build/toy/etl/manifest.json"
    manifest.write_text(manifest.read_text().replace('"files": [', '"files": ["old.txt", '))
    before = {f: f.read_bytes() for f in (project / "build").rglob("*") if f.is_file()}
    etl.write_text(etl.read_text().replace("limit: int = 3", "limit: int = 4"))
    replace, done = Path.replace, []

    def stuck(self, place):
        if self.suffix == ".new":
            if len(done) == moved:
                raise OSError(5, "Input/output error", str(self))
            done.append(place)
        return replace(self, place)

    monkeypatch.setattr(Path, "replace", stuck)
    said = call("compile", etl, "--code", "image")
    assert said.code == 1
    assert "Input/output error" in said.err
    assert len(done) == moved
    assert {f: f.read_bytes() for f in (project / "build").rglob("*") if f.is_file()} == before


def test_outdated_files_go_only_with_the_rest(call, etl, project, monkeypatch):
    assert call("compile", etl).code == 0
    outdated = project / "build/toy/etl/old.txt"
    outdated.write_text("of an earlier version")
    manifest = project / "build/toy/etl/manifest.json"
    manifest.write_text(manifest.read_text().replace('"files": [', '"files": ["old.txt", '))
    unlink = Path.unlink

    def stuck(self, **settings):
        if self == outdated:
            raise OSError(5, "Input/output error", str(self))
        return unlink(self, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stuck)
        assert call("compile", etl).code == 1
    assert "old.txt" in manifest.read_text()
    assert outdated.read_text() == "of an earlier version"
    assert call("compile", etl).code == 0
    assert not outdated.exists()


def test_a_path_out_of_the_folder_is_refused(call, project):
    (project / "escape.yaml").write_text(YAML.format("escape"))
    done = call("compile", "escape.yaml", "--target", "brick")
    assert done.code == 1
    assert "PORT006" in done.err
    assert not (project / "outside.txt").exists()


def test_json_holds_everything_and_nothing_else_is_on_stdout(call, etl):
    done = call("compile", etl, "--target", "toy", "--json")
    [compiled] = done.json["compiled"]
    assert compiled["files"] == ["etl.txt", "manifest.json"]
    assert done.json["changed"] == ["toy/etl/etl.txt", "toy/etl/manifest.json"]
    assert done.err == ""


def test_credentials_of_a_tracker_are_not_compiled(call, etl, project, monkeypatch):
    (project / "intermodal.toml").write_text('tracking = "https://u:pa55@mlflow"\n')
    seen = []
    compile_pipeline = matrix.compile_pipeline

    def spy(pipeline, target, settings):
        seen.append(settings.tracking)
        return compile_pipeline(pipeline, target, settings)

    monkeypatch.setattr(matrix, "compile_pipeline", spy)
    done = call("compile", etl, "--target", "toy")
    assert (done.code, seen) == (0, ["https://mlflow"])
    assert "warning[PORT524]" in done.err
    assert "pa55" not in done.err + done.out
