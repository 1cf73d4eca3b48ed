"""A project in a folder of its own, two toy targets, and `port` called in this process."""

from __future__ import annotations

import inspect
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from intermodal import registry
from intermodal.cli.main import port
from intermodal.compiling import Compiled
from intermodal.features import Feature, Lowered, Native, Refused
from intermodal.findings import warning

# Before click 8.2 standard output and errors come together unless one asks for them apart.
MIXES = "mix_stderr" in inspect.signature(CliRunner).parameters
APART = {"mix_stderr": False} if MIXES else {}

ETL = '''\
"""A pipeline."""
from intermodal import pipeline, task


@task
def fetch(limit: int) -> list[float]:
    return [1.0] * limit


@task
def total(numbers: list[float]) -> float:
    return sum(numbers)


@pipeline
def etl(limit: int = 3, label: str = "all"):
    total(fetch(limit))
'''


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Toy:
    """A target of two versions that lowers retries, refuses loops, and warns of owners."""

    name = "toy"
    versions = ("2.0", "1.0")
    files = ("{}.txt",)

    def resolve_version(self, text):
        return next((v for v in self.versions if v.startswith(text)), None)

    def capabilities(self, version):
        known = dict.fromkeys(Feature, Native())
        known[Feature.RETRY] = Lowered("it tries again by itself")
        known[Feature.FOR_EACH] = Refused("toys do not loop", "unroll it")
        return known

    def compile(self, pipeline, target, settings):
        text = f"{pipeline.name} for {target} with {settings.code}, {dict(settings.targets)}\n"
        found = [warning("PORT202", f"`{pipeline.name}` has owners", pipeline.span)] * bool(
            pipeline.owners
        )
        return Compiled({name.format(pipeline.name): text for name in self.files}, tuple(found))


class Brick(Toy):
    """A target that crashes on a pipeline called `crash`, and gives a bad path for `escape`."""

    name = "brick"
    versions = ("1.0",)

    def compile(self, pipeline, target, settings):
        if pipeline.name == "crash":
            raise RuntimeError("the mortar is wet")
        if pipeline.name == "escape":
            return Compiled({"../../outside.txt": "x"})
        return super().compile(pipeline, target, settings)


@pytest.fixture(autouse=True)
def toy_targets(monkeypatch):
    """Only the toys are installed, apart from what is no compiler."""
    toys = {"toy": Toy, "brick": Brick}
    names, has, load = registry.names, registry.has, registry.load
    monkeypatch.setattr(registry, "names", lambda g: sorted(toys) if g == "compilers" else names(g))
    monkeypatch.setattr(registry, "has", lambda g, n: n in toys if g == "compilers" else has(g, n))
    monkeypatch.setattr(registry, "load", lambda g, n: toys[n] if g == "compilers" else load(g, n))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project, with the toys as targets; it is the current folder."""
    (tmp_path / "intermodal.toml").write_text('targets = ["toy", "brick"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.fixture
def etl(project):
    """The project with one small pipeline in it."""
    file = project / "etl.py"
    file.write_text(ETL)
    return file


@pytest.fixture
def call():
    """Call `port` with arguments; gives the exit code and both outputs."""

    def call(*arguments, **settings):
        done = CliRunner(**APART).invoke(port, [str(a) for a in arguments], **settings)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Result(done.exit_code, done.stdout, done.stderr)

    return call
