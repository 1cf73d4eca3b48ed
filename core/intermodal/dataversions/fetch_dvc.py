"""Data that DVC keeps: the working copy if it is right, else by its hash from where DVC has it."""

from __future__ import annotations

import importlib
import json
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from intermodal.artifacts.folders import safe_relative_path
from intermodal.dataversions.checks import scheme_of
from intermodal.dataversions.digests import digest_of, listing_hash
from intermodal.dataversions.dvc import MD5, cache_of, kept_as, repository_of
from intermodal.dataversions.fetch import cannot, fetched_copy, local_path, name_of, not_the_same
from intermodal.dataversions.folders import data_folder
from intermodal.dataversions.marker import Wanted
from intermodal.findings import FindingsError

FOLDER = ".dir"


class NotThere(Exception):  # noqa: N818 - the next place is asked
    """Why a place does not have the data."""


def fetch_dvc(wanted: Wanted) -> Path:
    """The working copy if its md5 agrees, else content from DVC's cache, its remote, or by `dvc`.

    Raises:
        FindingsError: PORT555 there is only something else, PORT556 there is nothing.
    """
    place = local_path(wanted)
    found = digest_of(place, wanted.algorithm) if place.exists() else ""
    if found == wanted.digest:
        return place
    working = f"the working copy has {found}" if found else f"there is nothing at `{place}`"
    refused = [working]

    def get(folder: Path) -> Path:
        for source in _sources(wanted, place, folder / name_of(wanted)):
            try:
                return source()
            except NotThere as why:
                refused.append(str(why))
        if found:
            told = f"{'; '.join(refused)}"
            raise FindingsError([not_the_same(wanted, told, wanted.digest)])
        following = "run `dvc pull` where the task runs, or `dvc push` and give the worker access"
        raise cannot(wanted, "; ".join(refused), following)

    return fetched_copy(wanted, get)


def _sources(wanted: Wanted, place: Path, target: Path) -> Iterator[Callable[[], Path]]:
    """What to try, in turn."""
    root = repository_of(place.parent)
    if root is not None:
        cache = cache_of(root).as_posix()
        yield lambda: _by_hash(wanted, cache, target, f"DVC's cache `{cache}`")
    if wanted.remote:
        base = wanted.remote
        base = base if scheme_of(base) else (data_folder() / base).as_posix()
        yield lambda: _by_hash(wanted, base, target, f"DVC's remote `{wanted.remote}`")
    yield lambda: _by_dvc(wanted, root, place, target)


def _by_hash(wanted: Wanted, base: str, target: Path, shown: str) -> Path:
    """Content from a place that keeps it by hash: a file, or a folder by the list of its files."""
    from fsspec.core import url_to_fs

    try:
        filesystem, path = url_to_fs(base)
        main = posixpath.join(path, kept_as(wanted.hash, wanted.algorithm))
        if not wanted.hash.endswith(FOLDER):
            filesystem.get_file(main, target.as_posix())
            return target
        listed = _listing(filesystem.cat_file(main), wanted)
        target.mkdir()
        for one in listed:
            file = target / safe_relative_path(one["relpath"])
            file.parent.mkdir(parents=True, exist_ok=True)
            kept = posixpath.join(path, kept_as(one["md5"], wanted.algorithm))
            filesystem.get_file(kept, file.as_posix())
    except FileNotFoundError:
        raise NotThere(f"{shown} does not have it") from None
    except FindingsError:
        raise
    except Exception as problem:  # each filesystem raises its own
        raise NotThere(f"{shown} failed: {type(problem).__name__}: {problem}") from problem
    return target


def _listing(content: bytes, wanted: Wanted) -> list[dict[str, str]]:
    """The files of a folder, as DVC lists them, if the list is the one that was pinned."""
    try:
        listed: Any = json.loads(content)
        files = [{"md5": one["md5"], "relpath": one["relpath"]} for one in listed]
    except (ValueError, TypeError, KeyError):
        files = []
    good = all(isinstance(f["md5"], str) and MD5.fullmatch(f["md5"]) for f in files)
    found = listing_hash(files) if good else "no list of files"
    if found != wanted.hash:
        raise FindingsError([not_the_same(wanted, f"its list of files has {found}", wanted.digest)])
    return files


def _by_dvc(wanted: Wanted, root: Path | None, place: Path, target: Path) -> Path:
    """The data as the `dvc` package has it now; whether it is the one that was pinned is seen after."""
    try:
        api = importlib.import_module("dvc.api")
    except ImportError:
        raise NotThere("the package `dvc` is not installed") from None
    if root is None:
        raise NotThere("there is no DVC repository around it")
    try:
        filesystem = api.DVCFileSystem(root.as_posix())
        path = place.absolute().relative_to(root).as_posix()
        many = filesystem.isdir(path)
        filesystem.get(path, target.as_posix(), recursive=many)
    except Exception as problem:  # any of its own, and of its remotes'
        raise NotThere(f"`dvc` failed: {type(problem).__name__}: {problem}") from problem
    found = digest_of(target, wanted.algorithm)
    if found != wanted.digest:
        raise NotThere(f"`dvc` has {found}")
    return target
