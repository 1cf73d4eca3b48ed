"""Expressions: what an input, a guard or a setting is made of. A small tree, never code in a string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from intermodal.ir.node import Duration, Identifier, Node, PlainJson, Rule

Fact = Literal[
    "run_id",
    "pipeline",
    "logical_date",
    "data_interval_start",
    "data_interval_end",
    "attempt",
    "state",
]
Comparison = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


class Literal_(Node):  # noqa: N801
    """A JSON value written in the pipeline."""

    op: Literal["literal"] = "literal"
    value: PlainJson


class ParameterRef(Node):
    """A parameter of the pipeline."""

    op: Literal["parameter"] = "parameter"
    name: Identifier


class OutputRef(Node):
    """An output of a task, or of a region: merged by a branch, collected by a loop."""

    op: Literal["output"] = "output"
    node: Identifier
    output: str = "return"


class ItemRef(Node):
    """The current item of the loop `loop`."""

    op: Literal["item"] = "item"
    loop: Identifier


class RunFact(Node):
    """Something the engine knows of the run. `state` exists in exit tasks only."""

    op: Literal["run"] = "run"
    fact: Fact


class TaskState(Node):
    """The final state of a task, as text (`succeeded`, `failed`, `skipped`, ...)."""

    op: Literal["state"] = "state"
    node: Identifier


class SecretRef(Node):
    """A secret, resolved on the worker and written nowhere."""

    op: Literal["secret"] = "secret"
    name: str
    key: str | None = None


class DataVersion(Node):
    """A version of data outside the artifact store, fetched and checked by the task that takes it.

    Attributes:
        uri: Where it is: a URI, or a path below the worker's folder of data.
        version: The id that the place itself gives it (S3).
        digest: What its content must be: `sha256:…`, or, as DVC has it, `md5:…` or `md5-dos2unix:…`; the
            hash of a folder in DVC ends with `.dir`.
        remote: Where DVC keeps content by its hash, if that is known.
    """

    op: Literal["data"] = "data"
    uri: str
    version: str = ""
    digest: str = ""
    remote: str = ""


class PathRef(Node):
    """The local path of one of the task's own inputs or outputs: for shell and container commands."""

    op: Literal["path"] = "path"
    direction: Literal["input", "output"]
    name: Identifier


class InputRef(Node):
    """The value of one of the task's own inputs, inside its action."""

    op: Literal["input"] = "input"
    name: Identifier


class Format(Node):
    """Text made by joining the parts; values that are not text are written as JSON."""

    op: Literal["format"] = "format"
    parts: tuple[Expression, ...]


class Compare(Node):
    """A comparison of two values."""

    op: Literal["compare"] = "compare"
    operator: Comparison
    left: Expression
    right: Expression


class Logic(Node):
    """`and` / `or` over its operands, `not` over one."""

    op: Literal["logic"] = "logic"
    operator: Literal["and", "or", "not"]
    operands: Annotated[tuple[Expression, ...], Rule(min_length=1)]


class Index(Node):
    """`base[key]`: a field of a map or an element of a list."""

    op: Literal["index"] = "index"
    base: Expression
    key: Expression


class DateShift(Node):
    """A timestamp moved by a duration, forwards or back."""

    op: Literal["date_shift"] = "date_shift"
    base: Expression
    by: Duration
    backwards: bool = False


class DateFormat(Node):
    """A timestamp as text, by a strftime pattern."""

    op: Literal["date_format"] = "date_format"
    base: Expression
    pattern: str


class Default(Node):
    """`value`, or `fallback` where `value` is missing or null."""

    op: Literal["default"] = "default"
    value: Expression
    fallback: Expression


class ListOf(Node):
    """A list whose elements are expressions."""

    op: Literal["list"] = "list"
    items: tuple[Expression, ...] = ()


class MapOf(Node):
    """A map whose values are expressions."""

    op: Literal["map"] = "map"
    entries: Mapping[str, Expression] = field(default_factory=dict)


class SourceExpression(Node):
    """Source of another ecosystem that was imported as it is; only that ecosystem may emit it.

    Attributes:
        ecosystem: Whose source it is.
        text: One expression in its language.
        imports: Import statements that the expression and the definitions use, one each.
        definitions: Source of the definitions it uses, in the order of their file.
        local_modules: Imported modules that belong to the user's project and are not taken along.
    """

    op: Literal["source"] = "source"
    ecosystem: str
    text: str
    imports: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    local_modules: tuple[str, ...] = ()


Expression = Annotated[
    Literal_
    | ParameterRef
    | OutputRef
    | ItemRef
    | RunFact
    | TaskState
    | SecretRef
    | DataVersion
    | PathRef
    | InputRef
    | Format
    | Compare
    | Logic
    | Index
    | DateShift
    | DateFormat
    | Default
    | ListOf
    | MapOf
    | SourceExpression,
    Rule(discriminator="op"),
]
