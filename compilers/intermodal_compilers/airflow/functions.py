"""Functions of the user's tasks whose inputs are computed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from intermodal.ir import (
    Container,
    Expression,
    Format,
    InputRef,
    ListOf,
    Literal_,
    MapOf,
    PathRef,
    SecretRef,
    Shell,
    StringType,
    Task,
    TimestampType,
)
from intermodal.runtime.secrets import MARK, secret_marker
from intermodal_compilers.airflow import operators
from intermodal_compilers.airflow.embed import indent_lines
from intermodal_compilers.airflow.formulas import Formula
from intermodal_compilers.airflow.plan import (
    Unit,
)
from intermodal_compilers.airflow.python_tasks import (
    Given,
    Make,
    Written,
    annotation,
    output_settings,
)
from intermodal_compilers.airflow.views import TaskView, is_cached
from intermodal_compilers.pysource import (
    Call,
    Expr,
    Name,
    Operation,
    Value,
    call,
    dict_of,
    docstring,
    layout,
    list_of,
)

SKIP = "    raise AirflowSkipException"

# Names that the lines of the functions below use.
OWN_NAMES = (
    "AirflowSkipException",
    "arms",
    "bool",
    "combined",
    "head",
    "heads",
    "item",
    "last_line",
    "len",
    "list",
    "name",
    "zip",
)


def computed_inputs(unit: Unit, view: TaskView, *, runtime: bool) -> Make:
    """Inputs are made inside the function, of arguments for what their expressions refer to."""

    def make(taken: set[str], depth: int) -> Given:
        formula = Formula(view, {*taken, *OWN_NAMES})
        before = _guard_lines(unit, formula, depth)
        value = partial(marked, formula) if runtime else formula.value
        values = {key: value(e) for key, e in unit.task.inputs.items()}
        return Given(
            parameters=parameters_of(formula, view),
            values=values,
            before=(*before, *formula.statements(depth)),
            leaves=formula.leaves,
            helpers=frozenset(formula.helpers) | ({"AirflowSkipException"} if before else set()),
            secrets=secrets_of(unit.task, formula),
            context=context_of(unit) if runtime else (),
            cache=cache_of(unit.task),
        )

    return make


def marked(formula: Formula, expression: Expression) -> Expr:
    """An input for the runtime, which puts secrets in place of their marks and records none."""
    match expression:
        case SecretRef(name=name, key=key):
            return Value(secret_marker(name, key))
        case ListOf(items=items):
            return list_of([marked(formula, item) for item in items])
        case MapOf(entries=entries):
            return dict_of({key: marked(formula, item) for key, item in entries.items()})
        case Format(parts=parts) if any(isinstance(part, SecretRef) for part in parts):
            pieces: list[Expr] = []
            for part in parts:
                if isinstance(part, SecretRef):
                    pieces.append(Value({"name": part.name, "key": part.key}))
                else:
                    pieces.append(formula.value(Format.of(parts=(part,))))
            return dict_of({MARK: list_of(pieces)})
        case _:
            return formula.value(expression)


def _guard_lines(unit: Unit, formula: Formula, depth: int) -> list[str]:
    """Lines that end the task as skipped if its guard does not hold."""
    if unit.guard is None:
        return []
    holds = formula.condition(unit.guard)
    lines = formula.statements(depth)
    formula.lines, formula.fetched = [], []
    test = layout(negated(holds), prefix="if ", suffix=":", around=depth)
    return [*lines, *test, SKIP]


def negated(expr: Expr) -> Expr:
    """The opposite of a condition, as a formatter and a linter would have it."""
    opposite = {
        "==": "!=",
        "!=": "==",
        "in": "not in",
        "not in": "in",
        "is": "is not",
        "is not": "is",
    }
    if isinstance(expr, Operation) and expr.operator in opposite:
        return Operation(opposite[expr.operator], expr.operands)
    if isinstance(expr, Operation) and expr.operator == "not":
        return expr.operands[0]
    return Operation("not", (expr,))


def parameters_of(formula: Formula, view: TaskView) -> tuple[str, ...]:
    """The arguments of a formula's function."""
    typed = []
    for name, leaf in formula.leaves.items():
        hint = "" if view.may_be_reference(leaf) else annotation(view.type_of(leaf))
        typed.append(f"{name}: {hint}" if hint and view.unit.always_there else name)
    return tuple(typed)


def secrets_of(task: Task, formula: Formula) -> dict[str, Expr]:
    """The environment variables that are secrets, as the worker knows them."""
    return {
        s.variable: formula.value(SecretRef.of(name=s.secret.name, key=s.secret.key))
        for s in task.secrets
    }


def context_of(unit: Unit) -> tuple[Expr, ...]:
    """What the runtime must be told of an instance: its task, and its position in loops."""
    if not unit.index:
        return ()
    return (Value(unit.origin), *(Value(part) for part in unit.index))


def cache_of(task: Task) -> Expr | None:
    """What the runtime must be told of the cache."""
    if task.cache is None or not is_cached(task):
        return None
    ttl = task.cache.ttl.total_seconds() if task.cache.ttl is not None else None
    if ttl is not None and ttl == int(ttl):
        ttl = int(ttl)
    return Value({"key": task.cache.key, "ttl": ttl, "code": ""})


def written(
    unit: Unit,
    view: TaskView,
    formula: Formula,
    lines: list[str],
    *,
    docs: str = "",
    helpers: set[str] | None = None,
    settings: Mapping[str, Expr] | None = None,
) -> Written:
    """A function's text, from a formula and the lines of its body."""
    body = [*(docstring(docs) if docs else []), *lines]
    return Written(
        wanted=unit.id,
        parameters=parameters_of(formula, view),
        returns="",
        body=tuple(indent_lines(body, 1)),
        arguments={},
        settings=settings or {},
        helpers=frozenset(formula.helpers | (helpers or set())),
        docstring=docs,
        leaves=formula.leaves,
    )


# The user's commands


def write_bash(unit: Unit, action: Shell, view: TaskView) -> Written:
    """The function for a shell task whose variables are computed."""
    formula = Formula(view, set(OWN_NAMES))
    lines = _guard_lines(unit, formula, 1)
    run: Expr = call("run_bash", Value(action.command), *_variables(unit, formula, view))
    lines += formula.statements()
    helpers = {"run_bash", *(["AirflowSkipException"] if unit.guard is not None else [])}
    if unit.task.outputs:
        reader = operators.READERS.get(type(unit.task.outputs["return"]), "json.loads")
        if reader:
            helpers.add(reader.split(".", maxsplit=1)[0])
            lines += layout(run, prefix="last_line = ", around=1)
            run = call(reader, Name("last_line"))
        lines += layout(run, prefix="return ", around=1)
    else:
        lines += layout(run, around=1)
    helpers.discard("int")
    return written(unit, view, formula, lines, helpers=helpers)


def write_bash_check(unit: Unit, action: Shell, view: TaskView) -> Written:
    """The function of a sensor that runs a command."""
    formula = Formula(view, set(OWN_NAMES))
    lines = _guard_lines(unit, formula, 1)
    run = call("bash_succeeds", Value(action.command), *_variables(unit, formula, view))
    lines += [*formula.statements(), *layout(run, prefix="return ", around=1)]
    helpers = {"bash_succeeds", *(["AirflowSkipException"] if unit.guard is not None else [])}
    return written(unit, view, formula, lines, helpers=helpers)


def _variables(unit: Unit, formula: Formula, view: TaskView) -> tuple[Expr, ...]:
    """The environment variables of a command, if it has any."""
    variables: dict[str, Expr] = {k: Value(text) for k, text in unit.task.environment.items()}
    for key, expression in unit.task.inputs.items():
        variables[key] = text_of(formula, expression, view)
    variables |= secrets_of(unit.task, formula)
    return (dict_of(variables),) if variables else ()


def text_of(formula: Formula, expression: Expression, view: TaskView) -> Expr:
    """An expression as a command sees it."""
    if isinstance(expression, Literal_):
        from intermodal_compilers.airflow import templates

        return Value(templates.text_of(expression.value))
    value = formula.value(expression)
    is_text = isinstance(view.type_of(expression), (StringType, TimestampType))
    if is_text and view.unit.always_there and not view.may_be_reference(expression):
        return value
    formula.helpers.add("as_text")
    return call("as_text", value)


def write_container(unit: Unit, action: Container, view: TaskView) -> Written:
    """The function for a container task whose arguments are computed."""
    formula = Formula(view, set(OWN_NAMES))
    lines = _guard_lines(unit, formula, 1)
    task = unit.task
    files: dict[str, Expr] = {}

    def part(expression: Expression) -> Expr:
        pieces = [_piece(formula, task, piece, view, files) for piece in operators.flat(expression)]
        if len(pieces) == 1:
            return pieces[0]
        from intermodal_compilers.pysource import Attribute

        return Call(Attribute(Value(""), "join"), (list_of(pieces),))

    keywords: dict[str, Expr] = {"image": Value(action.image)}
    for name, items in (("entrypoint", action.command), ("command", action.args)):
        if items:
            keywords[name] = list_of([part(item) for item in items])
    variables: dict[str, Expr] = {k: Value(text) for k, text in task.environment.items()}
    variables |= secrets_of(task, formula)
    if variables:
        keywords["environment"] = dict_of(variables)
    if files:
        keywords["files"] = dict_of(files)
    keywords["outputs"] = dict_of(
        {
            name: Value(
                [operators.output_path(name), operators.FILE_READERS.get(type(type_), "json")]
            )
            for name, type_ in task.outputs.items()
        }
    )
    lines += formula.statements()
    run = Call(Name("run_container.function"), (), keywords)
    lines += layout(run, prefix="return " if task.outputs else "", around=1)
    helpers = {"run_container", *(["AirflowSkipException"] if unit.guard is not None else [])}
    return written(unit, view, formula, lines, helpers=helpers, settings=output_settings(task))


def _piece(
    formula: Formula, task: Task, part: Expression, view: TaskView, files: dict[str, Expr]
) -> Expr:
    if isinstance(part, PathRef):
        if part.direction == "output":
            return Value(operators.output_path(part.name))
        path = operators.input_path(part.name)
        files[path] = text_of(formula, task.inputs[part.name], view)
        return Value(path)
    if isinstance(part, InputRef):
        part = task.inputs[part.name]
    return text_of(formula, part, view)
