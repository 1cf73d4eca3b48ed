"""A conformance case: a pipeline, what it must do, and where that cannot be shown, with the reason.

`expect.yaml` beside `pipeline.py` holds:

- `parameters`: values for the run;
- `settings`: settings of the profile, by the names of `compiling.Settings`;
- `trace`: the state of the pipeline and its instances; `"*"` stands for any value, `same` for the
  artifact hash that the reference executor gave;
- `findings`: codes of errors that every target must give, for a case that no target compiles;
- `exclude`: a list of `{target, reason}` with `refused: CODE` where the target refuses the pipeline, or
  without where it compiles but the engine does not do the same. Such an engine is run all the same, and
  the harness fails when it starts to agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from intermodal.authoring.load import load_source
from intermodal.compiling import Settings, Target
from intermodal.findings import FindingsError, Span, error, raise_errors
from intermodal.ir import Pipeline

ANY = "*"
SAME = "same"


class Exclusion(BaseModel):
    """Why a target does not do what the case expects.

    `by_chance` says that the engine's own order decides whether it agrees, so that agreeing proves nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    reason: str
    refused: str | None = None
    by_chance: bool = False

    def covers(self, target: Target) -> bool:
        """Whether it is about this target: `kfp` is about all versions, `kfp@2` about one."""
        return self.target in (target.name, str(target))


class ExpectedInstance(BaseModel):
    """What one task instance must do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str
    attempts: int
    outputs: dict[str, JsonValue] | str = Field(default_factory=dict)
    artifacts: dict[str, str] = Field(default_factory=dict)


class ExpectedTrace(BaseModel):
    """What the run must do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str
    instances: dict[str, ExpectedInstance]


class Expectation(BaseModel):
    """The content of `expect.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    settings: dict[str, str] = Field(default_factory=dict)
    trace: ExpectedTrace | None = None
    findings: tuple[str, ...] = ()
    exclude: tuple[Exclusion, ...] = ()


class Case:
    """One case folder, loaded."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self.name = folder.relative_to(root).as_posix()
        self.expect = _read_expectation(folder / "expect.yaml")

    def __repr__(self) -> str:
        return self.name

    @property
    def settings(self) -> Settings:
        """The settings that the case is compiled with."""
        given: Mapping[str, Any] = self.expect.settings
        return Settings(**given)

    def pipeline(self) -> Pipeline:
        """Load the case's pipeline.

        Raises:
            FindingsError: If it does not load, or is not exactly one.
        """
        source = next(
            path
            for name in ("pipeline.py", "pipeline.yaml")
            if (path := self.folder / name).exists()
        )
        loaded = load_source(source, self.root)
        raise_errors(loaded.findings)
        if len(loaded.pipelines) != 1:
            found = len(loaded.pipelines)
            what = f"a case holds one pipeline; `{self.name}` has {found}"
            raise FindingsError([error("PORT004", what, next="split the case")])
        return loaded.pipelines[0]

    def exclusion(self, target: Target) -> Exclusion | None:
        """The declared exclusion for a target, if there is one."""
        return next((item for item in self.expect.exclude if item.covers(target)), None)


def find_cases(root: Path) -> list[Case]:
    """Every case below a folder, by name."""
    return [Case(path.parent, root) for path in sorted(root.glob("*/*/expect.yaml"))]


def _read_expectation(path: Path) -> Expectation:
    try:
        return Expectation.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as problem:
        what = f"`{path.name}` of the case cannot be read: {problem}"
        raise FindingsError(
            [error("PORT102", what, Span(file=str(path)), next="correct it")]
        ) from problem
