"""Where the results of importing go: one file for each of theirs, and never over somebody's own work."""

from __future__ import annotations

import hashlib
import json
import keyword
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from intermodal.findings import Finding, FindingsError, error
from intermodal.output import Output, write

MANIFEST = ".intermodal-import.json"
"""Lists what importing wrote into a folder, with the hash of each file."""

_NO_WORD = re.compile(r"\W+", re.ASCII)


class Places:
    """Paths of results below a folder, by the place of their originals; no two alike.

    Args:
        paths: What the user named: files and folders.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._folders = [path.resolve() for path in paths if path.is_dir()]
        self._taken: set[str] = set()

    def python(self, file: Path) -> str:
        """The path for a file's pipelines as Python."""
        return self._free(self._below(file), ".py")

    def document(self, file: Path, pipeline: str, *, alone: bool) -> str:
        """The path for one pipeline's IR; beside those of others of its file where it is not `alone`."""
        place = self._below(file)
        return self._free(place if alone else place / _word(pipeline), ".yaml")

    def _below(self, file: Path) -> PurePosixPath:
        """The place from the folder that the user named, without a suffix, each part a Python name."""
        for folder in self._folders:
            if file.is_relative_to(folder):
                parts = file.relative_to(folder).with_suffix("").parts
                return PurePosixPath(*map(_word, parts))
        return PurePosixPath(_word(file.stem))

    def _free(self, place: PurePosixPath, suffix: str) -> str:
        number = 1
        path = f"{place}{suffix}"
        while path.lower() in self._taken:  # also where the file system does not tell cases apart
            number += 1
            path = f"{place}_{number}{suffix}"
        self._taken.add(path.lower())
        return path


def _word(text: str) -> str:
    """A name that Python can import and every file system can hold."""
    word = _NO_WORD.sub("_", text) or "_"
    if word[0].isdigit() or keyword.iskeyword(word):
        word = f"_{word}"
    return word[:100]


class Folder:
    """An output folder, with the list of what importing wrote there.

    Args:
        root: The folder; it need not exist.
        force: Overwrite files that are not ours too.
    """

    def __init__(self, root: Path, *, force: bool = False) -> None:
        self.root = root.absolute()
        self.changed: list[str] = []
        self.unchanged: list[str] = []
        self._force = force
        self._written = {} if force else _read_manifest(self.root / MANIFEST)
        self._at_first = dict(self._written)

    def put(self, path: str, text: str) -> list[Finding]:
        """Write one file whole, or say why not.

        Args:
            path: POSIX, relative to the folder.
            text: What is to be in it.
        """
        place = self.root / path
        if not place.resolve().is_relative_to(self.root.resolve()):
            return [
                error(
                    "PORT006",
                    f"`{place}` leads out of `{self.root}`",
                    why="a link on the way points elsewhere",
                    next="remove the link, or choose another folder with `--out`",
                )
            ]
        if not self._force and self._is_foreign(path, text):
            return [_foreign(place, ours=path in self._written)]
        written, findings = write(Output(self.root, {path: text}))
        self.changed += written.changed
        self.unchanged += written.unchanged
        if not findings:
            self._written[path] = _hash(text.encode("utf-8"))
        return findings

    def close(self) -> list[Finding]:
        """Write the list of what is ours."""
        if self._written == self._at_first:
            return []
        text = json.dumps({"files": dict(sorted(self._written.items()))}, indent=2) + "\n"
        return write(Output(self.root, {MANIFEST: text}))[1]

    def _is_foreign(self, path: str, text: str) -> bool:
        """Whether a file is there that importing did not write, or that was edited since."""
        try:
            there = (self.root / path).read_bytes()
        except FileNotFoundError:
            return False
        except OSError:
            return False  # writing will tell what is wrong
        if there == text.encode("utf-8", "surrogatepass"):
            return False
        return self._written.get(path) != _hash(there)


def _read_manifest(file: Path) -> dict[str, str]:
    """Hashes by path; none where no manifest of ours is.

    Raises:
        FindingsError: PORT006, the folder cannot be used.
    """
    try:
        data = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise FindingsError(
            [
                error(
                    "PORT006",
                    f"`{file}` cannot be read: {problem}",
                    why="it lists what importing wrote; without it nobody knows what may be replaced",
                    next="delete it to have every file there kept, or give `--force`",
                )
            ]
        ) from problem
    files = data.get("files") if isinstance(data, dict) else None
    known = files.items() if isinstance(files, dict) else ()
    return {path: digest for path, digest in known if isinstance(digest, str)}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _foreign(place: Path, *, ours: bool) -> Finding:
    how = "was edited since it was imported" if ours else "is not from importing"
    return error(
        "PORT812",
        f"`{place}` {how}, and is kept",
        next="give `--force` to replace it, or choose another folder with `--out`",
    )
