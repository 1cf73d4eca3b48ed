"""S3 (moto's server) and Azure (azurite): our own artifact store there, and MLflow's artifacts there."""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from intermodal import tracking
from intermodal.artifacts import ArtifactKey
from intermodal.artifacts.store import ArtifactStore
from intermodal.findings import FindingsError
from intermodal.tracking.session import session
from intermodal.tracking.tracker import TaskIdentity

HERE = Path(__file__).parent
START_WAIT = 60  # seconds
AZURITE = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The key of azurite's only account, the same everywhere."""
KEY = ArtifactKey(pipeline="p", run="r", task="t", output="return")
EXPIRED = (
    "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
)


@pytest.fixture
def pipeline(request):
    """A name without what Azure's filesystem takes for an address: brackets."""
    return re.sub(r"\W+", "-", request.node.name)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def s3_port():
    """An S3 that everybody may write to."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def s3(s3_port, monkeypatch):
    """A bucket, and credentials in the environment."""
    import boto3

    for name, value in {
        "AWS_ACCESS_KEY_ID": "valid",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3_port}",
        "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{s3_port}",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="bucket")
    return "s3://bucket"


@pytest.fixture(scope="session")
def azurite_program():
    """azurite's blob server, installed once for all checkouts as the lock file beside says."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs node and npm, to install and run azurite")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    lock = HERE / "azurite" / "package-lock.json"
    place = caches / "intermodal" / "azurite-3.35.0"
    if not (place / "ready").exists():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", lock.name):
            shutil.copy(lock.with_name(name), place)
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=place, check=True)
        (place / "ready").touch()
    return [node, place / "node_modules/azurite/dist/src/blob/main.js"]


@pytest.fixture(scope="module")
def azure_account(azurite_program, tmp_path_factory):
    """The connection string of a blob storage in memory, with a container in it."""
    from azure.storage.blob import BlobServiceClient

    port = free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    options += ["--skipApiVersionCheck", "--disableTelemetry"]
    folder = tmp_path_factory.mktemp("azurite")
    process = subprocess.Popen(
        [*azurite_program, *options], stdout=subprocess.PIPE, cwd=folder, text=True
    )
    try:
        for line in process.stdout:
            if "successfully" in line:
                break
        connection = (
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            f"AccountKey={AZURITE};BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        )
        with BlobServiceClient.from_connection_string(connection) as client:
            client.create_container("bucket").close()
        yield connection
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def azure(azure_account, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azure_account)
    return "az://bucket"


@pytest.fixture(params=["s3", "azure"])
def bucket(request):
    return request.getfixturevalue(request.param)


# Our own artifact store


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # of adlfs
def test_versions_are_stored_and_read_back(bucket, pipeline, tmp_path):
    store = ArtifactStore(f"{bucket}/{pipeline}", cache=tmp_path / "cache")
    folder = tmp_path / "folder"
    (folder / "a b").mkdir(parents=True)
    (folder / "a b" / "ü#?%.txt").write_text("x")
    (folder / "large").write_bytes(os.urandom(6_000_000))
    ref, _ = store.save({"a": 1}, KEY)
    assert store.save({"a": 1}, KEY)[0] == ref
    with pytest.raises(FindingsError, match="PORT405"):
        store.save({"a": 2}, KEY)
    of_folder, _ = store.save(folder, KEY.model_copy(update={"output": "folder"}))
    assert [record.ref for record in store.records()] == [ref, of_folder]
    assert store.load(ref) == {"a": 1}
    again = store.open_path(of_folder)
    assert (again / "a b" / "ü#?%.txt").read_text() == "x"
    assert (again / "large").read_bytes() == (folder / "large").read_bytes()


def test_of_several_writers_exactly_one_wins(bucket, pipeline):
    root = f"{bucket}/{pipeline}"

    def create(number):
        return ArtifactStore(root).exclusive_create(f".locks/{number % 6}", str(number))

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(create, range(48)))
    assert sum(won) == 6


def test_of_several_versions_exactly_one_is_published(bucket, pipeline):
    root = f"{bucket}/{pipeline}"

    def save(number):
        try:
            return ArtifactStore(root).save({"by": number}, KEY)[0]
        except FindingsError as problem:
            return problem.findings[0].code

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(save, range(8)))
    assert sorted(map(str, made)).count("PORT405") == 7
    (record,) = ArtifactStore(root).records()
    assert record.ref in made


def test_a_bucket_that_is_not_there_is_told_and_not_made(bucket):
    store = ArtifactStore(f"{bucket.partition('://')[0]}://missing/x")
    for _ in range(2):
        with pytest.raises(FindingsError, match="PORT404"):
            store.save({"a": 1}, KEY)


def test_credentials_that_are_refused_are_told(s3, s3_port, new_proxy, monkeypatch):
    proxy = new_proxy(None, s3_port)
    proxy.plan = lambda *_: (403, {"Content-Type": "application/xml"}, EXPIRED)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.uri)
    store = ArtifactStore("s3://bucket/x", {"skip_instance_cache": True})
    try:
        with pytest.raises(FindingsError, match="PORT404") as raised:
            store.save({"a": 1}, KEY)
        assert "secret" not in str(raised.value)
    finally:
        proxy.stop()


# MLflow's artifacts


def options_of(kind, s3, azure):
    """How the server is told, and whether clients write to the bucket themselves."""
    return {
        "proxied to S3": ("--artifacts-destination", f"{s3}/mlflow"),
        "proxied to Azure": ("--artifacts-destination", azure),
        "direct S3": ("--no-serve-artifacts", "--default-artifact-root", f"{s3}/direct"),
        "direct Azure": ("--no-serve-artifacts", "--default-artifact-root", azure),
    }[kind]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["proxied to S3", "direct S3", "proxied to Azure", "direct Azure"])
def test_files_and_models_go_to_a_bucket(
    kind, s3, azure, new_server, migrated, pipeline, read, tmp_path
):
    root = "wasbs://bucket@devstoreaccount1.blob.core.windows.net/mlflow"
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "server.db").write_bytes(migrated.read_bytes())
    server = new_server(folder, workers=1, files=options_of(kind, s3, root))
    server.start()
    (tmp_path / "tree" / "in").mkdir(parents=True)
    (tmp_path / "tree" / "in" / "a b.txt").write_text("x")
    try:
        identity = TaskIdentity(kind.replace(" ", "-"), "run", "train")
        with session(identity, server.uri, tmp_path / "w") as tracked:
            tracking.log_metric("m", 1.0)
            tracking.log_artifact(tmp_path / "tree", "logged")
            tracking.log_text("hello", "note.txt")
            tracking.register_model(identity.pipeline, tmp_path / "tree")
        assert tracked.findings == []
        tree = read(server.uri, identity.pipeline)
        run = tree.named("train")
        assert ("s3://" in run.info.artifact_uri or "wasbs://" in run.info.artifact_uri) == (
            kind.startswith("direct")
        )
        assert {"logged/tree/in/a b.txt", "note.txt"} <= set(tree.files(run))
        got = tree.client.download_artifacts(run.info.run_id, "note.txt", str(tmp_path))
        assert Path(got).read_text() == "hello"
        assert len(tree.client.search_model_versions(f"name='{identity.pipeline}'")) == 1
    finally:
        server.kill()


@pytest.mark.slow
def test_s3_credentials_that_expire_cost_no_metric_and_no_file(
    s3_port, new_server, new_proxy, migrated, read, tmp_path, monkeypatch, s3
):
    pipeline = "expiring"
    (tmp_path / "server.db").write_bytes(migrated.read_bytes())
    files = ("--no-serve-artifacts", "--default-artifact-root", f"{s3}/{pipeline}")
    server, proxy = new_server(tmp_path, 1, files=files), new_proxy(None, s3_port)
    proxy.plan = lambda number, _method, _path, headers: (
        (403, {"Content-Type": "application/xml"}, EXPIRED)
        if number >= 1 and "Credential=valid/" in headers.get("Authorization", "")
        else None
    )
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", proxy.uri)
    server.start()
    identity = TaskIdentity(pipeline, "run", "train")
    try:
        with session(identity, server.uri, tmp_path / "w") as tracked:
            tracking.log_metric("m", 1.0)
            for number in range(3):
                tracking.log_text(str(number), f"{number}.txt")
        (finding,) = tracked.findings
        assert finding.code == "PORT500"
        assert "ExpiredToken" in finding.why
        assert finding.next.startswith("with new credentials: `port track sync ")
        assert read(server.uri, pipeline).named("train").data.metrics["m"] == 1.0
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")
        port = Path(sys.executable).with_name("port")  # MLflow keeps credentials in its process
        subprocess.run([port, "track", "sync", tmp_path / "w"], check=True)
        assert list((tmp_path / "w").rglob("*.jsonl")) == []
        proxy.plan = lambda *_: None
        tree = read(server.uri, pipeline)
        assert tree.files(tree.named("train")) == ["0.txt", "1.txt", "2.txt"]
        assert tree.history(tree.named("train"), "m") == [(0, 1.0)]
    finally:
        server.kill()
        proxy.stop()
