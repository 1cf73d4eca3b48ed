"""Printing an Airflow DAG file."""

from __future__ import annotations

from collections.abc import Iterable

from intermodal.compiling import Compiled
from intermodal.findings import errors_of
from intermodal_compilers.airflow.dialects import STANDARD_IMPORTS
from intermodal_compilers.airflow.model import DagFile, Function, Step
from intermodal_compilers.pysource import (
    WIDTH,
    Call,
    Chain,
    Expr,
    Name,
    Source,
    Value,
    call,
    docstring,
    function_header,
    import_block,
    inline,
    layout,
    list_of,
)

CLASSES = ("BashOperator", "DockerOperator", "EmptyOperator")


def emit(file: DagFile) -> Compiled:
    """The file's text, `requirements.txt` if there are packages, and the findings."""
    names = {step.task.id: step.task.id for step in file.steps}
    if errors_of(file.findings):
        return Compiled({}, tuple(file.findings), names)
    files = {f"{file.name}.py": dag_text(file)}
    if file.packages:
        files["requirements.txt"] = "".join(
            f"{' '.join(package.split())}\n" for package in file.packages
        )
    return Compiled(files, tuple(file.findings), names)


def dag_text(file: DagFile) -> str:
    """The DAG file."""
    body = Source()
    for lines in file.helpers.values():
        body.add("", "", *lines)
    for function in file.functions:
        body.add("", "", *_function_lines(function))
    body.add("", "", *_dag_lines(file))
    source = Source()
    source.add(*docstring(file.caption), "")
    source.add(*import_block(_imports(file)))
    source.add(*body.lines)
    return source.text()


def _imports(file: DagFile) -> Iterable[tuple[str, str | None]]:
    keywords = [*file.settings.values()]
    for step in file.steps:
        keywords += step.settings.values()
    for name in sorted(file.imports | _called(keywords)):
        if name in STANDARD_IMPORTS:
            yield STANDARD_IMPORTS[name]
        elif name in file.module_of:
            yield file.module_of[name], name


def _called(values: Iterable[Expr]) -> set[str]:
    """The names that expressions call: what the file must import for them."""
    names: set[str] = set()
    pending: list[object] = list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, Call):
            if isinstance(value.function, Name):
                names.add(value.function.path.split(".")[0])
            pending += [*value.args, *value.keywords.values()]
        elif isinstance(value, Value) and hasattr(value.value, "total_seconds"):
            names.add("timedelta")
        elif hasattr(value, "items"):
            pending += [part for item in value.items for part in _parts(item)]
    return names


def _parts(item: object) -> Iterable[object]:
    return item if isinstance(item, tuple) else (item,)


def _function_lines(function: Function) -> list[str]:
    settings = dict(function.settings)
    documented: list[str] = []
    docs = settings.get("doc_md")
    if isinstance(docs, Value):
        if function.docstring and function.docstring.strip() == docs.value:
            del settings["doc_md"]
        elif function.header and "\n" not in docs.value:
            del settings["doc_md"]
            documented = docstring(docs.value, indent=1)
    decorator = layout(call("task", **settings), prefix="@") if settings else ["@task"]
    return [*decorator, *function.header, *documented, *function.body]


def _dag_lines(file: DagFile) -> list[str]:
    lines: list[str] = []
    for step in file.steps:
        lines += _step_lines(step)
    edges = [line for step in file.steps for line in _edges(step)]
    if edges:
        lines += ["", *edges]
    lines = lines or ["    pass"]
    if not file.function:
        dag = layout(call("DAG", **file.settings), prefix="with ", suffix=" as dag:")
        return [*dag, *lines]
    decorator = layout(call("dag", **file.settings), prefix="@")
    return [*decorator, *_header(file), *lines, "", "", f"{file.function}()"]


def _header(file: DagFile) -> list[str]:
    parameters = [
        f"{name}: {hint} = {inline(default)}" if hint else f"{name}={inline(default)}"
        for name, hint, default in file.signature
    ]
    return function_header(file.function, parameters)


def _step_lines(step: Step) -> list[str]:
    if not step.variable:
        return layout(_step(step), indent=1)
    lines = layout(_step(step), prefix=f"{step.variable} = ", indent=1)
    if step.operator in CLASSES and step.variable != step.task.id:
        # The rule wants variables to be named as their tasks, which this id cannot be.
        lines[0] += "  # noqa: AIR001"
    return lines


def _step(step: Step) -> Expr:
    """The call that makes the task."""
    if step.function is None and step.operator != "run_container":
        task_id = {"task_id": Value(step.task.id)}
        return call(step.operator, **{**task_id, **step.settings})
    if step.function is None:
        own = {"task_id": Value(step.task.id), **step.settings}
        return Call(call("run_container.override", **own), (), step.arguments)
    name = step.function.name
    own = {k: v for k, v in step.settings.items() if k not in step.function.settings}
    function: Expr = call(f"{name}.override", **own) if own else Name(name)
    return Call(function, (), step.arguments)


def _edges(step: Step) -> list[str]:
    """`before >> task` lines."""
    if not step.after:
        return []
    before = [Name(variable) for variable in step.after]
    if len(before) == 1:
        return layout(Chain(">>", (before[0], Name(step.variable))), indent=1)
    together = layout(Chain(">>", (list_of(before), Name(step.variable))), indent=1)
    if len(together[0]) <= WIDTH:
        return together
    return [f"    {name.path} >> {step.variable}" for name in before]
