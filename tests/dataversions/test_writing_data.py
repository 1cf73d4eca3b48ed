"""`data(...)` in a pipeline: what it pins, and the findings where it does not."""

import hashlib
from pathlib import Path

import pytest

from intermodal import Retry, container, data, default, for_each, pipeline, task, text, when
from intermodal.analysis.data_versions import mark_data
from intermodal.analysis.needs import needs_runtime
from intermodal.analysis.validate import validate
from intermodal.dataversions.marker import is_data
from intermodal.findings import FindingsError
from intermodal.ir import DataVersion, Literal_, Pipeline, PythonCall, Task

SHA = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
COMMIT = "a" * 64


@task
def take(rows) -> int:
    return len(rows)


def refused(*arguments, **named):
    with pytest.raises(FindingsError) as caught:
        data(*arguments, **named)
    [finding] = caught.value.findings
    return finding


def findings_of(function):
    """Codes of the findings about a pipeline."""
    made, findings = pipeline(function).trace()
    return [finding.code for finding in (*findings, *(validate(made) if made else ()))]


@pytest.mark.parametrize(
    ("arguments", "named", "expected"),
    [
        (["rows.csv"], {"sha256": SHA}, {"uri": "rows.csv", "digest": f"sha256:{SHA}"}),
        (["s3://b/k"], {"version": "3Lg"}, {"uri": "s3://b/k", "version": "3Lg"}),
        (["s3://b/k?versionId=3Lg"], {}, {"uri": "s3://b/k", "version": "3Lg"}),
        ([f"lakefs://repo/{COMMIT}/a/b.csv"], {}, {"uri": f"lakefs://repo/{COMMIT}/a/b.csv"}),
        (
            ["lakefs://repo/main/a.csv"],
            {"digest": f"sha256:{SHA}"},
            {"uri": "lakefs://repo/main/a.csv", "digest": f"sha256:{SHA}"},
        ),
        (["https://x.org/a.csv?n=1"], {"sha256": SHA}, {"uri": "https://x.org/a.csv?n=1"}),
    ],
)
def test_what_is_pinned(arguments, named, expected):
    made = data(*arguments, **named)._expression
    assert {name: getattr(made, name) for name in expected} == expected
    assert made.span.file.endswith("test_writing_data.py")


@pytest.mark.parametrize(
    ("uri", "named", "code", "says"),
    [
        ("rows.csv", {}, "PORT550", "rows.csv"),
        ("s3://b/k", {}, "PORT550", "version="),
        ("gs://b/k", {}, "PORT550", "sha256="),
        ("lakefs://repo/main/a.csv", {}, "PORT550", "`main` is not the id of a commit"),
        (f"lakefs://repo/{COMMIT[:10]}/a.csv", {}, "PORT550", "lakectl"),
        ("lakefs://repo/main", {"sha256": SHA}, "PORT551", "REPOSITORY/COMMIT/PATH"),
        ("gs://b/k", {"version": "1"}, "PORT551", "S3 only"),
        ("nosuch://b/k", {"sha256": SHA}, "PORT551", "nosuch"),
        ("simplecache::s3://b/k", {"sha256": SHA}, "PORT551", "no address"),
        ("../rows.csv", {"sha256": SHA}, "PORT551", "leaves the folder"),
        ("a/..\\..\\rows.csv", {"sha256": SHA}, "PORT551", "leaves the folder"),
        ("", {"sha256": SHA}, "PORT551", "no address"),
        ("rows.csv", {"sha256": "abc"}, "PORT551", "no digest"),
        ("rows.csv", {"digest": "crc32:1"}, "PORT551", "no digest"),
        ("rows.csv", {"sha256": SHA.upper()}, "PORT551", "lower case"),
    ],
)
def test_what_is_not(uri, named, code, says):
    finding = refused(uri, **named)
    assert finding.code == code
    assert says in f"{finding.what} {finding.why} {finding.next}"
    assert finding.span is not None


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIA:hunter2@bucket/k",
        "s3://hunter2@bucket/k",
        "https://me:hunter2@x.org/a.csv",
        "https://x.org/a.csv?X-Amz-Signature=hunter2",
        "https://x.blob.core.windows.net/c/a.csv?sv=1&sig=hunter2",
        "https://x.org/a.csv?access_token=hunter2",
        "https://[hunter2/a.csv",
    ],
)
def test_credentials_are_refused_and_not_shown(uri):
    for finding in (refused(uri, sha256=SHA), refused("a", digest="md5:" + "0" * 32, remote=uri)):
        assert finding.code == "PORT552"
        assert "hunter2" not in f"{finding.what} {finding.why} {finding.next}"


def test_credentials_in_a_document_are_found_as_well():
    node = DataVersion(uri="s3://a:hunter2@b/k", version="1")
    [finding] = _with_input(node)
    assert finding.code == "PORT552"
    assert "hunter2" not in str(finding)


def _with_input(node):
    call = PythonCall(module="m", function="f")
    return validate(Pipeline(name="p", body=(Task(id="t", action=call, inputs={"x": node}),)))


def test_the_hash_of_what_is_there_is_suggested(folder):
    (folder / "rows.csv").write_text("a,b\n1,2\n")
    assert f'`data("rows.csv", sha256="{SHA}")`' in refused("rows.csv").next


def test_wrong_calls():
    for arguments, named in [
        ([1], {}),
        (["a"], {"sha256": 1}),
        (["a"], {"sha256": SHA, "digest": f"sha256:{SHA}"}),
        (["s3://b/k?versionId=1"], {"version": "2"}),
    ]:
        assert refused(*arguments, **named).code == "PORT116"


@pytest.mark.parametrize(
    "use",
    [
        lambda rows: take(text("{x}", x=rows)),
        lambda rows: take(default(rows, 1)),
        lambda rows: container("image", command=["run"], inputs={"rows": rows}, id="c"),
    ],
)
def test_where_it_cannot_be_fetched(use):
    def pipe():
        use(data("a.csv", sha256=SHA))

    assert "PORT553" in findings_of(pipe)


def test_it_is_no_output_and_no_condition():
    def output():
        take(1)
        return data("a.csv", sha256=SHA)

    def condition():
        with when(data("a.csv", sha256=SHA)):
            take(1)

    assert findings_of(output) == ["PORT553"]
    assert findings_of(condition) == ["PORT553"]


def test_nothing_is_made_of_it_before_it_is_fetched():
    for make in (lambda rows: rows["a"], lambda rows: rows == 1, lambda rows: f"{rows}"):
        with pytest.raises(FindingsError) as caught:
            make(data("a.csv", sha256=SHA))
        assert caught.value.findings[0].code == "PORT110"


@task
def take_text(rows: str) -> int:
    return len(rows)


@task
def take_map(rows: dict[str, int]) -> int:
    return len(rows)


@task
def take_number(rows: int) -> int:
    return rows


@task
def take_path(rows: Path) -> int:
    return len(str(rows))


@pytest.mark.parametrize(
    ("function", "fits"),
    [(take_text, True), (take_map, True), (take_path, True), (take_number, False)],
)
def test_what_it_may_be_loaded_as(function, fits):
    def pipe():
        function(data("a.json", sha256=SHA))

    assert findings_of(pipe) == ([] if fits else ["PORT107"])


def test_tasks_that_take_it_need_the_runtime_and_see_a_literal():
    @pipeline
    def pipe():
        rows = data("a.csv", sha256=SHA)
        take.with_options(id="one", retry=Retry(1))(rows)
        take.with_options(id="many")([rows, rows])
        take.with_options(id="other")(1)
        with for_each([rows, {"as": rows}]) as each:
            take.with_options(id="each")(each)

    made, _ = pipe.trace()
    assert [needs_runtime(node) for node in made.body[:3]] == [True, True, False]
    one, many, other, loop = mark_data(made).body
    assert isinstance(one.inputs["rows"], Literal_)
    assert is_data(one.inputs["rows"].value)
    assert all(map(is_data, many.inputs["rows"].value))
    assert other == made.body[2]
    assert is_data(loop.items.lists[0].value[1]["as"])
    assert needs_runtime(loop.body[0])
    assert validate(mark_data(made)) == []


def test_a_pipeline_without_data_stays_the_same_object():
    @pipeline
    def pipe():
        take(1)

    made, _ = pipe.trace()
    assert mark_data(made) is made
