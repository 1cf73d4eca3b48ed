"""Making environments, with a stand-in for uv: caching, half-made ones, several at once, findings."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path

import pytest

import intermodal
from intermodal.findings import FindingsError
from intermodal_backends.engines import environment, interpreters
from intermodal_backends.engines.catalogue import ENGINES, EngineSpec

# Makes what `uv venv` makes as far as we look at it, and notes each call.
FAKE_UV = """
import os, pathlib, sys
with open(os.environ["FAKE_UV_CALLS"], "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "venv":
    root = pathlib.Path(sys.argv[-1])
    (root / "lib/python3.11/site-packages").mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "bin/python").symlink_to(sys.executable)
if os.environ.get("FAKE_UV_FAILS") and sys.argv[1] == "pip":
    sys.exit("error: no such distribution")
"""


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """A cache of its own and the stand-in for uv; gives the list of uv's calls so far."""
    script = tmp_path / "fake_uv.py"
    script.write_text(FAKE_UV)
    log = tmp_path / "calls.txt"
    log.touch()
    monkeypatch.setenv("FAKE_UV_CALLS", str(log))
    monkeypatch.setenv("INTERMODAL_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setattr(environment, "uv_command", lambda: (sys.executable, str(script)))
    monkeypatch.setattr(environment, "find_python", lambda spec: Path(sys.executable))
    return lambda: log.read_text().splitlines()


def test_install_makes_an_environment_from_the_lock_with_hashes_and_only_once(calls):
    made = environment.install("kfp")
    assert made.engine == "kfp@2"
    assert made.python == made.root / "bin" / "python"
    venv, pip = calls()
    assert venv.startswith("venv")
    assert "--require-hashes" in pip
    assert pip.endswith("locks/kfp-2.txt")
    assert environment.install("kfp@2") == made
    assert len(calls()) == 2
    assert environment.find("kfp") == made
    assert environment.installed() == [made]


def test_nothing_is_found_in_an_empty_cache(calls):
    assert environment.find("airflow@2.11") is None
    assert environment.installed() == []
    with pytest.raises(FindingsError) as caught:
        environment.require("airflow@2.11")
    assert caught.value.findings[0].code == "PORT700"
    assert "port engines install airflow@2.11" in caught.value.findings[0].next


def test_an_environment_of_another_lock_file_is_not_found(calls):
    made = environment.install("kfp")
    marker = made.root / environment.MARKER
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "content": "another"}))
    assert environment.find("kfp") is None


def test_a_half_made_environment_is_made_anew(calls):
    made = environment.install("kfp")
    (made.root / environment.MARKER).unlink()
    (made.root / "left-over").touch()
    assert environment.install("kfp") == made
    assert not (made.root / "left-over").exists()
    assert len(calls()) == 4


def test_two_at_once_make_one_environment(calls):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(environment.install, ["kfp", "kfp"])
    assert first == second
    assert len(calls()) == 2


def test_extra_requirements_make_a_second_environment_within_the_engines_pins(calls, tmp_path):
    extra = tmp_path / "extra.txt"
    extra.write_text("lightgbm\n")
    plain = environment.install("kfp")
    rich = environment.install("kfp", extra_requirements=extra)
    assert rich.root != plain.root
    assert f"-r {extra}" in calls()[-1]
    assert "-c " in calls()[-1]
    assert environment.find("kfp") == plain
    assert environment.find("kfp", extra_requirements=extra) == rich


def test_extra_requirements_that_are_not_there_are_a_finding(calls, tmp_path):
    with pytest.raises(FindingsError) as caught:
        environment.install("kfp", extra_requirements=tmp_path / "none.txt")
    assert caught.value.findings[0].code == "PORT001"


def test_a_failing_installer_is_a_finding_with_its_own_words(calls, monkeypatch):
    monkeypatch.setenv("FAKE_UV_FAILS", "1")
    with pytest.raises(FindingsError) as caught:
        environment.install("kfp")
    (finding,) = caught.value.findings
    assert finding.code == "PORT701"
    assert "no such distribution" in finding.why
    assert environment.find("kfp") is None


def test_own_packages_are_importable_and_the_users_other_packages_are_not(calls):
    made = environment.install("kfp")
    links = [path.name for path in made.packages.iterdir() if path.is_symlink()]
    assert sorted(links) == sorted(environment.OWN_PACKAGES)
    assert [path.suffix for path in made.packages.iterdir() if path.name not in links] == [
        ".dist-info"
    ]
    assert (made.packages / "intermodal").resolve() == Path(intermodal.__file__).parent.resolve()
    (pth,) = made.root.glob("lib/python*/site-packages/*.pth")
    assert pth.read_text().strip() == str(made.packages)
    variables = {**os.environ, "PYTHONPATH": str(made.packages)}
    subprocess.run(
        [sys.executable, "-S", "-c", "import intermodal, intermodal_backends.engines"],
        env=variables,
        cwd=made.root,
        check=True,
    )


def test_a_tracker_is_found_by_its_entry_point(calls):
    made = environment.install("kfp")
    found = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            "from intermodal.tracking.tracker import resolve; print(type(resolve('sqlite:///x.db')))",
        ],
        env={**os.environ, "PYTHONPATH": str(made.packages)},
        cwd=made.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "MlflowTracker" in found.stdout


def test_metadata_are_those_of_this_install_without_its_files(calls):
    made = environment.install("kfp")
    (own,) = distributions(path=[str(made.packages)])
    here = distribution("intermodal")
    assert (own.name, own.version) == (here.name, here.version)
    assert set(own.entry_points) == set(here.entry_points)
    assert own.files is None


def test_an_environment_of_before_gets_the_metadata_of_today(calls, monkeypatch):
    made = environment.install("kfp")
    (folder,) = made.packages.glob("*.dist-info")
    (folder / "entry_points.txt").unlink()
    again = environment.find("kfp")
    assert (again.packages / folder.name / "entry_points.txt").exists()

    texts = {"intermodal-9.dist-info/METADATA": "Name: intermodal\nVersion: 9\n"}
    monkeypatch.setattr(environment, "_own_metadata", lambda: texts)
    newer = environment.find("kfp")
    assert [own.version for own in distributions(path=[str(newer.packages)])] == ["9"]
    (pth,) = made.root.glob("lib/python*/site-packages/*.pth")
    assert pth.read_text().strip() == str(newer.packages) != str(made.packages)


def test_without_metadata_of_our_own_there_is_a_finding(calls, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment.importlib.metadata, "distribution", missing)
    with pytest.raises(FindingsError) as caught:
        environment.install("kfp")
    assert caught.value.findings[0].code == "PORT701"


def test_uv_missing_is_a_finding_that_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interpreters.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FindingsError) as caught:
        interpreters.uv_command()
    assert caught.value.findings[0].code == "PORT701"
    assert "pip install uv" in caught.value.findings[0].next


def test_uv_is_found_as_a_module(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interpreters.importlib.util, "find_spec", lambda name: object())
    assert interpreters.uv_command() == (str(tmp_path / "python"), "-m", "uv")


def test_our_own_python_is_preferred_where_the_engine_runs_on_it():
    spec = EngineSpec("kfp@2", "kfp", "2", ((3, 11), (4, 0)))
    assert interpreters.find_python(spec) == Path(sys.executable)


def test_no_python_in_the_engines_range_is_a_finding(monkeypatch, tmp_path):
    script = tmp_path / "uv.py"
    script.write_text("raise SystemExit(2)")
    monkeypatch.setattr(interpreters, "uv_command", lambda: (sys.executable, str(script)))
    spec = EngineSpec("old@1", "old", "1", ((3, 2), (3, 3)))
    with pytest.raises(FindingsError) as caught:
        interpreters.find_python(spec)
    assert caught.value.findings[0].code == "PORT701"
    assert ">=3.2,<3.3" in caught.value.findings[0].what


def test_ranges_are_specifiers():
    assert {spec.python_range for spec in ENGINES} == {">=3.11,<3.14", ">=3.11,<3.13"}
