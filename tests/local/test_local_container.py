"""Container tasks, with a stand-in for docker that runs the command on this machine."""

import json
import stat
import sys
import tempfile

import pytest
from local_pipelines import ref, states, task

from intermodal.findings import FindingsError
from intermodal.ir import (
    ArtifactType,
    Container,
    FloatType,
    Format,
    InputRef,
    Literal_,
    MapType,
    PathRef,
    SecretRef,
    SecretVariable,
    StringType,
    Task,
)

DOCKER = """#!{python}
import json, os, subprocess, sys

args = sys.argv[1:]
with open({log!r}, "a") as file:
    file.write(json.dumps(args) + "\\n")
if args[0] != "run":
    sys.exit(0)
folder, entry, rest = "", [], args[1:]
while rest[0].startswith("--"):
    name = rest.pop(0)
    if name in ("--rm", "--init"):
        continue
    value = rest.pop(0)
    if name == "--volume":
        folder = value.partition(":")[0]
    if name == "--entrypoint":
        entry = [value]
image, *command = rest
command = [part.replace("/intermodal", folder) for part in (*entry, *command)]
sys.exit(subprocess.run(command).returncode)
"""


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """The orders that the stand-in got."""
    place = tmp_path / "bin"
    place.mkdir()
    log = tmp_path / "docker.log"
    script = place / "docker"
    script.write_text(DOCKER.format(python=sys.executable, log=str(log)))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
    return lambda: [json.loads(line) for line in log.read_text().splitlines()]


def lit(value):
    return Literal_(value=value)


def container(*args, command=("sh", "-c"), **fields):
    action = Container(
        image="img:1",
        command=tuple(lit(part) for part in command),
        args=tuple(lit(a) if isinstance(a, str) else a for a in args),
    )
    return Task(id="box", action=action, **fields)


def path(direction, name):
    return PathRef(direction=direction, name=name)


def test_values_go_in_and_come_out_as_files(run, docker):
    script = Format(
        parts=(
            lit('sed "s/1/2/" '),
            path("input", "data"),
            lit(" > "),
            path("output", "data"),
            lit("; printf '%s' \"$0\" > "),
            path("output", "name"),
        )
    )
    result = run(
        container(
            script,
            InputRef(name="name"),
            inputs={"data": lit({"n": 1}), "name": lit("it's")},
            outputs={"data": MapType(), "name": StringType()},
        )
    )
    assert result.trace.instances["box"].outputs == {"data": {"n": 2}, "name": "it's"}
    order = docker()[0]
    assert order[order.index("--entrypoint") + 1] == "sh"
    assert "img:1" in order


def test_artifacts_go_in_and_come_out_as_files(run, docker):
    frames = {"return": ArtifactType(artifact="Dataset")}
    script = Format(parts=(lit("cp "), path("input", "rows"), lit(" "), path("output", "copy")))
    result = run(
        task("frame", outputs=frames),
        container(
            script,
            inputs={"rows": ref("frame")},
            outputs={"copy": ArtifactType(artifact="File")},
        ),
    )
    made = result.trace.instances
    assert made["box"].artifacts["copy"] == made["frame"].artifacts["return"]


def test_an_output_is_read_by_its_type(run, docker):
    script = Format(parts=(lit("echo 2 > "), path("output", "n")))
    assert run(container(script, outputs={"n": FloatType()})).trace.instances["box"].outputs == {
        "n": 2
    }
    wrong = run(
        container(Format(parts=(lit("echo x > "), path("output", "n"))), outputs={"n": FloatType()})
    )
    assert "not float in JSON" in wrong.failures[0].message


def test_a_failing_container_fails_the_task_and_is_removed(run, docker):
    result = run(container("echo broken; exit 4"))
    assert states(result) == {"box": "failed"}
    assert result.failures[0].log_tail == "broken"
    first, last = docker()
    assert last == ["rm", "--force", first[first.index("--name") + 1]]


def test_variables_and_secrets_are_handed_on_by_name(run, docker, monkeypatch):
    monkeypatch.setenv("INTERMODAL_SECRET_DB", "hunter2-secret")
    result = run(
        container(
            'test ${#TOKEN} = 14 && test "$COLOUR" = red',
            environment={"COLOUR": "red"},
            secrets=(SecretVariable(variable="TOKEN", secret=SecretRef(name="db")),),
        )
    )
    assert result.state == "succeeded"
    order = docker()[0]
    assert [order[i + 1] for i, part in enumerate(order) if part == "--env"] == ["COLOUR", "TOKEN"]
    assert "hunter2-secret" not in json.dumps(order)


def test_without_docker_it_is_said_first(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FindingsError) as refused:
        run(container("true"))
    (finding,) = refused.value.findings
    assert (finding.code, finding.why) == (
        "PORT606",
        "there is no `docker` command on this machine",
    )


@pytest.mark.parametrize(
    ("kind", "part"),
    [(ArtifactType(artifact="File"), "PORT409"), (StringType(), "wrote no file for its output")],
)
def test_an_output_that_was_not_written_is_told(run, docker, kind, part):
    result = run(container("true", outputs={"made": kind}))
    assert part in result.failures[0].message


def test_a_text_that_looks_like_a_path_is_a_text(run, docker):
    script = Format(parts=(lit("cat "), path("input", "name"), lit(" > "), path("output", "out")))
    result = run(
        container(script, inputs={"name": lit("/etc/passwd")}, outputs={"out": StringType()})
    )
    assert result.trace.instances["box"].outputs == {"out": "/etc/passwd"}


def test_the_folder_of_a_container_is_removed(run, docker, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(tmp_path.iterdir())
    run(container("true", inputs={"a": lit(1)}))
    assert {path.name for path in set(tmp_path.iterdir()) - before} <= {"store", "docker.log"}
