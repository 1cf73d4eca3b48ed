"""The real DVC: what it writes is read, what it keeps is fetched, and it is asked itself where nothing else has it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from intermodal.dataversions.digests import digest_of
from intermodal.dataversions.dvc import read_dvc
from intermodal.dataversions.fetch import fetch
from intermodal.findings import FindingsError

PACKAGES = ("dvc==3.67.1", "pydantic", "pyyaml")
"""DVC, and what our own modules import."""

CORE = Path(__file__).parents[2] / "core"
ASK = """
import json, sys
from intermodal.dataversions.fetch import fetch
from intermodal.dataversions.marker import Wanted
from intermodal.findings import FindingsError
try:
    print(json.dumps(fetch(Wanted(*json.loads(sys.argv[1]))).sha256))
except FindingsError as problem:
    print(json.dumps([finding.code + " " + finding.why for finding in problem.findings]))
"""


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """A virtual environment with DVC."""
    folder = tmp_path_factory.mktemp("dvc") / "venv"
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin/python"
    install = [uv, "pip", "install", "-q", "--python", str(python), *PACKAGES]
    subprocess.run(install, check=True)
    return folder


@pytest.fixture(scope="session")
def template(environment, tmp_path_factory):
    """A repository with a file and a folder, and the remote beside it that they were pushed to."""
    place = tmp_path_factory.mktemp("template")
    root = place / "repository"
    (root / "data/images/sub").mkdir(parents=True)
    (root / "data/rows.csv").write_text("a,b\n1,2\n")
    (root / "data/images/x.txt").write_text("x\n")
    (root / "data/images/sub/y.txt").write_text("y\n")
    dvc(environment, root, "init", "-q", "--no-scm")
    dvc(environment, root, "remote", "add", "-q", "-d", "store", "../remote")
    dvc(environment, root, "add", "-q", "data/rows.csv", "data/images")
    dvc(environment, root, "push", "-q")
    return place


@pytest.fixture
def repository(template, tmp_path, monkeypatch):
    shutil.copytree(template, tmp_path / "own", symlinks=True)
    monkeypatch.setenv("INTERMODAL_DATA", str(tmp_path / "own/repository"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "copies"))
    return tmp_path / "own/repository"


def dvc(environment, root, *words):
    quiet = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    subprocess.run([environment / "bin/dvc", *words], cwd=root, check=True, env=quiet)


def wanted(root, name):
    return read_dvc(f"data/{name}.dvc", root)


@pytest.mark.parametrize("name", ["rows.csv", "images"])
def test_what_it_writes_is_read_and_our_hashes_are_its(repository, name):
    found = wanted(repository, name)
    assert digest_of(repository / "data" / name, "md5") == found.digest
    assert found.remote == "../remote"
    assert fetch(found).path == repository / "data" / name


@pytest.mark.parametrize("name", ["rows.csv", "images"])
@pytest.mark.parametrize("gone", ["nothing", "cache"])
def test_without_the_working_copy(repository, name, gone):
    before = {**fetch(wanted(repository, name))._asdict(), "path": None}
    (shutil.rmtree if name == "images" else os.remove)(repository / "data" / name)
    if gone == "cache":
        shutil.rmtree(repository / ".dvc/cache")
    found = fetch(wanted(repository, name))
    assert {**found._asdict(), "path": None} == before
    assert not found.path.is_relative_to(repository)


def test_an_edited_working_copy_is_not_taken(repository):
    (repository / "data/rows.csv").unlink()
    (repository / "data/rows.csv").write_text("edited")
    assert fetch(wanted(repository, "rows.csv")).path.read_text() == "a,b\n1,2\n"


def test_nothing_is_left(repository):
    (repository / "data/rows.csv").unlink()
    shutil.rmtree(repository / ".dvc/cache")
    shutil.rmtree(repository.parent / "remote")
    with pytest.raises(FindingsError) as caught:
        fetch(wanted(repository, "rows.csv"))
    [finding] = caught.value.findings
    assert finding.code == "PORT556"
    assert "dvc pull" in finding.next


@pytest.mark.parametrize("name", ["rows.csv", "images"])
@pytest.mark.parametrize("has", ["what was pinned", "something newer"])
def test_the_package_is_asked_where_nothing_else_has_it(environment, repository, name, has):
    pinned = wanted(repository, name)._replace(remote="")
    sha = fetch(pinned).sha256
    if has == "something newer":
        place = repository / "data" / name / ("x.txt" if name == "images" else "")
        place.unlink()
        place.write_text("newer\n")
        dvc(environment, repository, "add", "-q", f"data/{name}")
        dvc(environment, repository, "push", "-q")
    (shutil.rmtree if name == "images" else os.remove)(repository / "data" / name)
    shutil.rmtree(repository / ".dvc/cache")
    command = [environment / "bin/python", "-c", ASK, json.dumps(pinned)]
    env = {**os.environ, "PYTHONPATH": str(CORE)}
    done = subprocess.run(command, env=env, cwd=repository, check=True, stdout=subprocess.PIPE)
    told = json.loads(done.stdout)
    if has == "something newer":
        assert told[0].startswith("PORT556")
        assert "`dvc` has md5:" in told[0]
    else:
        assert told == sha
