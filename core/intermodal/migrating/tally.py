"""What the surveys of all files come to: totals, what blocks most, what targets refuse, what is hosted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from intermodal.codes import CODES
from intermodal.findings import Finding, Severity
from intermodal.frozen import Frozen
from intermodal.importing import Support
from intermodal.migrating.order import Entry
from intermodal.migrating.survey import FileSurvey, PipelineSurvey

Key = tuple[str, str]
REFUSALS = "PORT2"
"""Codes whose reasons are the target's own, and the same for all pipelines."""
_NAMED = re.compile(r"`[^`]*`")


@dataclass
class Blocker:
    """Findings of one kind, counted over all files.

    Attributes:
        code: Their code.
        what: The operator, function or statement that is not known; for what targets refuse, the reason.
        example: The first of them.
        files: How many files have them.
        pipelines: How many pipelines targets refuse for them; 0 where they are found before.
        targets: Which targets refuse them; none where they are found before any target is asked.
        constructs: What stands at their places, by how many findings.
    """

    code: str
    what: str
    example: Finding
    files: int = 0
    pipelines: int = 0
    targets: dict[str, None] = field(default_factory=dict)
    constructs: Counter[str] = field(default_factory=Counter)

    @property
    def title(self) -> str:
        """The caption of its code."""
        return CODES[self.code].title

    @property
    def said(self) -> str:
        """What it is, in words that can stand alone."""
        return f"{self.title}: {self.what}" if self.what in self.constructs else self.what

    @property
    def most(self) -> list[str]:
        """What stands at their places, the most frequent first, if `what` does not say it."""
        return [word for word, _ in self.constructs.most_common() if word != self.what]


@dataclass
class Hosted:
    """A class of the other system that is run as it is: how many tasks and files use it."""

    operator: str
    tasks: int = 0
    files: int = 0


class Ready(Frozen):
    """How many pipelines compile for a target, of how many."""

    target: str
    pipelines: int
    of: int


@dataclass
class Tally:
    """Sums over files; single files are not kept.

    Attributes:
        targets: What was compiled for.
        minutes: Work left.
        entries: By file: what its place in the order depends on.
    """

    targets: Sequence[str] = ()
    files: int = 0
    pipelines: int = 0
    tasks: int = 0
    minutes: int = 0
    supports: Counter[Support] = field(default_factory=Counter)
    severities: Counter[Severity] = field(default_factory=Counter)
    ready: Counter[str] = field(default_factory=Counter)
    entries: list[Entry] = field(default_factory=list)
    _blockers: dict[Key, Blocker] = field(default_factory=dict)
    _hosted: dict[str, Hosted] = field(default_factory=dict)

    def add(self, survey: FileSurvey) -> None:
        """Count a file."""
        self.files += 1
        self.minutes += survey.minutes
        self.severities.update(finding.severity for finding in survey.findings)
        blocked = self._block(survey)
        for pipeline in survey.pipelines:
            self.pipelines += 1
            self.tasks += len(pipeline.tasks)
            self.supports.update(pipeline.counts)
            self.ready.update(t for t in self.targets if not pipeline.refused.get(t))
        self._host(survey)
        if survey.pipelines:
            self.entries.append(_entry(survey, len(blocked), self.files))

    @property
    def readiness(self) -> list[Ready]:
        """The targets, in the order they were named."""
        return [Ready(target, self.ready[target], self.pipelines) for target in self.targets]

    @property
    def blockers(self) -> list[Blocker]:
        """Those in most files first."""
        return sorted(
            self._blockers.values(), key=lambda b: (-b.files, -b.pipelines, b.code, b.what)
        )

    @property
    def hosted(self) -> list[Hosted]:
        """Those of most tasks first."""
        return sorted(self._hosted.values(), key=lambda h: (-h.tasks, h.operator))

    def _block(self, survey: FileSurvey) -> set[Key]:
        found: set[Key] = set()
        for finding in survey.blocking:
            self._blocker(survey, finding, found)
        for pipeline in survey.pipelines:
            counted: set[Key] = set()
            for target, finding in _refusals(pipeline):
                blocker = self._blocker(survey, finding, found)
                blocker.targets[target] = None
                key = (blocker.code, blocker.what)
                blocker.pipelines += key not in counted
                counted.add(key)
        return found

    def _blocker(self, survey: FileSurvey, finding: Finding, found: set[Key]) -> Blocker:
        word = survey.constructs.get(finding.span, "") if finding.span else ""
        refused = finding.code.startswith(REFUSALS)
        said = (finding.why if refused else word) or finding.what
        key = (finding.code, _NAMED.sub("`…`", said))
        blocker = self._blockers.setdefault(key, Blocker(*key, finding))
        blocker.files += key not in found
        if word:
            blocker.constructs[word] += 1
        found.add(key)
        return blocker

    def _host(self, survey: FileSurvey) -> None:
        seen: Counter[str] = Counter(
            task.operator
            for pipeline in survey.pipelines
            for task in pipeline.tasks.values()
            if task.support == "hosted"
        )
        for operator, times in seen.items():
            hosted = self._hosted.setdefault(operator, Hosted(operator))
            hosted.tasks += times
            hosted.files += 1


def _refusals(pipeline: PipelineSurvey) -> Iterator[tuple[str, Finding]]:
    """Refusals of targets that are no findings of the pipeline anyway."""
    for target, refused in pipeline.refused.items():
        for finding in refused:
            if finding not in pipeline.findings:
                yield target, finding


def _entry(survey: FileSurvey, blocked: int, number: int) -> Entry:
    links = [pipeline.links for pipeline in survey.pipelines]
    return Entry(
        path=survey.path,
        pipelines=tuple(pipeline.id for pipeline in survey.pipelines),
        tasks=sum(len(pipeline.tasks) for pipeline in survey.pipelines),
        blockers=blocked,
        minutes=survey.minutes,
        needs=tuple(dict.fromkeys(one for link in links for one in link.needs)),
        reads=tuple(dict.fromkeys(one for link in links for one in link.reads)),
        writes=tuple(dict.fromkeys(one for link in links for one in link.writes)),
        modules=tuple(dict.fromkeys(one for link in links for one in link.modules)),
        number=number,
    )
