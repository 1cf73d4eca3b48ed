"""The functions that emitted files define for themselves, against stand-ins of what they call."""

from __future__ import annotations

import io
import sys
import tarfile
import types

import pytest
from airflow_cases import CASES, artifacts
from fake_airflow import execute, rendered

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target


def recorded(pipeline, **settings):
    result = compile_pipeline(pipeline, Target("airflow", "3.3"), Settings(**settings))
    return execute(result.files[f"{pipeline.name}.py"])


def tar_of(path, text):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(path.rsplit("/", 1)[-1])
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return buffer.getvalue()


class Container:
    """What the Docker SDK gives: files go in and out as archives."""

    def __init__(self, status, output):
        self.status, self.output = status, output
        self.files, self.removed, self.started = {}, False, False

    def put_archive(self, root, data):
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for entry in tar.getmembers():
                self.files[root + entry.name] = tar.extractfile(entry).read().decode()

    def start(self):
        self.started = True

    def logs(self, *, stream, follow):
        yield b"working\n"

    def wait(self):
        return {"StatusCode": self.status}

    def get_archive(self, path):
        return [tar_of(path, self.output)], {}

    def remove(self, *, force):
        self.removed = force


@pytest.fixture
def docker(monkeypatch):
    def make(status=0, output=b"10"):
        container = Container(status, output)
        options = {}

        def create(image, **given):
            options.update(given, image=image)
            return container

        images = types.SimpleNamespace(get=lambda image: None)
        client = types.SimpleNamespace(
            images=images, containers=types.SimpleNamespace(create=create)
        )
        module = types.ModuleType("docker")
        module.from_env = lambda: client
        module.errors = types.SimpleNamespace(ImageNotFound=KeyError)
        monkeypatch.setitem(sys.modules, "docker", module)
        return container, options

    return make


def run_measure():
    task = recorded(CASES["containers"]()).task("measure")
    arguments = rendered(task.arguments, params={"day": "2026-01-01"})
    return task.function(**arguments)


def test_a_container_gives_its_file_as_the_output(docker, capsys):
    container, options = docker()
    assert run_measure() == 10
    assert container.files == {
        "/tmp/intermodal/inputs/text": "2026-01-01",
        "/tmp/intermodal/outputs/return": "",
    }
    assert container.started
    assert container.removed
    assert options["entrypoint"] == ["sh", "-c"]
    assert options["command"][1:] == list(container.files)
    assert capsys.readouterr().out == "working\n"


def test_a_failing_container_fails_and_is_removed(docker):
    container, _ = docker(status=3)
    with pytest.raises(RuntimeError, match="exit code 3"):
        run_measure()
    assert container.removed


def constructor(kind):
    return lambda **fields: (kind, fields)


def test_pods_are_described_where_kubernetes_is_installed(monkeypatch):
    models = types.ModuleType("kubernetes.client.models")
    for name in ("V1ResourceRequirements", "V1Container", "V1PodSpec", "V1Pod"):
        setattr(models, name, constructor(name))
    client = types.ModuleType("kubernetes.client")
    client.models = models
    monkeypatch.setitem(sys.modules, "kubernetes", types.ModuleType("kubernetes"))
    monkeypatch.setitem(sys.modules, "kubernetes.client", client)
    config = recorded(artifacts()).task("train").settings["executor_config"]
    container = config["pod_override"][1]["spec"][1]["containers"][0][1]
    assert container["name"] == "base"
    assert container["resources"][1] == {
        "requests": {"cpu": "2", "memory": "2Gi"},
        "limits": {"nvidia.com/gpu": "1"},
    }


def test_pods_are_nothing_elsewhere(monkeypatch):
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    assert recorded(artifacts()).task("train").settings["executor_config"] == {}


def test_the_runtime_is_told_whose_attempt_it_is():
    text = compile_pipeline(
        artifacts(), Target("airflow", "3.3"), Settings(store="s3://b/s", tracking="http://t")
    ).files["diagnosis.py"]
    for line in (
        'pipeline="diagnosis",',
        'run_id=context["run_id"],',
        "attempt=task_instance.try_number,",
        'store="s3://b/s",',
        'tracking="http://t",',
        'experiment="clinic",',
        'tags={"stage": "it\'s new"},',
    ):
        assert line in text
