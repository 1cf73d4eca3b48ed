"""Types of parameters and artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from intermodal.ir.node import Node, Rule

ArtifactKind = Literal[
    "Artifact", "Dataset", "Model", "Metrics", "File", "Directory", "Html", "Markdown"
]


class StringType(Node):
    """Text."""

    kind: Literal["string"] = "string"


class IntegerType(Node):
    """A whole number."""

    kind: Literal["integer"] = "integer"


class FloatType(Node):
    """A number; integers fit where a float is taken."""

    kind: Literal["float"] = "float"


class BooleanType(Node):
    """True or false."""

    kind: Literal["boolean"] = "boolean"


class TimestampType(Node):
    """A point in time with its offset, as ISO 8601 text in JSON."""

    kind: Literal["timestamp"] = "timestamp"


class DurationType(Node):
    """A length of time, as seconds in JSON."""

    kind: Literal["duration"] = "duration"


class AnyType(Node):
    """Any JSON value: what an unannotated parameter has. Fits everywhere, promises nothing."""

    kind: Literal["any"] = "any"


class OptionalType(Node):
    """A value of `item`, or null."""

    kind: Literal["optional"] = "optional"
    item: Type


class ListType(Node):
    """A list of `item`."""

    kind: Literal["list"] = "list"
    item: Type = AnyType.of()


class MapType(Node):
    """A mapping from text to `value`."""

    kind: Literal["map"] = "map"
    value: Type = AnyType.of()


class StructType(Node):
    """A mapping with known fields."""

    kind: Literal["struct"] = "struct"
    fields: Mapping[str, Type]


class ArtifactType(Node):
    """Something kept in the artifact store and passed by reference.

    `python` names the class a Python task sees (`pandas.DataFrame`), if the pipeline says so.
    """

    kind: Literal["artifact"] = "artifact"
    artifact: ArtifactKind = "Artifact"
    python: str | None = None


ParameterType = Annotated[
    StringType
    | IntegerType
    | FloatType
    | BooleanType
    | TimestampType
    | DurationType
    | AnyType
    | OptionalType
    | ListType
    | MapType
    | StructType,
    Rule(discriminator="kind"),
]
Type = Annotated[
    StringType
    | IntegerType
    | FloatType
    | BooleanType
    | TimestampType
    | DurationType
    | AnyType
    | OptionalType
    | ListType
    | MapType
    | StructType
    | ArtifactType,
    Rule(discriminator="kind"),
]
