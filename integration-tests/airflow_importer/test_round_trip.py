"""Example DAGs of Airflow itself, read and given back: in real Airflow, both files are the same DAGs.

The comparison leaves out what `intermodal_backends.engines.serialized` lists, each with its reason.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hosted_cases import CASES

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal_backends.engines import environment
from intermodal_backends.engines.serialized import differences, load_serialized
from intermodal_compilers.airflow.importer import Inputs, read_files
from intermodal_compilers.airflow.importer.build import build

# Of the DAGs that Airflow loads, how many must come back equal, field by field.
LEAST_EQUAL = {"airflow@3.3": 1.0, "airflow@2.11": 0.94}
# Of the DAGs of one version's examples that compile for the other, how many must load there.
LEAST_MOVED = {("airflow@2.11", "airflow@3.3"): 0.94}

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def engine(name):
    found = environment.find(name)
    if found is None:
        pytest.skip(f"{name} is not installed: `port engines install {name}`")
    return found


def site_of(where):
    (site,) = where.root.glob("lib/python*/site-packages")
    return site


def examples(site):
    """The example DAG files of an environment's packages."""
    folders = [path for path in (site / "airflow").rglob("example_dags") if path.is_dir()]
    return sorted({path for folder in folders for path in folder.rglob("*.py")})


def written(files, site, version, folder):
    """Each DAG given back: by original file and DAG id, where its file lies."""
    found = {}
    for number, file in enumerate(files):
        (read,) = read_files([file], Inputs(root=site))
        for dag in read.dags:
            compiled = compile_pipeline(build(dag).pipeline, Target("airflow", version), Settings())
            for name, text in compiled.files.items():
                if name.endswith(".py"):
                    place = folder / f"{number}" / name
                    place.parent.mkdir(exist_ok=True)
                    place.write_text(text, encoding="utf-8")
                    found[file, dag.id] = place
    return found


@pytest.mark.parametrize("name", LEAST_EQUAL)
def test_example_dags_come_back_as_they_were(name, tmp_path):
    where = engine(name)
    site = site_of(where)
    files = examples(site)
    places = written(files, site, name.partition("@")[2], tmp_path)
    loaded = load_serialized(where, [*files, *places.values()])
    equal, unequal = 0, []
    for file in files:
        for dag_id, before in loaded[file].dags.items():
            place = places.get((file, dag_id))
            after = loaded[place].dags.get(dag_id) if place else None
            problems = differences(before, after) if after else loaded.get(place, "not written")
            if problems:
                unequal.append((file.name, dag_id, str(problems)[-300:]))
            else:
                equal += 1
    print(f"{name}: {equal} of {equal + len(unequal)} DAGs come back equal")
    assert equal / (equal + len(unequal)) >= LEAST_EQUAL[name], unequal


@pytest.mark.parametrize(("source", "target"), LEAST_MOVED)
def test_example_dags_load_in_another_version(source, target, tmp_path):
    site = site_of(engine(source))
    places = written(examples(site), site, target.partition("@")[2], tmp_path)
    loaded = load_serialized(engine(target), places.values())
    failed = [(p.name, found.errors) for p, found in loaded.items() if not found.dags]
    print(f"{source} -> {target}: {len(loaded) - len(failed)} of {len(loaded)} load")
    assert 1 - len(failed) / len(loaded) >= LEAST_MOVED[source, target], failed


@pytest.mark.parametrize("name", ["airflow@3.3", "airflow@2.11", "airflow@2.10"])
def test_hand_made_pipelines_load(name, tmp_path):
    """Also what needs providers that are not there: that is all they lack."""
    paths = []
    for case, make in CASES.items():
        pipeline = make()
        result = compile_pipeline(pipeline, Target("airflow", name.partition("@")[2]), Settings())
        assert errors_of(result.findings) == []
        path = tmp_path / case / f"{pipeline.name}.py"
        path.parent.mkdir()
        path.write_text(result.files[path.name])
        paths.append(path)
    loaded = load_serialized(engine(name), paths)
    broken = {p.parent.name: found.errors for p, found in loaded.items() if found.errors}
    assert set(broken) <= {"sources"}
    assert all("No module named 'airflow.providers.google'" in e for [e] in broken.values())


def test_a_difference_is_seen(tmp_path):
    """The comparison itself: another setting of one task is one field."""
    text = CASES["operators"]
    target = Target("airflow", "3.3")
    files = []
    for name, old, new in (("a", "", ""), ("b", "retries=0", "retries=4")):
        made = compile_pipeline(text(), target, Settings()).files["etl.py"]
        path = tmp_path / name / "etl.py"
        path.parent.mkdir()
        path.write_text(made.replace(old, new) if old else made)
        files.append(path)
    loaded = load_serialized(engine("airflow@3.3"), files)
    before, after = (loaded[Path(file)].dags["etl"] for file in files)
    assert differences(before, before) == []
    assert [str(d) for d in differences(before, after)] == ["tasks.check.retries: nothing is 4"]
