"""The tracer: collects the tasks that a pipeline function calls, and builds the IR from them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intermodal.authoring.spans import caller_span
from intermodal.findings import Finding, FindingsError, Span, error
from intermodal.ir import Task
from intermodal.ir.node import IDENTIFIER_PATTERN


@dataclass
class Draft:
    """A task being collected: its fields, which ordering edges may still be added to."""

    id: str
    fields: dict[str, Any]
    after: list[str] = field(default_factory=list)

    def wait_for(self, other: str) -> None:
        """Add an ordering edge."""
        if other not in self.after:
            self.after.append(other)


@dataclass
class Tracer:
    """What has been collected of the pipeline that is traced now."""

    root: Path | None = None
    drafts: dict[str, Draft] = field(default_factory=dict)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(
        self, base: str, fields: dict[str, Any], *, explicit: bool, after: tuple[str, ...]
    ) -> Draft:
        """Collect a task under `base`, or under `base_2`, `base_3` for further calls.

        Raises:
            FindingsError: If `base` cannot be an id.
        """
        if not re.match(IDENTIFIER_PATTERN, base):
            raise FindingsError([_wrong_id(base, fields["span"])])
        if explicit and base in self.drafts:
            self.findings.append(
                error(
                    "PORT106",
                    f"two tasks have the id `{base}`",
                    fields["span"],
                    why=f"the first is at {self.drafts[base].fields['span']}",
                    next="give one of them another id with `.with_options(id=...)`",
                )
            )
        draft = Draft(base if explicit else self._free_id(base), fields, list(after))
        self.drafts[draft.id] = draft
        return draft

    def claim(self, name: str, function: Callable[..., Any], span: Span | None) -> None:
        """Note which function a task name stands for; a second one is a finding."""
        first = self.functions.setdefault(name, function)
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

    def tasks(self) -> tuple[Task, ...]:
        """The collected tasks; their fields were checked where the user gave them."""
        return tuple(
            Task.of(id=draft.id, after=tuple(draft.after), **draft.fields)
            for draft in self.drafts.values()
        )

    def json_value(self, value: Any) -> Any:
        """A plain JSON copy of a value written in the pipeline.

        Raises:
            FindingsError: If the value is not JSON, or hides a handle inside a container.
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
        span = caller_span()
        if contains_handle(value):
            return error(
                "PORT110",
                "a list or dict that holds task results was passed as one argument",
                span,
                why="each result travels on its own edge of the graph",
                next="give the task an argument for each of them",
            )
        return error(
            "PORT116",
            f"a value of type `{type(value).__name__}` cannot be written into a pipeline",
            span,
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


def contains_handle(value: Any) -> bool:
    """Whether a handle is inside a list, tuple or dict."""
    from intermodal.authoring.handles import Handle

    if isinstance(value, Handle):
        return True
    if isinstance(value, (list, tuple, set)):
        return any(contains_handle(item) for item in value)
    if isinstance(value, Mapping):
        return any(contains_handle(item) for item in value.values())
    return False


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
