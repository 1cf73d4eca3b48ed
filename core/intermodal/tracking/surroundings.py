"""What an attempt runs on: Python, machine, packages, and the version of the code, found cheaply.

| fact | |
|---|---|
| `python`, `implementation` | version and kind of the interpreter |
| `platform`, `machine`, `cpus`, `host`, `user` | where it runs |
| `source` | the file of the task's code, relative to its repository if it is in one |
| `git_commit`, `git_branch`, `git_url` | of that repository, read from its files |
| `git_dirty` | `true` if tracked files differ from the commit |

Environment variables and command lines are never among them. `INTERMODAL_ENVIRONMENT=none` turns it
all off, `code` leaves only what is known of the code.
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from pathlib import Path

from intermodal.tracking.datasets import without_credentials

VARIABLE = "INTERMODAL_ENVIRONMENT"
GIT_WAIT = 2.0  # seconds for one look at a large repository
COMMIT = re.compile(r"^[0-9a-f]{40,64}$")
INSTALLED = re.compile(r"^(?P<name>[\w.]+)-(?P<version>[^-]+)(-py[\d.]+)?\.(dist|egg)-info$")


def at_start(source: str) -> dict[str, str]:
    """What is known at once, without starting a process; `source` is the code's file, if there is one."""
    wanted = _wanted()
    facts = dict(_machine()) if wanted == "all" else {}
    if wanted == "none" or not source:
        return facts
    try:
        return facts | _code(source)
    except OSError as problem:  # a folder above the file that may not be read
        return facts | {"source_error": type(problem).__name__}


def at_end(source: str) -> tuple[dict[str, str], dict[str, str]]:
    """What takes a few milliseconds: facts, and installed packages; found once in a process."""
    wanted = _wanted()
    try:
        root = _repository(source) if wanted != "none" and source else None
    except OSError:  # told by `at_start`
        root = None
    dirty = "" if root is None else _dirty(str(root))
    return {"git_dirty": dirty} if dirty else {}, dict(_packages()) if wanted == "all" else {}


def _wanted() -> str:
    given = os.environ.get(VARIABLE, "").strip().lower()
    return given if given in ("none", "code") else "all"


@lru_cache(maxsize=1)
def _machine() -> tuple[tuple[str, str], ...]:
    import socket

    system = os.uname() if hasattr(os, "uname") else None
    facts = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "implementation": sys.implementation.name,
        "platform": f"{system.sysname} {system.release}" if system else sys.platform,
        "machine": system.machine if system else "",
        "cpus": str(os.cpu_count() or ""),
        "host": socket.gethostname(),
        "user": _user(),
    }
    return tuple((name, value) for name, value in facts.items() if value)


def _user() -> str:
    """The name of the account, from the system and not from a variable that anybody may set."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # Windows; an account without a name, as in containers
        return ""


def _code(source: str) -> dict[str, str]:
    path = Path(source).absolute()
    root = _repository(source)
    if root is None:
        return {"source": str(path)}
    facts = {"source": path.relative_to(root).as_posix(), **dict(_head(str(root)))}
    return {name: value for name, value in facts.items() if value}


def _repository(source: str) -> Path | None:
    """The working copy that a file is in; installed packages are in none."""
    path = Path(source).absolute()
    if not path.exists() or {"site-packages", "dist-packages"} & set(path.parts):
        return None
    return next((folder for folder in path.parents if (folder / ".git").exists()), None)


@lru_cache(maxsize=64)
def _head(root: str) -> tuple[tuple[str, str], ...]:
    """Commit, branch and address of a repository, as its files say."""
    try:
        own, shared = _git_folders(Path(root) / ".git")
        head = (own / "HEAD").read_text(encoding="utf-8").strip()
        reference = head.removeprefix("ref: ")
        commit = head if reference == head else _commit_of(own, shared, reference)
        commit = commit if COMMIT.match(commit) else ""
        branch = reference.removeprefix("refs/heads/") if reference != head else ""
        return (("git_commit", commit), ("git_branch", branch), ("git_url", _url(shared)))
    except (OSError, UnicodeDecodeError):
        return ()


def _git_folders(place: Path) -> tuple[Path, Path]:
    """The repository's own folder, and the one shared with other working copies."""
    if place.is_file():  # a submodule, or a further working copy
        place = place.parent / place.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    common = place / "commondir"
    return place, place / common.read_text(encoding="utf-8").strip() if common.exists() else place


def _commit_of(own: Path, shared: Path, reference: str) -> str:
    if not reference.startswith("refs/") or ".." in reference.split("/"):
        return ""
    for folder in (own, shared):
        if (folder / reference).is_file():
            return (folder / reference).read_text(encoding="utf-8").strip()
    packed = shared / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.exists() else []
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {reference}")), "")


def _url(shared: Path) -> str:
    """The address of `origin`, without credentials."""
    config = shared / "config"
    text = config.read_text(encoding="utf-8", errors="replace") if config.exists() else ""
    found = re.search(r'^\[remote "origin"\][^\[]*?^\s*url\s*=\s*(\S+)', text, re.MULTILINE)
    if found is None:
        return ""
    url = found[1]
    return without_credentials(url) if "://" in url else url.rpartition("@")[2]


@lru_cache(maxsize=64)
def _dirty(root: str) -> str:
    """`true` or `false`; empty if Git is not here or does not answer in time."""
    import subprocess

    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", root]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True, timeout=GIT_WAIT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    if done.returncode != 0:
        return ""
    return "true" if done.stdout.strip() else "false"


@lru_cache(maxsize=1)
def _packages() -> tuple[tuple[str, str], ...]:
    """Names and versions of what is installed, from the names of folders alone."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208 - names are all that is wanted
        except OSError:
            continue
        for name in names:
            match = INSTALLED.match(name)
            if match is not None:
                found.setdefault(match["name"].lower().replace("_", "-"), match["version"])
    return tuple(sorted(found.items()))
