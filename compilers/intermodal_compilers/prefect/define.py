"""Bodies and names of task functions, and what of users' sources stands at the top of the file."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from intermodal.analysis.connection_calls import is_own_call
from intermodal.compiling import Settings
from intermodal.findings import Finding, error
from intermodal.ir import (
    Approval,
    Container,
    Noop,
    PythonCall,
    Shell,
    Task,
    TriggerRun,
    Wait,
)
from intermodal_compilers.prefect import parts
from intermodal_compilers.prefect.actions import python_call
from intermodal_compilers.prefect.arguments import (
    argument_names,
    copying,
    is_plain_argument,
    isolation,
)
from intermodal_compilers.prefect.commands import (
    check_body,
    container_body,
    given,
    shell_body,
    special_body,
    waiting,
)
from intermodal_compilers.prefect.definitions import Definition, action_findings
from intermodal_compilers.prefect.model import (
    Body,
    CallBody,
    NoopBody,
    PythonBody,
    TaskFunction,
)
from intermodal_compilers.prefect.names import OURS, Names, variable
from intermodal_compilers.prefect.outputs import function_tag
from intermodal_compilers.prefect.policies import cache_argument, retry_findings
from intermodal_compilers.prefect.sources import Placement, Unit, nested_lines, place, read_unit
from intermodal_compilers.pyimports import Import
from intermodal_compilers.pysource import (
    INDENT,
    WIDTH,
    Attribute,
    Call,
    Chain,
    Expr,
    Mapping_,
    Name,
    Operation,
    Sequence_,
    Subscript,
    Value,
    call,
    dict_of,
    is_identifier,
)

# Imports of the file's own that a user's source may share.
SHARED_IMPORTS = {
    "Any": "from typing import Any",
    "Annotated": "from typing import Annotated",
    "Literal": "from typing import Literal",
    "Field": "from pydantic import Field",
    "Mapping": "from collections.abc import Mapping",
    "Sequence": "from collections.abc import Sequence",
    "datetime": "from datetime import datetime",
    "runtime": "from intermodal import runtime",
}


# What options of tasks may use besides the preludes.
TASK_IMPORTS = {
    "INPUTS": Import("prefect.cache_policies", "INPUTS"),
    "TASK_SOURCE": Import("prefect.cache_policies", "TASK_SOURCE"),
    "CacheKeyFnPolicy": Import("prefect.cache_policies", "CacheKeyFnPolicy"),
    "timedelta": Import("datetime", "timedelta"),
}

# A task's Python name stands in every line that calls it; Prefect knows it by its full name.
LONGEST_NAME = 40


@dataclass
class Defined:
    """The task functions and what stands above them."""

    tasks: list[TaskFunction] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    prelude: set[str] = field(default_factory=set)
    of_task: dict[str, Definition] = field(default_factory=dict)
    flow_function: str = ""


@dataclass
class Placing:
    """Users' functions by definition, and where they stand."""

    units: dict[int, Unit]
    placement: Placement
    counts: dict[str, int]
    names: Names
    variables: frozenset[str]
    settings: Settings
    turns: bool = False

    def at_top(self, number: int) -> bool:
        """Whether the function of this definition stands at the top of the file."""
        return unit_key(self.units[number]) in self.placement.top

    def can_decorate(self, definition: Definition, unit: Unit) -> bool:
        """Whether the user's function itself can be the task.

        Not if somebody else calls it (that would start a task of its own), nor if the flow function
        has a parameter of the same name, which would hide it.
        """
        action = python_call(definition.task)
        return (
            not definition.runtime
            and action is not None
            and action.unpack != "attributes"
            and unit.name not in self.placement.shared
            and unit.name not in self.variables
            and self.counts[unit_key(unit)] == 1
            and (
                definition.joined
                or all(is_plain_argument(name) for task in definition.tasks for name in task.inputs)
            )
        )


def unit_key(unit: Unit) -> str:
    """Equal for units of the same text."""
    return "\0".join((unit.name, unit.text, *unit.definitions))


def define(
    definitions: list[Definition],
    variables: frozenset[str],
    flow_function: str,
    settings: Settings,
    findings: list[Finding],
    reserved: frozenset[str],
    *,
    turns: bool = False,
) -> Defined:
    """Name the definitions and build their bodies.

    Args:
        definitions: What `group` gave; they get their names here.
        variables: Python names of the flow's parameters.
        flow_function: The wanted name of the flow function.
        settings: How users' code reaches the worker.
        findings: Gets errors about sources and values.
        reserved: Names of what the file may hold besides.
        turns: Whether only so many tasks may work at once.
    """
    defined = Defined(
        of_task={task.id: definition for definition in definitions for task in definition.tasks}
    )
    for task in (task for definition in definitions for task in definition.tasks):
        findings += [*action_findings(task), *retry_findings(task)]
    placing = _place(definitions, variables, settings, findings, reserved)
    defined.imports = placing.placement.imports
    placing.turns = turns
    decorated: set[str] = set()
    flow_taken = not placing.names.is_free(flow_function) or flow_function in variables
    defined.flow_function = placing.names.give(
        f"{flow_function}_flow" if flow_taken else flow_function
    )
    for number, definition in enumerate(definitions):
        function = _define(number, definition, placing, findings)
        if isinstance(function.body, PythonBody) and function.body.source:
            decorated.add(function.body.source)
        defined.tasks.append(function)
        defined.prelude |= _prelude_of(function)
    defined.statements = [text for text in placing.placement.statements if text not in decorated]
    return defined


def _place(
    definitions: list[Definition],
    variables: frozenset[str],
    settings: Settings,
    findings: list[Finding],
    prelude_names: frozenset[str],
) -> Placing:
    """Read the captured sources, and put what agrees at the top of the file."""
    units: dict[int, Unit] = {}
    counts: dict[str, int] = {}
    for number, definition in enumerate(definitions):
        if settings.code != "embed" and not is_own_call(python_call(definition.task)):
            continue
        unit = _unit(definition.task, findings)
        if unit is not None:
            units[number] = unit
            counts[unit_key(unit)] = counts.get(unit_key(unit), 0) + 1
    if settings.code == "bundle":
        findings += _bundle_findings(definitions)
    prelude = parts.prelude()
    shared = {name: item.statement for name, item in prelude.imports.items()} | SHARED_IMPORTS
    reserved = OURS | prelude_names
    placement = place({unit_key(unit): unit for unit in units.values()}, reserved, shared.get)
    taken = reserved | set(shared) | set(placement.binds) | set(dir(builtins))
    return Placing(units, placement, counts, Names(frozenset(taken)), variables, settings)


def _unit(task: Task, findings: list[Finding]) -> Unit | None:
    action = python_call(task)
    if action is None:
        return None
    why = "its source was not captured"
    if action.source is not None:
        try:
            return read_unit(action.function, action.source)
        except (SyntaxError, ValueError) as problem:
            why = str(problem)
    findings.append(
        error(
            "PORT120",
            f"the source of `{action.function}` of task `{task.id}` cannot be embedded",
            action.span or task.span,
            why=why,
            next="compile with `--code import`, or move the function to the top of its module",
        )
    )
    return None


def _bundle_findings(definitions: list[Definition]) -> Iterator[Finding]:
    for definition in definitions:
        if python_call(definition.task) is not None:
            yield error(
                "PORT204",
                "code as a bundle is not supported by Prefect output yet",
                definition.task.span,
                next="use `--code embed` or `--code import`",
            )
            return


def _define(
    number: int,
    definition: Definition,
    placing: Placing,
    findings: list[Finding],
) -> TaskFunction:
    action = definition.task.action
    called = python_call(definition.task)
    if called is not None:
        return _python(number, definition, called, placing, findings)
    names = argument_names(definition.task.inputs)
    definition.parameters = names
    wanted = variable("noop" if isinstance(action, Noop) else definition.task.id)
    definition.name = _free(placing, wanted)
    definition.settle_options()
    body: Body
    match action:
        case Noop():
            definition.parameters, body = {}, NoopBody()
        case Shell(command=command):
            body = shell_body(definition, command)
        case Container():
            body = container_body(definition, action, findings)
        case Wait(check=Shell(command=command)):
            body = check_body(definition, command)
        case Approval() | TriggerRun():
            body = special_body(definition, action, placing.settings, findings)
        case Wait(check=check):
            body = NoopBody()
            findings.append(_unwaited(definition.task, check.kind))
        case _:
            raise TypeError(f"no Prefect task for a {action.kind} action")
    docs = "" if isinstance(action, Noop) else definition.take_docs()
    decorators = _around(definition, placing)
    return TaskFunction(
        definition.name, body, definition.parameters, decorators, definition.common, docs
    )


def _unwaited(task: Task, kind: str) -> Finding:
    return error(
        "PORT204",
        f"task `{task.id}` waits for a {kind} action",
        task.action.span or task.span,
        why="only a Python function or a command is called again and again in Prefect output",
        next="look in a Python function or a command",
    )


def _around(definition: Definition, placing: Placing) -> tuple[Expr, ...]:
    """Decorators of our own, outermost first, apart from those that copy values and isolate."""
    task = definition.task
    found: list[Expr] = [Name("joined")] if definition.joined else []
    if task.writes:
        found.append(call("writes", *(Value(uri) for uri in task.writes)))
    if isinstance(task.action, Wait) and not definition.runtime:
        found.append(waiting(task, task.action))
    if task.pool:
        slots = Value(task.pool_slots) if task.pool_slots != 1 else None
        found.append(call("in_pool", Value(task.pool), slots=slots))
    if placing.turns and not isinstance(task.action, (Noop, Approval)):
        found.append(Name("in_turn"))
    return tuple(found)


def _free(placing: Placing, wanted: str, fallback: str = "") -> str:
    """A free module-level name that no parameter of the flow hides."""
    wanted = wanted[:LONGEST_NAME]
    if placing.names.is_free(wanted) and wanted not in placing.variables:
        return placing.names.give(wanted)
    chosen = placing.names.give(fallback or f"{wanted}_task")
    while chosen in placing.variables:
        chosen = placing.names.give(fallback or f"{wanted}_task")
    return chosen


def _python(
    number: int,
    definition: Definition,
    action: PythonCall,
    placing: Placing,
    findings: list[Finding],
) -> TaskFunction:
    unit = placing.units.get(number)
    isolated = isolation(definition.task)
    copies = copying(definition.tasks, runtime=definition.runtime)
    if isolated is not None:
        copies = tuple(entry for entry in copies if entry != Name("own_inputs"))
    if unit is not None and placing.at_top(number) and placing.can_decorate(definition, unit):
        definition.name = unit.name
        definition.settle_options(unit.docs)
        decorators = (
            *_around(definition, placing),
            *copies,
            *((isolated,) if isolated is not None else ()),
        )
        body = PythonBody(unit.name, source=unit.text)
        return TaskFunction(unit.name, body, None, decorators, definition.common)
    function = variable(action.function)
    own = function if len(definition.tasks) > 1 else variable(definition.task.id)
    definition.name = _free(placing, own, f"{function}_task")
    definition.parameters = _wrapper_parameters(definition)
    definition.settle_options()
    lines, function = _reach(number, unit, definition, action, placing, findings)
    runtime = _runtime_arguments(definition, action) if definition.runtime else None
    below = () if runtime is not None or isolated is None else (isolated,)
    body = PythonBody(
        function=function,
        lines=lines,
        unpack=tuple(definition.task.outputs) if action.unpack == "attributes" else (),
        runtime=runtime,
        isolation=isolated if runtime is not None else None,
        around=_waiting_inside(definition),
    )
    docs = definition.take_docs()
    decorators = (*_around(definition, placing), *copies, *below)
    return TaskFunction(
        definition.name, body, definition.parameters, decorators, definition.common, docs
    )


def _waiting_inside(definition: Definition) -> Expr | None:
    """What makes a function wait inside the runtime: all its calls are one attempt."""
    task = definition.task
    if definition.runtime and isinstance(task.action, Wait):
        return waiting(task, task.action)
    return None


def _wrapper_parameters(definition: Definition) -> dict[str, str] | None:
    """The parameters that all tasks give; None if they differ, for `**inputs`."""
    names = set(definition.task.inputs)
    if any(set(task.inputs) != names for task in definition.tasks):
        return None
    return argument_names(definition.task.inputs)


def _reach(
    number: int,
    unit: Unit | None,
    definition: Definition,
    action: PythonCall,
    placing: Placing,
    findings: list[Finding],
) -> tuple[tuple[str, ...], str]:
    """The lines that make the user's function known, and what it is called there."""
    if unit is not None:
        return (() if placing.at_top(number) else nested_lines(unit)), unit.name
    first, _, rest = action.function.partition(".")
    if not all(
        is_identifier(part) for part in (*action.module.split("."), *action.function.split("."))
    ):
        findings.append(
            error(
                "PORT120",
                f"`{action.module}:{action.function}` of task `{definition.task.id}` cannot be imported",
                action.span or definition.task.span,
                why="it is no module and function name of Python",
                next="move the function to the top of an importable module",
            )
        )
        return (), "print"
    own = set((definition.parameters or {}).values()) | {"inputs"}
    alias = first
    while alias in own:
        alias += "_"
    renamed = "" if alias == first else f" as {alias}"
    line = f"{INDENT}from {action.module} import {first}{renamed}"
    lines: tuple[str, ...] = (line,)
    if len(line) > WIDTH:
        opening, name = line.split(" import ", 1)
        lines = (f"{opening} import (", f"{INDENT * 2}{name},", f"{INDENT})")
    return lines, f"{alias}.{rest}" if rest else alias


def _runtime_arguments(definition: Definition, action: PythonCall) -> dict[str, Expr]:
    arguments: dict[str, Expr] = {
        "context": call("context"),
        "inputs": given(definition),
        "outputs": dict_of(
            {name: Value(function_tag(t)) for name, t in definition.task.outputs.items()}
        ),
    }
    if action.unpack != "none":
        arguments["unpack"] = Value(action.unpack)
    cache = cache_argument(definition.task)
    if cache is not None:
        arguments["cache"] = cache
    return arguments


def _prelude_of(function: TaskFunction) -> set[str]:
    """Names of the prelude that a task function uses."""
    known = {*parts.prelude().parts, *TASK_IMPORTS}
    expressions: list[Expr] = [*function.decorators, *function.options.values()]
    match function.body:
        case PythonBody(isolation=isolated, around=around):
            expressions += [inner for inner in (isolated, around) if inner is not None]
        case CallBody(call=inner, files=files):
            expressions += [inner, *([files] if files is not None else [])]
    return {name for expr in expressions for name in _names_in(expr) if name in known}


def _names_in(expr: Expr) -> Iterator[str]:
    match expr:
        case Name(path):
            yield path
        case Call(function, args, keywords):
            for part in (function, *args, *keywords.values()):
                yield from _names_in(part)
        case Sequence_(items) | Chain(_, items):
            for part in items:
                yield from _names_in(part)
        case Mapping_(items):
            for key, value in items:
                yield from _names_in(key)
                yield from _names_in(value)
        case Subscript(base, key):
            yield from _names_in(base)
            yield from _names_in(key)
        case Attribute(base, _):
            yield from _names_in(base)
        case Operation(_, operands):
            for part in operands:
                yield from _names_in(part)
        case Value(timedelta()):
            yield "timedelta"
        case _:
            return
