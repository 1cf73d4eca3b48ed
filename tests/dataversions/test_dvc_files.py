"""`.dvc` files: what they pin; those that nobody should follow."""

import pytest

from intermodal import data
from intermodal.dataversions.dvc import read_dvc
from intermodal.findings import FindingsError

MD5 = "e5ebd4c02cefbe7955977c67ada242b7"
PLAIN = f"outs:\n- md5: {MD5}\n  size: 8\n  hash: md5\n  path: rows.csv\n"
"""As DVC 3.67 writes it."""

OLD = f"outs:\n- md5: {MD5}\n  size: 8\n  path: rows.csv\n"
"""As DVC 2 wrote it."""

REMOTE = "[core]\n    remote = store\n['remote \"store\"']\n    url = {}\n"


def write(folder, text, name="sub/rows.csv.dvc"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return name


def test_what_it_pins(folder):
    wanted = read_dvc(write(folder, PLAIN), folder)
    assert wanted == ("sub/rows.csv", "", f"md5:{MD5}", "")


def test_a_file_of_an_old_dvc(folder):
    assert read_dvc(write(folder, OLD), folder).digest == f"md5-dos2unix:{MD5}"


def test_it_is_read_when_the_pipeline_is_written(folder):
    write(folder, PLAIN, "rows.csv.dvc")
    node = data("rows.csv.dvc")._expression
    assert (node.uri, node.digest) == ("rows.csv", f"md5:{MD5}")


def test_a_file_that_is_missing():
    with pytest.raises(FindingsError) as caught:
        data("rows.csv.dvc")
    assert caught.value.findings[0].code == "PORT554"


def test_a_working_directory(folder):
    name = write(folder, f"wdir: raw\n{PLAIN}")
    assert read_dvc(name, folder).uri == "sub/raw/rows.csv"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "outs: []",
        "outs: 3",
        "outs:\n- 3",
        "- a",
        "outs: [",
        "\x00",
        "a: &a [1]\nouts: *a",
        "outs:\n- path: rows.csv",
        f"outs:\n- md5: {MD5}",
        PLAIN.replace(MD5, "xyz"),
        PLAIN.replace(MD5, "12345"),
        PLAIN.replace("hash: md5", "hash: etag"),
        PLAIN.replace("rows.csv", "../../etc/passwd"),
        PLAIN.replace("rows.csv", "/etc/passwd"),
        PLAIN.replace("rows.csv", "~/secret"),
        PLAIN.replace("rows.csv", "a\\..\\..\\b"),
        PLAIN.replace("rows.csv", "C:/b"),
        PLAIN.replace("rows.csv", "s3://bucket/k"),
        f"wdir: ../..\n{PLAIN}",
        PLAIN + f"- md5: {MD5}\n  path: other.csv\n",
    ],
)
def test_what_cannot_be_used(folder, text):
    with pytest.raises(FindingsError) as caught:
        read_dvc(write(folder, text), folder)
    [finding] = caught.value.findings
    assert finding.code == "PORT554"
    assert finding.why


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://bucket/dvc", "s3://bucket/dvc"),
        ("azure://box/dvc", "az://box/dvc"),
        ("/mnt/store", "/mnt/store"),
        ("../../store", "../store"),
        ("gdrive://x/y", ""),
        ("ssh://me@host/dvc", ""),
    ],
)
def test_the_remote(folder, url, expected):
    write(folder, REMOTE.format(url), ".dvc/config")
    assert read_dvc(write(folder, PLAIN), folder).remote == expected


def test_a_remote_of_its_own_and_one_that_is_kept_otherwise(folder):
    other = "['remote \"other\"']\n    url = s3://other\n['remote \"odd\"']\n    url = s3://odd\n"
    write(folder, REMOTE.format("s3://b") + other + "    version_aware = true\n", ".dvc/config")
    assert read_dvc(write(folder, PLAIN + "  remote: other\n"), folder).remote == "s3://other"
    assert read_dvc(write(folder, PLAIN + "  remote: odd\n"), folder).remote == ""


def test_local_settings_are_left_alone(folder):
    write(folder, REMOTE.format("s3://key:hunter2@b"), ".dvc/config.local")
    assert read_dvc(write(folder, PLAIN), folder).remote == ""


def test_credentials_in_a_remote_are_refused_and_not_shown(folder):
    write(folder, REMOTE.format("https://me:hunter2@x.org/dvc"), ".dvc/config")
    with pytest.raises(FindingsError) as caught:
        read_dvc(write(folder, PLAIN), folder)
    assert caught.value.findings[0].code == "PORT552"
    assert "hunter2" not in str(caught.value.findings)


def test_settings_that_cannot_be_read_say_nothing(folder):
    write(folder, "no section", ".dvc/config")
    assert read_dvc(write(folder, PLAIN), folder).remote == ""
