"""Follows CONTRIBUTING's page on adding a target, with a small one that a third party could ship."""

import importlib
import sys
import textwrap

import pytest

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.features import Feature, Lowered, Native, Refused
from intermodal.findings import errors_of
from intermodal.ir import Join, Pipeline, Shell, Task

COMPILER = '''
"""Compiles pipelines of shell tasks to a Makefile."""

from intermodal.analysis.graph import tasks, upstreams
from intermodal.compiling import Compiled
from intermodal.features import Feature, Lowered, Native, Refused

NATIVE = {Feature.ACTION_SHELL, Feature.ORDERING}
LOWERED = {Feature.DESCRIPTION: "a comment"}


class MakeCompiler:
    name = "make"
    versions = ("4", "3")

    def resolve_version(self, text):
        return text if text in self.versions else None

    def capabilities(self, version):
        refused = Refused("make has nothing of the kind", "use another target")
        table = {feature: refused for feature in Feature}
        table |= {feature: Native() for feature in NATIVE}
        return table | {feature: Lowered(how) for feature, how in LOWERED.items()}

    def compile(self, pipeline, target, settings):
        lines = [f"# {pipeline.name}"]
        for task in tasks(pipeline):
            lines.append(f"{task.id}: {' '.join(upstreams(task))}".rstrip())
            lines.append(f"\\t{task.action.command}")
        return Compiled({"Makefile": "\\n".join(lines) + "\\n"})
'''


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """A distribution with one module and one entry-point line, on the path as if installed."""
    (tmp_path / "port_make.py").write_text(textwrap.dedent(COMPILER))
    info = tmp_path / "port_make-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: port-make\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[intermodal.compilers]\nmake = port_make:MakeCompiler\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("port_make", None)


def shell(name, **more):
    return Task(id=name, action=Shell(command=f"echo {name}"), **more)


def test_a_third_party_target_is_found_and_compiles(third_party):
    target, findings = registry.resolve_target("make")
    assert (str(target), findings) == ("make@4", [])
    pipeline = Pipeline(name="p", description="x", body=(shell("a"), shell("b", after=("a",))))
    compiled = compile_pipeline(pipeline, target, Settings())
    assert compiled.files["Makefile"] == "# p\na:\n\techo a\nb: a\n\techo b\n"
    assert [finding.code for finding in compiled.findings] == ["PORT201"]
    assert "manifest.json" in compiled.files


def test_what_it_does_not_support_is_refused_not_dropped(third_party):
    target, _ = registry.resolve_target("make@3")
    pipeline = Pipeline(name="p", body=(shell("a"), shell("b", after=("a",), join=Join.ALL_DONE)))
    compiled = compile_pipeline(pipeline, target, Settings())
    assert not compiled.files
    assert [finding.what for finding in errors_of(compiled.findings)] == [
        "make@3 cannot express `join.all_done` of task `b`"
    ]


@pytest.mark.parametrize("name", ["airflow", "kfp", "prefect"])
def test_every_compiler_declares_every_feature(name):
    compiler = registry.compiler(name)
    for version in compiler.versions:
        table = compiler.capabilities(version)
        assert set(table) == set(Feature), f"{name}@{version}"
        for support in table.values():
            assert isinstance(support, (Native, Lowered, Refused))
            assert not isinstance(support, Refused) or support.why
            assert not isinstance(support, Lowered) or support.how


@pytest.mark.parametrize(
    ("text", "near"), [("airflo", "`airflow`"), ("kpf", "`kfp`"), ("airflow@9", "airflow@3.3")]
)
def test_unknown_targets_get_a_hint(text, near):
    target, [finding] = registry.resolve_target(text)
    assert target is None
    assert finding.code == "PORT007"
    assert near in finding.next
