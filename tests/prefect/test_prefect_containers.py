"""Container tasks of emitted flows, with a Docker that only pretends."""

from __future__ import annotations

import io
import sys
import tarfile
import types
from pathlib import Path

import pytest
from fake_prefect import execute

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.ir import (
    Container,
    Format,
    InputRef,
    ListType,
    Literal_,
    PathRef,
    Pipeline,
    Resources,
    Task,
)


def flow_text(pipeline):
    return compile_pipeline(pipeline, Target("prefect", "3"), Settings()).files["flow.py"]


class FakeContainer:
    """A container whose program copies its input to its output, or fails, or hangs."""

    def __init__(self, folder, settings):
        self.folder, self.settings, self.removed = folder, settings, False

    def put_archive(self, place, data):
        assert place == "/"
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(self.folder, filter="tar")

    def start(self):
        inside = self.folder / "intermodal"
        for path in (inside / "inputs").iterdir():
            (inside / "outputs" / "return").write_bytes(path.read_bytes())

    def wait(self, timeout):
        if self.settings["image"] == "hangs":
            raise sys.modules["requests"].exceptions.ConnectionError(f"{timeout} passed")
        return {"StatusCode": 4 if self.settings["image"] == "fails" else 0}

    def logs(self):
        return b""

    def get_archive(self, path):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.add(self.folder / path.lstrip("/"), Path(path).name)
        return [buffer.getvalue()], {}

    def remove(self, force):
        self.removed = force


@pytest.fixture
def docker(monkeypatch, tmp_path):
    """A Docker that has no image yet."""
    import requests

    made, images = [], set()

    class NotThereError(Exception):
        pass

    def get(image):
        if image not in images:
            raise NotThereError(image)

    def create(image, **settings):
        made.append(FakeContainer(tmp_path, {"image": image, **settings}))
        return made[-1]

    client = types.SimpleNamespace(
        images=types.SimpleNamespace(get=get, pull=images.add),
        containers=types.SimpleNamespace(create=create),
    )
    module = types.ModuleType("docker")
    module.from_env = lambda: client
    module.errors = types.SimpleNamespace(ImageNotFound=NotThereError)
    monkeypatch.setitem(sys.modules, "docker", module)
    monkeypatch.setitem(sys.modules, "requests", requests)
    return made


def box(image, **more):
    words = (Literal_(value="cp"), Format(parts=(Literal_(value="--n="), InputRef(name="rows"))))
    paths = (PathRef(direction="input", name="rows"), PathRef(direction="output", name="return"))
    return Task(
        id="box",
        action=Container(image=image, command=words, args=paths),
        inputs={"rows": Literal_(value=[1, "é"])},
        outputs={"return": ListType()},
        **more,
    )


def test_a_container_gets_its_inputs_as_files_and_gives_its_outputs_as_files(docker):
    resources = Resources(cpu=0.5, cpu_limit=2, memory="1Ki", memory_limit="2Gi")
    task = box("repo/app:1", environment={"A": "b"}, resources=resources)
    recorded = execute(flow_text(Pipeline(name="boxes", body=(task,))))
    recorded.call()
    assert recorded.runs["box"].value == [1, "é"]
    (container,) = docker
    assert container.removed
    assert container.settings == {
        "image": "repo/app:1",
        "entrypoint": ["cp", '--n=[1, "\\u00e9"]'],
        "command": ["/intermodal/inputs/rows", "/intermodal/outputs/return"],
        "environment": {"A": "b"},
        "cpu_shares": 512,
        "nano_cpus": 2_000_000_000,
        "mem_reservation": 1024,
        "mem_limit": 2 * 2**30,
    }


@pytest.mark.parametrize(("image", "error"), [("fails", RuntimeError), ("hangs", TimeoutError)])
def test_a_container_that_fails_or_hangs_fails_the_task_and_is_removed(docker, image, error):
    recorded = execute(flow_text(Pipeline(name="boxes", body=(box(image, timeout=1),))))
    recorded.call()
    assert type(recorded.runs["box"].error) is error
    assert docker[0].removed
