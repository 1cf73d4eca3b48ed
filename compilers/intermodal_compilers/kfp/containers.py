"""Containers of the user's own: their commands with KFP's placeholders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from intermodal.findings import Finding, error
from intermodal.ir import (
    ArtifactType,
    Container,
    Expression,
    Format,
    InputRef,
    Literal_,
    PathRef,
    Task,
)
from intermodal_compilers.kfp.inputs import Given
from intermodal_compilers.kfp.placeholders import placeholders_in


def container_words(
    words: Sequence[Expression], inputs: Mapping[str, str], outputs: Mapping[str, str], task: Task
) -> tuple[str, ...]:
    """Items of a command line with placeholders for inputs and paths."""
    return tuple(_word(word, inputs, outputs, task) for word in words)


def _word(
    word: Expression, inputs: Mapping[str, str], outputs: Mapping[str, str], task: Task
) -> str:
    match word:
        case Literal_(value=value):
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        case Format(parts=parts):
            return "".join(_word(part, inputs, outputs, task) for part in parts)
        case InputRef(name=name):
            return f"{{{{$.inputs.parameters['{inputs.get(name, name)}']}}}}"
        case PathRef(direction="input", name=name):
            return f"{{{{$.inputs.artifacts['{inputs.get(name, name)}'].path}}}}"
        case PathRef(direction="output", name=name) if isinstance(
            task.outputs.get(name), ArtifactType
        ):
            return f"{{{{$.outputs.artifacts['{outputs[name]}'].path}}}}"
        case PathRef(name=name):
            return f"{{{{$.outputs.parameters['{outputs.get(name, name)}'].output_file}}}}"
        case _:
            return ""


def container_findings(task: Task, given: list[Given], target: str) -> Iterator[Finding]:
    """What of a container's command KFP cannot express."""
    action = task.action
    if not isinstance(action, Container):
        return
    artifacts = {one.name for one in given if one.is_artifact}
    for word in (*action.command, *action.args):
        why = _problem(word, artifacts)
        if why:
            yield error(
                "PORT204",
                f"{target} cannot write the command of `{task.id}`",
                word.span or task.span,
                why=why,
                next="change that part of the command",
            )


def _problem(word: Expression, artifacts: set[str]) -> str:
    match word:
        case Literal_(value=str() as text):
            if "\x00" in text:
                return "it holds a null byte"
            found = placeholders_in(text)
            return f"KFP would fill in `{found[0].text}`" if found else ""
        case Literal_():
            return ""
        case Format(parts=parts):
            return next((why for part in parts if (why := _problem(part, artifacts))), "")
        case InputRef(name=name):
            return f"`{name}` is an artifact; use its path" if name in artifacts else ""
        case PathRef(direction="input", name=name):
            return "" if name in artifacts else f"KFP passes `{name}` as a value, not as a file"
        case PathRef():
            return ""
        case _:
            return "the KFP compiler does not build this expression yet"
