"""`port run` with approvals, triggered pipelines and pools: real runs, without a terminal or with one."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from intermodal.cli.answers import given_answers
from intermodal.cli.progress import line
from intermodal.ir import Approval, Literal_, Pipeline, Task
from intermodal.running import Progress

PORT = str(Path(sys.executable).parent / "port")
SOURCE = '''
"""A release that somebody has to approve."""
from intermodal import approval, pipeline, task, trigger

@task
def build() -> int:
    return 1

@pipeline
def announce(version: int = 0):
    approval("Announce?", id="announce_it")

@pipeline
def release():
    made = build()
    ok = approval("Publish?", id="publish", after=made)
    trigger(announce, wait=True, version=made, options={"after": ok, "pool": "net"})
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "release.py").write_text(SOURCE)
    (tmp_path / "intermodal.toml").write_text('store = "store"\n[pools]\nnet = 1\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def approval(name):
    return Task(id=name, action=Approval(message=Literal_(value="?")))


def test_answers_by_id():
    pipelines = [Pipeline(name="p", body=(approval("a"), approval("b")))]
    assert given_answers(pipelines, ["a", "b[1]"], [], rest=False) == {
        "a": "approve",
        "b[1]": "approve",
    }
    assert given_answers(pipelines, [], ["a"], rest=True) == {"a": "reject", "b": "approve"}
    assert given_answers(pipelines, [], [], rest=False) == {}


def port(*arguments):
    command = [PORT, "run", "release.py", "--pipeline", "release"]
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment,
    )


def test_without_a_terminal_every_answer_is_needed_beforehand(folder):
    ended = port()
    assert ended.returncode == 1
    assert "PORT608" in ended.stderr
    assert "--approve publish" in ended.stderr
    assert "--approve announce_it" in ended.stderr
    assert not (folder / "store").exists()


def test_answers_on_the_command_line(folder):
    ended = port("--approve-all", "--reject", "announce_it", "--json")
    told = json.loads(ended.stdout)
    assert {name: t["state"] for name, t in told["tasks"].items()} == {
        "build": "succeeded",
        "publish": "succeeded",
        "trigger_announce": "failed",
    }
    assert ended.returncode == 1
    assert port("--approve-all").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--approve", "nothing"], "no approval is called `nothing`"),
        (["--approve", "publish", "--reject", "publish"], "`publish` is approved and rejected"),
    ],
)
def test_answers_to_nothing_and_two_answers(folder, arguments, said):
    ended = port(*arguments)
    assert ended.returncode == 2
    assert said in ended.stderr


def test_a_person_at_the_terminal_is_asked(folder):
    ours, theirs = pty.openpty()
    command = [PORT, "run", "release.py", "--pipeline", "release"]
    with subprocess.Popen(
        [*command, "--approve", "announce_it"],
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        shown = b""
        while b"[y/n]" not in shown:
            shown += os.read(ours, 4096)
        os.write(ours, b"perhaps\n")
        while shown.count(b"[y/n]") < 2:
            shown += os.read(ours, 4096)
        os.write(ours, b"y\n")
        out = process.stdout.read()
    os.close(ours)
    assert b"approve publish: Publish? [y/n]" in shown
    assert b"release succeeded" in out
    assert process.returncode == 0


def test_messages_to_the_log_are_shown():
    assert line(Progress("a", "notice", error="a of p failed")) == "  notice  a: a of p failed"
    assert line(Progress("", "notice", error="p failed")) == "  notice  the run: p failed"
