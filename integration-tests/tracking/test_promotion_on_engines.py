"""Train, compare, promote on every engine: the same versions, aliases and tags wherever it ran."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from intermodal import registry
from intermodal.authoring.load import load_source
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.findings import errors_of
from intermodal_backends.conformance.harness import write_compiled
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import require
from intermodal_backends.local import RunOptions, run_pipeline

pytestmark = pytest.mark.engine

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "promotion" / "pipeline.py"
ENGINES = ["airflow@3.3", "airflow@2.11", "prefect@3", "kfp@2"]

# The first is put into use, the better one takes its place, the worse one does not.
ROUNDS = [{"trees": 5, "depth": 1}, {"trees": 60, "depth": 8}, {"trees": 4, "depth": 1}]

OWN = ("intermodal.run_id", "intermodal.registration", "intermodal.promoted.", "intermodal.target")
"""What tells one run from another."""
PLACES = ("intermodal.artifact", "intermodal.sha256")
"""What depends on the store, and on the version of scikit-learn that an engine has."""


def example():
    (pipeline,) = load_source(EXAMPLE, EXAMPLE.parent).pipelines
    return pipeline


def on_local(server, work, name):
    options = RunOptions(store=str(work / "store"), tracking=server.uri)
    for parameters in ROUNDS:
        result = run_pipeline(example(), {**parameters, "name": name}, options)
        assert result.state == "succeeded", result.failures
        assert [f for f in result.findings if f.severity != "note"] == []


def on_engine(wanted, server, work, name):
    target, _ = registry.resolve_target(wanted)
    settings = Settings(store=str(work / "store"), tracking=server.uri)
    compiled = compile_pipeline(example(), target, settings)
    assert errors_of(compiled.findings) == []
    folder = write_compiled(compiled.files, work / "compiled")
    with registry.load("engines", target.name)(require(wanted)) as engine:
        for parameters in ROUNDS:
            result = engine.run(
                EngineCase(
                    folder,
                    "promotion",
                    parameters={**parameters, "name": name},
                    environment={"INTERMODAL_EVENTS": str(work / "events.jsonl")},
                    timeout=300,
                )
            )
            assert result.succeeded, result.log
    assert list((work / "store").rglob("spool/*.jsonl")) == [], "records were not delivered"


def models(server, name):
    """The registry's versions of a model, oldest first, and its aliases."""
    from mlflow import MlflowClient

    client = MlflowClient(server.uri, registry_uri=server.uri)
    found = client.search_model_versions(f"name='{name}'")
    aliases = client.get_registered_model(name).aliases
    return sorted(found, key=lambda one: int(one.version)), aliases


def shown(versions):
    """The tags of versions, without what can only differ between runs."""
    return [
        {
            key: ("" if key in PLACES or key.startswith("intermodal.metric.") else value)
            for key, value in version.tags.items()
            if not key.startswith(OWN)
        }
        for version in versions
    ]


@pytest.fixture(scope="module")
def reference(shared_server, tmp_path_factory):
    on_local(shared_server, tmp_path_factory.mktemp("promotion"), "promoted-on-local")
    return models(shared_server, "promoted-on-local")


@pytest.fixture(scope="module", params=ENGINES)
def ran(request, shared_server, tmp_path_factory):
    name = f"promoted-on-{request.param.replace('@', '-').replace('.', '-')}"
    on_engine(request.param, shared_server, tmp_path_factory.mktemp("promotion"), name)
    return models(shared_server, name)


def test_on_this_machine_the_better_model_is_in_use(reference):
    versions, aliases = reference
    assert [str(one.version) for one in versions] == ["1", "2", "3"]
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "2"}
    promoted = ["intermodal.promoted.champion" in one.tags for one in versions]
    assert promoted == [True, True, False]
    assert all(one.tags["intermodal.promoted.champion"].endswith(" set") for one in versions[:2])


def test_each_engine_leaves_the_same_registry(ran, reference):
    (versions, aliases), (wanted, wanted_aliases) = ran, reference
    assert aliases == wanted_aliases
    assert shown(versions) == shown(wanted)
    for version, like in zip(versions, wanted, strict=True):
        assert version.status == "READY"
        same = ("intermodal.promoted.champion" in one.tags for one in (version, like))
        assert len(set(same)) == 1
        f1, expected = (float(one.tags["intermodal.metric.f1"]) for one in (version, like))
        assert math.isclose(f1, expected, rel_tol=0.02), "another version of scikit-learn"


def test_each_version_is_from_the_run_that_registered_it(ran, shared_server):
    from mlflow import MlflowClient

    client = MlflowClient(shared_server.uri, registry_uri=shared_server.uri)
    versions, _ = ran
    assert len({one.run_id for one in versions}) == len(versions)
    for version in versions:
        tags = client.get_run(version.run_id).data.tags
        assert tags["intermodal.task"] == "register"
        assert version.source.startswith("mlflow-artifacts:")
