"""What is wrong with a version of data as it is written down, before anything is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from intermodal.dataversions.marker import Wanted
from intermodal.findings import Finding, Span, error

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|md5(-dos2unix)?:[0-9a-f]{32}(\.dir)?")
COMMIT = re.compile(r"[0-9a-f]{64}")
"""The whole id of a commit in lakeFS; anything shorter may be the name of a branch or a tag."""

VERSIONED = ("s3", "s3a")
"""Schemes whose places number the versions of what they hold, in a way that is checked here."""

LOCAL = ("", "file", "local")
WITH_USERS = ("ssh", "sftp")
CREDENTIALS = re.compile(
    r"(?i)signature$|^sig$|credential|token|passw|secret|access.?key|api.?key|^key$"
)


def scheme_of(uri: str) -> str:
    """The scheme of a URI in lower case; empty for a path."""
    scheme, found, _ = uri.partition("://")
    return scheme.lower() if found else ""


def data_findings(wanted: Wanted, span: Span | None) -> Iterator[Finding]:
    """Errors about one version of data: what it names, and whether that is pinned."""
    for place in filter(None, (wanted.uri, wanted.remote)):
        if secret := secret_in(place):
            yield _secret(place, secret, span)
            return
    if problem := _unusable(wanted):
        what, why, following = problem
        yield error("PORT551", what, span, why=why, next=following)
        return
    if not (wanted.version or wanted.digest or _is_commit(wanted.uri)):
        yield _not_pinned(wanted.uri, span)


def secret_in(uri: str) -> str:
    """What in a URI is a credential, in a word; empty if nothing is. A damaged URI counts as one."""
    if "://" not in uri:
        return ""
    try:
        parts = urlsplit(uri)
        user, password = parts.username, parts.password
    except ValueError:
        return "something that cannot be read"
    if password is not None or (user is not None and scheme_of(uri) not in WITH_USERS):
        return "credentials before its host"
    # A key of a bucket may hold a question mark, so this says more often yes than it must.
    found = (name for name, _ in parse_qsl(parts.query) if CREDENTIALS.search(name))
    name = next(found, "")
    return f"the credential `{name}`" if name else ""


def without_secrets(uri: str) -> str:
    """As much of a URI as can be shown whatever is in it."""
    return f"{scheme_of(uri)}://…" if secret_in(uri) else uri


def is_below(path: str) -> bool:
    """Whether a relative path stays below the folder that it starts from."""
    return ".." not in path.replace("\\", "/").split("/")


def _unusable(wanted: Wanted) -> tuple[str, str, str] | None:
    """Why nothing can be fetched from there: what, why, and what to do."""
    uri, scheme = wanted.uri, scheme_of(wanted.uri)
    if not uri.strip() or "\0" in uri or "::" in uri:
        return f"`{uri}` is no address of data", "", "give a path, or a URI as `s3://bucket/key`"
    if not _is_known(scheme):
        why = f"no filesystem of fsspec is called `{scheme}`"
        return f"`{uri}` cannot be fetched", why, "install its package, or correct the scheme"
    if scheme == "" and not is_below(uri):
        why = "relative paths are below the folder of data, which can be another on each worker"
        return f"`{uri}` leaves the folder of data", why, "move the file, or give an absolute path"
    if scheme == "lakefs" and len(uri.partition("://")[2].strip("/").split("/")) < 3:
        return f"`{uri}` is no address of lakeFS", "", "write `lakefs://REPOSITORY/COMMIT/PATH`"
    if wanted.version and scheme not in VERSIONED:
        what = f"`{uri}` cannot be asked for the version `{wanted.version}`"
        return what, "version ids are checked for S3 only", 'pin its content: `sha256="…"`'
    if wanted.digest and not DIGEST.fullmatch(wanted.digest):
        what = f"`{wanted.digest}` is no digest"
        return what, "", "write `sha256:` or `md5:` and the hash in hexadecimal, in lower case"
    return None


def _is_known(scheme: str) -> bool:
    if scheme in LOCAL:
        return True
    from fsspec.registry import known_implementations, registry

    return scheme in known_implementations or scheme in registry


def _is_commit(uri: str) -> bool:
    """Whether it names a commit of lakeFS, whose content never changes."""
    parts = uri.partition("://")[2].split("/")
    return scheme_of(uri) == "lakefs" and bool(COMMIT.fullmatch(parts[1]))


def _not_pinned(uri: str, span: Span | None) -> Finding:
    scheme = scheme_of(uri)
    if scheme == "lakefs":
        ref = uri.partition("://")[2].split("/")[1]
        what = f"`{uri}` is not pinned: `{ref}` is not the id of a commit"
        following = f"write the commit's id, which `lakectl show commit` and `lakectl log` tell, for `{ref}`"
        return error("PORT550", what, span, why="branches and tags move", next=following)
    following = (
        'give its `version="…"`, or the hash of its content'
        if scheme in VERSIONED
        else "give the hash of its content, as `sha256sum` prints it"
    )
    return error(
        "PORT550",
        f"`{uri}` is not pinned",
        span,
        why="what a run is given could be something else tomorrow, and elsewhere",
        next=f'{following}: `data("…", sha256="…")`',
    )


def _secret(place: str, secret: str, span: Span | None) -> Finding:
    return error(
        "PORT552",
        f"the address `{without_secrets(place)}` of data holds {secret}",
        span,
        why="the address is written into what is compiled, and into lineage and logs",
        next="leave it out: workers have credentials in their environment, as `AWS_ACCESS_KEY_ID`",
    )
