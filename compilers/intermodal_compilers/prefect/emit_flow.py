"""Printing the flow function: calls of tasks, functions for branches and loops, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal_compilers.prefect.model import (
    Arms,
    Controlled,
    FlowFile,
    Round,
    Started,
    Statement,
    Submission,
)
from intermodal_compilers.prefect.signature import choice_check, header_lines
from intermodal_compilers.pysource import (
    INDENT,
    WIDTH,
    Attribute,
    Call,
    Expr,
    Lambda,
    Mapping_,
    Name,
    Operation,
    Sequence_,
    Subscript,
    call,
    dict_of,
    docstring,
    inline,
    layout,
    list_of,
)

SETTLE = "# A task gives up as soon as one that it needs has failed: let the others finish."
LONGEST_PART = 24


def flow_lines(file: FlowFile) -> Iterator[str]:
    """The flow function."""
    yield from layout(call("flow", **file.options), prefix="@")
    yield from header_lines(file)
    docs = _flow_docs(file)
    opening = [
        *_window_check(file),
        *(line for parameter in file.parameters for line in choice_check(parameter)),
    ]
    blocks = [opening] if opening else []
    blocks += [block for statement in file.submissions for block in _blocks(statement, 1)]
    blocks += _ending(file)
    body = [*docs, *_apart(blocks, after_docs=bool(docs))]
    yield from body or [f"{INDENT}pass"]


def _apart(blocks: list[list[str]], *, after_docs: bool = False) -> Iterator[str]:
    """Blocks of lines, with a blank line around functions."""
    before = after_docs
    for number, block in enumerate(blocks):
        function = block[0].lstrip().startswith("def ")
        if (number or after_docs) and (function or (number and before)):
            yield ""
        yield from block
        before = function


def _blocks(statement: Statement, depth: int) -> Iterator[list[str]]:
    """The statements of one node; functions are blocks of their own."""
    match statement:
        case Submission():
            yield submission_lines(statement, around=depth - 1)
        case Controlled():
            yield from controlled_blocks(statement, depth)
        case Arms():
            yield from _arms_blocks(statement, depth)
        case Round():
            header = (
                f"{INDENT * depth}def {statement.function}({statement.item}, {statement.index}):"
            )
            docs = docstring(statement.docs, indent=depth + 1)
            yield [header, *docs, *_body_lines(statement.body, depth + 1, after_docs=True)]


def _body_lines(
    body: Started, depth: int, *, after_docs: bool = False, listed: bool = False
) -> list[str]:
    """The statements of a region, and the part that they make."""
    blocks = [block for statement in body.statements for block in _blocks(statement, depth)]
    part = call(
        "Part",
        list_of(Name(name) for name in body.leaves),
        others=list_of(Name(name) for name in body.others) if body.others else None,
        outputs=dict_of({name: list_of(items) for name, items in body.outputs.items()})
        if body.outputs
        else None,
    )
    blocks.append(layout(list_of([part]) if listed else part, prefix="return ", indent=depth))
    return list(_apart(blocks, after_docs=after_docs))


def _arms_blocks(statement: Arms, depth: int) -> Iterator[list[str]]:
    header = f"{INDENT * depth}def {statement.function}():"
    docs = docstring(statement.docs, indent=depth + 1)
    blocks: list[list[str]] = []
    if statement.chooser is not None:
        functions = [name for _, name in statement.functions]
        functions += [statement.otherwise] if statement.otherwise else []
        for function, (_, body) in zip(functions, statement.arms, strict=True):
            opening = f"{INDENT * (depth + 1)}def {function}():"
            blocks.append([opening, *_body_lines(body, depth + 2)])
        arms = dict_of({name: Name(function) for name, function in statement.functions})
        otherwise = Name(statement.otherwise) if statement.otherwise else None
        made = call("start_arms", statement.chooser, arms, otherwise=otherwise)
        blocks += _with_parts(made, "return ", depth + 1, statement.names[0])
    else:
        blocks += _tested_blocks(statement, depth + 1)
    yield [header, *docs, *_apart(blocks, after_docs=True)]


def _tested_blocks(statement: Arms, depth: int) -> Iterator[list[str]]:
    """`if` for each condition; each arm returns."""
    for (test, body), name in zip(statement.arms, statement.names, strict=True):
        if test is None:
            yield _body_lines(body, depth, listed=True)
            return
        if len(f"{INDENT * depth}if {inline(test)}:") > WIDTH:
            yield function_lines(name, test, depth)
            shown: Expr = call(name)
        else:
            shown = test
        inside = _body_lines(body, depth + 1, listed=True)
        if inside[0].lstrip().startswith("def "):
            inside = ["", *inside]
        yield [f"{INDENT * depth}if {inline(shown)}:", *inside]
    yield [f"{INDENT * depth}return []"]


def controlled_blocks(statement: Controlled, depth: int) -> Iterator[list[str]]:
    """`variable = submit(task, inputs, ...)`, after functions for what is too long for its line."""
    inputs: Expr = Lambda(statement.inputs) if statement.lazy else statement.inputs
    guard: Expr | None = None if statement.guard is None else Lambda(statement.guard)
    room = WIDTH - len(INDENT) * (depth + 1) - 1
    if isinstance(inputs, Lambda) and len(inline(inputs)) > room:
        yield function_lines(statement.names[0], statement.inputs, depth)
        inputs = Name(statement.names[0])
    if guard is not None and statement.guard is not None and len(inline(guard)) > room - 6:
        yield function_lines(statement.names[1], statement.guard, depth)
        guard = Name(statement.names[1])
    arguments: dict[str, Expr | None] = {
        "join": statement.join,
        "upstreams": list_of(Name(up) for up in statement.upstreams)
        if statement.upstreams
        else None,
        "guard": guard,
        "given": list_of(statement.given) if statement.given else None,
        "index": Name(statement.index) if statement.index else None,
    }
    made = call("submit", statement.task, inputs, **arguments)
    yield layout(made, prefix=f"{statement.variable} = ", indent=depth)


def function_lines(name: str, expr: Expr, depth: int) -> list[str]:
    """A function that returns the value of an expression."""
    blocks = _with_parts(expr, "return ", depth + 1, name)
    return [f"{INDENT * depth}def {name}():", *_apart(blocks)]


def _with_parts(expr: Expr, prefix: str, depth: int, name: str) -> list[list[str]]:
    """A statement, after functions for those of its operations that are too long for a line."""
    parts: list[tuple[str, Expr]] = []
    room = WIDTH - len(INDENT) * depth - len(prefix)
    short = _shortened(expr, room, parts, name)
    blocks = [function_lines(part, value, depth) for part, value in parts]
    return [*blocks, layout(short, prefix=prefix, indent=depth)]


def _shortened(expr: Expr, room: int, parts: list[tuple[str, Expr]], name: str) -> Expr:
    """The expression with calls of further functions in place of long parts of operations."""
    if len(inline(expr)) <= room:
        return expr

    def within(inner: Expr) -> Expr:
        return _shortened(inner, LONGEST_PART, parts, name)

    match expr:
        case Operation(operator, operands):
            small = tuple(_part(operand, parts, name) for operand in operands)
            made: Expr = Operation(operator, small)
            if len(inline(made)) > room and operator in ("and", "or"):
                made = call("all" if operator == "and" else "any", list_of(small))
            return made
        case Call(function, args, keywords):
            inside = {key: within(value) for key, value in keywords.items()}
            return Call(function, tuple(within(arg) for arg in args), inside)
        case Sequence_(items, brackets):
            return Sequence_(tuple(within(item) for item in items), brackets)
        case Mapping_(items):
            return Mapping_(tuple((key, within(value)) for key, value in items))
        case Subscript(base, key):  # a call can be laid out on several lines
            return call("element_of", within(base), within(key))
        case _:
            return expr


def _part(expr: Expr, parts: list[tuple[str, Expr]], name: str) -> Expr:
    if len(inline(expr)) <= LONGEST_PART:
        return expr
    chosen = f"{name}_{len(parts) + 1}"
    parts.append((chosen, expr))
    return call(chosen)


def submission_lines(submission: Submission, around: int = 0) -> list[str]:
    """`variable = task.with_options(...).submit(...)`, in a function or deeper."""
    lines = _submission_lines(submission, around)
    margin = INDENT * around
    return [f"{margin}{line}" for line in lines]


def _submission_lines(submission: Submission, around: int) -> list[str]:
    width = WIDTH - len(INDENT) * around
    arguments = dict(submission.arguments)
    if submission.wait_for:
        arguments["wait_for"] = list_of(Name(name) for name in submission.wait_for)
    prefix = f"{submission.variable} = "
    if not submission.options:
        made = Call(Name(f"{submission.task}.submit"), submission.args, arguments)
        if _head(made, prefix) <= width:
            return layout(made, prefix=prefix, indent=1, around=around)
        return [f"{INDENT}{prefix}(", *layout(made, indent=2, around=around), f"{INDENT})"]
    options = Call(Name(f"{submission.task}.with_options"), (), submission.options)
    made = Call(Attribute(options, "submit"), submission.args, arguments)
    short = len(f"{INDENT}{prefix}{inline(made)}") <= width
    if short or (_head(made, prefix) <= width and (arguments or submission.args)):
        return layout(made, prefix=prefix, indent=1, around=around)
    if _head(options, prefix) > width:
        inner = _chain_lines(options, submission, arguments, "", 2, around)
        return [f"{INDENT}{prefix}(", *inner, f"{INDENT})"]
    return _chain_lines(options, submission, arguments, prefix, 1, around)


def _head(made: Call, prefix: str) -> int:
    """How long the line is on which a call of the flow function opens."""
    return len(f"{INDENT}{prefix}{inline(made.function)}(")


def _chain_lines(
    options: Call,
    submission: Submission,
    arguments: dict[str, Expr],
    prefix: str,
    indent: int,
    around: int,
) -> list[str]:
    """`prefix task.with_options(...).submit(...)` with the first call broken, the second if need be."""
    first = layout(options, prefix=prefix, indent=indent, around=around)
    if len(first) == 1:
        first = _forced(options, prefix, indent)
    made = Call(Name("x.submit"), submission.args, arguments)
    rest = layout(made, indent=indent, around=around)
    return [*first[:-1], rest[0].replace("x.submit", ").submit", 1), *rest[1:]]


def _forced(made: Call, prefix: str, indent: int) -> list[str]:
    inside = ", ".join(f"{key}={inline(value)}" for key, value in made.keywords.items())
    margin = INDENT * indent
    return [f"{margin}{prefix}{inline(made.function)}(", f"{margin}{INDENT}{inside}", f"{margin})"]


def _ending(file: FlowFile) -> Iterator[list[str]]:
    """What makes the flow wait for its tasks and end as they did."""
    if not file.submissions and not file.exits:
        if file.outputs:
            yield _returned(dict_of(file.outputs))
        return
    leaves = list_of(Name(name) for name in file.leaves)
    others = [Name(name) for name in file.settle]
    if file.outputs is None and not file.exits:
        if others:
            yield [f"{INDENT}{SETTLE}", *layout(call("wait", list_of(others)), indent=1)]
        yield _returned(leaves)
        return
    yield layout(leaves, prefix="leaves = ", indent=1)
    if others:
        yield [f"{INDENT}{SETTLE}", *layout(call("wait", list_of(others)), indent=1)]
    if file.exits:
        yield [f"{INDENT}wait(leaves)"]
        if file.reads_state:
            yield [f"{INDENT}state = run_state(leaves)"]
        for statement in file.exits:
            yield from _blocks(statement, 1)
        ends = list_of(Name(name) for name in file.exit_leaves)
        yield layout(ends, prefix="leaves += ", indent=1)
    if file.outputs is None:
        yield [f"{INDENT}return leaves"]
        return
    yield [
        f"{INDENT}wait(leaves)",
        f"{INDENT}if not all(leaf.state.is_completed() for leaf in leaves):",
        f"{INDENT * 2}return leaves",
    ]
    if file.controlled:
        yield from _with_parts(dict_of(file.outputs), "return ", 1, f"{file.function}_output")
        return
    futures = {entry.variable for entry in file.submissions if isinstance(entry, Submission)}
    yield _returned(dict_of({k: _result(value, futures) for k, value in file.outputs.items()}))


def _returned(expr: Expr) -> list[str]:
    return layout(expr, prefix="return ", indent=1)


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
