"""Files and folders, copied into the store."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from intermodal.artifacts.folders import copy_tree
from intermodal.artifacts.serialisers.protocol import CannotRead, TypeName, names_of
from intermodal.findings import Finding, FindingsError, error

_EXTENSION = re.compile(r"(\.tar)?\.[A-Za-z0-9]{1,16}$")


class PathSerialiser:
    """A path's file or folder. What is read back is a path too: of the stored content."""

    extension = ""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind

    def handles(self, value_or_type: object) -> bool:
        """A `Path`; a value has to be of this serialiser's kind on the disk."""
        if isinstance(value_or_type, Path):
            return value_or_type.is_dir() == (self.kind == "Directory")
        return any(name == TypeName("pathlib", "Path") for name in names_of(value_or_type))

    def extension_of(self, value: Path) -> str:
        """The file's own extension, so that what opens it later knows what it is."""
        found = _EXTENSION.search(value.name) if self.kind == "File" else None
        return found[0] if found and found.start() else ""

    def write(self, value: Any, path: Path) -> None:
        """Copy the content; permissions and times are not kept."""
        if self.kind == "Directory":
            copy_tree(value, path)
            return
        if not value.is_file():
            raise FindingsError([_no_file(value)])
        shutil.copyfile(value, path)

    def read(self, path: Path, type_hint: Any) -> Any:
        """The content's own path: nothing is copied."""
        if not path.exists():
            raise CannotRead("the content is not there")
        return path

    def describe(self, value: Path) -> dict[str, Any]:
        """The name it had, for whoever fetches it."""
        return {"name": value.resolve().name}


def _no_file(value: Path) -> Finding:
    return error(
        "PORT409",
        f"the task returned the path `{value}`, where there is no file or folder",
        why="the file is copied into the store when the task ends",
        next="write the file before returning its path; return a `str` to hand on only a name",
    )


SERIALISERS = (PathSerialiser("file", "File"), PathSerialiser("directory", "Directory"))
