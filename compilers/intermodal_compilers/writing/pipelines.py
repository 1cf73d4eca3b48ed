"""A pipeline as a decorated function."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from intermodal import ir
from intermodal.analysis import graph
from intermodal_compilers.pysource import (
    INDENT,
    WIDTH,
    Attribute,
    Call,
    Expr,
    Lines,
    Name,
    Sequence_,
    Subscript,
    Value,
    call,
    dict_of,
    docstring,
    inline,
    is_identifier,
    layout,
    list_of,
    timedelta_expr,
)
from intermodal_compilers.writing.bodies import Bodies
from intermodal_compilers.writing.expressions import Expressions
from intermodal_compilers.writing.functions import Functions
from intermodal_compilers.writing.names import ModuleNames, next_free, variable
from intermodal_compilers.writing.nodes import Tasks
from intermodal_compilers.writing.places import places_of
from intermodal_compilers.writing.policies import pipeline_options
from intermodal_compilers.writing.variables import Variables

CHOSEN = {ir.StringType: str, ir.IntegerType: int, ir.BooleanType: bool}
"""Types whose values `Literal[...]` can hold."""


class PipelineWriter:
    """Writes one pipeline of a module."""

    def __init__(
        self,
        place: int,
        pipeline: ir.Pipeline,
        name: str,
        functions: Functions,
        siblings: Mapping[str, str],
        reserved: frozenset[str],
    ) -> None:
        self.place = place
        self.pipeline = pipeline
        self.name = name
        self.functions = functions
        self.siblings = siblings
        self.reserved = reserved
        self.parameters = parameter_variables(pipeline, reserved)

    @property
    def names(self) -> ModuleNames:
        """Names of the module."""
        return self.functions.names

    def lines(self) -> list[str]:
        """The decorated function."""
        head = [*self._decorator(self.name), *self._header(self.name)]
        return [*head, *self._docstring(), *self._body()]

    def _body(self) -> list[str]:
        pipeline = self.pipeline
        expressions = Expressions(self.names, self.parameters, sources=self.functions.sources)
        places = places_of(pipeline)
        counts = Counter(node.rpartition(".")[2] for node in places.paths)
        short = {name for name, count in counts.items() if count == 1}
        variables = Variables(self.names, short, {*self.reserved, *self.parameters.values()})
        tasks = Tasks(
            self.place,
            self.names,
            self.functions,
            expressions,
            places,
            variables,
            self.siblings,
            setups=_marked_setups(pipeline),
        )
        bodies = Bodies(tasks)
        lines = bodies.body(pipeline.body, (), 1)
        if pipeline.exit_tasks:
            lines = [line for line in lines if line != f"{INDENT}pass"]
            lines += bodies.exits(pipeline.exit_tasks, 1)
        return lines + self._return(expressions)

    def _return(self, expressions: Expressions) -> list[str]:
        outputs = self.pipeline.outputs
        if not outputs:
            return []
        only = outputs.get("return") if len(outputs) == 1 else None
        if only is not None:
            made = expressions.written(only)
            if not made.literal:
                return layout(made.expr, prefix="return ", indent=1)
        values = {name: expressions.of(value) for name, value in outputs.items()}
        return layout(dict_of(values), prefix="return ", indent=1)

    def _decorator(self, name: str) -> list[str]:
        options = pipeline_options(self.pipeline, self.names)
        if name != self.pipeline.name:
            options = {"name": Value(self.pipeline.name), **options}
        description = self.pipeline.description
        if description and not self._docstring():
            options["description"] = Lines(description, whole=True)
        decorator = self.names.ours("pipeline")
        if not options:
            return [f"@{decorator}"]
        return layout(Call(Name(decorator), (), options), prefix="@")

    def _docstring(self) -> list[str]:
        """The description, if Python reads it back as it is."""
        description = self.pipeline.description
        if not description:
            return []
        lines = docstring(inspect.cleandoc(description), 1)
        read = ast.literal_eval("\n".join(lines).strip())
        fits = all(len(line) <= WIDTH for line in lines)
        return (
            lines
            if inspect.cleandoc(read) == inspect.cleandoc(description)
            and (fits or "\n" in description)
            else []
        )

    def _header(self, name: str) -> list[str]:
        parts = [
            (self.parameters[each], self._annotation(each, parameter), self._default(parameter))
            for each, parameter in self.pipeline.parameters.items()
        ]
        required = [parameter.required for parameter in self.pipeline.parameters.values()]
        # Python wants parameters without defaults first, unless they are given by name only.
        star = next((n for n, one in enumerate(required) if one and not all(required[:n])), None)
        shown = [_parameter(*part) for part in parts]
        if star is not None:
            shown.insert(star, "*")
        flat = ", ".join(shown)
        comma = "," if len(shown) == 1 else ""
        for lines in ([f"def {name}({flat}):"], [f"def {name}(", f"{INDENT}{flat}{comma}", "):"]):
            if all(len(line) <= WIDTH for line in lines):
                return lines
        blocks = [_parameter_lines(*part) for part in parts]
        if star is not None:
            blocks.insert(star, [f"{INDENT}*,"])
        return [f"def {name}(", *(line for block in blocks for line in block), "):"]

    def _annotation(self, name: str, parameter: ir.Parameter) -> Expr:
        types = self.functions.types
        words = "".join(word[:1].upper() + word[1:] for word in variable(name).split("_"))
        hint = types.annotation(parameter.type, words or "Settings")
        marks: dict[str, Expr] = {}
        if parameter.help:
            marks["help"] = Value(parameter.help)
        if self.parameters[name] != name:
            marks["name"] = Value(name)
        kind = CHOSEN.get(type(parameter.type))
        if parameter.choices and all(type(choice) is kind for choice in parameter.choices):
            values = Sequence_(tuple(Value(choice) for choice in parameter.choices), "")
            hint = Subscript(Name(self.names.need("typing", "Literal")), values)
        elif parameter.choices:
            marks["choices"] = list_of(Value(choice) for choice in parameter.choices)
        if not marks:
            return hint
        mark = Call(Name(self.names.ours("Param")), (), marks)
        annotated = Name(self.names.need("typing", "Annotated"))
        return Subscript(annotated, Sequence_((hint, mark), ""))

    def _default(self, parameter: ir.Parameter) -> Expr | None:
        if parameter.required:
            return None
        value = parameter.default
        if isinstance(parameter.type, ir.DurationType) and _is_seconds(value):
            made = timedelta_expr(timedelta(seconds=value))
            return Call(Name(self.names.need("datetime", "timedelta")), (), made.keywords)
        if isinstance(parameter.type, ir.TimestampType) and isinstance(value, str):
            return self._moment(value) or Value(value)
        return Value(value)

    def _moment(self, text: str) -> Expr | None:
        """`datetime(2026, 3, 1, tzinfo=UTC)`, if it is written as the same text."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        if moment.isoformat() != text or moment.tzinfo is None:
            return None
        module = Name(self.names.need("datetime", "datetime"))
        if moment.utcoffset() != timedelta(0):
            return call(Attribute(module, "fromisoformat"), Value(text))
        parts = list(moment.astimezone(UTC).timetuple()[:6])
        parts += [moment.microsecond] if moment.microsecond else []
        while len(parts) > 3 and not parts[-1]:
            parts.pop()
        zone = Name(self.names.need("datetime", "UTC"))
        return call(module, *(Value(part) for part in parts), tzinfo=zone)


def _parameter(name: str, hint: Expr, default: Expr | None) -> str:
    given = "" if default is None else f" = {inline(default)}"
    return f"{name}: {inline(hint)}{given}"


def _parameter_lines(name: str, hint: Expr, default: Expr | None) -> list[str]:
    """A parameter on lines of its own: its annotation broken where that is too long, else its default."""
    flat = f"{INDENT}{_parameter(name, hint, default)},"
    if len(flat) <= WIDTH:
        return [flat]
    head = f"{name}: {inline(hint)} = "
    if default is not None and len(INDENT + head) + 1 <= WIDTH:
        lines = layout(default, prefix=head, suffix=",", indent=1)
        if len(lines) > 1:
            return lines
    given = "" if default is None else f" = {inline(default)}"
    return layout(hint, prefix=f"{name}: ", suffix=f"{given},", indent=1)


def parameter_variables(pipeline: ir.Pipeline, reserved: frozenset[str]) -> dict[str, str]:
    """The variables of a pipeline's parameters: their names, where Python can have those."""
    made: dict[str, str] = {}
    for name in pipeline.parameters:
        plain = is_identifier(name) and name not in reserved and name != "__debug__"
        choices = [variable(name), f"{variable(name)}_"]
        taken = (made.values(), reserved, pipeline.parameters)
        made[name] = name if plain else next_free(choices, *taken)
    return made


def _is_seconds(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return timedelta(seconds=value).total_seconds() == value
    except OverflowError:
        return False


def _marked_setups(pipeline: ir.Pipeline) -> set[str]:
    return {
        partner
        for task in graph.tasks(pipeline)
        if task.pairing is not None and task.pairing.role == "teardown"
        for partner in task.pairing.partners
    }
