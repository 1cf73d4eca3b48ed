"""Printing a flow file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal_compilers.prefect import parts
from intermodal_compilers.prefect.annotations import TIMESTAMP
from intermodal_compilers.prefect.imports import Import, import_lines
from intermodal_compilers.prefect.model import (
    CallBody,
    FlowFile,
    NoopBody,
    PythonBody,
    Submission,
    TaskFunction,
)
from intermodal_compilers.prefect.signature import (
    annotation_imports,
    choice_check,
    header_lines,
)
from intermodal_compilers.pysource import (
    INDENT,
    WIDTH,
    Attribute,
    Call,
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
    list_of,
)

SETTLE = "# A task gives up as soon as one that it needs has failed: let the others finish."


def emit(file: FlowFile) -> str:
    """The text of `flow.py`."""
    prelude, prelude_imports = parts.closure(file.prelude)
    imports = [*_own_imports(file), *prelude_imports, *file.imports]
    blocks: list[list[str]] = list(_constants(file))
    blocks += [part.text.split("\n") for part in prelude]
    blocks += [block for block in (_window(file), _run_id(file), _context(file)) if block]
    blocks += [text.rstrip("\n").split("\n") for text in file.definitions]
    if file.picks:
        blocks.append(_pick())
    blocks += [task_lines(task) for task in file.tasks]
    blocks.append(list(flow_lines(file)))
    if all(parameter.default is not None for parameter in file.parameters):
        blocks.append(['if __name__ == "__main__":', f"{INDENT}{file.function}()"])
    lines = [*docstring(file.caption), "", *import_lines(imports), *_spaced(blocks)]
    return "\n".join(lines).rstrip("\n") + "\n"


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
        yield from _returned(Call(run, (Name(body.function),), body.runtime))
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


def flow_lines(file: FlowFile) -> Iterator[str]:
    """The flow function."""
    yield from layout(call("flow", **file.options), prefix="@")
    yield from header_lines(file)
    body = [
        *_flow_docs(file),
        *_window_check(file),
        *(line for parameter in file.parameters for line in choice_check(parameter)),
        *(line for submission in file.submissions for line in submission_lines(submission)),
        *_ending(file),
    ]
    yield from body or [f"{INDENT}pass"]


def submission_lines(submission: Submission) -> list[str]:
    """`variable = task.with_options(...).submit(...)`."""
    arguments = dict(submission.arguments)
    if submission.wait_for:
        arguments["wait_for"] = list_of(Name(name) for name in submission.wait_for)
    prefix = f"{submission.variable} = "
    if not submission.options:
        made = Call(Name(f"{submission.task}.submit"), submission.args, arguments)
        if _head(made, prefix) <= WIDTH:
            return layout(made, prefix=prefix, indent=1)
        return [f"{INDENT}{prefix}(", *layout(made, indent=2), f"{INDENT})"]
    options = Call(Name(f"{submission.task}.with_options"), (), submission.options)
    made = Call(Attribute(options, "submit"), submission.args, arguments)
    short = len(f"{INDENT}{prefix}{inline(made)}") <= WIDTH
    if short or (_head(made, prefix) <= WIDTH and (arguments or submission.args)):
        return layout(made, prefix=prefix, indent=1)
    if _head(options, prefix) > WIDTH:
        inner = _chain_lines(options, submission, arguments, "", 2)
        return [f"{INDENT}{prefix}(", *inner, f"{INDENT})"]
    return _chain_lines(options, submission, arguments, prefix, 1)


def _head(made: Call, prefix: str) -> int:
    """How long the line is on which a call of the flow function opens."""
    return len(f"{INDENT}{prefix}{inline(made.function)}(")


def _chain_lines(
    options: Call, submission: Submission, arguments: dict[str, Expr], prefix: str, indent: int
) -> list[str]:
    """`prefix task.with_options(...).submit(...)` with the first call broken, the second if need be."""
    first = layout(options, prefix=prefix, indent=indent)
    if len(first) == 1:
        first = _forced(options, prefix, indent)
    rest = layout(Call(Name("x.submit"), submission.args, arguments), indent=indent)
    return [*first[:-1], rest[0].replace("x.submit", ").submit", 1), *rest[1:]]


def _forced(made: Call, prefix: str, indent: int) -> list[str]:
    inside = ", ".join(f"{key}={inline(value)}" for key, value in made.keywords.items())
    margin = INDENT * indent
    return [f"{margin}{prefix}{inline(made.function)}(", f"{margin}{INDENT}{inside}", f"{margin})"]


def _ending(file: FlowFile) -> Iterator[str]:
    """What makes the flow wait for its tasks and end as they did."""
    if not file.submissions:
        if file.outputs:
            yield from _returned(dict_of(file.outputs))
        return
    leaves = [Name(name) for name in file.leaves]
    others = [Name(name) for name in file.settle]
    if file.outputs is None:
        if others:
            yield f"{INDENT}{SETTLE}"
            yield from layout(call("wait", list_of(others)), indent=1)
        yield from _returned(list_of(leaves))
        return
    yield from layout(list_of(leaves), prefix="leaves = ", indent=1)
    if others:
        yield f"{INDENT}{SETTLE}"
        yield from layout(call("wait", list_of(others)), indent=1)
    yield f"{INDENT}wait(leaves)"
    yield f"{INDENT}if not all(leaf.state.is_completed() for leaf in leaves):"
    yield f"{INDENT * 2}return leaves"
    futures = {submission.variable for submission in file.submissions}
    results = {name: _result(value, futures) for name, value in file.outputs.items()}
    yield from _returned(dict_of(results))


def _result(value: Expr, futures: set[str]) -> Expr:
    if isinstance(value, Name) and value.path in futures:
        return call(Attribute(value, "result"))
    return value


def _flow_docs(file: FlowFile) -> list[str]:
    helped = [parameter for parameter in file.parameters if parameter.help]
    if not file.docs.strip() and not helped:
        return []
    text = file.docs.strip() or f"Run {file.name}."
    if helped:
        rows = [f"    {parameter.variable}: {parameter.help}" for parameter in helped]
        text = "\n".join([text, "", "Args:", *rows])
    return docstring(text, indent=1)


def _window_check(file: FlowFile) -> Iterator[str]:
    if file.window is None:
        return
    yield f"{INDENT}if outside_schedule():"
    yield f'{INDENT * 2}return Completed(name="Skipped", message="outside the schedule\'s dates")'


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
    made = call("runtime.Context", **{**own, **file.context})
    lines = layout(made, prefix="return ", indent=1)
    return [
        "def context() -> runtime.Context:",
        '    """Whose attempt this is, as Prefect knows it."""',
        *lines[:-1],
        f'{INDENT * 2}link=task_run.ui_url or "",',
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
    if file.settle or (file.outputs and file.submissions):
        yield Import("prefect.futures", "wait")
    if "task_runner" in file.options:
        yield Import("prefect.task_runners", "ThreadPoolTaskRunner")
    if file.window is not None or file.run_id:
        yield Import("prefect.runtime", "flow_run")
    if file.context is not None:
        yield Import("prefect.runtime", "task_run")
        yield Import("intermodal", "runtime")
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
