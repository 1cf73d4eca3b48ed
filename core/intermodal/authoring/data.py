"""`data(...)`: a version of data that others keep, as an argument of a task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from intermodal import ir
from intermodal.authoring.facts import Sealed
from intermodal.authoring.handles import wrong
from intermodal.authoring.spans import caller_module, caller_span
from intermodal.dataversions.checks import (
    VERSIONED,
    data_findings,
    scheme_of,
    secret_in,
    without_secrets,
)
from intermodal.dataversions.marker import Wanted
from intermodal.findings import Finding, FindingsError, error

ASKED = "?versionId="
SMALL = 64 * 1024 * 1024
"""Bytes; the hash of data up to this size is worked out to be suggested."""


def data(
    uri: str | Path,
    *,
    version: str | None = None,
    sha256: str | None = None,
    digest: str | None = None,
    remote: str | None = None,
) -> Sealed:
    """A version of data outside of the pipeline: `clean(data("s3://lake/rows.csv", version="3Lg…"))`.

    The task that takes it fetches it, checks that it is what was pinned, and is given what its
    annotation asks for: a table, an array, a JSON value, `Path`, or `str` for the path as text.

    Args:
        uri: A URI of anything that fsspec opens, `lakefs://REPOSITORY/COMMIT/PATH` among them; a path,
            absolute or below the folder of data (`INTERMODAL_DATA`, else the working directory); or a
            `.dvc` file, which is read now and says all the rest.
        version: The id that S3 gave the version.
        sha256: Of the content, in hexadecimal; of a folder as `port artifacts` counts it.
        digest: The same with its algorithm: `sha256:…`, `md5:…`, or `md5-dos2unix:…` of DVC before 3.0.
        remote: Where DVC keeps content by its md5, if the `.dvc` file is not at hand.

    Raises:
        FindingsError: PORT550 it is not pinned, PORT551 it cannot be fetched from there, PORT552 it holds
            credentials, PORT554 the `.dvc` file cannot be used.
    """
    given = [version, sha256, digest, remote]
    if not isinstance(uri, str | Path) or not all(isinstance(g, str | None) for g in given):
        wrong("`data` takes text", 'write `data("s3://bucket/rows.csv", version="…")`')
    if sha256 is not None and digest is not None:
        wrong("`data` takes `sha256` or `digest`", "leave one of them out")
    place = uri.as_posix() if isinstance(uri, Path) else uri
    span = caller_span()
    if place.endswith(".dvc") and not any(given):
        wanted = _read_dvc(place)
    else:
        asked = ""
        if scheme_of(place) in VERSIONED:
            place, found, asked = place.partition(ASKED)
            if found and version is not None:
                wrong("`data` is given two versions", "leave one of them out")
        digest = digest if sha256 is None else f"sha256:{sha256}"
        wanted = Wanted(place, asked or version or "", digest or "", remote or "")
    findings = list(data_findings(wanted, span))
    if findings:
        raise FindingsError([_with_hash(finding, wanted) for finding in findings])
    fields: dict[str, Any] = wanted._asdict()
    return Sealed(ir.DataVersion.of(**fields, span=span), f"the data `{wanted.uri}`")


def _read_dvc(place: str) -> Wanted:
    """What a `.dvc` file pins, looked for below the folder of data and beside the user's file."""
    from intermodal.dataversions.dvc import read_dvc
    from intermodal.dataversions.folders import data_folder

    if secret_in(place) or scheme_of(place):
        finding = error(
            "PORT554",
            f"`{without_secrets(place)}` is no path of a `.dvc` file",
            caller_span(),
            next="check the repository out, and give the path of the file in it",
        )
        raise FindingsError([finding])
    for folder in (data_folder(), Path(caller_module()[0]).parent):
        if (folder / place).is_file():
            return read_dvc(place, folder, caller_span())
    missing = error(
        "PORT554",
        f"there is no file `{place}`",
        caller_span(),
        why=f"it is looked for in `{data_folder()}`, and beside this file",
        next="correct the path; `dvc add` makes the file",
    )
    raise FindingsError([missing])


def _with_hash(finding: Finding, wanted: Wanted) -> Finding:
    """The finding that data is not pinned, with the hash of what is there now, if that is at hand."""
    if finding.code != "PORT550" or scheme_of(wanted.uri):
        return finding
    from intermodal.artifacts.hashing import files_under, hash_content
    from intermodal.dataversions.folders import data_folder

    path = data_folder() / wanted.uri
    files = files_under(path) if path.is_dir() else [path]
    if not path.exists() or sum(file.stat().st_size for file in files) > SMALL:
        return finding
    line = f'data("{wanted.uri}", sha256="{hash_content(path).sha256}")'
    return replace(finding, next=f"write `{line}` if what is there now is meant")
