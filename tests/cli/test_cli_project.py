"""Project settings: found upward, strict, with places."""

from __future__ import annotations

import pytest

from intermodal.findings import FindingsError
from intermodal.project import DEFAULT_STORE, DEFAULT_TARGETS, find_project, key_lines
from intermodal.runtime.context import DEFAULT_STORE as RUNTIMES_DEFAULT


def test_the_default_store_is_the_runtimes():
    assert DEFAULT_STORE == RUNTIMES_DEFAULT


def test_no_settings_at_all(tmp_path):
    project = find_project(tmp_path)
    assert (project.file, project.root, project.targets) == (None, tmp_path, DEFAULT_TARGETS)
    assert project.out == tmp_path / "build"
    assert project.store == str(tmp_path / ".intermodal/store")
    assert project.sources == ()
    assert project.settings.store == ""


def test_a_pipelines_folder_is_the_default_source(tmp_path):
    (tmp_path / "pipelines").mkdir()
    assert find_project(tmp_path).sources == (tmp_path / "pipelines",)


def test_pyproject_is_found_from_below(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        "[tool.intermodal]\n"
        'sources = ["a", "b.py"]\ntargets = ["toy@1"]\nout = "compiled"\n'
        'store = "s3://bucket/x"\ntracking = "http://mlflow"\ntracking_strict = true\n'
        '[tool.intermodal.profiles.aws]\ncode = "image"\nimage = "repo/x:1"\nstore = "s3://other"\n'
        "[tool.intermodal.profiles.aws.toy]\nqueue = 3\nfast = true\n"
    )
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "pyproject.toml").write_text("[project]\nname = 'another'\n")
    project = find_project(deep)
    assert project.root == tmp_path
    assert project.sources == (tmp_path / "a", tmp_path / "b.py")
    assert project.targets == ("toy@1",)
    assert project.out == tmp_path / "compiled"
    assert (project.store, project.tracking) == ("s3://bucket/x", "http://mlflow")
    assert project.settings.tracking == "http://mlflow"
    aws = project.profile("aws")
    assert (aws.code, aws.image, aws.store) == ("image", "repo/x:1", "s3://other")
    assert aws.tracking == "http://mlflow"
    assert project.settings.tracking_strict
    assert aws.tracking_strict
    assert aws.of_target("toy", "queue") == "3"
    assert aws.of_target("toy", "fast") == "true"


def test_own_file_wins_over_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.intermodal]\nout = "one"\n')
    (tmp_path / "intermodal.toml").write_text('out = "two"\n')
    assert find_project(tmp_path).out == tmp_path / "two"


def problems(tmp_path, text, name="intermodal.toml"):
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(FindingsError) as caught:
        find_project(tmp_path)
    assert {f.code for f in caught.value.findings} == {"PORT010"}
    return [(f.span.line, f.what, f.next) for f in caught.value.findings]


def test_everything_wrong_is_told_at_once_with_its_line(tmp_path):
    found = problems(
        tmp_path,
        'targts = ["toy"]\n'
        "sources = [1]\n"
        "\n"
        "[profiles.aws]\n"
        'code = "teleport"\n'
        "colour = 1\n"
        "[profiles.aws.toy]\n"
        "list = []\n"
        "[profiles.gcp.tory]\n"
        "x = 1\n",
    )
    assert [line for line, _, _ in found] == [1, 2, 6, 5, 8, 9]
    assert "did you mean `targets`?" in found[0][2]
    assert "`profiles.aws.code`: is one of embed, import, bundle, image" in found[3][1]
    assert "did you mean `toy`?" in found[5][2]


def test_places_in_pyproject(tmp_path):
    text = '[project]\nout = "x"\n\n[tool.intermodal]\nout = 3\n'
    [(line, what, _)] = problems(tmp_path, text, "pyproject.toml")
    assert line == 5
    assert what == "`tool.intermodal.out`: is text, not 3"


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("sqlite:///mlflow.db", "sqlite:///{}/mlflow.db"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
        ("mlruns", "{}/mlruns"),
        ("https://mlflow", "https://mlflow"),
        ("", ""),
    ],
)
def test_local_places_are_relative_to_the_project(tmp_path, uri, wanted):
    (tmp_path / "intermodal.toml").write_text(f'tracking = "{uri}"\n')
    project = find_project(tmp_path)
    assert project.tracking == wanted.format(tmp_path)
    assert project.settings.tracking == uri


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = \n", 1), ("x = 1\ny = [\n", 2), (b"\xff\xfe", 1), ("profiles = 3\n", 1)],
)
def test_broken_files(tmp_path, text, line):
    [(found, _, _)] = problems(tmp_path, text)
    assert found == line


def test_broken_settings_end_a_command(call, project):
    (project / "intermodal.toml").write_text("sourcse = []\n")
    done = call("check")
    assert done.code == 1
    assert "error[PORT010]" in done.err
    assert " 1 | sourcse = []" in done.err


def test_key_lines():
    text = 'a = 1\nb.c = 2\n[t."x.y"] # note\n"k" = """\n"""\n[[many]]\nz = 1\n'
    assert key_lines(text) == {
        ("a",): 1,
        ("b", "c"): 2,
        ("t", "x.y"): 3,
        ("t", "x.y", "k"): 4,
        ("many",): 6,
        ("many", "z"): 7,
    }


def test_sizes_of_pools(tmp_path):
    (tmp_path / "intermodal.toml").write_text("[pools]\ndb = 3\n")
    assert find_project(tmp_path).pools == {"db": 3}
    (tmp_path / "intermodal.toml").write_text('[pools]\na = 0\nb = "2"\nc = true\nd = 1\n')
    with pytest.raises(FindingsError) as raised:
        find_project(tmp_path)
    assert [f.span.line for f in raised.value.findings] == [2, 3, 4]
    (tmp_path / "intermodal.toml").write_text("pools = 3\n")
    with pytest.raises(FindingsError):
        find_project(tmp_path)
