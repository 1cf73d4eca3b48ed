"""A captured function runs on its own: only what it needs comes along, and all of it."""

import textwrap

import pytest

from intermodal.authoring.load import load_source

MODULE = '''
from __future__ import annotations

import json
import intermodal as im
import math as m
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intermodal import Metrics, pipeline, task, tracking

if TYPE_CHECKING:
    from decimal import Decimal

SCALE = 2
TABLE = {}
TABLE["x"] = SCALE
UNUSED = json.dumps({})


def inner(x):
    return x * TABLE["x"]


def outer(x):
    def nested(y):
        return inner(y)

    return nested(x)


@dataclass
class Point:
    x: int = SCALE
    inner: str = ""

    def size(self) -> int:
        return m.floor(self.x)


@task
def simple(x: int) -> int:
    return x


@task(timeout="1m")
def chain(x: int) -> int:
    """Calls a task as a function."""
    SCALE_LOCAL = 3
    text = """
not indented
"""
    return outer(simple(x)) + len(text) + SCALE_LOCAL


@task
def points(x: int) -> "Metrics":
    tracking.log_metric("x", x)
    return Metrics(size=Point(x).size())


def shared(name):
    return im.tracking.model_version(name)


@task
def asks(name: str) -> bool:
    return shared(name) is not None


@task
def shadows(inner: int) -> int:
    TABLE = inner
    return TABLE


@pipeline
def p():
    chain(1)
    points(1)
    shadows(1)
    asks("x")
'''


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("capture")
    (folder / "captured.py").write_text(textwrap.dedent(MODULE))
    loaded = load_source(folder / "captured.py", folder)
    assert loaded.findings == ()
    return {task.id: task for task in loaded.pipelines[0].body}


def run(source, name, *args):
    scope = {}
    text = "\n".join([*source.imports, *source.definitions, source.function])
    exec(compile("from __future__ import annotations\n" + text, "captured", "exec"), scope)
    return scope[name](*args)


def test_helpers_come_along_transitively_and_in_order(sources):
    source = sources["chain"].action.source
    assert source.imports == ()
    assert [text.split("(")[0].split("\n")[0] for text in source.definitions] == [
        "SCALE = 2",
        "TABLE = {}",
        'TABLE["x"] = SCALE',
        "def inner",
        "def outer",
        "def simple",
    ]
    assert run(source, "chain", 5) == 5 * 2 + len("\nnot indented\n") + 3


def test_classes_bring_what_their_fields_and_methods_need(sources):
    source = sources["points"].action.source
    assert "import math as m" in source.imports
    assert "from dataclasses import dataclass" in source.imports
    assert not any("Counter" in text or "json" in text for text in source.imports)
    assert run(source, "points", 4) == {"size": 4}


def test_locals_and_parameters_are_not_mistaken_for_the_modules_names(sources):
    source = sources["shadows"].action.source
    assert source.definitions == ()
    assert run(source, "shadows", 9) == 9


def test_the_decorator_goes_and_tracking_is_noticed(sources):
    assert "@task" not in sources["chain"].action.source.function
    assert not sources["chain"].tracks
    assert sources["points"].tracks
    assert sources["asks"].tracks, "through a function of the module, by the package's name"


def test_relative_and_local_imports_are_named(tmp_path):
    package = tmp_path / "proj"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "features.py").write_text("def clean(x):\n    return x\n")
    (package / "flow.py").write_text(
        "from intermodal import pipeline, task\n"
        "from .features import clean\n"
        "@task\ndef t(x: int) -> int:\n    return clean(x)\n"
        "@pipeline\ndef p():\n    t(1)\n"
    )
    loaded = load_source(package / "flow.py", tmp_path)
    assert loaded.findings == ()
    source = loaded.pipelines[0].body[0].action.source
    assert source.imports == ("from proj.features import clean",)
    assert source.local_modules == ("proj.features",)
