"""Reading the IR from JSON or YAML text: a pipeline, or findings with their place in the text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from intermodal.findings import Finding, Span, error
from intermodal.ir.pipeline import IR_VERSION, Pipeline

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DEPTH = 200

_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e\n]")

CODE_OF_ERROR = {
    "unexpected_keyword_argument": "PORT100",
    "missing": "PORT101",
    "string_pattern_mismatch": "PORT109",
}
NEXT_OF_ERROR = {
    "unexpected_keyword_argument": "check the spelling against `port schema`, or remove it",
    "missing": "add it; `port schema` shows what it holds",
}


def read(
    text: str, file: str = "<text>", *, locate: bool = False
) -> tuple[Pipeline | None, list[Finding]]:
    """Read one pipeline in the IR's own form; a `file` that ends in `.json` is JSON, any other YAML.

    Args:
        text: The document.
        file: What findings call it.
        locate: Give tasks and regions without a span the place in `file` where they stand, as suits a
            document that a person wrote.
    """
    data, root, findings = _parse(text, file)
    if root is None:
        return None, findings
    findings = _check_document(data, root, file)
    if findings:
        return None, findings
    if locate:
        _add_spans(data, root, file)
    try:
        return Pipeline.read(data), []
    except ValidationError as problem:
        return None, [
            _finding_of(details, root, file) for details in problem.errors(include_url=False)
        ]


class _PlainLoader(LOADER):  # type: ignore[misc, valid-type]
    """The safe loader without dates: the IR's own types read them."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in LOADER.yaml_implicit_resolvers.items()
}


def _parse(text: str, file: str) -> tuple[Any, yaml.Node | None, list[Finding]]:
    """Parse to data and to nodes that know their place."""
    try:
        if file.endswith(".json"):
            data = json.loads(text)
            # The nodes only tell places, so what YAML does not take of JSON may be anything as long.
            text = _NOT_PRINTABLE.sub(" ", text)
        elif _is_too_deep(yaml.parse(text, Loader=_PlainLoader)):
            return None, None, [_too_deep(file)]
        root = yaml.compose(text, Loader=_PlainLoader)
        if not file.endswith(".json"):
            data = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a subclass of the safe loader
    except json.JSONDecodeError as problem:
        span = Span(file=file, line=problem.lineno, column=problem.colno)
        return None, None, [_syntax_error(problem.msg, span)]
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        span = (
            Span(file=file, line=mark.line + 1, column=mark.column + 1) if mark else Span(file=file)
        )
        return None, None, [_syntax_error(problem.problem or str(problem), span)]
    except RecursionError:
        return None, None, [_too_deep(file)]
    except (yaml.YAMLError, ValueError) as problem:
        return None, None, [_syntax_error(str(problem).splitlines()[0], Span(file=file))]
    if root is None:
        finding = error(
            "PORT102",
            "the document is empty",
            Span(file=file),
            next="write a pipeline; `port schema` shows its form",
        )
        return None, None, [finding]
    return data, root, []


def _is_too_deep(events: Any) -> bool:
    """Whether the text uses aliases (which can blow up) or nests deeper than any pipeline does."""
    depth = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            return True
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > MAX_DEPTH:
            return True
    return False


def _too_deep(file: str) -> Finding:
    return error(
        "PORT003",
        f"the document uses aliases, or nests deeper than {MAX_DEPTH} levels",
        Span(file=file),
        why="such a document can take all memory when it is read",
        next="write it out, or split the pipeline",
    )


def _syntax_error(message: str, span: Span) -> Finding:
    return error("PORT003", f"syntax error: {message}", span, next="correct the text there")


def _check_document(data: Any, root: yaml.Node, file: str) -> list[Finding]:
    if not isinstance(data, dict):
        return [
            error(
                "PORT102",
                "a pipeline is a mapping with `name` and `body`",
                _span(root, file),
                next="`port schema` shows its form",
            )
        ]
    version = data.get("ir_version", IR_VERSION)
    if isinstance(version, int) and not isinstance(version, bool) and version > IR_VERSION:
        return [
            error(
                "PORT103",
                f"the document has ir_version {version}; this Intermodal reads up to {IR_VERSION}",
                _span(_node_at(root, ("ir_version",)), file),
                why="a newer version may hold what this one would lose",
                next="upgrade with `pip install --upgrade intermodal`",
            )
        ]
    return []


def _finding_of(details: Any, root: yaml.Node, file: str) -> Finding:
    location: Sequence[str | int] = details["loc"]
    kind = details["type"]
    name = ".".join(str(part) for part in _path_in(root, location)) or "document"
    code = CODE_OF_ERROR.get(kind, "PORT102")
    if kind == "unexpected_keyword_argument":
        what = f"`{name}`: unknown field `{location[-1]}`"
    elif kind == "missing":
        what = f"`{name}`: field `{location[-1]}` is missing"
    else:
        message = details["msg"].removeprefix("Value error, ")
        what = f"`{name}`: {message[:1].lower()}{message[1:]}"
    return error(
        code,
        what,
        _span(_node_at(root, location), file),
        next=NEXT_OF_ERROR.get(kind, "correct the value; `port schema` shows what fits"),
    )


def _step(node: yaml.Node, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The key and value nodes under `part`, or None where `part` is a discriminator's tag."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _node_at(root: yaml.Node, location: Sequence[str | int]) -> yaml.Node:
    node, place = root, root
    for part in location:
        step = _step(node, part)
        if step is not None:
            place, node = step
    return place


def _path_in(root: yaml.Node, location: Sequence[str | int]) -> list[str | int]:
    """The location without discriminator tags, which are no part of the document."""
    node, path = root, []
    for part in location:
        step = _step(node, part)
        if step is not None:
            node = step[1]
            path.append(part)
    return path


def _span(node: yaml.Node, file: str) -> Span:
    mark = node.start_mark
    return Span(file=file, line=mark.line + 1, column=mark.column + 1)


_BODIES = ("body", "exit_tasks", "otherwise", "arms")


def _add_spans(data: Any, node: yaml.Node, file: str) -> None:
    """Give every task and region without a span the place where it stands."""
    if not isinstance(data, dict) or not isinstance(node, yaml.MappingNode):
        return
    values = {key.value: value for key, value in node.value}
    data.setdefault(
        "span",
        {"file": file, "line": node.start_mark.line + 1, "column": node.start_mark.column + 1},
    )
    for name in _BODIES:
        items, nodes = data.get(name), values.get(name)
        if isinstance(items, list) and isinstance(nodes, yaml.SequenceNode):
            for item, item_node in zip(items, nodes.value, strict=False):
                _add_spans(item, item_node, file)
