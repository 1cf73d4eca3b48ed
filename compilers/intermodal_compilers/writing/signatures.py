"""Where a task's types differ from what its function's annotations say, and what to write about it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from intermodal import ir
from intermodal_compilers.pysource import Expr, Value, call, dict_of, tuple_of
from intermodal_compilers.writing.annotations import NULL, type_of
from intermodal_compilers.writing.pieces import Unit
from intermodal_compilers.writing.types import Types, inside

ANY = ir.AnyType.of()


class NotWritable(Exception):  # noqa: N818 - a signal inside this package, not an error of the user's
    """There is no annotation for a type; carries why."""


def misfit(unit: Unit, task: ir.Task) -> str:
    """Why a call of the function with the task's inputs would be refused; "" if it would not."""
    known = {argument.name: argument for argument in unit.function.arguments}
    if unit.function.unfit:
        return unit.function.unfit
    strange = [name for name in task.inputs if name not in known]
    if strange:
        return f"it has no parameter `{strange[0]}`"
    missing = [name for name, each in known.items() if each.required and name not in task.inputs]
    return f"nothing is given for its parameter `{missing[0]}`" if missing else ""


def type_options(
    unit: Unit, task: ir.Task, call_: ir.PythonCall, types: Types, *, used: bool
) -> dict[str, Expr]:
    """The options `takes` and `returns`, where annotations do not say what the task's types are.

    Types that annotations give, where the task's own are any, are left to them.

    Args:
        unit: The function.
        task: A task that calls it.
        call_: The call.
        types: Writes types.
        used: Whether the task's result is used.

    Raises:
        NotWritable: No annotation says it.
    """
    options: dict[str, Expr] = {}
    takes = {
        argument.name: task.input_types.get(argument.name, ANY)
        for argument in unit.function.arguments
        if argument.name in task.inputs
        and _differs(task.input_types.get(argument.name, ANY), _said(unit, argument.annotation))
    }
    if takes:
        options["takes"] = dict_of({name: types.option(type_) for name, type_ in takes.items()})
    if not isinstance(task.action, ir.Wait):
        returns = _returns(unit, task, call_, types, used=used)
        if returns is not None:
            options["returns"] = returns
    return options


def _said(unit: Unit, annotation: object) -> ir.Type | None:
    imports = {item.bound: item for item in unit.imports}
    return type_of(annotation, imports)  # type: ignore[arg-type]


def _differs(wanted: ir.Type, said: ir.Type | None) -> bool:
    if said is not None:
        return wanted not in (ANY, said)
    # A class, or a name for a type: taken at its word where the task's type may be one.
    return not any(isinstance(part, (ir.StructType, ir.ArtifactType)) for part in inside(wanted))


def _returns(
    unit: Unit, task: ir.Task, call_: ir.PythonCall, types: Types, *, used: bool
) -> Expr | None:
    said = _said(unit, unit.function.returns)
    outputs = dict(task.outputs)
    nothing = unit.function.returns is not None and said == NULL
    if not outputs:
        silent = unit.function.returns is None and not unit.function.gives
        return None if nothing or silent else call("type", Value(None))
    if set(outputs) == {"return"} and call_.unpack == "none":
        if nothing and not used and outputs["return"] == ANY:
            return None
        if nothing or _differs(outputs["return"], said):
            return types.option(outputs["return"])
        return None
    if call_.unpack == "none" and len(outputs) == 1:
        [(name, type_)] = outputs.items()
        return tuple_of((Value(name), types.option(type_)))
    if call_.unpack == "none":
        raise NotWritable("it gives the same under several names")
    if said is None and unit.function.returns is not None:
        return None
    if call_.unpack == "items":
        return dict_of({name: types.option(type_) for name, type_ in outputs.items()})
    return _named_parts(unit, outputs, types)


def _named_parts(unit: Unit, outputs: Mapping[str, ir.Type], types: Types) -> Expr:
    """A class whose fields are the outputs."""
    for type_ in outputs.values():
        if any(isinstance(part, ir.ArtifactType) for part in inside(type_)):
            raise NotWritable("its outputs are artifacts that no annotation names")
    words = re.split(r"[^A-Za-z0-9]+", unit.function.name)
    wanted = "".join(word[:1].upper() + word[1:] for word in words) + "Outputs"
    return types.structure(outputs, wanted, "NamedTuple")
