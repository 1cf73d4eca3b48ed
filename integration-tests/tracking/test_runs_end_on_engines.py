"""How a pipeline run ends shows in MLflow, on real schedulers and workers: also where a task was killed.

Each side links to the other: MLflow's runs to the engine's pages, and those to MLflow's.
"""

from __future__ import annotations

import json
import subprocess
import time
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
from intermodal_backends.engines.live_airflow import live_airflow
from intermodal_backends.engines.live_prefect import live_prefect

pytestmark = [pytest.mark.engine, pytest.mark.slow]

EXAMPLE = Path(__file__).parent / "endings" / "pipeline.py"
ENDINGS = ("well", "fail", "kill")
PATIENCE = 60  # seconds in which an engine must have told of an end

# What an installed plugin shows beside the logs of a task instance.
LINKS = """
import json, sys
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from intermodal_backends.airflow_plugin import IntermodalPlugin

(link,) = IntermodalPlugin.global_operator_extra_links
with create_session() as session:
    rows = session.query(TaskInstance).filter(TaskInstance.run_id == sys.argv[1]).all()
    found = {row.task_id: link.get_link(None, ti_key=row.key) for row in rows}
print("LINKS", json.dumps([link.name, found]))
"""


def case_of(engine, server, work):
    """The compiled example, under an experiment of its own."""
    (pipeline,) = load_source(EXAMPLE, EXAMPLE.parent).pipelines
    update = {"experiment": f"endings on {engine}", "tags": {"team": "endings"}}
    tracked = pipeline.tracking.model_copy(update=update)
    pipeline = pipeline.model_copy(update={"tracking": tracked})
    target, _ = registry.resolve_target(engine)
    settings = Settings(store=str(work / "store"), tracking=server.uri)
    compiled = compile_pipeline(pipeline, target, settings)
    assert errors_of(compiled.findings) == []
    pages = {"PREFECT_UI_URL": "http://prefect.example"}
    folder = write_compiled(compiled.files, work / "compiled")
    return EngineCase(folder, pipeline.name, environment=pages)


class Ended:
    """The runs of one engine, by how they were to end."""

    def __init__(self, engine, server, read):
        self.engine, self.server, self.read = engine, server, read
        self.runs: dict[str, str] = {}
        self.links: dict[str, dict[str, str]] = {}

    def tree(self):
        return self.read(self.server.uri, f"endings on {self.engine}")

    def parent(self, ending):
        found = [
            run
            for run in self.tree().children(None)
            if run.data.tags["intermodal.run_id"].startswith(self.runs[ending])
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def wait(self, ending):
        """Engines tell of an end some time after it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            parent = self.parent(ending)
            if parent is not None and parent.info.status != "RUNNING":
                return parent
            time.sleep(0.2)
        pytest.fail(f"{self.engine} did not tell how `{ending}` ended")
        return None

    def shape(self, ending):
        parent = self.wait(ending)
        tasks = [(name, status) for name, status, *_ in self.tree().shape(parent.info.run_id)]
        return parent.info.status, tasks


@pytest.fixture(scope="module", params=["airflow@3.3", "airflow@2.11"])
def on_airflow(request, shared_server, tmp_path_factory, read_tree):
    environment = require(request.param)
    case = case_of(request.param, shared_server, tmp_path_factory.mktemp("live"))
    ended = Ended(request.param, shared_server, read_tree)
    with live_airflow(environment, case) as airflow:
        airflow.wait_for_dag("endings")
        for ending in ENDINGS:
            ended.runs[ending] = airflow.trigger("endings", {"ending": ending})
        for ending, run in ended.runs.items():
            result = airflow.wait("endings", run, timeout=240)
            assert result.succeeded == (ending == "well"), result.log
            ended.wait(ending)
            command = [str(environment.python), "-c", LINKS, run]
            done = subprocess.run(
                command, env=airflow.variables, capture_output=True, text=True, check=False
            )
            assert "LINKS" in done.stdout, done.stdout + done.stderr
            ended.links[ending] = json.loads(done.stdout.rpartition("LINKS ")[2])
    return ended


def test_airflow_tells_how_its_runs_ended(on_airflow):
    assert on_airflow.shape("well") == (
        "FINISHED",
        [("first", "FINISHED"), ("last", "FINISHED"), ("middle", "FINISHED")],
    )
    assert on_airflow.shape("fail") == ("FAILED", [("first", "FINISHED"), ("middle", "FAILED")])
    status, tasks = on_airflow.shape("kill")
    assert status == "FAILED"
    assert "RUNNING" not in dict(tasks).values()
    for ending in ENDINGS:
        parent = on_airflow.parent(ending)
        assert parent.data.params == {"ending": ending}
        assert parent.data.tags["team"] == "endings"


def test_airflow_and_mlflow_link_to_each_other(on_airflow):
    tree = on_airflow.tree()
    for ending in ENDINGS:
        parent, run = on_airflow.parent(ending), on_airflow.runs[ending]
        link = parent.data.tags["intermodal.link"]
        if on_airflow.engine == "airflow@3.3":
            assert link.endswith(f"/dags/endings/runs/{run}")
        else:
            assert link.endswith(f"/dags/endings/grid?dag_run_id={run}")
        name, shown = on_airflow.links[ending]
        assert name == "Tracked task"
        root = f"{on_airflow.server.uri}/#/experiments/{parent.info.experiment_id}/runs/"
        for task in tree.children(parent.info.run_id):
            assert shown.pop(task.info.run_name) == root + task.info.run_id
            assert task.data.tags["intermodal.link"].startswith(link)
        assert set(shown.values()) <= {""}, "what was not tracked has no link"


@pytest.fixture(scope="module")
def on_prefect(shared_server, tmp_path_factory, read_tree):
    case = case_of("prefect@3", shared_server, tmp_path_factory.mktemp("live"))
    ended = Ended("prefect@3", shared_server, read_tree)
    with live_prefect(require("prefect@3")) as prefect:
        (deployment,) = prefect.deploy(case)
        for ending in ENDINGS:
            ended.runs[ending] = prefect.trigger(deployment, {"ending": ending})
        for ending, run in ended.runs.items():
            result = prefect.wait(run, timeout=240)
            assert result.succeeded == (ending == "well"), result.log
            ended.wait(ending)
            ended.links[ending] = prefect.links(run)
    return ended


def test_prefect_tells_how_its_runs_ended(on_prefect):
    assert on_prefect.shape("well") == (
        "FINISHED",
        [("first", "FINISHED"), ("last", "FINISHED"), ("middle", "FINISHED")],
    )
    assert on_prefect.shape("fail") == ("FAILED", [("first", "FINISHED"), ("middle", "FAILED")])
    status, tasks = on_prefect.shape("kill")
    assert status == "KILLED", "its tasks are threads of the flow's process: all of it is killed"
    assert "RUNNING" not in dict(tasks).values()
    for ending in ENDINGS:
        assert on_prefect.parent(ending).data.params == {"ending": ending}


def test_prefect_and_mlflow_link_to_each_other(on_prefect):
    tree = on_prefect.tree()
    for ending in ("well", "fail"):
        parent, run = on_prefect.parent(ending), on_prefect.runs[ending]
        page = f"http://prefect.example/runs/flow-run/{run}"
        assert parent.data.tags["intermodal.link"] == page
        root = f"{on_prefect.server.uri}/#/experiments/{parent.info.experiment_id}/runs/"
        links = on_prefect.links[ending]
        tasks = [root + run.info.run_id for run in tree.children(parent.info.run_id)]
        assert links == sorted(
            [f"[Tracked run]({root}{parent.info.run_id})", *(f"[Tracked task]({t})" for t in tasks)]
        )
