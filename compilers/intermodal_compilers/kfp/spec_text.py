"""Read YAML into plain data: iteratively, within limits, with the place of every key.

PyYAML's own composer recurses in C and ends the process on deeply nested text, keeps one of two
equal keys in silence, and expands aliases without a bound. Its event stream does none of that and
is several times faster to read, so the data is built from events here.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from intermodal_compilers.kfp.problems import Mark, Problem

MAX_DEPTH = 100
MAX_NODES = 1_000_000
SAFE_INTEGER = 2**53 - 1

_TAG = "tag:yaml.org,2002:"
_KINDS = ("null", "bool", "int", "float", "str", "map", "seq")
_LOADED_TAGS = frozenset(_TAG + kind for kind in _KINDS)
_TEXT = _TAG + "str"

Places = dict[int, dict[str | int, tuple[Mark, Mark]]]
"""By the id of a mapping or list: the marks of each entry's key and value."""


class Documents(NamedTuple):
    """The documents of a text as plain data, with what is odd about them.

    Attributes:
        values: One per document: mappings with text keys, lists, text, numbers, true, false, null.
        problems: Everything found; reading stops at a syntax error.
        places: Filled only if asked for.
        starts: Where each document starts.
    """

    values: list[Any]
    problems: list[Problem]
    places: Places
    starts: list[Mark]


class _StopError(Exception):
    """Reading cannot go on."""

    def __init__(self, what: str, mark: Any) -> None:
        super().__init__(what)
        self.mark = Mark(mark.line + 1, mark.column + 1)


class _Frame:
    """An open mapping or list."""

    __slots__ = ("anchor", "is_mapping", "key", "key_event", "nodes_before", "value")

    def __init__(self, value: Any, anchor: str | None, nodes_before: int) -> None:
        self.value = value
        self.is_mapping = value.__class__ is dict
        self.key: str | None = None
        self.key_event: Any = None
        self.anchor = anchor
        self.nodes_before = nodes_before


def read_documents(text: str, *, places: bool = False) -> Documents:
    """Read all documents of a YAML text.

    Args:
        text: The whole file.
        places: Whether to note the place of every key and item, which costs time.
    """
    import yaml

    reader = _Reader(text, places=places)
    problems = reader.result.problems
    try:
        reader.read()
    except yaml.MarkedYAMLError as failure:
        at = failure.problem_mark or failure.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at else Mark(1, 1)
        what = f"The text is not valid YAML: {failure.problem or failure.context}."
        problems.append(_syntax_problem(what, mark))
    except yaml.reader.ReaderError as failure:
        what = f"The text holds a character that YAML forbids (position {failure.position})."
        problems.append(_syntax_problem(what, _mark_of_position(text, failure.position)))
    except UnicodeError:
        what = "The text is not valid Unicode."
        problems.append(_syntax_problem(what, Mark(1, 1)))
    except _StopError as failure:
        problems.append(_syntax_problem(str(failure), failure.mark))
    return reader.result


def _syntax_problem(what: str, mark: Mark) -> Problem:
    return Problem("PORT300", (), what, next="Mend the YAML at this place.", mark=mark)


def _mark_of_position(text: str, position: object) -> Mark:
    if not isinstance(position, int) or not 0 <= position <= len(text):
        return Mark(1, 1)
    before = text[:position]
    return Mark(before.count("\n") + 1, position - before.rfind("\n"))


def _mark(event: Any) -> Mark:
    mark = event.start_mark
    return Mark(mark.line + 1, mark.column + 1)


class _Reader:
    """Builds the values of one text from its YAML events."""

    def __init__(self, text: str, *, places: bool) -> None:
        from yaml import SafeLoader

        self.result = Documents([], [], {}, [])
        self._text = text
        self._places = places
        self._resolvers: Any = SafeLoader.yaml_implicit_resolvers
        self._plain_tags: dict[str, str] = {}
        self._anchors: dict[str, tuple[Any, int | None]] = {}
        self._nodes = 0
        self._stack: list[_Frame] = []

    def read(self) -> None:
        """Go through all events. Raises YAML's own errors and `_StopError`."""
        import yaml
        from yaml import events

        parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(self._text)
        next_event = parser.get_event
        stack = self._stack
        scalar, alias = events.ScalarEvent, events.AliasEvent
        opens: dict[Any, Any] = {events.MappingStartEvent: dict, events.SequenceStartEvent: list}
        closes = (events.MappingEndEvent, events.SequenceEndEvent)
        while (event := next_event()) is not None:
            kind = event.__class__
            if kind in closes:
                self._close()
                continue
            if kind is scalar:
                value = self._scalar(event)
            elif kind in opens:
                value = opens[kind]()
            elif kind is alias:
                value = self._alias(event)
            else:
                continue  # starts and ends of documents and of the stream carry no data
            self._nodes += 1
            frame = stack[-1] if stack else None
            if frame is not None and frame.is_mapping and frame.key is None:
                frame.key = self._as_key(value, event)
                frame.key_event = event
                continue
            self._add(frame, value, event)
            if kind in opens:
                self._open(value, event)
        parser.dispose()

    def _open(self, value: Any, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            msg = f"The text is nested more than {MAX_DEPTH} levels deep."
            raise _StopError(msg, event.start_mark)
        if event.tag is not None and event.tag not in _LOADED_TAGS:
            self._problem("PORT302", f"The YAML tag `{event.tag}` means nothing here.", event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, None)
        self._stack.append(_Frame(value, event.anchor, self._nodes))

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.value, self._nodes - frame.nodes_before)

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            msg = f"The alias `*{event.anchor}` has no anchor before it."
            raise _StopError(msg, event.start_mark)
        value, size = self._anchors[event.anchor]
        if size is None:
            raise _StopError(f"The alias `*{event.anchor}` contains itself.", event.start_mark)
        self._nodes += size
        if self._nodes > MAX_NODES:
            msg = f"The aliases expand to more than {MAX_NODES} values."
            raise _StopError(msg, event.start_mark)
        return value

    def _as_key(self, value: Any, event: Any) -> str:
        if isinstance(value, str):
            if value == "<<" and event.implicit[0]:
                self._problem("PORT302", "YAML merge keys (`<<`) are not read here.", event)
            return value
        raw = getattr(event, "value", None)
        if raw is None:
            raise _StopError("A key is a mapping or a list, not text.", event.start_mark)
        what = f"The key `{raw}` is read as {type(value).__name__}, not as text."
        self._problem("PORT302", what, event, "Put it in quotes.")
        return str(raw)

    def _add(self, frame: _Frame | None, value: Any, event: Any) -> None:
        if frame is None:
            self.result.values.append(value)
            self.result.starts.append(_mark(event))
            return
        key: str | int | None = frame.key
        if not frame.is_mapping:
            key = len(frame.value)
            frame.value.append(value)
        else:
            if key in frame.value:
                what = f"The key `{key}` is given twice in one mapping."
                self._problem("PORT303", what, frame.key_event, "Keep one of them.")
            frame.value[key] = value
            frame.key = None
        if self._places and key is not None:
            key_event = frame.key_event if frame.is_mapping else event
            self.result.places.setdefault(id(frame.value), {})[key] = (
                _mark(key_event),
                _mark(event),
            )

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        tag = event.tag
        if event.implicit[0]:
            tag = self._plain_tags.get(text) or self._plain_tag(text)
        is_text = tag is None or tag == _TEXT or event.implicit[1]
        value = text if is_text else self._typed(tag, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        return value

    def _plain_tag(self, text: str) -> str:
        """The tag that YAML gives to a text without quotes."""
        candidates = self._resolvers.get(text[:1], [])
        tag = next((tag for tag, pattern in candidates if pattern.match(text)), _TEXT)
        self._plain_tags[text] = tag
        return tag

    def _typed(self, tag: str, event: Any) -> Any:
        """A scalar that is not text: null, a number, true or false; or text, with a problem."""
        from yaml import ScalarNode
        from yaml.constructor import SafeConstructor

        text: str = event.value
        if tag == _TAG + "merge":
            return text
        if tag not in _LOADED_TAGS:
            what = f"`{text}` is read as a YAML {tag.removeprefix(_TAG)}, which JSON does not have."
            self._problem("PORT302", what, event, "Put it in quotes.")
            return text
        make = SafeConstructor.yaml_constructors[tag]
        try:
            value = make(SafeConstructor(), ScalarNode(tag, text, event.start_mark, event.end_mark))
        except (ValueError, KeyError):
            return self._unreadable(tag, event)
        if isinstance(value, int) and abs(value) > SAFE_INTEGER:
            self._big_integer(event)
            return 0
        if isinstance(value, float) and not math.isfinite(value):
            self._problem("PORT302", f"`{text}` is not a number that JSON can hold.", event)
            return 0.0
        return value

    def _unreadable(self, tag: str, event: Any) -> Any:
        if tag == _TAG + "int" and event.value.lstrip("+-").replace("_", "").isdigit():
            self._big_integer(event)
            return 0
        what = f"`{event.value}` is not a YAML {tag.removeprefix(_TAG)}."
        self._problem("PORT302", what, event)
        return None

    def _big_integer(self, event: Any) -> None:
        shown = event.value if len(event.value) <= 40 else event.value[:40] + "…"
        what = f"The integer `{shown}` is beyond 2^53 and would lose its last digits."
        self._problem(
            "PORT331", what, event, "Put it in quotes and declare the parameter as STRING."
        )

    def _problem(self, code: str, what: str, event: Any, next_step: str = "") -> None:
        self.result.problems.append(Problem(code, (), what, next=next_step, mark=_mark(event)))
