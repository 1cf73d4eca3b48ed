"""Printing a flow file."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from intermodal_compilers.prefect import parts
from intermodal_compilers.prefect.annotations import TIMESTAMP
from intermodal_compilers.prefect.closing import (
    LINK,
    closing_imports,
    closing_lines,
    link_lines,
)
from intermodal_compilers.prefect.define import TASK_IMPORTS
from intermodal_compilers.prefect.emit_flow import flow_lines
from intermodal_compilers.prefect.model import (
    CallBody,
    FlowFile,
    NoopBody,
    PythonBody,
    TaskFunction,
)
from intermodal_compilers.prefect.signature import (
    annotation_imports,
)
from intermodal_compilers.pyimports import Import, import_lines
from intermodal_compilers.pysource import (
    INDENT,
    WIDTH,
    Attribute,
    Call,
    Conditional,
    Expr,
    Name,
    Value,
    call,
    dict_of,
    docstring,
    function_header,
    inline,
    is_identifier,
    layout,
    tuple_of,
)

# What the flow function and options of tasks may use besides the preludes.
FLOW_IMPORTS = {
    **TASK_IMPORTS,
    "task_run": Import("prefect.runtime", "task_run"),
    "wait": Import("prefect.futures", "wait"),
}


def emit(file: FlowFile) -> str:
    """The text of `flow.py`."""
    flow = list(flow_lines(file))
    used = set(file.prelude)
    if file.helped:
        used |= _names_in(flow)
    wanted = used & (file.prelude | parts.names_in_flow()) & set(parts.prelude().parts)
    prelude, prelude_imports = parts.closure(wanted)
    imports = [*_own_imports(file), *prelude_imports, *file.imports]
    imports += [item for name, item in FLOW_IMPORTS.items() if name in used]
    blocks: list[list[str]] = list(_constants(file))
    blocks += [part.text.split("\n") for part in prelude]
    blocks += [block for block in (_window(file), _run_id(file)) if block]
    if file.closing is not None:
        blocks.append(link_lines())
    blocks += [block for block in (_context(file),) if block]
    if file.closing is not None:
        blocks.append(closing_lines(file.closing, file.parameters))
    blocks += [text.rstrip("\n").split("\n") for text in file.definitions]
    if file.picks:
        blocks.append(_pick())
    blocks += [task_lines(task) for task in file.tasks]
    blocks.append(flow)
    if all(parameter.default is not None for parameter in file.parameters):
        blocks.append(['if __name__ == "__main__":', f"{INDENT}{file.function}()"])
    lines = [*docstring(file.caption), "", *import_lines(imports), *_spaced(blocks)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _names_in(lines: list[str]) -> set[str]:
    tree = ast.parse("\n".join(lines))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def task_lines(task: TaskFunction) -> list[str]:
    """A task function with its decorators."""
    options = {"cache_policy": Name("NO_CACHE"), **task.options}
    lines = layout(call("task", **options), prefix="@")
    for decorator in task.decorators:
        lines += layout(decorator, prefix="@")
    if isinstance(task.body, PythonBody) and task.body.source:
        return [*lines, *task.body.source.rstrip("\n").split("\n")]
    parameters = ["**inputs"] if task.parameters is None else list(task.parameters.values())
    lines += function_header(task.name, parameters)
    body = _body_lines(task, parameters)
    if task.docs:
        lines += docstring(task.docs, indent=1)
        if body[0].startswith((f"{INDENT}def ", f"{INDENT}class ", f"{INDENT}@")):
            lines.append("")
    return [*lines, *body]


def _body_lines(task: TaskFunction, parameters: list[str]) -> list[str]:
    match task.body:
        case PythonBody():
            return list(_python_lines(task.body, task.parameters))
        case CallBody():
            return list(_call_lines(task.body, parameters))
        case NoopBody():
            return [f'{INDENT}"""A point where edges meet."""']


def _python_lines(body: PythonBody, parameters: Mapping[str, str] | None) -> Iterator[str]:
    if body.lines:
        yield from body.lines
        yield ""
    if body.runtime is not None:
        run: Expr = Name("runtime.run")
        if body.isolation is not None:
            run = Call(body.isolation, (run,))
        function: Expr = Name(body.function)
        if body.around is not None:
            function = Call(body.around, (function,))
        yield from _returned(Call(run, (function,), body.runtime))
        return
    prefix = "result = " if body.unpack else "return "
    if parameters is None:
        yield f"{INDENT}{prefix}{body.function}(**inputs)"
    else:
        keywords = {name: Name(chosen) for name, chosen in parameters.items()}
        if all(is_identifier(name) for name in keywords):
            yield from layout(Call(Name(body.function), (), keywords), prefix=prefix, indent=1)
        else:
            yield from _spread(f"{INDENT}{prefix}{body.function}(", dict_of(keywords))
    if body.unpack:
        taken = {name: Attribute(Name("result"), name) for name in body.unpack}
        yield from _returned(dict_of(taken))


def _spread(opening: str, keywords: Expr) -> Iterator[str]:
    """A call whose keyword arguments have names that cannot be written as such."""
    flat = f"{opening}**{inline(keywords)})"
    if len(flat) <= WIDTH:
        yield flat
        return
    yield opening
    yield from layout(keywords, prefix="**", indent=2)
    yield f"{INDENT})"


def _call_lines(body: CallBody, parameters: list[str]) -> Iterator[str]:
    if body.runtime is None:
        yield from _container_or_call(body, 1)
        return
    yield from function_header(body.function, parameters, indent=1)
    yield from _container_or_call(body, 2)
    yield ""
    yield from _returned(Call(Name("runtime.run"), (Name(body.function),), body.runtime))


def _container_or_call(body: CallBody, indent: int) -> Iterator[str]:
    if body.files is not None:
        yield from layout(body.files, prefix="files = ", indent=indent)
    yield from layout(body.call, prefix="return " if body.returns else "", indent=indent)


def _returned(expr: Expr) -> list[str]:
    return layout(expr, prefix="return ", indent=1)


def _window(file: FlowFile) -> list[str]:
    if file.window is None:
        return []
    lines = [
        "def outside_schedule() -> bool:",
        '    """Whether the schedule started this run before its first or after its last date."""',
        '    if "auto-scheduled" not in flow_run.tags:',
        "        return False",
        "    moment = flow_run.scheduled_start_time",
    ]
    tests = []
    if file.window.start is not None:
        tests.append("moment < SCHEDULE_START")
    if file.window.end is not None:
        tests.append("moment > SCHEDULE_END")
    return [*lines, f"    return {' or '.join(tests)}"]


def _run_id(file: FlowFile) -> list[str]:
    if not file.run_id:
        return []
    return [
        "def run_id() -> str:",
        '    """The flow run\'s id; starting it again in Prefect makes a run of its own."""',
        "    again = flow_run.run_count > 1",
        '    return f"{flow_run.id}-{flow_run.run_count}" if again else flow_run.id',
    ]


def _context(file: FlowFile) -> list[str]:
    if file.context is None:
        return []
    own = {
        "pipeline": file.context["pipeline"],
        "run_id": call("run_id"),
        "task": Name("task_run.task_name"),
        "attempt": Name("task_run.run_count"),
    }
    if file.indexed:
        own["index"] = Conditional(
            Name("step.index"), call("isinstance", Name("step"), Name("Step")), tuple_of([])
        )
    made = call("runtime.Context", **{**own, **file.context})
    lines = layout(made, prefix="return ", indent=1)
    place = ['    step = task_run.parameters.get("step")'] if file.indexed else []
    links = []
    if file.closing is not None:
        links.append(f'{INDENT * 2}run_link=url_for("flow-run", obj_id=flow_run.id) or "",')
        links.append(f"{INDENT * 2}on_tracked={LINK},")
    return [
        "def context() -> runtime.Context:",
        '    """Whose attempt this is, as Prefect knows it."""',
        *place,
        *lines[:-1],
        f'{INDENT * 2}link=task_run.ui_url or "",',
        *links,
        lines[-1],
    ]


def _pick() -> list[str]:
    return [
        "@task(cache_policy=NO_CACHE)",
        "def pick(values, key):",
        '    """One of several outputs, or an element of one."""',
        "    return values[key]",
    ]


def _constants(file: FlowFile) -> Iterator[list[str]]:
    if any(TIMESTAMP in parameter.annotation for parameter in file.parameters):
        yield [f'{TIMESTAMP} = Annotated[str, Field(json_schema_extra={{"format": "date-time"}})]']
    for name, value in file.constants.items():
        yield layout(value, prefix=f"{name} = ")
    if file.turns is not None:
        yield [f"TURNS = threading.BoundedSemaphore({file.turns})"]
    if file.window is None:
        return
    for name, moment in (("SCHEDULE_START", file.window.start), ("SCHEDULE_END", file.window.end)):
        if moment is not None:
            yield layout(call("datetime.fromisoformat", Value(moment)), prefix=f"{name} = ")


def _own_imports(file: FlowFile) -> Iterator[Import]:
    """What our part of the file uses."""
    yield Import("prefect", "flow")
    if file.tasks:
        yield Import("prefect", "task")
        yield Import("prefect.cache_policies", "NO_CACHE")
    if file.settle or (file.outputs and file.submissions) or file.exits:
        yield Import("prefect.futures", "wait")
    if file.turns is not None:
        yield Import("threading")
    if "task_runner" in file.options:
        yield Import("prefect.task_runners", "ThreadPoolTaskRunner")
    if file.window is not None or file.run_id:
        yield Import("prefect.runtime", "flow_run")
    if file.context is not None:
        yield Import("prefect.runtime", "task_run")
        yield Import("intermodal", "runtime")
    if file.closing is not None:
        yield from closing_imports()
    if file.window is not None:
        yield Import("datetime", "datetime")
        yield Import("prefect.states", "Completed")
    yield from annotation_imports(file.parameters)


def _spaced(blocks: Iterable[list[str]]) -> Iterator[str]:
    """Blocks apart from each other: two blank lines around functions and classes, else one."""
    previous: list[str] | None = None
    for block in blocks:
        near = previous is not None and not _is_definition(previous) and not _is_definition(block)
        yield from ([] if near and previous else ["", ""] if previous else _first_gap(block))
        yield from block
        previous = block


def _first_gap(block: list[str]) -> list[str]:
    return ["", ""] if _is_definition(block) else [""]


def _is_definition(block: list[str]) -> bool:
    return block[0].startswith(("def ", "class ", "@", "async ", "if __name__"))
