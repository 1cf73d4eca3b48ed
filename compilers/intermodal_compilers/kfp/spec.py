"""Load a KFP v2 YAML text into the official protobuf, and print the protobuf as YAML."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from intermodal.findings import Finding, FindingsError, Span
from intermodal_compilers.kfp.problems import Mark, Path, Problem
from intermodal_compilers.kfp.spec_print import BLOCK, Style, document
from intermodal_compilers.kfp.spec_schema import check_message
from intermodal_compilers.kfp.spec_text import SAFE_INTEGER, Documents, read_documents

SCHEMA_VERSION = "2.1.0"
PIPELINE_FIELDS = {
    "pipelineInfo",
    "pipeline_info",
    "root",
    "components",
    "deploymentSpec",
    "deployment_spec",
}

# What kfp itself writes in the comment that opens a compiled pipeline.
COMMENT_TYPES = {
    "NUMBER_DOUBLE": "float",
    "NUMBER_INTEGER": "int",
    "STRING": "str",
    "BOOLEAN": "bool",
    "LIST": "list",
    "STRUCT": "dict",
    "TASK_FINAL_STATUS": "PipelineTaskFinalStatus",
    "TASK_CONFIG": "TaskConfig",
}


class SpecFile(NamedTuple):
    """The official messages of one file.

    Attributes:
        pipeline: `ml_pipelines.PipelineSpec`.
        deployment: `ml_pipelines.PipelineDeploymentConfig`, parsed from the pipeline's free struct.
        platform: `ml_pipelines.PlatformSpec` of a second document.
    """

    pipeline: Any
    deployment: Any
    platform: Any | None = None


class Reading(NamedTuple):
    """What reading a text gave: the messages, unless there were problems."""

    spec: SpecFile | None
    problems: list[Problem]


def load(text: str, file: str = "pipeline.yaml") -> SpecFile:
    """Parse a pipeline spec and, if a second document follows, its platform spec.

    Raises:
        FindingsError: The text is not YAML, or not the official messages; all findings at once.
    """
    reading = read(text)
    if reading.spec is None:
        raise FindingsError(place(reading.problems, text, file))
    return reading.spec


def read(text: str) -> Reading:
    """Parse a text; problems come as values without places."""
    documents = read_documents(text)
    problems = documents.problems or list(_document_problems(documents.values))
    if problems:
        return Reading(None, problems)
    return _parse(documents.values)


def parse_deployment(pipeline: Any) -> Any:
    """The `PipelineDeploymentConfig` in a `PipelineSpec`'s free `deploymentSpec` struct.

    Raises:
        FindingsError: The struct is not such a message; the findings have no span.
    """
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2 as messages

    data = json_format.MessageToDict(pipeline.deployment_spec)
    descriptor = messages.PipelineDeploymentConfig.DESCRIPTOR
    problems = list(check_message(data, descriptor, (0, "deploymentSpec")))
    if problems:
        raise FindingsError(problem.finding(None) for problem in problems)
    return json_format.ParseDict(data, messages.PipelineDeploymentConfig())


def _document_problems(values: list[Any]) -> list[Problem]:
    from kfp.pipeline_spec import pipeline_spec_pb2 as messages

    if not 1 <= len(values) <= 2:
        what = f"The text holds {len(values)} YAML documents instead of one or two."
        why = "The first is the pipeline spec, the second its platform spec."
        return [Problem("PORT300", (), what, why)]
    for number, value in enumerate(values):
        if not isinstance(value, dict):
            return [Problem("PORT300", (number,), "The document is not a mapping.")]
    pipeline = values[0]
    if not PIPELINE_FIELDS & pipeline.keys():
        what = "The document is not a Kubeflow Pipelines v2 spec: it has none of its fields."
        return [Problem("PORT300", (0,), what, next="Give the YAML that a KFP v2 compiler writes.")]
    problems = list(check_message(pipeline, messages.PipelineSpec.DESCRIPTOR, (0,)))
    key = _deployment_key(pipeline)
    if isinstance(pipeline.get(key), dict):
        descriptor = messages.PipelineDeploymentConfig.DESCRIPTOR
        problems.extend(check_message(pipeline[key], descriptor, (0, key)))
    if len(values) == 2:
        problems.extend(check_message(values[1], messages.PlatformSpec.DESCRIPTOR, (1,)))
    return problems


def _deployment_key(pipeline: dict[str, Any]) -> str:
    return "deployment_spec" if "deployment_spec" in pipeline else "deploymentSpec"


def _parse(values: list[Any]) -> Reading:
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2 as messages

    parts: list[tuple[Any, Any, Path]] = [
        (values[0], messages.PipelineSpec(), (0,)),
        (
            values[0].get(_deployment_key(values[0])) or {},
            messages.PipelineDeploymentConfig(),
            (0, _deployment_key(values[0])),
        ),
    ]
    if len(values) == 2:
        parts.append((values[1], messages.PlatformSpec(), (1,)))
    problems = []
    for data, message, path in parts:
        try:
            json_format.ParseDict(data, message)
        except json_format.ParseError as failure:
            what = f"The official schema refuses the document: {failure}"
            problems.append(Problem("PORT300", path, what))
    if problems:
        return Reading(None, problems)
    return Reading(SpecFile(*(message for _, message, _ in parts)), [])


def place(problems: list[Problem], text: str, file: str) -> list[Finding]:
    """Turn problems into findings in the order of the text, each place once per code."""
    if not problems:
        return []
    documents = read_documents(text, places=True)
    placed: dict[tuple[Mark, str, str], Finding] = {}
    for problem in problems:
        mark = problem.mark or _locate(documents, problem.path)
        span = Span(file=file, line=mark.line, column=mark.column)
        placed.setdefault((mark, problem.code, problem.what), problem.finding(span))
    return [placed[key] for key in sorted(placed)]


def _locate(documents: Documents, path: Path) -> Mark:
    """The place of a path, or of the nearest thing around it that exists.

    A value has its own place, a mapping or list that of its key.
    """
    if not path or not isinstance(path[0], int) or path[0] >= len(documents.values):
        return Mark(1, 1)
    value, mark = documents.values[path[0]], documents.starts[path[0]]
    for step in path[1:]:
        entries = documents.places.get(id(value), {})
        known = step if step in entries else _snake(step)
        if known not in entries:
            break
        key_mark, value_mark = entries[known]
        value = value[known]
        mark = key_mark if isinstance(value, dict | list) else value_mark
    return mark


def _snake(step: str | int) -> str | int:
    """The name of a field in the .proto file, which is accepted beside its JSON name."""
    return step if isinstance(step, int) else re.sub("[A-Z]", lambda m: f"_{m[0].lower()}", step)


def dump(
    pipeline: Any, platform: Any | None = None, *, comment: str = "", style: Style = BLOCK
) -> str:
    """Print a `PipelineSpec`, and a `PlatformSpec` if it has platforms, as YAML.

    Keys are sorted, text of several lines is a literal block, nothing is folded, and whole numbers
    in free values are printed as such, which reads back as the same protobuf.

    Args:
        pipeline: The spec; what it lacks is not added.
        platform: Becomes a second document.
        comment: Put before the first document as it is; see `definition_comment`.
        style: Whether short mappings share a line and equal components are written once.
    """
    return text_of(documents(pipeline, platform), comment=comment, style=style)


def documents(pipeline: Any, platform: Any | None = None) -> list[dict[str, Any]]:
    """The JSON form of the messages: one document, or two where there is a platform spec."""
    from google.protobuf import json_format

    found = [_whole_numbers(json_format.MessageToDict(pipeline))]
    if platform is not None and len(platform.platforms):
        found.append(_whole_numbers(json_format.MessageToDict(platform)))
    return found


def text_of(values: list[dict[str, Any]], *, comment: str = "", style: Style = BLOCK) -> str:
    """Print documents; see `dump`."""
    return comment + "---\n".join(document(one, style) for one in values)


def _whole_numbers(value: Any, *, keep_floats: bool = False) -> Any:
    """Free values are doubles in protobuf; show 3.0 as 3, except for a default declared as double.

    Keys are sorted, for protobuf gives those of a map in another order in each process.
    """
    if isinstance(value, dict):
        is_double = value.get("parameterType") == "NUMBER_DOUBLE"
        return {
            key: _whole_numbers(item, keep_floats=is_double and key == "defaultValue")
            for key, item in sorted(value.items())
        }
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    if not isinstance(value, float) or keep_floats or not value.is_integer():
        return value
    is_plain = abs(value) <= SAFE_INTEGER and math.copysign(1, value) == (1 if value >= 0 else -1)
    return int(value) if is_plain else value


def definition_comment(pipeline: Any, description: str = "") -> str:
    """The comment that kfp writes above a pipeline: name, description, inputs and outputs.

    kfp's loader takes the description from the third line, so the order matters.
    """
    lines = ["PIPELINE DEFINITION", f"Name: {pipeline.pipeline_info.name}"]
    if description:
        first, *others = description.splitlines()
        lines.append(f"Description: {first}")
        lines.extend(f"             {line}" for line in others)
    lines.extend(_signature_lines("Inputs:", pipeline.root.input_definitions))
    lines.extend(_signature_lines("Outputs:", pipeline.root.output_definitions))
    return "".join(f"# {_printable(line)}\n" for line in lines)


def _signature_lines(heading: str, definitions: Any) -> list[str]:
    from google.protobuf import json_format

    lines = []
    for name, parameter in definitions.parameters.items():
        data = _whole_numbers(json_format.MessageToDict(parameter))
        line = f"   {name}: {COMMENT_TYPES.get(data.get('parameterType', ''), 'Any')}"
        if "defaultValue" in data:
            line += f" [Default: {data['defaultValue']!r}]"
        lines.append(line)
    lines.extend(
        f"   {name}: {artifact.artifact_type.schema_title}"
        for name, artifact in definitions.artifacts.items()
    )
    return [heading, *sorted(lines)] if lines else []


def _printable(line: str) -> str:
    """A comment ends at a line break of any kind, and YAML refuses control characters in it too."""
    return "".join(c if c.isprintable() else " " for c in line).rstrip()
