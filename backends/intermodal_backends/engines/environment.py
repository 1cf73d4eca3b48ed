"""Environments of engines: one per engine, lock file and Python, cached, made once.

An engine's dependencies conflict with other engines' and with the user's own, so each lives in a
virtual environment of its own, filled from a hash-pinned lock file and from nothing else.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from intermodal.findings import FindingsError, error
from intermodal_backends.engines.catalogue import ENGINES, EngineSpec, lookup
from intermodal_backends.engines.interpreters import find_python, python_version, uv_command

if TYPE_CHECKING:
    from collections.abc import Iterator

# Written last: an environment without it is half made, and made anew.
MARKER = "intermodal-engine.json"

OWN_PACKAGES = ("intermodal", "intermodal_compilers", "intermodal_backends")

METADATA_FILES = ("METADATA", "entry_points.txt")


@dataclass(frozen=True, slots=True)
class EngineEnvironment:
    """An installed engine.

    Attributes:
        engine: Its name in the catalogue, like `airflow@3.3`.
        root: The folder of the virtual environment.
        python: The interpreter in it.
        packages: A folder that holds links to our own packages and their metadata. The environment
            finds it by a `.pth` file; drivers also put it on PYTHONPATH, so that two checkouts
            that share an environment each see their own code.
    """

    engine: str
    root: Path
    python: Path
    packages: Path

    @property
    def spec(self) -> EngineSpec:
        """The engine's row in the catalogue."""
        return lookup(self.engine)

    @property
    def bin(self) -> Path:
        """The folder of the environment's commands."""
        return self.python.parent


def cache_folder() -> Path:
    """Where environments live: `$INTERMODAL_ENGINES`, or the user's cache folder."""
    if chosen := os.environ.get("INTERMODAL_ENGINES"):
        return Path(chosen).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "intermodal" / "engines"


def install(
    engine: str | EngineSpec, *, extra_requirements: Path | None = None
) -> EngineEnvironment:
    """Make the engine's environment, or return the one that is there.

    Safe to call from several processes at once: the first makes it, the others wait.

    Args:
        engine: A name of the catalogue, or a row like its own with another lock file.
        extra_requirements: A requirements file of the user's own, installed on top as far as the
            engine's pins allow; it makes a second environment beside the plain one.

    Raises:
        FindingsError: PORT702 for an unknown engine, PORT701 if the installation fails.
    """
    spec = engine if isinstance(engine, EngineSpec) else lookup(engine)
    wanted = _content_hash(spec, extra_requirements)
    if found := _find(spec, wanted):
        return found
    python = find_python(spec)
    version = python_version(python)
    root = cache_folder() / f"{spec.folder_name}-py{version}-{wanted[:12]}"
    root.parent.mkdir(parents=True, exist_ok=True)
    with locked(root.with_name(root.name + ".lock")):
        if not (root / MARKER).exists():
            _build(spec, root, python, extra_requirements)
            _write_whole(
                root / MARKER,
                json.dumps({"engine": spec.name, "python": version, "content": wanted}),
            )
    return _open(spec, root)


def find(
    engine: str | EngineSpec, *, extra_requirements: Path | None = None
) -> EngineEnvironment | None:
    """The engine's environment if it is installed and made from today's lock file.

    Raises:
        FindingsError: PORT702 for an unknown engine.
    """
    spec = engine if isinstance(engine, EngineSpec) else lookup(engine)
    return _find(spec, _content_hash(spec, extra_requirements))


def require(engine: str, *, extra_requirements: Path | None = None) -> EngineEnvironment:
    """The engine's environment; with a requirements file, the one that was installed with it.

    Raises:
        FindingsError: PORT700 if it is not installed, PORT702 for an unknown engine.
    """
    if environment := find(engine, extra_requirements=extra_requirements):
        return environment
    name = lookup(engine).name
    chosen = f" --requirements {extra_requirements}" if extra_requirements else ""
    raise FindingsError(
        [
            error(
                "PORT700",
                f"`{name}` is not installed",
                next=f"Run `port engines install {name}{chosen}`.",
            )
        ]
    )


def installed() -> list[EngineEnvironment]:
    """All engines installed from today's lock files, in the catalogue's order."""
    found = (find(spec.name) for spec in ENGINES)
    return [environment for environment in found if environment]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, made if missing, between processes."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _find(spec: EngineSpec, wanted: str) -> EngineEnvironment | None:
    own_python = f"-py{python_version(Path(sys.executable))}-"
    markers = cache_folder().glob(f"{spec.folder_name}-py*/{MARKER}")
    for marker in sorted(markers, key=lambda path: (own_python not in path.parent.name, path)):
        made = json.loads(marker.read_text())
        if made["engine"] == spec.name and made["content"] == wanted:
            return _open(spec, marker.parent)
    return None


def _open(spec: EngineSpec, root: Path) -> EngineEnvironment:
    with locked(root / "own-packages.lock"):
        packages = _link_own_packages(root)
    return EngineEnvironment(spec.name, root, root / "bin" / "python", packages)


def _content_hash(spec: EngineSpec, extra_requirements: Path | None) -> str:
    digest = hashlib.sha256(spec.lock.read_bytes())
    if extra_requirements is not None:
        digest.update(b"\0" + _read_requirements(extra_requirements))
    return digest.hexdigest()


def _read_requirements(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        what = f"the requirements file `{path}` cannot be read"
        raise FindingsError([error("PORT001", what, why=str(problem))]) from problem


def _build(spec: EngineSpec, root: Path, python: Path, extra_requirements: Path | None) -> None:
    shutil.rmtree(root, ignore_errors=True)
    uv = uv_command()
    _call(spec, [*uv, "venv", "--quiet", "--python", str(python), str(root)])
    pip = [*uv, "pip", "install", "--quiet", "--python", str(root / "bin" / "python")]
    _call(spec, [*pip, "--require-hashes", "-r", str(spec.lock)])
    if extra_requirements is not None:
        extra = ["-r", str(extra_requirements.absolute()), "-c", str(spec.lock)]
        _call(spec, [*pip, *extra])


def _call(spec: EngineSpec, command: list[str]) -> None:
    # uv takes no overrides where it checks hashes; they are for the user's own packages.
    checked = "--require-hashes" in command
    variables = {k: v for k, v in os.environ.items() if k != "UV_OVERRIDE" or not checked}
    # A neutral folder: uv reads the settings of the project it stands in.
    done = subprocess.run(  # noqa: S603
        command, cwd=cache_folder(), env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    raise FindingsError(
        [
            error(
                "PORT701",
                f"`{spec.name}` could not be installed",
                why=done.stderr.strip()[-2000:],
                next="Check the network and the package index, then run the command again.",
            )
        ]
    )


def _link_own_packages(root: Path) -> Path:
    """Make our packages importable in the environment, without the folder they are installed in.

    Works for editable installs, where they lie in three source trees, and for wheels, where their
    folder is the user's whole site-packages. Our metadata comes along, so that entry points are
    found. What changes makes a new folder: a process that uses the old one is not disturbed.
    """
    places = {name: _package_folder(name) for name in OWN_PACKAGES}
    metadata = _own_metadata()
    made_of = json.dumps([{name: str(place) for name, place in places.items()}, metadata])
    folder = root / "own-packages" / hashlib.sha256(made_of.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for name, place in places.items():
        link = folder / name
        if not link.is_symlink():
            link.unlink(missing_ok=True)
            link.symlink_to(place, target_is_directory=True)
    for name, text in metadata.items():
        (folder / name).parent.mkdir(exist_ok=True)
        _write_if_other(folder / name, text)
    for site_packages in root.glob("lib/python3*/site-packages"):
        _write_if_other(site_packages / "intermodal-own-packages.pth", f"{folder}\n")
    return folder


def _own_metadata() -> dict[str, str]:
    """Our distribution's metadata by path, without the list of its files, which are elsewhere."""
    try:
        distribution = importlib.metadata.distribution("intermodal")
    except importlib.metadata.PackageNotFoundError as problem:
        what = "our own distribution `intermodal` has no metadata"
        raise FindingsError([error("PORT701", what, next="Reinstall intermodal.")]) from problem
    folder = f"intermodal-{distribution.version}.dist-info"
    texts = {f"{folder}/{name}": distribution.read_text(name) for name in METADATA_FILES}
    return {path: text for path, text in texts.items() if text}


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places:
        what = f"our own package `{name}` is not installed"
        raise FindingsError([error("PORT701", what, next="Reinstall intermodal.")])
    return Path(places[0]).absolute()


def _write_if_other(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        _write_whole(path, text)


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
