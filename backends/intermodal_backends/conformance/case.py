"""A conformance case: a folder with a pipeline, what it must do, and the output for each target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intermodal.authoring.load import load_source
from intermodal.compiling import Settings, Target
from intermodal.findings import FindingsError, error, raise_errors
from intermodal.ir import Pipeline
from intermodal_backends.conformance.expectation import (
    CompilesOnly,
    Exclusion,
    read_expectation,
)


class Case:
    """One case folder, loaded."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self.name = folder.relative_to(root).as_posix()
        self.expect = read_expectation(folder / "expect.yaml")

    def __repr__(self) -> str:
        return self.name

    @property
    def settings(self) -> Settings:
        """The settings that the case is compiled with."""
        given: Mapping[str, Any] = self.expect.settings
        return Settings(**given)

    def pipeline(self) -> Pipeline:
        """Load the pipeline that is run.

        Raises:
            FindingsError: It does not load, or it is not clear which one is meant.
        """
        return self.pipelines()[0]

    def pipelines(self) -> list[Pipeline]:
        """Load all pipelines, the one that is run first.

        Raises:
            FindingsError: They do not load, or it is not clear which one is meant.
        """
        source = next(
            path
            for name in ("pipeline.py", "pipeline.yaml")
            if (path := self.folder / name).exists()
        )
        loaded = load_source(source, self.root)
        raise_errors(loaded.findings)
        main = [p for p in loaded.pipelines if self.expect.pipeline in (None, p.name)]
        if len(main) == 1:
            return [*main, *(other for other in loaded.pipelines if other is not main[0])]
        names = ", ".join(f"`{p.name}`" for p in loaded.pipelines) or "none"
        what = f"the case `{self.name}` holds the pipelines {names}"
        how = "name the one that is run as `pipeline` in its expect.yaml"
        raise FindingsError([error("PORT004", what, next=how)])

    def exclusion(self, target: Target) -> Exclusion | None:
        """The declared exclusion for a target, if there is one."""
        return next((item for item in self.expect.exclude if item.covers(target)), None)

    def compiles_only(self, target: Target) -> CompilesOnly | None:
        """Why a target's engine cannot show it, if that was declared."""
        return next((item for item in self.expect.compiles_only if item.covers(target)), None)

    def content_hash(self) -> str:
        """SHA-256 of the case's own files, apart from what is emitted for it."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            if path.is_file():
                digest.update(f"{path.name}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def find_cases(root: Path) -> list[Case]:
    """Every case below a folder, by name."""
    return [Case(path.parent, root) for path in sorted(root.glob("*/*/expect.yaml"))]
