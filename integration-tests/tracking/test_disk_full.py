"""A disk that is full, for real: a small one of its own, and a limit on the size of files."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys

import pytest

from intermodal.tracking.session import DURATION

TASK = """
import json, os, sys
from pathlib import Path
from intermodal import tracking
from intermodal.tracking import spool
from intermodal.tracking.session import session
from intermodal.tracking.tracker import TaskIdentity

name, uri, back, disk, artifact = sys.argv[1:]
disk = Path(disk)

def fill():
    with (disk / "filler").open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass

with session(TaskIdentity(name, "run", "train"), uri, disk / "work") as tracked:
    for value in range(10):
        tracking.log_metric("before", float(value))
    fill()
    for value in range(1000):
        tracking.log_metric("after", float(value))
    tracking.log_artifact(artifact)
said = [(f.code, f.what) for f in tracked.findings]
(disk / "filler").unlink()
synced = [(f.code, f.why) for f in spool.sync(disk, back)] if back else []
left = [str(p) for p in disk.rglob("*.jsonl")]
print(json.dumps({"said": said, "synced": synced, "left": left}))
"""


@pytest.fixture
def on_small_disk(tmp_path):
    """Runs the task with a file system of 64 KiB, which needs a mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    large = tmp_path / "large.bin"
    large.write_bytes(b"y" * 100_000)
    mount = f"mount -t tmpfs -o size=64k none '{disk}'"
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "-rm", "sh", "-c", mount], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("needs user namespaces, to mount a small disk")

    def run(name, uri, back=""):
        inner = ["sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", TASK]
        arguments = [name, uri, back, str(disk), str(large)]
        done = subprocess.run(
            ["unshare", "-rm", *inner, *arguments], check=True, capture_output=True, text=True
        )
        return json.loads(done.stdout)

    return run


def test_with_a_server_nothing_is_lost(on_small_disk, shared_server, pipeline, read):
    done = on_small_disk(pipeline, shared_server.uri)
    assert [code for code, _ in done["said"]] == ["PORT522"]
    assert done["left"] == []
    tree = read(shared_server.uri, pipeline)
    run = tree.named("train")
    assert run.info.status == "FINISHED"
    assert tree.history(run, "before") == [(n, float(n)) for n in range(10)]
    assert tree.history(run, "after") == [(n, float(n)) for n in range(1000)]
    assert tree.files(run) == ["large.bin"]


def test_without_one_what_came_before_is_kept_and_the_rest_is_told(
    on_small_disk, shared_server, pipeline, read
):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = on_small_disk(pipeline, away, back=shared_server.uri)
    codes = [code for code, _ in done["said"]]
    assert codes == ["PORT522", "PORT500", "PORT505"]
    lost = int(done["said"][-1][1].split()[0])
    tree = read(shared_server.uri, pipeline)
    run = tree.named("train")
    assert tree.history(run, "before") == [(n, float(n)) for n in range(10)]
    stored = tree.history(run, "after")
    assert stored == [(n, float(n)) for n in range(len(stored))]
    # what is missing is the rest of the metrics, the file, a note on it, the duration and the end
    ends = [name for name in (DURATION,) if name in run.data.metrics]
    assert lost == 1000 - len(stored) + 4 - len(ends)
    assert done["left"] == []


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
"""


def test_a_limit_on_the_size_of_files(shared_server, pipeline, read, tmp_path):
    (tmp_path / "large.bin").write_bytes(b"y" * 100_000)
    script = LIMITED + TASK.replace("    fill()\n", "").replace('(disk / "filler").unlink()', "")
    arguments = [pipeline, shared_server.uri, "", str(tmp_path), str(tmp_path / "large.bin")]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True
    )
    assert [code for code, _ in json.loads(done.stdout)["said"]] == ["PORT522"]
    tree = read(shared_server.uri, pipeline)
    run = tree.named("train")
    assert tree.history(run, "after") == [(n, float(n)) for n in range(1000)]
    assert tree.files(run) == ["large.bin"]
