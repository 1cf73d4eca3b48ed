"""Tasks that make an operator of Airflow where they run, and run it: for classes without a neutral action."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from intermodal.analysis import graph
from intermodal.ir import (
    AnyType,
    BooleanType,
    CapturedSource,
    Expression,
    Hosted,
    ListOf,
    ListType,
    Literal_,
    MapOf,
    OutputRef,
    ParameterRef,
    PythonCall,
    SourceExpression,
    StringType,
    Task,
    Type,
)
from intermodal_compilers.airflow.hosted.paths import retarget
from intermodal_compilers.airflow.translate import pulls
from intermodal_compilers.airflow.translate.context import (
    RETURN,
    Context,
    hosted_of,
    parameter_named,
    sources_in,
)
from intermodal_compilers.airflow.translate.jinja import fact
from intermodal_compilers.airflow.translate.kinds import name_of
from intermodal_compilers.airflow.translate.python_names import (
    BUILTINS,
    VERSION,
    defined_names,
    free_name,
    identifier,
    modern,
    one_line,
    used_names,
)
from intermodal_compilers.airflow.translate.sources import statements
from intermodal_compilers.airflow.translate.surroundings import (
    mentions_skip,
    refuse_stores,
    tell_files,
)
from intermodal_compilers.pysource import (
    Call,
    Expr,
    Name,
    Subscript,
    Value,
    Written,
    call,
    dict_of,
    function_header,
    is_identifier,
    layout,
    list_of,
    tuple_of,
)

PROCESS: Mapping[str, str] = {"AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False"}
"""Variables of a hosted task: Airflow holds one task in a process, so that each needs one of its own."""
FACTS = ("run_id", "logical_date")
"""What a hosted task is told of its run. Outside of Airflow the data interval is the logical date's moment."""
Result = Literal["value", "list", "truth", "chosen"]
CHOSEN, RAN = "chosen", "ran"
TYPES: Mapping[str, Type] = {RAN: BooleanType.of()}


@dataclass
class Hosting:
    """One operator while the function that runs it is written.

    Attributes:
        inputs: The task's inputs by parameter name.
        names: Names that the function must leave alone.
    """

    task: Task
    context: Context
    inputs: dict[str, Expression] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def parameter(self, wanted: str, value: Expression) -> str:
        """A parameter for an input; the same for the same value."""
        for known, given in self.inputs.items():
            if given == value:
                return known
        name = free_name(identifier(wanted), self.names)
        self.names.add(name)
        self.inputs[name] = value
        return name

    def code(self, expression: Expression) -> Expr:
        """An argument of the operator as Python."""
        match expression:
            case Literal_(value=value):
                return Value(value)
            case SourceExpression(text=text) if self.context.is_parameter(text):
                value = self.context.resolved(expression)
                return Name(self.parameter(parameter_named(text), value))
            case SourceExpression(text=text):
                return Written(one_line(text))
            case ListOf(items=items):
                return list_of(map(self.code, items))
            case MapOf(entries=entries):
                return dict_of({name: self.code(value) for name, value in entries.items()})
            case ParameterRef(name=name):
                return Name(self.parameter(name, expression))
            case OutputRef(node=node, output=output):
                wanted = node if output == RETURN else f"{node}_{output}"
                return Name(self.parameter(wanted, self.context.resolved(expression)))
            case _:
                return Name(self.parameter("item", self.context.resolved(expression)))


def host(
    task: Task,
    context: Context,
    *,
    class_path: str = "",
    result: Result = "value",
    skips: bool = False,
) -> Task:
    """The task as a call of a function that makes the operator and runs it.

    Args:
        task: Its action holds the arguments of the operator only, without the settings of all tasks.
        context: What is around it.
        class_path: Run this class in place of its own.
        result: What guards ask of it: nothing (`value`), the list or truth of what it returns, or the
            tasks that it chose.
        skips: Whether it may skip itself: then it has an output `ran`.
    """
    context.hosting.add(task.id)
    action = hosted_of(task)
    given = [*action.arguments.values(), *([action.class_source] if action.class_source else [])]
    sources = list(sources_in([*given, *context.dag_settings.values()]))
    written = [source for source in sources if not context.is_parameter(source.text)]
    hosting = Hosting(task, context, names=set(used_names(written)))
    refuse_stores(task, given, context)
    tell_files(task, given, context)
    if result == "value" and (skips or mentions_skip(sources)):
        skips = True
        context.skipping.add(task.id)
    outputs = _outputs(task, context, result, skips=skips)
    name, source = _function(hosting, sources, outputs, class_path=class_path, result=result)
    context.packages.add(retarget(class_path or action.class_path, VERSION))
    called = PythonCall.of(
        module=module_of(context),
        function=name,
        unpack="items" if len(outputs) > 1 else "none",
        source=source,
    )
    return task.model_copy(
        update={
            "action": called,
            "inputs": hosting.inputs,
            "outputs": outputs,
            "environment": {**PROCESS, **task.environment},
        }
    )


def _function(
    hosting: Hosting,
    sources: list[SourceExpression],
    outputs: Mapping[str, Type],
    *,
    class_path: str,
    result: Result,
) -> tuple[str, CapturedSource]:
    """The name and the source of the function; the hosting gets its parameters."""
    action = hosted_of(hosting.task)
    facts = [hosting.parameter(name, fact(name)) for name in FACTS]
    operator, imported = _operator(action, hosting, class_path)
    running = _call(hosting, facts, outputs, result, replaced=bool(class_path))
    taken = hosting.names | set(defined_names(sources)) | PROGRAM | BUILTINS
    name = identifier(hosting.task.id)
    name = name if name not in taken else free_name(f"run_{name}", taken)
    whole = [text for source in sources for text in source.definitions]
    imports = list(dict.fromkeys(modern(text) for source in sources for text in source.imports))
    inside = [*([imported] if imported else []), *([] if whole else imports)]
    lines = [
        *function_header(name, tuple(hosting.inputs)),
        f'    """Run Airflow\'s {name_of(class_path or action.class_path)}."""',
        *(f"    {line}" for line in inside),
        *([""] if inside else []),
        *layout(operator, prefix="operator = ", indent=1),
        *layout(
            _returned(running, outputs, result, replaced=bool(class_path)),
            prefix="return ",
            indent=1,
        ),
    ]
    program_imports, program = host_program()
    return name, CapturedSource.of(
        function="\n".join(lines) + "\n",
        imports=tuple(dict.fromkeys((*program_imports, *(imports if whole else ())))),
        definitions=tuple(dict.fromkeys((*program, *whole))),
        local_modules=tuple(dict.fromkeys(m for s in sources for m in s.local_modules)),
    )


def module_of(context: Context) -> str:
    """A module that nothing imports: the functions of a pipeline come with it."""
    return f"airflow_dags.{identifier(context.pipeline.name)}"


def _operator(action: Hosted, hosting: Hosting, class_path: str) -> tuple[Call, str]:
    """The call that makes the operator, and the import it needs."""
    arguments = {
        name: hosting.code(value)
        for name, value in action.arguments.items()
        if is_identifier(name) and name != "task_id"
    }
    if action.class_source is not None and not class_path:
        made: Expr = Written(one_line(action.class_source.text))
        imported = ""
    else:
        path = retarget(class_path or action.class_path, VERSION)
        module, _, name = path.rpartition(".")
        made, imported = Name(name), f"from {module} import {name}" if module else ""
    keywords = {"task_id": Value(hosting.task.id), **arguments}
    return Call(made, (), keywords), imported


def _outputs(task: Task, context: Context, result: Result, *, skips: bool) -> dict[str, Type]:
    """Outputs by name: what others read, and what guards ask."""
    read = context.pulled.get(task.id, set())
    keys = [*sorted(read - {RETURN}), *([RAN] if skips else [])]
    if result == "value":
        keys = [RETURN, *keys]
    elif result == CHOSEN or read:
        keys = [RETURN, CHOSEN, *keys] if read else [CHOSEN, *keys]
    else:
        return {RETURN: choice_type(result)}
    types = {**TYPES, CHOSEN: choice_type(result)}
    return {key: types.get(key, AnyType.of()) for key in keys}


def choice_type(result: Result) -> Type:
    """The type of what guards ask."""
    return BooleanType.of() if result == "truth" else ListType.of(item=StringType.of())


def choice_output(task: str, result: Result, context: Context) -> str:
    """The output that guards ask: one of its own where others read what the class returns."""
    return CHOSEN if result == CHOSEN or context.pulled.get(task) else RETURN


def _call(
    hosting: Hosting,
    facts: list[str],
    outputs: Mapping[str, Type],
    result: Result,
    *,
    replaced: bool,
) -> Call:
    """The call that runs the operator; `replaced` says that it is of another class than the task."""
    context, task = hosting.context, hosting.task
    keywords: dict[str, Expr] = {}
    if context.parameters:
        values = {name: ParameterRef.of(name=name) for name in context.parameters}
        keywords["params"] = Name(hosting.parameter("params", MapOf.of(entries=values)))
    if task.retry is not None and _asks_for_try(task):
        keywords["try_number"] = Name(hosting.parameter("try_number", fact("attempt")))
    pulled = pulled_values(task, context)
    if pulled:
        keywords["xcoms"] = Name(hosting.parameter("xcoms", MapOf.of(entries=pulled)))
    names = tuple(outputs)
    if names != (RETURN,) and not (result in ("list", "truth") and CHOSEN in names):
        keywords["outputs"] = tuple_of(Value(name) for name in names)
    if result == "truth" and not replaced:
        keywords["outputs"] = tuple_of((Value(RETURN), Value(CHOSEN)))
    settings = {name: hosting.code(value) for name, value in context.dag_settings.items()}
    given: list[Expr] = [Value(context.pipeline.name), *map(Name, facts)]
    return call("run_operator", Name("operator"), *given, **keywords, **settings)


def _asks_for_try(task: Task) -> bool:
    """Whether anything that the task is made with may ask which try this is."""
    given = hosted_of(task).arguments.values()
    return any("try_number" in repr(part) for one in given for part in graph.parts(one))


def _returned(
    running: Expr, outputs: Mapping[str, Type], result: Result, *, replaced: bool
) -> Expr:
    """What the function gives of what the operator gave."""
    if result == "truth" and not replaced:
        running = Subscript(running, Value(RETURN))
    if result == CHOSEN and len(outputs) == 1:
        return Subscript(running, Value(CHOSEN))
    if result in ("list", "truth"):
        convert = Name("listed" if result == "list" else "bool")
        if CHOSEN not in outputs:
            return Call(convert, (running,))
        return Call(Name("with_chosen"), (running, convert))
    return running


def pulled_values(task: Task, context: Context) -> dict[str, Expression]:
    """What a task pulls of others by name: outputs by task."""
    found: dict[str, dict[str, Expression]] = {}
    for pull in pulls.pulls_of(context.tasks[task.id]):
        for name in context.pull_sources(task.id, pull):
            found.setdefault(name, {})[pull.output] = context.pull(task.id, name, pull.output)
    return {name: MapOf.of(entries=outputs) for name, outputs in found.items()}


@cache
def host_program() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The imports and the definitions of host_program.py, one each."""
    text = files(__package__).joinpath("host_program.py").read_text(encoding="utf-8")
    nodes = ast.parse(text).body
    lines = text.splitlines(keepends=True)
    imports = tuple(ast.unparse(node) for node in nodes if isinstance(node, ast.Import))
    definitions = tuple(
        "".join(lines[node.lineno - 1 : node.end_lineno])
        for node in nodes
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    )
    return imports, definitions


def _program_names() -> frozenset[str]:
    return frozenset(
        name
        for text in host_program()[1]
        for node in statements(text)
        if (name := node.name)  # type: ignore[attr-defined]
    )


PROGRAM = _program_names() | {"operator"}
