"""What conformance runs have shown: results as data, and the matrix of features and targets from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from intermodal.features import Capabilities, Declares, Feature, Lowered, Refused, Support

FILE = Path(__file__).with_name("evidence.json")
"""Comes with the package, and is written by `make matrix` only."""

Verdict = Literal["same", "differs", "refused", "excluded", "compiles_only", "compiled"]
COMPILES = ("same", "differs", "excluded", "compiles_only", "compiled")


F = Feature
UNSEEN = frozenset(
    {
        *(F.DESCRIPTION, F.LABELS, F.OWNERS, F.PARAMETER_HELP, F.IMAGE, F.PACKAGES),
        *(F.MAX_ACTIVE_RUNS, F.MAX_ACTIVE_TASKS, F.POOL, F.PRIORITY, F.ASSETS),
        *(F.TASK_LABELS, F.TASK_OWNERS, F.DISPLAY_NAME, F.TASK_DOCS),
        *(F.RETRY_DELAY, F.RETRY_FACTOR, F.RETRY_CEILING, F.RETRY_JITTER),
        *(feature for feature in F if feature.startswith(("schedule.", "resources."))),
    }
)
"""Features that a trace cannot show: when a run starts, where, how fast, and what people call it.

That a case ran the same says nothing of them. What is emitted for them is held by golden files, and
loaded by the engine's own loader.
"""


class Shown(BaseModel):
    """What one case showed on one version of a target.

    Attributes:
        verdict: `same`: it ran on the engine and did what the case says. `excluded`: it ran, and did
            not, for the reason. `compiles_only`: the engine's local mode ignores what it is about; the
            engine's own loader took it, and the setting stands in it. `compiled`: there is no engine of
            this version. `refused`: the compiler says that it cannot.
        reason: Why it is not the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    reason: str = ""


class CaseResult(BaseModel):
    """What one case showed.

    Attributes:
        content: Hash of the case's files.
        features: What its pipeline uses.
        targets: By target version, `airflow@3.3`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    content: str
    features: tuple[Feature, ...]
    targets: dict[str, Shown]


class Evidence(BaseModel):
    """All results: `support` has a hash of the capabilities of each target version as of the run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    support: dict[str, str] = Field(default_factory=dict)
    cases: dict[str, CaseResult] = Field(default_factory=dict)

    def to_json(self) -> str:
        """Sorted JSON text."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def has_engine(self, target: str) -> bool:
        """Whether any case ran on this version's engine."""
        return any(
            target in case.targets and case.targets[target].verdict not in ("compiled", "refused")
            for case in self.cases.values()
        )


class Row(BaseModel):
    """One feature on one version of a target.

    Attributes:
        support: `native`, `lowered` or `refused`.
        how: Of what it is built, if lowered.
        why: The reason, if refused.
        compiles: How many of the cases compile.
        ran_same: How many of them did the same on the real engine; None if that version has none, or
            if no run can show the feature.
        cases: How many cases use the feature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature: Feature
    target: str
    version: str
    support: Literal["native", "lowered", "refused"]
    how: str = ""
    why: str = ""
    compiles: int
    ran_same: int | None
    cases: int


def read_evidence(file: Path = FILE) -> Evidence:
    """The results that came with this version; none if there are none."""
    if not file.exists():
        return Evidence()
    return Evidence.model_validate_json(file.read_text(encoding="utf-8"))


def support_data(support: Support) -> dict[str, Any]:
    """A support as JSON."""
    match support:
        case Lowered(how=how):
            return {"support": "lowered", "how": how}
        case Refused(why=why, hint=hint):
            return {"support": "refused", "why": why, "hint": hint}
        case _:
            return {"support": "native"}


def hash_of(capabilities: Capabilities) -> str:
    """SHA-256 of what a compiler says it supports."""
    said = {str(feature): support_data(support) for feature, support in capabilities.items()}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def rows(compilers: Iterable[Declares], evidence: Evidence) -> list[Row]:
    """The matrix: features in their order, then targets, then versions with the default first."""
    versions = [(c, v, c.capabilities(v)) for c in compilers for v in c.versions]
    using = _cases_by_feature(evidence)
    return [
        _row(feature, compiler.name, version, capabilities[feature], using[feature], evidence)
        for feature in Feature
        for compiler, version, capabilities in versions
    ]


def _cases_by_feature(evidence: Evidence) -> Mapping[Feature, list[CaseResult]]:
    using: dict[Feature, list[CaseResult]] = {feature: [] for feature in Feature}
    for case in evidence.cases.values():
        for feature in case.features:
            using[feature].append(case)
    return using


def _row(
    feature: Feature,
    target: str,
    version: str,
    support: Support,
    using: list[CaseResult],
    evidence: Evidence,
) -> Row:
    name = f"{target}@{version}"
    verdicts = [case.targets[name].verdict for case in using if name in case.targets]
    said = support_data(support)
    visible = feature not in UNSEEN
    return Row(
        feature=feature,
        target=target,
        version=version,
        support=said["support"],
        how=said.get("how", ""),
        why=said.get("why", ""),
        compiles=sum(verdict in COMPILES for verdict in verdicts),
        ran_same=verdicts.count("same") if visible and evidence.has_engine(name) else None,
        cases=len(verdicts),
    )


def not_the_same(evidence: Evidence) -> Iterator[tuple[str, str, Shown]]:
    """Case, target and reason wherever a case did not run the same, for a declared reason."""
    for name, case in sorted(evidence.cases.items()):
        for target, shown in sorted(case.targets.items()):
            if shown.reason:
                yield name, target, shown
