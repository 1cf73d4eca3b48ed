"""Parameters as Airflow's `Param`: a default with a JSON schema."""

from __future__ import annotations

import re
from typing import Any

from intermodal.ir import (
    BooleanType,
    DurationType,
    FloatType,
    IntegerType,
    ListType,
    MapType,
    OptionalType,
    Parameter,
    StringType,
    StructType,
    TimestampType,
    Type,
)
from intermodal_compilers.pysource import Call, Expr, Value, call

SCALARS: dict[type, str] = {
    StringType: "string",
    TimestampType: "string",
    IntegerType: "integer",
    FloatType: "number",
    DurationType: "number",
    BooleanType: "boolean",
    ListType: "array",
    MapType: "object",
    StructType: "object",
}
RFC_3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


def param(parameter: Parameter) -> Call:
    """`Param(default, type=..., enum=..., description=...)`; without a default it is required."""
    keywords: dict[str, Expr] = {key: Value(value) for key, value in schema(parameter.type).items()}
    if isinstance(parameter.type, TimestampType) and _is_rfc_3339(parameter):
        keywords["format"] = Value("date-time")
    if parameter.choices:
        keywords["enum"] = Value(list(parameter.choices))
    if parameter.help:
        keywords["description"] = Value(parameter.help)
    default = () if parameter.required else (Value(parameter.default),)
    return call("Param", *default, **keywords)


def schema(type_: Type) -> dict[str, Any]:
    """The JSON schema of a type, as far as Airflow's forms know it."""
    if isinstance(type_, OptionalType):
        inner = schema(type_.item)
        if not inner:
            return {}
        return {**inner, "type": [inner["type"], "null"]}
    name = SCALARS.get(type(type_))
    if name is None:
        return {}
    result: dict[str, Any] = {"type": name}
    if isinstance(type_, ListType) and (items := schema(type_.item)):
        result["items"] = items
    if isinstance(type_, MapType) and (values := schema(type_.value)):
        result["additionalProperties"] = values
    return result


def _is_rfc_3339(parameter: Parameter) -> bool:
    """Whether the given values fit JSON schema's `date-time`, which is stricter than ISO 8601."""
    given = [*parameter.choices, *([] if parameter.required else [parameter.default])]
    return all(isinstance(value, str) and RFC_3339.match(value) for value in given)
