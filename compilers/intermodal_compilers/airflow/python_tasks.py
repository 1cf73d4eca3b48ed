"""Python tasks as TaskFlow functions: the user's own where possible, else one that calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

from intermodal.findings import Finding, error
from intermodal.frozen import Frozen
from intermodal.ir import (
    ArtifactType,
    BooleanType,
    Expression,
    FloatType,
    IntegerType,
    ListType,
    MapType,
    PythonCall,
    Shell,
    StringType,
    Task,
    Type,
)
from intermodal_compilers.airflow.embed import (
    SPECIAL_ARGUMENTS,
    Embedded,
    import_lines,
    indent_lines,
    infers_outputs,
    returns_value,
)
from intermodal_compilers.airflow.names import identifier
from intermodal_compilers.pysource import (
    Attribute,
    Call,
    Expr,
    Mapping_,
    Name,
    Subscript,
    Value,
    call,
    dict_of,
    function_header,
    is_identifier,
    layout,
)

ANNOTATIONS: Mapping[type, str] = {
    StringType: "str",
    IntegerType: "int",
    FloatType: "float",
    BooleanType: "bool",
    MapType: "dict",
}


class Given(Frozen):
    """How the inputs of a function's task are made of its arguments.

    Attributes:
        parameters: The arguments with their annotations.
        values: What each input is.
        before: Lines that come first.
        leaves: What each argument is given; None if it is the input that it is named for.
        helpers: The file's own functions that the values need.
        index: The task's id and its index path, where the engine does not know them.
    """

    parameters: tuple[str, ...]
    values: Mapping[str, Expr]
    before: tuple[str, ...] = ()
    leaves: Mapping[str, Expression] | None = None
    helpers: frozenset[str] = frozenset()
    arguments: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Expr] = field(default_factory=dict)
    context: tuple[Expr, ...] = ()
    cache: Expr | None = None


Make = Callable[[set[str], int], Given]
"""Makes what is given, from the names that arguments must not have and the depth of the lines."""


class Written(Frozen):
    """A TaskFlow function's text.

    Attributes:
        wanted: The name it should have.
        header: `def` with arguments; the name stands in it as `wanted`.
        body: The lines below; the whole function if `header` is empty.
        arguments: The argument that takes each input.
        settings: What the decorator must say for this function to mean the same.
        helpers: The file's own functions that it calls.
        docstring: The docstring in its body.
    """

    wanted: str
    parameters: tuple[str, ...]
    returns: str
    body: tuple[str, ...]
    arguments: Mapping[str, str]
    settings: Mapping[str, Expr]
    helpers: frozenset[str] = frozenset()
    docstring: str = ""
    standalone: Embedded | None = None
    leaves: Mapping[str, Expression] | None = None

    def lines(self, name: str) -> tuple[list[str], list[str]]:
        """Header and body under a name."""
        if self.standalone is not None:
            return [], self.standalone.renamed(name)
        return function_header(name, self.parameters, returns=self.returns), list(self.body)


def plain_inputs(task: Task) -> Make:
    """Every input is an argument of its own."""

    def make(taken: set[str], depth: int) -> Given:  # noqa: ARG001
        arguments = argument_names(task.inputs, taken)
        values: dict[str, Expr] = {key: Name(name) for key, name in arguments.items()}
        return Given(_parameters(task, arguments), values, arguments=arguments)

    return make


def write_python(
    task: Task, action: PythonCall, make: Make, *, code: str, runtime: bool, plain: bool
) -> Written | Finding:
    """The function for a Python task, or why there is none; `plain` inputs are passed by its caller."""
    embedded: Embedded | None = None
    if not all(is_identifier(key) for key in task.inputs):
        return _not_embeddable(task, action, "an input's name is no Python name")
    if not is_identifier(action.function):
        return _not_embeddable(task, action, "it is not a function of its module's top level")
    if code == "embed":
        if action.source is None:
            return _not_embeddable(task, action, "its source could not be captured")
        embedded = Embedded(action.source, action.function)
        problem = embedded.problem()
        if problem:
            return _not_embeddable(task, action, problem)
        if plain and not runtime and not task.environment and not task.secrets:
            alone = _standalone(task, action, embedded)
            if alone is not None:
                return alone
    elif not all(is_identifier(part) for part in action.module.split(".")):
        return _not_embeddable(task, action, "its module cannot be imported by name")
    return _wrapper(task, action, embedded, make, runtime=runtime)


def write_shell(task: Task, action: Shell, make: Make) -> Written:
    """The function for a shell task that the runtime runs."""
    given = make({"runtime"}, 1)
    body = ["from intermodal import runtime", "", *given.before]
    keywords: dict[str, Expr] = {
        "context": call("run_context", *given.context),
        "inputs": dict_of(given.values),
        "outputs": dict_of({name: Value(_shell_tag(t)) for name, t in task.outputs.items()}),
    }
    if task.environment or given.secrets:
        keywords["environment"] = variables_of(task, given)
    if given.cache is not None:
        keywords["cache"] = given.cache
    run = Call(Name("runtime.run_shell"), (Value(action.command),), keywords)
    body += layout(run, prefix="return " if task.outputs else "", around=1)
    return Written(
        wanted=task.id,
        parameters=given.parameters,
        returns=_returns(task, wrapped=False),
        body=tuple(indent_lines(body, 1)),
        arguments=given.arguments,
        settings=output_settings(task),
        helpers=given.helpers | {"run_context"},
        leaves=given.leaves,
    )


def variables_of(task: Task, given: Given) -> Expr:
    """The task's own environment variables, with those that are secrets."""
    if not given.secrets:
        return Value(dict(task.environment))
    fixed = {key: Value(text) for key, text in task.environment.items()}
    return dict_of({**fixed, **given.secrets})


def argument_names(inputs: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """An argument for each input that Airflow does not fill itself and that hides nothing."""
    used = {*SPECIAL_ARGUMENTS, *taken}
    names: dict[str, str] = {}
    for key in inputs:
        name = identifier(key)
        while name in used:
            name += "_value"
        used.add(name)
        names[key] = name
    return names


def annotation(type_: Type | None) -> str:
    """A Python annotation that needs no import, or nothing."""
    if isinstance(type_, ListType):
        inner = annotation(type_.item)
        return f"list[{inner}]" if inner else "list"
    return ANNOTATIONS.get(type(type_), "")


def output_tag(type_: Type) -> str:
    """What the runtime calls an output's type."""
    return type_.artifact if isinstance(type_, ArtifactType) else "value"


def _shell_tag(type_: Type) -> str:
    """What the runtime reads a command's last line as."""
    return type_.artifact if isinstance(type_, ArtifactType) else type_.kind


def _standalone(task: Task, action: PythonCall, embedded: Embedded) -> Written | None:
    node = embedded.function
    if action.unpack != "none" or node is None or embedded.standalone is None:
        return None
    if set(task.outputs) - {"return"} or (not task.outputs and returns_value(node)):
        return None
    if not set(task.inputs) <= set(embedded.parameters):
        return None
    settings = {"multiple_outputs": Value(False)} if infers_outputs(node) else {}
    return Written(
        wanted=action.function,
        parameters=(),
        returns="",
        body=(),
        arguments={name: name for name in embedded.parameters},
        settings=settings,
        docstring=embedded.docstring,
        standalone=embedded,
    )


def _wrapper(
    task: Task, action: PythonCall, embedded: Embedded | None, make: Make, *, runtime: bool
) -> Written | Finding:
    bound = set(embedded.bound) if embedded else {action.function}
    has_variables = bool(task.environment or task.secrets)
    helpers = {"run_context"} if runtime else set()
    if has_variables:
        helpers.add("environment_variables")
    module = "intermodal_runtime" if "runtime" in bound else "runtime"
    depth = 2 if has_variables else 1
    given = make({*bound, *helpers, module}, depth)
    helpers |= given.helpers
    if helpers & bound:
        return _not_embeddable(task, action, f"it uses the name `{min(helpers & bound)}`")
    renamed = f" as {module}" if module != "runtime" else ""
    more = (f"from intermodal import runtime{renamed}",) if runtime else ()
    lines = _what_is_called(action, embedded, more)
    call_lines = (
        _runtime_call(task, action, given, module, depth)
        if runtime
        else _plain_call(task, action, given, bound, depth)
    )
    lines += [*given.before, *call_lines]
    if has_variables:
        variables = call("environment_variables", variables_of(task, given))
        lines = [*layout(variables, prefix="with ", suffix=":", around=1), *indent_lines(lines, 1)]
    return Written(
        wanted=action.function,
        parameters=given.parameters,
        returns=_returns(task, wrapped=runtime),
        body=tuple(indent_lines(lines, 1)),
        arguments=given.arguments,
        settings=output_settings(task),
        helpers=frozenset(helpers),
        leaves=given.leaves,
    )


def _what_is_called(
    action: PythonCall, embedded: Embedded | None, more: tuple[str, ...]
) -> list[str]:
    """The lines that bring in the user's function, with `more` among the imports."""
    if embedded:
        lines = embedded.inner(more)
    else:
        lines = import_lines([f"from {action.module} import {action.function}", *more])
    return lines if not lines or not lines[-1] else [*lines, ""]


def _plain_call(
    task: Task, action: PythonCall, given: Given, bound: set[str], depth: int
) -> list[str]:
    called = Call(Name(action.function), (), given.values)
    if not task.outputs:
        return layout(called, around=depth)
    if action.unpack == "none":
        return layout(called, prefix="return ", around=depth)
    result = "result"
    while result in bound or any(part.startswith(result) for part in given.parameters):
        result += "_"
    outputs = {name: _taken(result, name, action.unpack) for name in task.outputs}
    return [
        *layout(called, prefix=f"{result} = ", around=depth),
        *layout(dict_of(outputs), prefix="return ", around=depth),
    ]


def _taken(result: str, output: str, unpack: str) -> Expr:
    if unpack == "items":
        return Subscript(Name(result), Value(output))
    if is_identifier(output):
        return Attribute(Name(result), output)
    return call("getattr", Name(result), Value(output))


def _runtime_call(
    task: Task, action: PythonCall, given: Given, module: str, depth: int
) -> list[str]:
    keywords: dict[str, Expr] = {
        "context": call("run_context", *given.context),
        "inputs": dict_of(given.values),
        "outputs": _tags(task.outputs),
    }
    if action.unpack != "none":
        keywords["unpack"] = Value(action.unpack)
    if given.cache is not None:
        keywords["cache"] = given.cache
    run = Call(Name(f"{module}.run"), (Name(action.function),), keywords)
    return layout(run, prefix="return " if task.outputs else "", around=depth)


def _tags(outputs: Mapping[str, Type]) -> Mapping_:
    return dict_of({name: Value(output_tag(type_)) for name, type_ in outputs.items()})


def _parameters(task: Task, arguments: Mapping[str, str]) -> tuple[str, ...]:
    typed = []
    for key, name in arguments.items():
        hint = annotation(task.input_types.get(key))
        typed.append(f"{name}: {hint}" if hint else name)
    return tuple(typed)


def _returns(task: Task, *, wrapped: bool) -> str:
    """The return annotation; none where Airflow would infer several outputs from it."""
    if not task.outputs:
        return "None"
    if set(task.outputs) != {"return"} or wrapped:
        return ""
    hint = annotation(task.outputs["return"])
    return "" if "dict" in hint else hint


def output_settings(task: Task) -> dict[str, Expr]:
    """What the decorator must say of several outputs."""
    if set(task.outputs) - {"return"}:
        return {"multiple_outputs": Value(True)}
    return {}


def _not_embeddable(task: Task, action: PythonCall, why: str) -> Finding:
    return error(
        "PORT120",
        f"the function `{action.function}` of task `{task.id}` cannot be embedded",
        task.span,
        why=why,
        next="compile with `--code import`, and install its module on Airflow's workers",
    )
