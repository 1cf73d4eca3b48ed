"""What a case expects: the content of its `expect.yaml`.

- `parameters`: values for the run;
- `settings`: settings of the profile, by the names of `compiling.Settings`;
- `pipeline`: which pipeline is run, where the case holds several: the others are there to be triggered;
- `runs`: how often it is run, in one store; what is expected is about the last time;
- `secrets`: values by the names of secrets, which the tasks find in their environment and which must
  be found nowhere afterwards;
- `connections`: URLs by the names of connections, which tasks find as secrets, and in Airflow's form;
  in them and in `parameters`, `{work}` stands for the run's folder, `{server}` and `{other}` for the host
  and port of loopback servers (`conformance.playground`). Passwords must be found nowhere afterwards;
- `approvals`: what people answer, `approve`, `reject` or `nobody`, by task;
- `trace`: the state of the pipeline and its instances; `"*"` stands for any value, `same` for the
  artifact hash that the reference executor gave;
- `notifications`: messages that must arrive on the channel `webhook:HOOK`, in any order;
- `findings`: codes of errors that every target must give, for a case that no target compiles;
- `exclude`: a list of `{target, reason}` with `refused: CODE` where the target refuses the pipeline, or
  without where it compiles but the engine does not do the same. Such an engine is run all the same, and
  the harness fails when it starts to agree;
- `compiles_only`: a list of `{target, reason, check}` for what an engine's local mode ignores: the
  engine's own loader must take the output, and each check must find its setting in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from intermodal.compiling import Target
from intermodal.findings import FindingsError, Span, error

ANY = "*"
SAME = "same"


class Part(BaseModel):
    """A closed part of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ForTarget(Part):
    """Something that is about one target: `kfp` is about all versions, `kfp@2` about one."""

    target: str
    reason: str

    def covers(self, target: Target) -> bool:
        """Whether it is about this target."""
        return self.target in (target.name, str(target))


class Exclusion(ForTarget):
    """Why a target does not do what the case expects.

    `by_chance` says that the engine's own order decides whether it agrees, so that agreeing proves nothing.
    """

    refused: str | None = None
    by_chance: bool = False


class EmittedCheck(Part):
    """A setting that must stand in an emitted file.

    Attributes:
        file: The file's name.
        contains: Text that it holds, for Python.
        path: Keys and positions of a value in YAML or JSON: `deploymentSpec.executors."exec-a".retries`,
            `deployments[0].schedules`.
        equals: What that value is.
        document: Which of several YAML documents.
    """

    file: str
    contains: str | None = None
    path: str | None = None
    equals: JsonValue = None
    document: int = 0

    @model_validator(mode="after")
    def _is_one_of_both(self) -> EmittedCheck:
        if (self.contains is None) == (self.path is None):
            raise ValueError("a check has either `contains`, or `path` with `equals`")
        return self


class CompilesOnly(ForTarget):
    """What an engine's local mode ignores, and where the emitted output says it."""

    check: tuple[EmittedCheck, ...] = Field(min_length=1)


class ExpectedInstance(Part):
    """What one task instance must do."""

    state: str
    attempts: int
    outputs: dict[str, JsonValue] | str = Field(default_factory=dict)
    artifacts: dict[str, str] = Field(default_factory=dict)


class ExpectedTrace(Part):
    """What the run must do."""

    state: str
    instances: dict[str, ExpectedInstance]


class Expectation(Part):
    """The content of `expect.yaml`."""

    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    settings: dict[str, str] = Field(default_factory=dict)
    pipeline: str | None = None
    runs: int = Field(default=1, ge=1)
    secrets: dict[str, str] = Field(default_factory=dict)
    connections: dict[str, str] = Field(default_factory=dict)
    approvals: dict[str, Literal["approve", "reject", "nobody"]] = Field(default_factory=dict)
    trace: ExpectedTrace | None = None
    notifications: tuple[str, ...] | None = None
    findings: tuple[str, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    compiles_only: tuple[CompilesOnly, ...] = ()


def read_expectation(path: Path) -> Expectation:
    """Read an `expect.yaml`.

    Raises:
        FindingsError: PORT102, it does not have this form.
    """
    try:
        return Expectation.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as problem:
        what = f"`{path.name}` of the case cannot be read: {problem}"
        raise FindingsError(
            [error("PORT102", what, Span(file=str(path)), next="correct it")]
        ) from problem
