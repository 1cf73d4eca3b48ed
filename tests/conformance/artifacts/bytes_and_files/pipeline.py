"""Bytes, a file and a folder travel by reference, with their content's hash."""

import tempfile
from pathlib import Path

from witness import attempt

from intermodal import Directory, pipeline, task


@task
def raw() -> bytes:
    with attempt("raw"):
        return b"\x00\x01binary"


@task
def write(content: bytes) -> Path:
    with attempt("write"):
        path = Path(tempfile.mkdtemp()) / "numbers.txt"
        path.write_bytes(content + b"\n")
        return path


@task
def folder(file: Path) -> Directory:
    with attempt("folder"):
        place = Path(tempfile.mkdtemp()) / "folder"
        place.mkdir()
        (place / "a.txt").write_text("a")
        (place / "copy.bin").write_bytes(file.read_bytes())
        return Directory(place)


@task
def measure(place: Directory, content: bytes) -> dict[str, int]:
    with attempt("measure") as seen:
        sizes = {
            file.name: file.stat().st_size for file in sorted(Path(place).iterdir())
        }
        return seen({**sizes, "content": len(content)})


@pipeline
def bytes_and_files():
    content = raw()
    measure(folder(write(content)), content)
