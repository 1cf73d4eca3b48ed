"""DVC: what a `.dvc` file pins, and where DVC keeps content by its hash.

Formats: https://dvc.org/doc/user-guide/project-structure/dvc-files and
https://dvc.org/doc/user-guide/project-structure/internal-files.
"""

from __future__ import annotations

import configparser
import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from intermodal.dataversions.checks import is_below, scheme_of, secret_in
from intermodal.dataversions.marker import Wanted
from intermodal.findings import FindingsError, Span, error

MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
LARGEST = 1024 * 1024
"""Bytes of a `.dvc` file; one that is larger is something else."""

SCHEMES = {"azure": "az"}
"""Schemes of DVC's remotes that fsspec has by another name."""

FETCHED = frozenset({"", "az", "file", "gs", "http", "https", "s3"})
"""Schemes of remotes that are read without the `dvc` package."""


def read_dvc(place: str, folder: Path, span: Span | None = None) -> Wanted:
    """What the `.dvc` file at a path below a folder pins, and DVC's remote if it is set up there.

    Raises:
        FindingsError: PORT554, it is not a file that `dvc add` would write, or it leaves its folder.
    """
    path = folder / place
    try:
        if path.stat().st_size > LARGEST:
            raise _unusable(place, "it is too large for one", span)
        text = path.read_text(encoding="utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise _unusable(place, "it uses aliases of YAML", span)
        written = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as problem:
        why = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise _unusable(place, why, span) from problem
    out, base = _only_output(written, place, span)
    digest = _digest(out, place, span)
    uri = posixpath.normpath(posixpath.join(posixpath.dirname(place), base, out["path"]))
    root = repository_of(path.parent)
    remote = "" if root is None else _remote(root, folder, out.get("remote"), place, span)
    return Wanted(uri=uri, digest=digest, remote=remote)


def repository_of(folder: Path) -> Path | None:
    """The DVC repository that a folder stands in; None if there is none."""
    here = folder.absolute()
    return next((place for place in (here, *here.parents) if (place / ".dvc").is_dir()), None)


def kept_as(hash_: str, algorithm: str) -> str:
    """The path of content in DVC's cache and remotes, relative to their roots."""
    inside = f"{hash_[:2]}/{hash_[2:]}"
    return f"files/md5/{inside}" if algorithm == "md5" else inside


def cache_of(root: Path) -> Path:
    """The folder of a repository's cache."""
    given = _setting(root, "cache", "dir")
    inner = root / ".dvc"
    return (inner / given).absolute() if given else inner / "cache"


def _only_output(written: Any, place: str, span: Span | None) -> tuple[dict[str, Any], str]:
    """The one output of a `.dvc` file, and the folder that its path starts from."""
    outs = written.get("outs") if isinstance(written, dict) else None
    if not (isinstance(outs, list) and outs and all(isinstance(out, dict) for out in outs)):
        raise _unusable(place, "it has no list `outs`", span)
    if len(outs) > 1:
        raise _unusable(place, f"it has {len(outs)} outputs, and one is taken", span)
    path, base = outs[0].get("path"), written.get("wdir", ".")
    for name in (path, base):
        if not isinstance(name, str) or not name or "\0" in name:
            raise _unusable(place, "its output has no path", span)
        if name.startswith(("/", "\\", "~")) or "://" in name or PurePosixPath(name).is_absolute():
            raise _unusable(place, f"its path `{name}` is absolute", span)
        if not is_below(name) or re.match(r"[A-Za-z]:", name):
            raise _unusable(place, f"its path `{name}` leaves its folder", span)
    return outs[0], base


def _digest(out: dict[str, Any], place: str, span: Span | None) -> str:
    md5, kind = out.get("md5"), out.get("hash", "md5-dos2unix")
    if md5 is None:
        raise _unusable(place, "its output has no `md5`", span)
    if not isinstance(md5, str) or not MD5.fullmatch(md5):
        raise _unusable(place, f"`{md5}` is no md5", span)
    if kind not in ("md5", "md5-dos2unix"):
        raise _unusable(place, f"its hash is a `{kind}`", span)
    return f"{kind}:{md5}"


def _remote(root: Path, folder: Path, named: Any, place: str, span: Span | None) -> str:
    """The address of the remote that keeps an output; empty if only the `dvc` package can read it."""
    name = named if isinstance(named, str) else _setting(root, "core", "remote", local=False)
    if not name:
        return ""
    section = f"'remote \"{name}\"'"
    url = _setting(root, section, "url", local=False)
    by_path = any(
        _setting(root, section, key, local=False) == "true" for key in ("version_aware", "worktree")
    )
    scheme = scheme_of(url)
    if not url or by_path:
        return ""
    if secret_in(url):
        what = f"the remote `{name}` of DVC has credentials in its address"
        following = "move them to `.dvc/config.local`, or to the environment"
        raise FindingsError([error("PORT552", what, span, why=f"for `{place}`", next=following)])
    scheme = SCHEMES.get(scheme, scheme)
    if scheme not in FETCHED:
        return ""
    if scheme:
        return f"{scheme}://{url.partition('://')[2]}"
    return url if url.startswith("/") else _relative(root / ".dvc" / url, folder)


def _relative(place: Path, folder: Path) -> str:
    """A local remote as seen from the folder of data, so that another checkout finds its own."""
    import os

    return PurePosixPath(os.path.relpath(place, folder)).as_posix()


def _setting(root: Path, section: str, key: str, *, local: bool = True) -> str:
    """A setting of a repository; empty if it has none. What is local may hold secrets."""
    files = ["config", "config.local"] if local else ["config"]
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        settings.read([root / ".dvc" / name for name in files], encoding="utf-8")
    except (configparser.Error, ValueError):  # DVC itself will say what is wrong with it
        return ""
    return settings.get(section, key, fallback="").strip()


def _unusable(place: str, why: str, span: Span | None) -> FindingsError:
    following = "`dvc add` writes one for a file or folder; commit it as it is"
    what = f"`{place}` cannot be used"
    return FindingsError([error("PORT554", what, span, why=why, next=following)])
