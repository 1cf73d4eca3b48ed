"""Versions of objects in S3, by moto's server: pinned, fetched, checked, and recorded on every target."""

import hashlib
import json
import subprocess
from importlib import metadata

import boto3
import pytest
from moto.server import ThreadedMotoServer
from uv import find_uv_bin

from intermodal import registry
from intermodal.artifacts import ArtifactStore
from intermodal.authoring.load import load_source
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.dataversions.fetch import fetch
from intermodal.dataversions.marker import Wanted
from intermodal.findings import FindingsError, errors_of
from intermodal_backends.conformance.emitted import write_compiled
from intermodal_backends.engines.driver import EngineCase
from intermodal_backends.engines.environment import require
from intermodal_backends.local import RunOptions, run_pipeline

OLD, NEW = b"a,b\n1,2\n", b"a,b\n3,4\n5,6\n"
BUCKET = "lake"
PIPELINE = '''
"""Rows of a version."""

from intermodal import data, pipeline, task


@task
def keep(rows: bytes) -> bytes:
    return rows


@pipeline
def versions():
    keep(data("s3://lake/tables/rows.csv", version="{version}"))
'''


@pytest.fixture(scope="module")
def server():
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def surroundings(server, tmp_path, monkeypatch):
    """What workers have in their environment, credentials among it."""
    given = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing-secret-0815",
        "AWS_DEFAULT_REGION": "us-east-1",
        "XDG_CACHE_HOME": str(tmp_path / "copies"),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


@pytest.fixture
def versions(surroundings, server):
    """The ids of two versions of an object."""
    client = boto3.client("s3", endpoint_url=server)
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    made = [
        client.put_object(Bucket=BUCKET, Key="tables/rows.csv", Body=body)["VersionId"]
        for body in (OLD, NEW)
    ]
    yield made
    bucket = boto3.resource("s3", endpoint_url=server).Bucket(BUCKET)
    bucket.object_versions.delete()
    bucket.delete()


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_each_version_is_fetched(versions, scheme):
    place = f"{scheme}://{BUCKET}/tables/rows.csv"
    for version, content in zip(versions, (OLD, NEW), strict=True):
        found = fetch(Wanted(place, version))
        assert found.path.read_bytes() == content
        assert found.address == f"{place}?versionId={version}"
        assert found.sha256 == sha(content)


def test_a_version_and_a_hash(versions):
    place = f"s3://{BUCKET}/tables/rows.csv"
    assert fetch(Wanted(place, versions[0], f"sha256:{sha(OLD)}")).sha256 == sha(OLD)
    with pytest.raises(FindingsError) as caught:
        fetch(Wanted(place, versions[1], f"sha256:{sha(OLD)}"))
    [finding] = caught.value.findings
    assert finding.code == "PORT555"
    assert sha(OLD) in finding.why
    assert sha(NEW) in finding.why


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("s3://lake/tables/rows.csv", "00000000-0000-0000-0000-000000000000"),
        Wanted("s3://lake/tables/other.csv", "00000000-0000-0000-0000-000000000000"),
        Wanted("s3://nolake/tables/rows.csv", "1"),
        Wanted("s3://lake/tables/other.csv", "", f"sha256:{sha(OLD)}"),
    ],
)
def test_what_is_not_there(versions, wanted):
    with pytest.raises(FindingsError) as caught:
        fetch(wanted)
    [finding] = caught.value.findings
    assert finding.code == "PORT556"
    assert wanted.address in finding.what
    assert "testing-secret-0815" not in str(finding)


def test_a_bucket_that_numbers_nothing(surroundings, server):
    client = boto3.client("s3", endpoint_url=server)
    client.create_bucket(Bucket="plain")
    client.put_object(Bucket="plain", Key="rows.csv", Body=OLD)
    with pytest.raises(FindingsError) as caught:
        fetch(Wanted("s3://plain/rows.csv", "3Lg"))
    assert caught.value.findings[0].code in ("PORT555", "PORT556")
    assert fetch(Wanted("s3://plain/rows.csv", "", f"sha256:{sha(OLD)}")).sha256 == sha(OLD)


def test_nobody_answers(surroundings, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(FindingsError) as caught:
        fetch(Wanted("s3://elsewhere/rows.csv", "3Lg"))
    assert caught.value.findings[0].code == "PORT556"


def pipeline_of(folder, version):
    folder.mkdir(exist_ok=True)
    file = folder / "versions.py"
    file.write_text(PIPELINE.format(version=version))
    loaded = load_source(file, folder)
    assert not errors_of(loaded.findings), loaded.findings
    return loaded.pipelines[0]


def lineage_of(store):
    return [
        (source.name, source.uri, source.sha256)
        for record in ArtifactStore(store).records()
        for source in record.inputs
    ]


def test_a_run_records_the_version(versions, surroundings, tmp_path):
    store = tmp_path / "store"
    made = pipeline_of(tmp_path / "code", versions[0])
    result = run_pipeline(made, {}, RunOptions(store=str(store), environment=surroundings))
    assert result.trace.state == "succeeded"
    place = f"s3://{BUCKET}/tables/rows.csv?versionId={versions[0]}"
    assert lineage_of(store) == [("rows", place, sha(OLD))]
    texts = [path.read_text(errors="replace") for path in store.rglob("*") if path.is_file()]
    assert not any("testing-secret-0815" in text for text in texts)


def test_every_target_gets_the_same_pin(versions, tmp_path):
    made = pipeline_of(tmp_path / "code", versions[0])
    for name in ("airflow", "kfp", "prefect"):
        target, _ = registry.resolve_target(name)
        compiled = compile_pipeline(made, target, Settings())
        assert not errors_of(compiled.findings)
        assert versions[0] in json.dumps(dict(compiled.files)), name


@pytest.fixture(params=["airflow@3.3", "prefect@3", "kfp@2"])
def engine(request):
    """An engine, found before the folder of caches is another one."""
    return registry.resolve_target(request.param)[0], require(request.param)


def log_of(engine, made, surroundings, work, packages=()):
    """What an engine printed that ran a pipeline."""
    target, environment = engine
    store = work / "store"
    compiled = compile_pipeline(made, target, Settings(store=str(store)))
    case = EngineCase(
        folder=write_compiled(compiled.files, work / "compiled"),
        pipeline=made.name,
        environment={**surroundings, "INTERMODAL_STORE": str(store)},
        python_path=(work / "code", *packages),
    )
    with registry.load("engines", target.name)(environment) as running:
        return running.run(case).log


def test_an_engine_records_the_same(engine, versions, surroundings, tmp_path):
    _, environment = engine
    packages = tmp_path / "packages"
    wanted = f"s3fs=={metadata.version('s3fs')}"
    command = [find_uv_bin(), "pip", "install", "-q", "--python", str(environment.python)]
    subprocess.run([*command, "--target", str(packages), wanted], check=True)
    made = pipeline_of(tmp_path / "code", versions[0])
    log = log_of(engine, made, surroundings, tmp_path, [packages])
    place = f"s3://{BUCKET}/tables/rows.csv?versionId={versions[0]}"
    assert lineage_of(tmp_path / "store") == [("rows", place, sha(OLD))], log[-3000:]


def test_a_worker_without_the_package_says_what_to_install(
    engine, versions, surroundings, tmp_path
):
    log = log_of(engine, pipeline_of(tmp_path / "code", versions[0]), surroundings, tmp_path)
    assert "PORT556" in log
    assert "s3fs" in log
