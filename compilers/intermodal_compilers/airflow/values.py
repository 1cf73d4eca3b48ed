"""Inputs as the arguments of the calls that make tasks, and as texts for commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intermodal.ir import (
    AnyType,
    Expression,
    Format,
    Hosted,
    Http,
    ItemRef,
    Literal_,
    OutputRef,
    ParameterRef,
    Pipeline,
    RunFact,
    Shell,
    Sql,
    Type,
)
from intermodal_compilers.airflow import operators, templates
from intermodal_compilers.airflow.operators import TextInput
from intermodal_compilers.airflow.plan import Unit
from intermodal_compilers.pysource import Expr, Name, Subscript, Value, call


class Values:
    """What expressions become outside of functions.

    Attributes:
        variables: The names that hold units, by id.
        items: The names that hold the items of loops.
        imports: Gets what the values need imported.
        helpers: Gets the file's own functions that they need.
        filters: Becomes true if a template uses the file's own filter.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        units: Mapping[str, Unit],
        is_operator: Callable[[Unit], bool],
        *,
        as_block: bool,
    ) -> None:
        self.pipeline = pipeline
        self.units = units
        self.is_operator = is_operator
        self.as_block = as_block
        self.variables: dict[str, str] = {}
        self.items: dict[str, str] = {}
        self.imports: set[str] = set()
        self.helpers: set[str] = set()
        self.filters = False

    def argument(self, expression: Expression) -> Expr:
        """An input as the argument of a TaskFlow call."""
        match expression:
            case Literal_(value=value):
                argument, wrapped = templates.exact(value)
                if wrapped:
                    self.imports.add("literal")
                return argument
            case ParameterRef(name=name):
                return call("dag.param", Value(name)) if self.as_block else Name(name)
            case OutputRef(node=node, output=output):
                return self.output(node, output)
            case ItemRef(loop=loop):
                return Name(self.items[loop])
            case _:
                return Value(self.text(expression).text)

    def output(self, node: str, output: str) -> Expr:
        """The output of a unit, as Airflow passes it on."""
        variable = Name(self.variables[node])
        unit = self.units[node]
        if isinstance(unit.task.action, Hosted):
            whole = operators.output_of(variable.path)
            return whole if output == "return" else Subscript(whole, Value(output))
        if isinstance(unit.task.action, (Shell, Sql, Http)) and self.is_operator(unit):
            return operators.output_of(variable.path)
        return variable if output == "return" else Subscript(variable, Value(output))

    def text(self, expression: Expression) -> TextInput:
        """An input as a command takes it."""
        match expression:
            case Literal_(value=value):
                return TextInput(templates.text_of(value))
            case ParameterRef(name=name):
                type_ = self.pipeline.parameters[name].type
                return TextInput(templates.parameter_template(name, type_), is_template=True)
            case OutputRef(node=node, output=output):
                return self._output_text(node, output)
            case RunFact(fact=fact) if fact in templates.FACTS:
                return TextInput(templates.FACTS[fact], is_template=True)
            case Format():
                parts = [self.text(part) for part in operators.flat(expression)]
                joined = templates.join([(part.text, part.is_template) for part in parts])
                if templates.uses_filter(joined):
                    self.helpers.add("as_text")
                    self.filters = True
                return TextInput(joined, is_template=True)
            case _:
                return TextInput("")

    def _output_text(self, node: str, output: str) -> TextInput:
        type_: Type = self.units[node].task.outputs.get(output, AnyType())
        key = None if output == "return" else output
        template = templates.output_template(node, key, type_)
        return TextInput(
            template,
            is_template=True,
            direct=self.output(node, output) if templates.is_text(type_) else None,
            node=node,
        )
