"""Expressions of the IR as Python: in the flow function, and inside a container task."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from intermodal.findings import Finding, Span, error
from intermodal.frozen import Frozen
from intermodal.ir import (
    Expression,
    Format,
    Index,
    InputRef,
    Literal_,
    OutputRef,
    ParameterRef,
    PathRef,
    RunFact,
    Task,
)
from intermodal_compilers.prefect.model import Statement, Submission
from intermodal_compilers.prefect.names import Names, variable
from intermodal_compilers.pysource import Attribute, Expr, Name, Value, call, list_of

FOLDER = "/intermodal"

# Of `    NAME_future_99 = TASK.with_options(` on one line, what is left for both names; and the most
# that one of them may have.
LONGEST_NAMES = 55
LONGEST_NAME = 36


@dataclass
class Wiring:
    """What the flow function knows while its calls are written, in order.

    Attributes:
        pipeline: The pipeline's name.
        parameters: Python names of the parameters.
        futures: Variables of the tasks called so far.
        whole: Ids of the tasks whose future is their one output, not a mapping of outputs.
        names: Names in the flow function.
        picked: Variables of the elements picked so far.
        submissions: All calls so far.
        run_id: Whether the flow run's id was asked for.
    """

    pipeline: str
    parameters: Mapping[str, str]
    names: Names
    futures: dict[str, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    picked: dict[tuple[str, str], str] = field(default_factory=dict)
    submissions: list[Statement] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    run_id: bool = False


class Wired(Frozen):
    """An expression of the flow function, and the variables of the futures it uses."""

    expr: Expr
    futures: tuple[str, ...] = ()


def wire(wiring: Wiring, value: Expression, subject: str, span: Span | None) -> Wired:
    """An input's value as it stands in the flow function; what needs a task of its own gets one."""
    match value:
        case Literal_(value=literal):
            return Wired(Value(literal))
        case ParameterRef(name=name):
            return Wired(Name(wiring.parameters[name]))
        case OutputRef(node=node, output=output):
            return _output(wiring, node, output)
        case Index(base=base, key=key):
            whole = wire(wiring, base, subject, span)
            return _picked(wiring, whole, wire(wiring, key, subject, span), wanted="element")
        case RunFact(fact="run_id"):
            wiring.run_id = True
            return Wired(call("run_id"))
        case RunFact(fact="pipeline"):
            return Wired(Value(wiring.pipeline))
        case RunFact(fact=fact):
            what = f"{subject}: Prefect does not know `{fact}` when it starts a task"
            hint = "take it as a parameter of the pipeline"
        case _:
            what = f"{subject}: a `{value.op}` expression cannot be an input in Prefect"
            hint = "compute it inside the task"
    wiring.findings.append(error("PORT204", what, value.span or span, next=hint))
    return Wired(Value(None))


def _output(wiring: Wiring, node: str, output: str) -> Wired:
    future = wiring.futures[node]
    if node in wiring.whole:
        return Wired(Name(future), (future,))
    return _picked(
        wiring,
        Wired(Name(future), (future,)),
        Wired(Value(output)),
        wanted=variable(f"{node}_{output}"),
        options={"name": Value(f"{node}.{output}")},
    )


def _picked(
    wiring: Wiring,
    base: Wired,
    key: Wired,
    *,
    wanted: str,
    options: Mapping[str, Expr] | None = None,
) -> Wired:
    """The variable of a `pick` task for this element; one for all who want it."""
    identity = (repr(base.expr), repr(key.expr))
    if identity not in wiring.picked:
        chosen = wiring.names.give(future_name(wanted, "pick"))
        wiring.picked[identity] = chosen
        upstreams = tuple(dict.fromkeys((*base.futures, *key.futures)))
        wiring.submissions.append(
            Submission(chosen, "pick", options or {}, (base.expr, key.expr), upstreams=upstreams)
        )
    chosen = wiring.picked[identity]
    return Wired(Name(chosen), (chosen,))


def future_name(text: str, task: str) -> str:
    """A variable for a call of the task; short enough for both to stand on one line."""
    longest = min(max(8, LONGEST_NAMES - len(task)), LONGEST_NAME)
    return f"{variable(text)[:longest].rstrip('_') or 'task'}_future"


def container_text(
    value: Expression, task: Task, parameters: Mapping[str, str], problem: Callable[[str], None]
) -> Expr:
    """A word of a container's command, inside the task function."""
    match value:
        case Literal_(value=literal):
            return Value(literal if isinstance(literal, str) else json.dumps(literal))
        case InputRef(name=name):
            return call("as_text", Name(parameters[name]))
        case PathRef(direction=direction, name=name):
            return Value(f"{FOLDER}/{direction}s/{name}")
        case Format(parts=parts):
            return _joined([container_text(part, task, parameters, problem) for part in parts])
        case _:
            problem(f"a `{value.op}` expression cannot be part of a container's command")
            return Value("")


def _joined(parts: list[Expr]) -> Expr:
    merged: list[Expr] = []
    for part in parts:
        last = merged[-1] if merged else None
        if isinstance(part, Value) and isinstance(last, Value):
            merged[-1] = Value(last.value + part.value)
        else:
            merged.append(part)
    if len(merged) == 1:
        return merged[0]
    return call(Attribute(Value(""), "join"), list_of(merged)) if merged else Value("")
