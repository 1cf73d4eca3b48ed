"""Gets the files of the corpus: pinned archives from the package index, checked, unpacked, kept in a cache."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "sources.toml"
# Modules that system tests import and that no package ships.
STAND_INS = HERE / "stand_ins"
# What is unpacked of an archive: files below these folders, and where they lie then.
WHEEL_PARTS = (("airflow/example_dags/", "airflow/example_dags/"),)
SDIST_PARTS = (
    ("tests/system/", "system/"),
    ("src/airflow/", "airflow/"),
    ("astronomer/", "astronomer/"),
)
NO_DAGS = ("__init__.py", "conftest.py")
LARGEST = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One package.

    Attributes:
        archive: The file's name on the package index.
        truth: The Airflow that loads its files for comparison, or nothing.
    """

    distribution: str
    version: str
    archive: str
    sha256: str
    truth: str

    @property
    def name(self) -> str:
        """Short, for tables: `google 22.8.0`."""
        short = self.distribution.removeprefix("apache-airflow-providers-").removeprefix("apache-")
        return f"{short} {self.version}"

    @property
    def folder(self) -> Path:
        """Where imports of its files start: one tree for providers, whose tests import one another."""
        return _trees() / (self.name.replace(" ", "-") if self.wheel else "providers")

    @property
    def listing(self) -> Path:
        """What it brought into the tree, a path a line."""
        return _trees() / f"{self.name.replace(' ', '-')}.files"

    @property
    def wheel(self) -> bool:
        """Whether it is a wheel; else a source distribution."""
        return self.archive.endswith(".whl")


def sources() -> list[Source]:
    """All packages of the corpus, as `sources.toml` names them."""
    return [Source(**row) for row in tomllib.loads(SOURCES.read_text())["source"]]


def fetch() -> list[Source]:
    """Get what is not in the cache yet.

    Raises:
        ValueError: An archive is not the one that was pinned, or holds a path that leads out of it.
        subprocess.CalledProcessError: The package index does not give it.
    """
    wanted = sources()
    archives = cache_folder() / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    missing = [one for one in wanted if not _is_good(archives / one.archive, one.sha256)]
    for batch in _batches(missing):
        _download(batch, archives)
    for one in wanted:
        if not one.listing.exists():
            _unpack(one, archives / one.archive)
    return wanted


def dag_files(one: Source) -> list[Path]:
    """Its Python files, without the stand-ins and without packages' own `__init__` files."""
    paths = (one.folder / line for line in one.listing.read_text().splitlines())
    return sorted(p for p in paths if p.suffix == ".py" and p.name not in NO_DAGS)


def cache_folder() -> Path:
    """Where the corpus lies: in the user's cache, never in the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "intermodal" / "corpus"


@functools.cache
def _trees() -> Path:
    """The unpacked form; its name tells what it depends on: the stand-ins and this file."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in sorted(STAND_INS.rglob("*.py")):
        digest.update(path.relative_to(STAND_INS).as_posix().encode() + b"\0" + path.read_bytes())
    return cache_folder() / "sources" / digest.hexdigest()[:12]


def _is_good(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _batches(missing: list[Source]) -> Iterator[list[Source]]:
    """Packages for one call each: wheels alone, since two versions of one package are among them."""
    yield from ([one] for one in missing if one.wheel)
    if others := [one for one in missing if not one.wheel]:
        yield others


def _download(batch: list[Source], archives: Path) -> None:
    kind = "--only-binary" if batch[0].wheel else "--no-binary"
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        lines = (f"{s.distribution}=={s.version} --hash=sha256:{s.sha256}\n" for s in batch)
        pins.write_text("".join(lines))
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += [kind, ":all:", "--require-hashes", "-r", str(pins), "-d", folder]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        for one in batch:
            if not _is_good(Path(folder) / one.archive, one.sha256):
                raise ValueError(f"{one.archive} is not the file that was pinned")
            shutil.move(Path(folder) / one.archive, archives / one.archive)


def _unpack(one: Source, archive: Path) -> None:
    shutil.copytree(
        STAND_INS, one.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    found = []
    for name, data in _members(one, archive):
        target = one.folder / safe(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        found.append(name)
    beside = one.listing.with_suffix(f".{os.getpid()}")  # written last: all of it is there then
    beside.write_text("\n".join(sorted(found)))
    beside.replace(one.listing)


def _members(one: Source, archive: Path) -> Iterator[tuple[str, bytes]]:
    """Files of the corpus in an archive, by their path in the unpacked form."""
    if one.wheel:
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                place = _place(entry.filename, WHEEL_PARTS)
                if place and not entry.is_dir() and entry.file_size <= LARGEST:
                    yield place, packed.read(entry)
        return
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as packed:
        for member in packed:
            place = _place(member.name.partition("/")[2], SDIST_PARTS)
            if place and member.isfile() and member.size <= LARGEST:
                content = packed.extractfile(member)
                yield place, content.read() if content else b""


def _place(path: str, parts: tuple[tuple[str, str], ...]) -> str:
    """Where a file of an archive goes, or nothing if it is no part of the corpus."""
    for start, instead in parts:
        if path.startswith(start) and (start.startswith("tests/") or "/example_dags/" in path):
            return instead + path.removeprefix(start)
    return ""


def safe(name: str) -> PurePosixPath:
    """A path of an archive that stays below where it is unpacked.

    Raises:
        ValueError: It does not.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise ValueError(f"an archive holds the path {name!r}")
    return path
