"""Tasks that call a Python function: natively where it needs nothing of Airflow, else by Airflow's operator."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from intermodal.ir import (
    AnyType,
    BooleanType,
    Expression,
    Join,
    ListOf,
    Literal_,
    MapOf,
    ParameterRef,
    PythonCall,
    SourceExpression,
    StringType,
    Task,
)
from intermodal_compilers.airflow.translate.context import RETURN, Choice, Context, hosted_of
from intermodal_compilers.airflow.translate.functions import (
    FoundFunction,
    function_of,
    own_nodes,
    plain_function,
)
from intermodal_compilers.airflow.translate.hosting import (
    CHOSEN,
    RAN,
    Result,
    choice_output,
    choice_type,
    host,
    module_of,
)
from intermodal_compilers.airflow.translate.jinja import NAMES, NotUnderstoodError, values_of
from intermodal_compilers.airflow.translate.kinds import name_of
from intermodal_compilers.airflow.translate.sources import read
from intermodal_compilers.airflow.translate.surroundings import SKIP
from intermodal_compilers.pysource import function_header

PYTHON = "airflow.providers.standard.operators.python"
# The operator that runs the function of a decorated one, whose own class only decorators make.
OPERATORS: Mapping[str, str] = {
    "_PythonDecoratedOperator": f"{PYTHON}.PythonOperator",
    "PythonOperator": f"{PYTHON}.PythonOperator",
    "BranchPythonOperator": f"{PYTHON}.PythonOperator",
    "_BranchPythonDecoratedOperator": f"{PYTHON}.PythonOperator",
    "ShortCircuitOperator": f"{PYTHON}.PythonOperator",
    "_ShortCircuitDecoratedOperator": f"{PYTHON}.PythonOperator",
    "_PythonVirtualenvDecoratedOperator": f"{PYTHON}.PythonVirtualenvOperator",
    "_BranchPythonVirtualenvDecoratedOperator": f"{PYTHON}.PythonVirtualenvOperator",
    "BranchPythonVirtualenvOperator": f"{PYTHON}.PythonVirtualenvOperator",
    "_PythonExternalDecoratedOperator": f"{PYTHON}.ExternalPythonOperator",
    "_BranchExternalPythonDecoratedOperator": f"{PYTHON}.ExternalPythonOperator",
    "BranchExternalPythonOperator": f"{PYTHON}.ExternalPythonOperator",
    "_AssetMainOperator": f"{PYTHON}.PythonOperator",
    "DecoratedSensorOperator": "airflow.providers.standard.sensors.python.PythonSensor",
}
NATIVE = ("PythonOperator", "_PythonDecoratedOperator")
# Arguments of the operators that a plain call keeps, or that only say how Airflow shows it.
ARGUMENTS = frozenset({"python_callable", "op_args", "op_kwargs"})
HARMLESS = frozenset(
    {"show_return_value_in_logs", "multiple_outputs", "ignore_downstream_trigger_rules"}
)
# How Airflow makes and uses an environment for a function.
ISOLATION = frozenset(
    {
        "expect_airflow",
        "expect_pendulum",
        "index_urls",
        "pip_install_options",
        "python",
        "python_version",
        "requirements",
        "serializer",
        "system_site_packages",
        "use_dill",
        "venv_cache_path",
    }
)
# Names that Airflow fills in from its context.
CONTEXT = frozenset(
    {
        *NAMES,
        "conn",
        "dag",
        "dag_run",
        "inlets",
        "inlet_events",
        "macros",
        "outlets",
        "outlet_events",
        "params",
        "prev_data_interval_start_success",
        "prev_data_interval_end_success",
        "prev_start_date_success",
        "task",
        "task_instance",
        "task_instance_key_str",
        "templates_dict",
        "test_mode",
        "ti",
        "triggering_asset_events",
        "triggering_dataset_events",
        "ts_nodash_with_tz",
        "var",
    }
)


def python_task(task: Task, context: Context) -> Task:
    """A task that calls a function."""
    called = call_of(task, context, may_skip=True)
    if called is None:
        return hosted_call(task, context)
    return unless_skipped(called, context) if _mentions_skip(called) else called


def unless_skipped(called: Task, context: Context) -> Task:
    """A call whose function may raise that its task is to be skipped: an output tells whether it ran."""
    action = called.action
    assert isinstance(action, PythonCall)
    assert action.source is not None
    name = f"{action.function}_unless_skipped"
    passed = ", ".join(f"{one}={one}" for one in called.inputs)
    lines = [
        *function_header(name, tuple(called.inputs)),
        "    try:",
        f"        answer = {action.function}({passed})",
        f"    except {SKIP}:",
        f'        return {{"return": None, "{RAN}": False}}',
        f'    return {{"return": answer, "{RAN}": True}}',
    ]
    source = action.source.model_copy(
        update={
            "function": "\n".join(lines) + "\n",
            "definitions": (*action.source.definitions, action.source.function),
        }
    )
    context.skipping.add(called.id)
    updates = {"function": name, "source": source, "unpack": "items"}
    outputs = {RETURN: AnyType.of(), RAN: BooleanType.of()}
    return called.model_copy(
        update={"action": action.model_copy(update=updates), "outputs": outputs}
    )


def _mentions_skip(called: Task) -> bool:
    assert isinstance(called.action, PythonCall)
    assert called.action.source is not None
    source = called.action.source
    return any(SKIP in text for text in (source.function, *source.definitions))


def isolated_task(task: Task, context: Context) -> Task:
    """A function that Airflow calls in an environment of its own: here in that of the worker."""
    called = call_of(task, context, HARMLESS | ISOLATION)
    if called is None:
        return hosted_call(task, context)
    tell_isolation(task, context)
    return called


def tell_isolation(task: Task, context: Context) -> None:
    """Note what the worker needs for a function that brought its own environment."""
    given = read(hosted_of(task).arguments.get("requirements"))
    packages = given if isinstance(given, list) else [given] if isinstance(given, str) else []
    needed = ", ".join(f"`{one}`" for one in packages if isinstance(one, str))
    context.warn(
        f"`{task.id}` runs in the worker's own environment",
        task.span,
        "Airflow called its function with another interpreter, or in an environment made for it",
        f"install there: {needed}" if needed else "install there what the function imports",
    )


def call_of(
    task: Task, context: Context, harmless: frozenset[str] = HARMLESS, *, may_skip: bool = False
) -> Task | None:
    """The task as a plain call of its function; None where that needs Airflow.

    Args:
        task: A task of a class that calls a function.
        context: What is around it.
        harmless: Arguments of its class that say nothing of the call.
        may_skip: Whether the function may raise what skips its task.
    """
    action = hosted_of(task)
    callable_ = action.arguments.get("python_callable")
    if not isinstance(callable_, SourceExpression):
        return None
    if set(action.arguments) - ARGUMENTS - harmless:
        return None
    function = plain_function(callable_)
    if function is None:
        return None
    try:
        inputs = _inputs(function, task, context)
    except NotUnderstoodError:
        return None
    called = PythonCall.of(
        module=module_of(context), function=function.name, source=function.source
    )
    outputs = {RETURN: function.returned_type} if function.returns_value else {}
    if context.pulled.get(task.id) and not outputs:
        outputs = {RETURN: function.returned_type}
    made = task.model_copy(update={"action": called, "inputs": inputs, "outputs": outputs})
    if not may_skip and _mentions_skip(made):
        return None
    context.whole.add(task.id)
    return made


def hosted_call(
    task: Task, context: Context, *, result: Result = "value", skips: bool = False
) -> Task:
    """The task by the operator that runs its function."""
    action = hosted_of(task)
    name = name_of(action.class_path)
    arguments = {
        key: value
        for key, value in action.arguments.items()
        if key not in ("multiple_outputs", "ignore_downstream_trigger_rules")
        and not (key in ("op_args", "op_kwargs") and not getattr(value, "value", True))
    }
    hosted = task.model_copy(update={"action": action.model_copy(update={"arguments": arguments})})
    if action.class_source is not None:
        return host(hosted, context, result=result, skips=skips)
    path = OPERATORS.get(name, "")
    return host(hosted, context, class_path=path, result=result, skips=skips)


def _inputs(function: FoundFunction, task: Task, context: Context) -> dict[str, Expression]:
    """The inputs of the call by parameter.

    Raises:
        NotUnderstoodError: One of them is nothing that other engines can give.
    """
    arguments = hosted_of(task).arguments
    given = dict(_positional(function, arguments.get("op_args")))
    names = {parameter.arg for parameter in function.parameters}
    for name, value in _entries(arguments.get("op_kwargs")).items():
        if name in names:
            given[name] = value
        elif function.node.args.kwarg is None:
            raise NotUnderstoodError(f"`{function.name}` takes no {name}")
    inputs = {name: values_of(value, task.id, context) for name, value in given.items()}
    for parameter in function.parameters:
        name = parameter.arg
        if name not in inputs and name in CONTEXT:
            inputs[name] = _from_context(name, context)
        elif name not in inputs and name not in function.defaulted:
            raise NotUnderstoodError(f"nothing is given for {name}")
    return inputs


def _positional(
    function: FoundFunction, given: Expression | None
) -> Iterator[tuple[str, Expression]]:
    match given:
        case None:
            return
        case Literal_(value=list() as values):
            items: list[Expression] = [Literal_.of(value=value) for value in values]
        case ListOf(items=parts):
            items = list(parts)
        case _:
            raise NotUnderstoodError("op_args")
    names = [parameter.arg for parameter in function.node.args.args]
    if len(items) > len(names):
        raise NotUnderstoodError("more positional arguments than parameters")
    yield from zip(names, items, strict=False)


def _entries(given: Expression | None) -> Mapping[str, Expression]:
    match given:
        case None:
            return {}
        case Literal_(value=dict() as values):
            return {name: Literal_.of(value=value) for name, value in values.items()}
        case MapOf(entries=entries):
            return entries
        case _:
            raise NotUnderstoodError("op_kwargs")


def _from_context(name: str, context: Context) -> Expression:
    if name == "params":
        values = {one: ParameterRef.of(name=one) for one in context.parameters}
        return MapOf.of(entries=values)
    part = NAMES.get(name)
    if part is None or part.kind != "text":
        raise NotUnderstoodError(name)
    return part.expression


def asset_task(task: Task, context: Context) -> Task:
    """A function that makes an asset; Airflow gives it the asset and those it reads, if it asks."""
    source = hosted_of(task).arguments.get("python_callable")
    found = function_of(source) if isinstance(source, SourceExpression) else None
    if found is None or any(one.arg not in found.defaulted for one in found.parameters):
        context.fail(
            f"`{task.id}` takes assets as Airflow's own objects",
            task.span,
            "other engines know assets by their URIs, and events of them not at all",
            "let the function read its data itself",
        )
    given = hosted_of(task).arguments
    uri = read(given.get("uri")) or read(given.get("name"))
    arguments = {name: given[name] for name in ARGUMENTS if name in given}
    action = hosted_of(task).model_copy(update={"arguments": arguments})
    writes = task.writes or ((uri,) if isinstance(uri, str) else ())
    made = task.model_copy(update={"action": action, "writes": writes})
    return python_task(made, context)


# Functions whose answer decides what runs


def choosing_task(task: Task, context: Context, result: Result) -> Task:
    """A task whose function chooses what runs: as a call that gives task ids, or a truth."""
    output = choice_output(task.id, result, context)
    context.choices[task.id] = Choice(result, output)
    isolated = ISOLATION & hosted_of(task).arguments.keys()
    called = call_of(task, context, HARMLESS | ISOLATION)
    if called is None:
        return hosted_call(task, context, result=result)
    if isolated:
        tell_isolation(task, context)
    assert isinstance(called.action, PythonCall)
    assert called.action.source is not None
    plain = called.action.source
    form = _form(plain.function)
    if form == "text" and result == "list" and only_all_success(task.id, context):
        context.choices[task.id] = Choice("text", RETURN)
        return called.model_copy(update={"outputs": {RETURN: StringType.of()}})
    if output == RETURN and form == result:
        return called.model_copy(update={"outputs": {RETURN: choice_type(result)}})
    name = f"{called.action.function}_{'holds' if result == 'truth' else 'chosen'}"
    source = plain.model_copy(
        update={
            "function": _wrapper(name, called, result, whole=output == CHOSEN),
            "definitions": (*plain.definitions, plain.function),
        }
    )
    unpack = "items" if output == CHOSEN else "none"
    updates = {"function": name, "source": source, "unpack": unpack}
    outputs = {**(called.outputs if output == CHOSEN else {}), output: choice_type(result)}
    return called.model_copy(
        update={"action": called.action.model_copy(update=updates), "outputs": outputs}
    )


def only_all_success(task: str, context: Context) -> bool:
    """Whether everything right after a task starts only if all before it succeeded."""
    return all(context.tasks[one].join is Join.ALL_SUCCESS for one in context.downstream[task])


def _wrapper(name: str, called: Task, result: Result, *, whole: bool) -> str:
    assert isinstance(called.action, PythonCall)
    passed = ", ".join(f"{one}={one}" for one in called.inputs)
    lines = [
        *function_header(name, tuple(called.inputs)),
        f"    answer = {called.action.function}({passed})",
    ]
    listed = "[answer] if isinstance(answer, str) else list(answer or ())"
    found = "bool(answer)" if result == "truth" else listed
    last = [f"    return {found}"]
    if whole:
        last = [f"    chosen = {found}", '    return {"return": answer, "chosen": chosen}']
    return "\n".join([*lines, *last]) + "\n"


def _form(text: str) -> str:
    """In which form a function answers: `truth`, `list`, `text`, or empty where that is open."""
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    annotation = ast.unparse(node.returns).lower() if node.returns else ""
    if annotation in ("bool", "str"):
        return "truth" if annotation == "bool" else "text"
    if annotation.startswith("list["):
        return "list"
    values = [one.value for one in own_nodes(node) if isinstance(one, ast.Return)]
    if values and all(isinstance(value, ast.JoinedStr) or _is_text(value) for value in values):
        return "text"
    return ""


def _is_text(value: ast.expr | None) -> bool:
    if isinstance(value, ast.IfExp):
        return _is_text(value.body) and _is_text(value.orelse)
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
