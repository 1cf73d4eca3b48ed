"""The tracking address that is compiled: no credentials, and a word on paths of one machine."""

from __future__ import annotations

import pytest

from intermodal.tracking.compiled import compiled_address


@pytest.mark.parametrize(
    ("given", "compiled"),
    [
        ("https://u:secret@host/x", "https://host/x"),
        ("https://secret@host", "https://host"),
        ("openlineage+https://u:secret@host", "openlineage+https://host"),
        ("postgresql://u:sec/ret@host/db", "postgresql://u@host/db"),
        ("postgresql://h/db?password=secret", "postgresql://h/db"),
        ("jsonl+s3://key:secret@bucket/x", "jsonl+s3://bucket/x"),
        ("https://host jsonl+s3://key:secret@b", "https://host jsonl+s3://b"),
    ],
)
def test_credentials_are_left_out_and_told(given, compiled):
    address, findings = compiled_address(given)
    assert address == compiled
    (finding,) = findings
    assert finding.code == "PORT524"
    assert "secret" not in f"{finding.what} {finding.why} {finding.next}".replace("password=", "")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "https://host/x?workspace=a",
        "sqlite:////srv/mlflow.db",
        "postgresql://u@host/db",
        "jsonl+abfs://container@account/x",
        "wandb://team/project",
        "https://host jsonl:/srv/runs",
    ],
)
def test_other_addresses_stay_as_they_are(given):
    assert compiled_address(given) == (given, [])


@pytest.mark.parametrize("given", ["sqlite:///mlflow.db", "jsonl:runs", "openlineage+file:x.jsonl"])
def test_a_relative_path_is_told(given):
    address, (finding,) = compiled_address(given)
    assert (address, finding.code) == (given, "PORT524")
