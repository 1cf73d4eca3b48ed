"""The tracer: collects the nodes that a pipeline function makes, and builds the IR from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intermodal.authoring.spans import caller_span
from intermodal.findings import Finding, FindingsError, Span, error
from intermodal.ir import BodyNode, Task, TaskDefaults
from intermodal.ir.node import IDENTIFIER_PATTERN


@dataclass
class Body:
    """The nodes collected in one region, or at the top; `region` is the draft it belongs to."""

    region: RegionDraft | None = None
    drafts: list[Draft] = field(default_factory=list)

    def nodes(self) -> tuple[BodyNode, ...]:
        """What was collected, built."""
        return tuple(draft.build() for draft in self.drafts)


@dataclass
class Draft:
    """A node being collected: its fields, which ordering edges may still be added to.

    `home` is the body it stands in.
    """

    id: str
    fields: dict[str, Any]
    after: list[str] = field(default_factory=list)
    home: Body = field(default_factory=Body)

    def wait_for(self, other: str) -> None:
        """Add an ordering edge."""
        if other not in self.after:
            self.after.append(other)

    def build(self) -> BodyNode:
        """The task; its fields were checked where the user gave them."""
        return Task.of(id=self.id, after=tuple(self.after), **self.fields)

    def regions(self) -> Iterator[RegionDraft]:
        """The regions it stands in, innermost first."""
        region = self.home.region
        while region is not None:
            yield region
            region = region.home.region


class RegionDraft(Draft):
    """A region being collected. Each kind of region builds its own node."""

    def bodies(self) -> tuple[Body, ...]:
        """The bodies it holds."""
        return ()


@dataclass
class Tracer:
    """What has been collected of the pipeline that is traced now.

    Attributes:
        drafts: Every node by its id.
        top: The pipeline's own body.
        exits: The exit tasks.
        here: The body that calls add to now.
        prefix: What the ids of a sub-pipeline's nodes begin with.
        calling: The sub-pipelines that are being called.
    """

    root: Path | None = None
    drafts: dict[str, Draft] = field(default_factory=dict)
    top: Body = field(default_factory=Body)
    exits: Body = field(default_factory=Body)
    here: Body = field(init=False)
    prefix: str = ""
    calling: list[Any] = field(default_factory=list)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.here = self.top

    def add(
        self, base: str, fields: dict[str, Any], *, explicit: bool, after: tuple[str, ...]
    ) -> Draft:
        """Collect a task under `base`, or under `base_2`, `base_3` for further calls.

        Raises:
            FindingsError: If `base` cannot be an id.
        """
        name = self.new_id(base, fields["span"], explicit=explicit)
        return self.place(Draft(name, fields, list(after)))

    def place(self, draft: Draft) -> Draft:
        """Put a new node into the body that is being collected."""
        draft.home = self.here
        self.here.drafts.append(draft)
        self.drafts[draft.id] = draft
        return draft

    def new_id(self, base: str, span: Span | None, *, explicit: bool) -> str:
        """An id made of `base`; one that the user gave is kept, and refused if it is taken.

        Raises:
            FindingsError: If `base` cannot be an id.
        """
        if not re.match(IDENTIFIER_PATTERN, base):
            raise FindingsError([_wrong_id(base, span)])
        base = self.prefix + base
        if explicit and base in self.drafts:
            self.findings.append(
                error(
                    "PORT106",
                    f"two tasks have the id `{base}`",
                    span,
                    why=f"the first is at {self.drafts[base].fields['span']}",
                    next="give one of them another id with `.with_options(id=...)`",
                )
            )
        return base if explicit else self._free_id(base)

    @contextmanager
    def collecting(self, body: Body) -> Iterator[None]:
        """Within this context calls add to `body`."""
        outside, self.here = self.here, body
        try:
            yield
        finally:
            self.here = outside

    def claim(self, name: str, function: Callable[..., Any], span: Span | None) -> None:
        """Note which function a task name stands for; a second one is a finding."""
        first = self.functions.setdefault(self.prefix + name, function)
        if first is not function:
            self.findings.append(
                error(
                    "PORT114",
                    f"two different functions make tasks named `{name}`",
                    span,
                    why=f"the first is defined at {first.__code__.co_filename}:{first.__code__.co_firstlineno}",
                    next="rename one, or use `@task(id=...)`",
                )
            )

    def json_value(self, value: Any) -> Any:
        """A plain JSON copy of a value written in the pipeline.

        Raises:
            FindingsError: If the value is not JSON.
        """
        try:
            text = json.dumps(value, allow_nan=False, ensure_ascii=False)
            text.encode("utf-8")  # half of a surrogate pair has no place in a document
            return json.loads(text)
        except (TypeError, ValueError, RecursionError) as problem:
            raise FindingsError([self._not_json(value, str(problem))]) from None

    def _free_id(self, base: str) -> str:
        count = self.counts.get(base, 0)
        while True:
            count += 1
            name = base if count == 1 else f"{base}_{count}"
            if name not in self.drafts:
                self.counts[base] = count
                return name

    def _not_json(self, value: Any, problem: str) -> Finding:
        return error(
            "PORT116",
            f"a value of type `{type(value).__name__}` cannot be written into a pipeline",
            caller_span(),
            why=problem,
            next="pass text, numbers, booleans, lists or dicts, or make the value inside a task",
        )


def _wrong_id(name: str, span: Span | None) -> Finding:
    return error(
        "PORT109",
        f"`{name}` cannot be the id of a task",
        span,
        why="ids hold letters, digits, `_`, `-` and `.`, and start with a letter or `_`",
        next="choose another id, and keep the text as `display_name`",
    )


def set_defaults(body: Body, defaults: TaskDefaults) -> None:
    """Give the tasks of a body the policies that they have none of themselves."""
    policies = {
        name: value
        for name in ("retry", "timeout", "cache", "resources", "pool")
        if (value := getattr(defaults, name)) is not None
    }
    for draft in body.drafts:
        if isinstance(draft, RegionDraft):
            for inner in draft.bodies():
                set_defaults(inner, defaults)
            continue
        draft.fields = {**policies, **draft.fields}
        if defaults.environment:
            own = draft.fields.get("environment", {})
            draft.fields["environment"] = {**defaults.environment, **own}


_current: ContextVar[Tracer | None] = ContextVar("intermodal_tracer", default=None)


def current_tracer() -> Tracer | None:
    """The tracer of the pipeline function that is running now, if one is."""
    return _current.get()


@contextmanager
def tracing(tracer: Tracer) -> Iterator[Tracer]:
    """Make `tracer` current."""
    token = _current.set(tracer)
    try:
        yield tracer
    finally:
        _current.reset(token)
