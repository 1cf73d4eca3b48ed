"""The catalogue of engines agrees with the lock files, with pyproject.toml and with itself."""

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from intermodal.findings import FindingsError
from intermodal_backends.engines.catalogue import ENGINES, LOCKS, lookup
from intermodal_backends.engines.lock import lock_command

PYPROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())


def test_a_bare_family_name_means_its_first_engine():
    assert lookup("airflow").name == "airflow@3.3"
    assert lookup("prefect").name == "prefect@3"
    assert lookup("airflow@2.11").version == "2.11.0"


@pytest.mark.parametrize("name", ["dagster", "airflow@1.10", "", "airflow@", "airflow-3.3"])
def test_an_unknown_engine_is_a_finding_that_names_the_known_ones(name):
    with pytest.raises(FindingsError) as caught:
        lookup(name)
    (finding,) = caught.value.findings
    assert finding.code == "PORT702"
    assert all(spec.name in finding.next for spec in ENGINES)


def test_names_are_unique_and_every_lock_file_belongs_to_an_engine():
    assert len({spec.name for spec in ENGINES}) == len(ENGINES)
    assert {spec.lock for spec in ENGINES} == set(LOCKS.glob("*.txt"))
    assert {spec.source for spec in ENGINES} | {LOCKS / "runtime.in"} == set(LOCKS.glob("*.in"))


def test_every_family_has_a_driver_and_every_driver_a_family():
    declared = PYPROJECT["project"]["entry-points"]["intermodal.engines"]
    assert set(declared) == {spec.family for spec in ENGINES}


def test_drivers_load_by_their_entry_points():
    for entry_point in entry_points(group="intermodal.engines"):
        assert entry_point.load().__name__.endswith("Engine")


@pytest.mark.parametrize("spec", ENGINES, ids=lambda spec: spec.name)
def test_a_lock_pins_the_engine_by_hash_and_names_no_host(spec):
    lock = spec.lock.read_text()
    pins = re.findall(r"^([a-z0-9.-]+)==(\S+)", lock, flags=re.MULTILINE)
    assert (spec.distribution, spec.version) in pins
    assert f"{spec.distribution}=={spec.version}\n" in spec.source.read_text()
    assert "://" not in lock
    assert "index-url" not in lock
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("spec", ENGINES, ids=lambda spec: spec.name)
def test_a_lock_holds_all_that_tasks_need(spec):
    wanted = _requirement_lines(LOCKS / "runtime.in")
    lock = spec.lock.read_text()
    for requirement in wanted:
        name = re.split(r"[<>=]", requirement)[0]
        assert re.search(rf"^{name}==", lock, flags=re.MULTILINE), name


def test_the_runtime_requirements_hold_the_base_dependencies_of_the_package():
    wanted = _requirement_lines(LOCKS / "runtime.in")
    assert [line for line in PYPROJECT["project"]["dependencies"] if line not in wanted] == []


def test_old_engines_are_locked_as_of_their_day():
    command = lock_command(lookup("airflow@2.10"), upgrade=False)
    assert command[command.index("--exclude-newer") + 1] == "2025-07-01"
    assert "--exclude-newer" not in lock_command(lookup("airflow@3.3"), upgrade=True)


def _requirement_lines(path):
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]
