"""Nothing is lost in silence: every field of the IR changes what every compiler gives, or its findings."""

import pytest

from field_samples import ROWS, fields, sample
from intermodal import registry
from intermodal.analysis.validate import validate
from intermodal.compile import MANIFEST, compile_pipeline
from intermodal.compiling import Target
from intermodal.findings import errors_of

TARGETS = [
    Target(compiler.name, version)
    for compiler in registry.compilers().values()
    for version in dict.fromkeys((compiler.versions[0], compiler.resolve_version("2.11")))
    if version
]

# Fields that change nothing in what some targets are given, by design: the reason, and which.
ON_PAGES = "only Airflow's own pages show it; no task runs by it"
CHECKED_HERE = "a promise that is checked here, before anything is compiled"
UNCHANGED = {
    "ArtifactType.python": (
        "the runtime loads by the function's own annotations; this is for people",
        {"airflow", "kfp", "prefect"},
    ),
    **dict.fromkeys(
        [
            "EdgeLabel.downstream",
            "EdgeLabel.text",
            "EdgeLabel.upstream",
            "GroupArrow.downstream",
            "GroupArrow.upstream",
            "HostedPipeline.edge_labels",
            "HostedPipeline.group_arrows",
        ],
        (ON_PAGES, {"kfp", "prefect"}),
    ),
    "Task.input_types": (CHECKED_HERE, {"airflow", "kfp", "prefect"}),
    "ForEach.item_type": (CHECKED_HERE, {"airflow", "prefect"}),
    "OptionalType.item": (CHECKED_HERE, {"kfp"}),
    "StructType.fields": (CHECKED_HERE, {"airflow", "prefect"}),
}


def seen(pipeline, target, settings):
    """What a user gets: files, and findings without their places."""
    compiled = compile_pipeline(pipeline, target, settings)
    files = {name: text for name, text in compiled.files.items() if name != MANIFEST}
    findings = [(f.code, f.severity, f.what, f.why) for f in compiled.findings]
    return files, findings, bool(errors_of(compiled.findings))


def test_every_field_has_a_row_and_every_row_a_field():
    assert sorted(ROWS) == sorted(fields())


@pytest.mark.parametrize("field", ROWS)
def test_the_two_pipelines_differ_and_are_valid(field):
    before, after, _ = sample(field)
    assert before != after
    for pipeline in (before, after):
        assert errors_of(validate(pipeline)) == []


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("field", ROWS)
def test_a_field_is_emitted_or_refused(field, target):
    before, after, settings = sample(field)
    files, findings, _ = seen(after, target, settings)
    files_before, findings_before, _ = seen(before, target, settings)
    refused = not files
    changed = files != files_before or findings != findings_before
    reason, by_design = UNCHANGED.get(field, ("", set()))
    assert (refused or changed) is (target.name not in by_design), reason


def test_a_dropped_field_is_noticed(monkeypatch):
    """The check itself: a compiler that loses retries in silence fails it."""
    target = next(target for target in TARGETS if target.name == "airflow")
    kind = type(registry.compiler(target.name))
    compile_ = kind.compile

    def forgetful(self, pipeline, target, settings):
        body = tuple(node.model_copy(update={"retry": None}) for node in pipeline.body)
        return compile_(self, pipeline.model_copy(update={"body": body}), target, settings)

    monkeypatch.setattr(kind, "compile", forgetful)
    with pytest.raises(AssertionError):
        test_a_field_is_emitted_or_refused("Task.retry", target)
