"""Compiled files on disk: all of them written or none, and compared with what is there."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath

from intermodal.compile import MANIFEST
from intermodal.compiling import Compiled, Target
from intermodal.findings import Finding, error
from intermodal.frozen import Frozen


class Output(Frozen):
    """Files to be on disk.

    Attributes:
        root: The output folder.
        files: Text by POSIX path relative to `root`.
        folders: The folders of single pipelines, relative to `root`; each has a manifest.
    """

    root: Path
    files: Mapping[str, str]
    folders: tuple[str, ...] = ()


class Written(Frozen):
    """What writing did: files changed, files that were right already, outdated files removed."""

    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def folder_names(targets: Sequence[Target]) -> dict[Target, str]:
    """The folder of each target: its name, with the version only where one name is there twice."""
    times = Counter(target.name for target in targets)
    return {t: str(t) if times[t.name] > 1 else t.name for t in targets}


def plan(root: Path, compiled: Iterable[tuple[str, Compiled]]) -> tuple[Output, list[Finding]]:
    """Lay out compiled pipelines, each in its folder; a path that would leave it is a finding."""
    files: dict[str, str] = {}
    folders: list[str] = []
    findings: list[Finding] = []
    for folder, result in compiled:
        folders.append(folder)
        for path, text in result.files.items():
            if _stays_inside(path):
                files[f"{folder}/{path}"] = text
            else:
                findings.append(
                    error(
                        "PORT006",
                        f"a compiler gave the path `{path}` for a file of `{folder}`",
                        why="compiled files stay inside their pipeline's folder",
                        next="report it to the authors of that compiler",
                    )
                )
    return Output(root, files, tuple(folders)), findings


def _stays_inside(path: str) -> bool:
    if not path or "\\" in path or "\0" in path or PureWindowsPath(path).drive:
        return False
    posix = PurePosixPath(path)
    return not posix.is_absolute() and ".." not in posix.parts and posix != PurePosixPath()


def write(output: Output) -> tuple[Written, list[Finding]]:
    """Write all files, or none.

    Files that hold the same bytes already are not touched. Files that an earlier manifest of the
    same pipelines lists and this output lacks are removed.
    """
    contents, findings = _encode(output)
    outdated = _outdated(output)
    changed: list[str] = []
    made: list[Path] = []
    try:
        for path, content in contents.items():
            if _content(output.root / path) != content:
                changed.append(path)
        if not findings:
            _replace_all(
                {output.root / path: contents[path] for path in changed},
                [output.root / path for path in outdated],
                made,
            )
    except OSError as problem:
        _undo_folders(made)
        findings.append(_unwritable(output.root, problem))
    if findings:
        return Written(), findings
    unchanged = [path for path in contents if path not in set(changed)]
    return Written(tuple(changed), tuple(unchanged), tuple(outdated)), []


def compare(output: Output, *, whole: bool = False) -> list[Finding]:
    """What on disk differs from the output: one finding for each file.

    Args:
        output: What should be there.
        whole: The output is all that the folders of its targets should hold, so that a pipeline's
            folder that it lacks is outdated too.
    """
    contents, findings = _encode(output)
    for path, content in contents.items():
        try:
            there = _content(output.root / path)
        except OSError as problem:
            findings.append(_unwritable(output.root, problem))
            continue
        if there is None:
            findings.append(_out_of_date(output, path, "is missing"))
        elif there != content:
            findings.append(_out_of_date(output, path, "differs from what compiling gives"))
    for path in _outdated(output):
        findings.append(_out_of_date(output, path, "is no longer compiled"))
    for folder in _forgotten(output) if whole else ():
        findings.append(
            error(
                "PORT008",
                f"`{_shown(output, folder)}` belongs to no pipeline any more",
                next="delete the folder",
            )
        )
    return findings


def _encode(output: Output) -> tuple[dict[str, bytes], list[Finding]]:
    contents: dict[str, bytes] = {}
    findings: list[Finding] = []
    for path, text in output.files.items():
        try:
            contents[path] = text.encode("utf-8")
        except UnicodeEncodeError as problem:
            what = (
                f"`{path}` would hold half of a surrogate pair, which is no text: {problem.reason}"
            )
            findings.append(error("PORT006", what, next="remove the character from the pipeline"))
    return contents, findings


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _replace_all(
    contents: Mapping[Path, bytes], outdated: Sequence[Path], made: list[Path]
) -> None:
    """Write files and remove others; after an error all is as it was.

    Each file is written beside its place, and takes it in one step, so that no reader finds half of
    one or none at all. What was there stays beside it until all have moved.

    Args:
        contents: What is to be in each file.
        outdated: Files to remove.
        made: Gets the folders that were missing, also after an error.
    """
    staged: dict[Path, Path] = {}
    before: dict[Path, Path | None] = {}
    try:
        for file, content in contents.items():
            _make_folder(file.parent, made)
            staged[file] = _beside(file, "new")
            staged[file].write_bytes(content)
        for file in (*staged, *outdated):
            before[file] = _keep(file)
        for file, written in staged.items():
            written.replace(file)
        for file in outdated:
            file.unlink(missing_ok=True)
    except BaseException:
        for file, kept in before.items():
            _restore(file, kept)
        raise
    finally:
        for leftover in (*staged.values(), *before.values()):
            if leftover is not None:
                with suppress(OSError):
                    leftover.unlink(missing_ok=True)


def _beside(file: Path, what: str) -> Path:
    return file.with_name(f".{file.name}.{os.getpid()}.{what}")


def _keep(file: Path) -> Path | None:
    """A second name for what is in a file's place; None if nothing is."""
    kept = _beside(file, "old")
    try:
        os.link(file, kept)
    except FileNotFoundError:
        return None
    except OSError:  # a file system without links
        shutil.copy2(file, kept)
    return kept


def _restore(file: Path, kept: Path | None) -> None:
    with suppress(OSError):  # the first error is the one to tell
        if kept is None:
            file.unlink(missing_ok=True)
        else:
            kept.replace(file)


def _make_folder(folder: Path, made: list[Path]) -> None:
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        made.append(parent)


def _undo_folders(made: Sequence[Path]) -> None:
    for folder in reversed(made):
        with suppress(OSError):  # not empty: somebody else uses it by now
            folder.rmdir()


def _unwritable(root: Path, problem: OSError) -> Finding:
    reason = problem.strerror or str(problem)
    place = problem.filename or root
    return error(
        "PORT006",
        f"cannot write to `{root}`: {reason}",
        why=f"`{place}`: {reason.lower()}; nothing was changed",
        next="make the folder writable, or choose another with `--out`",
    )


def _outdated(output: Output) -> list[str]:
    """Files that the manifests on disk list, that are there, and that the output lacks."""
    return [
        path
        for folder in output.folders
        for path in (f"{folder}/{name}" for name in _listed(output.root / folder / MANIFEST))
        if path not in output.files and (output.root / path).is_file()
    ]


def _listed(manifest: Path) -> Iterator[str]:
    """The file names in a manifest on disk; none if it is absent or not a manifest of ours."""
    try:
        data = json.loads(manifest.read_bytes())
    except (OSError, ValueError):
        return
    names = data.get("files") if isinstance(data, dict) else None
    for name in names if isinstance(names, list) else []:
        if isinstance(name, str) and _stays_inside(name):
            yield name


def _forgotten(output: Output) -> list[str]:
    """Folders of pipelines beside ours that have a manifest, and are not among ours."""
    targets = sorted({folder.rpartition("/")[0] for folder in output.folders})
    found = (
        manifest.parent.relative_to(output.root).as_posix()
        for target in targets
        for manifest in sorted((output.root / target).glob(f"*/{MANIFEST}"))
    )
    return [folder for folder in found if folder not in output.folders]


def _out_of_date(output: Output, path: str, how: str) -> Finding:
    what = f"`{_shown(output, path)}` {how}"
    return error("PORT008", what, next="run `port compile` and commit the result")


def _shown(output: Output, path: str) -> str:
    try:
        return (output.root / path).relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(output.root / path)
