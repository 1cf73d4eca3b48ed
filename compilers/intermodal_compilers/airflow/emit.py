"""Printing an Airflow DAG file."""

from __future__ import annotations

from collections.abc import Iterable

from intermodal.compiling import Compiled
from intermodal.findings import errors_of
from intermodal.ir import ItemRef
from intermodal_compilers.airflow.blocks import Block
from intermodal_compilers.airflow.dialects import STANDARD_IMPORTS
from intermodal_compilers.airflow.model import DagFile, Function, Step
from intermodal_compilers.pysource import (
    INDENT,
    WIDTH,
    Attribute,
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
    tuple_of,
)

CLASSES = (
    "ApprovalOperator",
    "BashOperator",
    "DockerOperator",
    "EmptyOperator",
    "HttpOperator",
    "SQLExecuteQueryOperator",
    "TriggerDagRunOperator",
)


def emit(file: DagFile) -> Compiled:
    """The file's text, `requirements.txt` if there are packages, and the findings."""
    names = dict(file.names)
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
    definitions = file.classes.definitions() if file.classes else []
    if definitions:
        is_block = definitions[0].startswith(("def ", "async def ", "class ", "@"))
        body.add(*([""] * (2 if is_block else 1)), *definitions)
    for lines in file.helpers.values():
        body.add("", "", *lines)
    for function in file.functions:
        body.add("", "", *_function_lines(function))
    body.add("", "", *_dag_lines(file))
    source = Source()
    source.add(*docstring(file.caption), "")
    source.add(*_import_lines(file))
    source.add(*body.lines)
    return source.text()


def _import_lines(file: DagFile) -> list[str]:
    own = list(_imports(file))
    if file.classes is None:
        return import_block(own)
    lines = (f"from {m} import {n}" if n else f"import {m}" for m, n in own)
    return file.classes.sources.import_lines(lines)


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
    kind = function.kind
    decorator = layout(call(kind, **settings), prefix="@") if settings else [f"@{kind}"]
    return [*decorator, *function.header, *documented, *function.body]


def _dag_lines(file: DagFile) -> list[str]:
    lines = _block_lines(file.body.children, 1) if file.body else []
    lines = lines or ["    pass"]
    if not file.function:
        dag = layout(call("DAG", **file.settings), prefix="with ", suffix=" as dag:")
        return [*dag, *lines]
    decorator = layout(call("dag", **file.settings), prefix="@")
    return [*decorator, *_header(file), *lines, "", "", f"{file.function}()"]


def _block_lines(children: Iterable[Step | Block], indent: int) -> list[str]:
    """Steps and blocks, then the edges of the steps."""
    lines: list[str] = []
    for child in children:
        if isinstance(child, Step):
            lines += _step_lines(child, indent)
        elif child.loop is not None:
            lines += [*([""] if lines else []), *_mapped_lines(child, indent)]
        else:
            lines += _group_lines(child, indent)
    steps = [child for child in children if isinstance(child, Step)]
    edges = [line for step in steps for line in _edges(step, indent)]
    return [*lines, *([""] if edges else []), *edges]


def _group_lines(block: Block, indent: int) -> list[str]:
    group = block.group
    assert group is not None
    keywords: dict[str, Expr] = {"prefix_group_id": Value(False)}
    if group.display_name and group.display_name != group.id:
        keywords["group_display_name"] = Value(group.display_name)
    if group.docs.strip():
        keywords["tooltip"] = Value(group.docs.strip())
    opened = Call(Name("TaskGroup"), (Value(group.id),), keywords)
    return [
        *layout(opened, prefix="with ", suffix=":", indent=indent),
        *(_block_lines(block.children, indent + 1) or [f"{INDENT * (indent + 1)}pass"]),
    ]


def _mapped_lines(block: Block, indent: int) -> list[str]:
    """A function that makes the tasks of an iteration, and its mapping."""
    assert block.loop is not None
    assert block.items is not None
    keywords: dict[str, Expr] = {}
    if block.name != block.loop.id:
        keywords["group_id"] = Value(block.loop.id)
    keywords["prefix_group_id"] = Value(False)
    lines = [
        *layout(call("task_group", **keywords), prefix="@", indent=indent),
        f"{INDENT * indent}def {block.name}({block.item}):",
        *_block_lines(block.children, indent + 1),
    ]
    exports = [Name(name) for name in block.exports]
    if exports:
        given = exports[0] if len(exports) == 1 else tuple_of(exports)
        lines += ["", *_returned(given, exports, indent + 1)]
    expand = call(Attribute(Name(block.name), "expand"), **{block.item: block.items})
    target = ", ".join(name.path for name in exports)
    prefix = f"{target} = " if exports else ""
    return [*lines, "", *layout(expand, prefix=prefix, indent=indent)]


def _returned(given: Expr, exports: list[Name], indent: int) -> list[str]:
    flat = f"{INDENT * indent}return {', '.join(name.path for name in exports)}"
    return [flat] if len(flat) <= WIDTH else layout(given, prefix="return ", indent=indent)


def _header(file: DagFile) -> list[str]:
    parameters = [
        f"{name}: {hint} = {inline(default)}" if hint else f"{name}={inline(default)}"
        for name, hint, default in file.signature
    ]
    return function_header(file.function, parameters)


def _step_lines(step: Step, indent: int) -> list[str]:
    if not step.variable:
        return layout(_step(step), indent=indent)
    lines = layout(_step(step), prefix=f"{step.variable} = ", indent=indent)
    if (step.operator in CLASSES or step.made) and step.variable != step.task.id:
        # The rule wants variables to be named as their tasks, which this id cannot be.
        lines[0] += "  # noqa: AIR001"
    return lines


def _step(step: Step) -> Expr:
    """The call that makes the task."""
    if step.made is not None:
        return step.made
    if step.function is None and step.operator != "run_container":
        task_id = {"task_id": Value(step.task.id)}
        return call(step.operator, **{**task_id, **step.settings})
    if step.function is None:
        own = {"task_id": Value(step.task.id), **step.settings}
        return Call(call("run_container.override", **own), (), step.arguments)
    name = step.function.name
    own = {k: v for k, v in step.settings.items() if k not in step.function.settings}
    function: Expr = call(f"{name}.override", **own) if own else Name(name)
    if step.loop is None or step.items is None:
        return Call(function, (), step.arguments)
    fixed = {
        name: value
        for name, value in step.arguments.items()
        if not isinstance(step.leaves[name], ItemRef)
    }
    if fixed:
        function = Call(Attribute(function, "partial"), (), fixed)
    over = next(name for name, leaf in step.leaves.items() if isinstance(leaf, ItemRef))
    return Call(Attribute(function, "expand"), (), {over: step.items})


def _edges(step: Step, indent: int) -> list[str]:
    """`before >> task` lines, and what a teardown cleans up after."""
    margin = INDENT * indent
    lines: list[str] = []
    before = [Name(variable) for variable in step.after]
    if before:
        chain = (before[0] if len(before) == 1 else list_of(before), Name(step.variable))
        together = layout(Chain(">>", chain), indent=indent)
        if len(before) == 1 or len(together[0]) <= WIDTH:
            lines += together
        else:
            lines += [f"{margin}{name.path} >> {step.variable}" for name in before]
    if step.is_lone_setup:
        lines.append(f"{margin}{step.variable}.as_setup()")
    pairing = step.task.pairing
    if pairing is not None and pairing.role == "teardown":
        setups = [Name(variable) for variable in step.setups]
        given = {"setups": setups[0] if len(setups) == 1 else list_of(setups)} if setups else {}
        lines += layout(call(f"{step.variable}.as_teardown", **given), indent=indent)
    return lines
