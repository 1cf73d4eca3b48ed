"""From what the user names to pipelines: files and folders, or the project's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from intermodal.findings import Finding, FindingsError, error, raise_errors
from intermodal.frozen import Frozen
from intermodal.ir import Pipeline
from intermodal.project import Project

if TYPE_CHECKING:
    from intermodal.cli.origin import Origin


class Found(Frozen):
    """Pipelines, in order and each name once, and what was found on the way.

    `whole` is true when these are all pipelines of the project.
    """

    pipelines: tuple[Pipeline, ...]
    findings: tuple[Finding, ...]
    whole: bool = False


def load(sources: Sequence[str], project: Project, origin: Origin | None = None) -> Found:
    """Load the sources named, or those of the project if none is; of another system with an `origin`.

    Raises:
        FindingsError: PORT009, there is nothing to load.
    """
    named = [Path(source) for source in sources]
    paths = named if named or origin is not None else list(project.sources)
    if not paths:
        raise FindingsError(
            [
                error(
                    "PORT009",
                    "no pipelines to work on",
                    why="no source was given, and the project names none",
                    next="give a file or folder, or set `sources` in `[tool.intermodal]`",
                )
            ]
        )
    pipelines: dict[str, Pipeline] = {}
    findings: list[Finding] = []
    for loaded, found in _loaded(paths, project, origin):
        findings += found
        for pipeline in loaded:
            first = pipelines.setdefault(pipeline.name, pipeline)
            if first is not pipeline and first.span != pipeline.span:
                findings.append(_twice(first, pipeline))
    return Found(tuple(pipelines.values()), tuple(dict.fromkeys(findings)), whole=not sources)


def _loaded(
    paths: Sequence[Path], project: Project, origin: Origin | None
) -> Iterator[tuple[Sequence[Pipeline], Sequence[Finding]]]:
    if origin is not None:
        from intermodal.cli.origin import load_foreign

        yield load_foreign(paths, origin)
        return
    from intermodal.authoring.load import load_source

    for path in paths:
        loaded = load_source(path, project.root)
        yield loaded.pipelines, loaded.findings


def load_one(
    source: str, name: str | None, project: Project, origin: Origin | None = None
) -> tuple[Pipeline, list[Finding]]:
    """The pipeline of a source; `name` chooses where there are several.

    Raises:
        FindingsError: The source has errors, or it is not clear which pipeline is meant.
    """
    return choose(load([source], project, origin), source, name)


def choose(found: Found, source: str, name: str | None) -> tuple[Pipeline, list[Finding]]:
    """The pipeline that is meant among those of a source.

    Raises:
        FindingsError: As `load_one`.
    """
    matching = [p for p in found.pipelines if name in (None, p.name)]
    names = ", ".join(f"`{p.name}`" for p in found.pipelines)
    if len(matching) == 1:
        return matching[0], list(found.findings)
    raise_errors(found.findings)
    what = (
        f"`{source}` holds no pipeline `{name}`" if name else f"`{source}` holds several pipelines"
    )
    raise FindingsError([error("PORT009", what, next=f"choose one of {names} with `--pipeline`")])


def _twice(first: Pipeline, second: Pipeline) -> Finding:
    where = f" at {first.span}" if first.span else ""
    return error(
        "PORT106",
        f"two pipelines are called `{second.name}`",
        second.span,
        why=f"the other one is{where or ' in another source'}; they would overwrite each other",
        next="rename one of them",
    )
