"""Building Python source: values become text here and nowhere else, laid out as ruff and black would.

An emitter builds an `Expr` from `Name`, `Call`, `Value` and the like, and prints statements with `Source`.
User strings only ever enter through `Value` and `docstring`, which escape them; expressions of a user's own
Python file, which a parser has read, through `Written`.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import timedelta
from typing import Any

from intermodal.frozen import Frozen

WIDTH = 88
INDENT = "    "

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Name(Frozen):
    """A name or dotted path that the compiler itself chose: checked, so no user text can pass as one."""

    path: str

    def __post_init__(self) -> None:
        if not all(is_identifier(part) for part in self.path.split(".")):
            raise ValueError(f"{self.path!r} is not a Python name")


class Value(Frozen):
    """Any JSON value, text included, or a timedelta, as a literal."""

    value: Any


class Lines(Frozen):
    """Text of several lines: one literal a line in brackets, where it does not fit on one.

    With `whole` it stands in triple quotes, so that people can edit it.
    """

    text: str
    whole: bool = False


class Call(Frozen):
    """A call. Keyword arguments keep their order; those whose value is None (not `Value(None)`) are left out."""

    function: Expr
    args: tuple[Expr, ...] = ()
    keywords: Mapping[str, Expr] = field(default_factory=dict)


class Attribute(Frozen):
    """`base.name`."""

    base: Expr
    name: str


class Subscript(Frozen):
    """`base[key]`."""

    base: Expr
    key: Expr


class Sequence_(Frozen):  # noqa: N801
    """A list, tuple or set of expressions; without brackets, as between those of `dict[str, int]`."""

    items: tuple[Expr, ...]
    brackets: str = "[]"


class Mapping_(Frozen):  # noqa: N801
    """A dict of expressions; keys are expressions too."""

    items: tuple[tuple[Expr, Expr], ...]


class Chain(Frozen):
    """Operands joined by a binary operator, `a >> b >> c`."""

    operator: str
    operands: tuple[Expr, ...]


class Operation(Frozen):
    """Operands joined by an operator, `a and b`; a single one has it before it, `not a`."""

    operator: str
    operands: tuple[Expr, ...]


class Conditional(Frozen):
    """`value if condition else other`."""

    value: Expr
    condition: Expr
    other: Expr


class Lambda(Frozen):
    """`lambda: body`."""

    body: Expr


class Spread(Frozen):
    """`*value` or `**value` among the arguments of a call."""

    stars: str
    value: Expr


class Written(Frozen):
    """One expression of a user's own file, kept as it was written there."""

    text: str


Expr = (
    Name
    | Value
    | Lines
    | Call
    | Attribute
    | Subscript
    | Sequence_
    | Mapping_
    | Chain
    | Operation
    | Conditional
    | Lambda
    | Spread
    | Written
)


def is_identifier(text: str) -> bool:
    """Whether `text` can be a variable name that is no keyword."""
    return _IDENTIFIER.fullmatch(text) is not None and not keyword.iskeyword(text)


def call(function: str | Expr, *args: Expr, **keywords: Expr | None) -> Call:
    """`function(*args, **keywords)`, without the keywords that are None."""
    target = Name(function) if isinstance(function, str) else function
    return Call(target, args, {key: value for key, value in keywords.items() if value is not None})


def list_of(items: Iterable[Expr]) -> Sequence_:
    """A list of expressions."""
    return Sequence_(tuple(items))


def tuple_of(items: Iterable[Expr]) -> Sequence_:
    """A tuple of expressions."""
    return Sequence_(tuple(items), "()")


def dict_of(items: Mapping[str, Expr]) -> Mapping_:
    """A dict with text keys."""
    return Mapping_(tuple((Value(key), value) for key, value in items.items()))


def quote(text: str) -> str:
    """A string literal with the quotes that black would choose; everything unprintable is escaped."""
    plain = text.isprintable() and "\\" not in text
    escaped = text if plain else "".join(map(_escape, text))
    if '"' not in text:
        return f'"{escaped}"'
    if text.count("'") == 0 or text.count("'") < text.count('"'):
        return "'" + escaped.replace("'", "\\'") + "'"
    return '"' + escaped.replace('"', '\\"') + '"'


def _constant(expr: Value | Lines) -> str:
    if isinstance(expr, Value):
        return _literal(expr.value)
    return triple_quoted(expr.text) if expr.whole and "\n" in expr.text else quote(expr.text)


def triple_quoted(text: str) -> str:
    """A literal in triple quotes whose lines are those of the text; what is unprintable is escaped."""
    lines = ["".join(map(_escape, line)).replace('"""', '\\"\\"\\"') for line in text.split("\n")]
    if lines[-1].endswith('"'):
        lines[-1] = lines[-1][:-1] + '\\"'
    return '"""' + "\n".join(lines) + '"""'


def docstring(text: str, indent: int = 0) -> list[str]:
    """The lines of a docstring; quotes and backslashes are escaped, control characters too."""
    margin = INDENT * indent
    lines = [_docstring_line(line) for line in text.strip().splitlines()] or [""]
    if lines[0].startswith('"'):
        lines[0] = f" {lines[0]}"  # as formatters write it: four quotes in a row read badly
    before_quote = lines[-1][:-1]
    backslashes = len(before_quote) - len(before_quote.rstrip("\\"))
    if lines[-1].endswith('"') and backslashes % 2 == 0:
        lines[-1] = before_quote + '\\"'
    if len(lines) == 1:
        return [f'{margin}"""{lines[0]}"""']
    body = [f"{margin}{line}" if line else "" for line in lines[1:]]
    return [f'{margin}"""{lines[0]}', *body, f'{margin}"""']


def comment(text: str) -> str:
    """Text on one comment line, whatever it holds."""
    return "# " + "".join(_escape(c) for c in " ".join(text.split()))


def inline(expr: Expr) -> str:
    """An expression on one line."""
    match expr:
        case Name(text) | Written(text):
            return text
        case Value() | Lines():
            return _constant(expr)
        case Attribute(base, name):
            return f"{_operand(base)}.{name}"
        case Subscript(base, key):
            return f"{_operand(base)}[{inline(key)}]"
        case Operation(operator, (only,)):
            return f"{operator}{' ' * operator.isalpha()}{_operand(only, operator)}"
        case Operation(operator, operands):
            return f" {operator} ".join(_operand(operand, operator) for operand in operands)
        case Conditional(value, condition, other):
            parts = (_operand(value), inline(condition), _operand(other))
            return "{} if {} else {}".format(*parts)
        case Lambda(body):
            return f"lambda: {inline(body)}"
        case Spread(stars, value):
            return f"{stars}{_operand(value)}"
        case Chain(operator, operands):
            return f" {operator} ".join(inline(operand) for operand in operands)
        case Call(function, args, keywords):
            inside = [inline(arg) for arg in args] + [
                f"{k}={inline(v)}" for k, v in keywords.items()
            ]
            return f"{inline(function)}({', '.join(inside)})"
        case Sequence_(items, brackets):
            inside = [inline(item) for item in items]
            trailing = "," if brackets == "()" and len(inside) == 1 else ""
            return f"{brackets[:1]}{', '.join(inside)}{trailing}{brackets[1:]}"
        case Mapping_(items):
            return "{" + ", ".join(f"{inline(k)}: {inline(v)}" for k, v in items) + "}"


LOGIC = ("and", "or", "not")


def _operand(expr: Expr, around: str = "") -> str:
    """A part of an operation, in parentheses where it is one itself; comparisons in logic need none."""
    text = inline(expr)
    if isinstance(expr, Operation) and around in LOGIC and expr.operator not in LOGIC:
        return text
    compound = isinstance(expr, (Operation, Conditional, Chain, Lambda, Written))
    return f"({text})" if compound else text


def layout(
    expr: Expr, *, prefix: str = "", suffix: str = "", indent: int = 0, around: int = 0
) -> list[str]:
    """Lines of `prefix + expr + suffix`, broken at brackets where the line would be too long.

    Args:
        expr: What to lay out.
        prefix: Text before it on its first line.
        suffix: Text after it on its last line.
        indent: Levels that the lines are indented by.
        around: Levels that they will be indented by later, when they are put into a block.
    """
    margin, width = INDENT * indent, WIDTH - len(INDENT) * around
    flat = f"{margin}{prefix}{inline(expr)}{suffix}"
    several = "\n" in flat and '"""' in flat
    if isinstance(expr, Lines) and several:
        return flat.split("\n")
    if len(flat) <= width and not several:
        return [flat]
    if isinstance(expr, Lines) and "\n" in expr.text.rstrip("\n"):
        whole = f"{margin}{INDENT}{quote(expr.text)}"
        if len(whole) <= width:  # ruff joins literals that fit on one line
            return [f"{margin}{prefix}(", whole, f"{margin}){suffix}"]
        texts = expr.text.splitlines(keepends=True)
        literals = [f"{margin}{INDENT}{quote(text)}" for text in texts]
        return [f"{margin}{prefix}(", *literals, f"{margin}){suffix}"]
    if isinstance(expr, (Operation, Conditional)):
        return _in_parentheses(expr, prefix, suffix, indent, around)
    if isinstance(expr, Call) and len(links := _links(expr)) > 2:
        return _fluent(links, prefix, suffix, indent, around)
    opening, elements, closing = _broken(expr)
    if isinstance(expr, Call) and isinstance(expr.function, Call):
        head = layout(expr.function, prefix=prefix, suffix="(", indent=indent, around=around)
        if len(head) > 1:
            return _after_head(head, elements, suffix, indent, around)
    if isinstance(expr, Call) and (method := _method(expr)):
        first, name = method
        head = layout(first, prefix=prefix, suffix=f".{name}(", indent=indent, around=around)
        if len(head) > 1:
            return _after_head(head, elements, suffix, indent, around)
    if not elements:
        return [flat]
    together = ", ".join(f"{key}{inline(value)}" for key, value in elements)
    fits = len(margin) + len(INDENT) + len(together) <= width and not several
    if isinstance(expr, Call) and fits:
        one = f"{margin}{INDENT}{together}"
        # Black joins the arguments on one line if they fit and the source had no trailing comma.
        return [f"{margin}{prefix}{opening}", one, f"{margin}{closing}{suffix}"]
    lines = [f"{margin}{prefix}{opening}"]
    for key, value in elements:
        lines += layout(value, prefix=key, suffix=",", indent=indent + 1, around=around)
    return [*lines, f"{margin}{closing}{suffix}"]


def _in_parentheses(
    expr: Operation | Conditional, prefix: str, suffix: str, indent: int, around: int
) -> list[str]:
    """An operation in parentheses: on one line if it fits, else with a line for each operand."""
    margin, inner = INDENT * indent, INDENT * (indent + 1)
    flat = f"{inner}{inline(expr)}"
    if len(flat) <= WIDTH - len(INDENT) * around:
        return [f"{margin}{prefix}(", flat, f"{margin}){suffix}"]
    if isinstance(expr, Conditional):
        parts = [("", expr.value), ("if ", expr.condition), ("else ", expr.other)]
    else:
        first, *others = expr.operands
        parts = [("", first), *((f"{expr.operator} ", other) for other in others)]
    operator = expr.operator if isinstance(expr, Operation) else ""
    lines = [f"{inner}{word}{_operand(part, operator)}" for word, part in parts]
    if isinstance(expr, Conditional):
        lines[1] = f"{inner}if {inline(expr.condition)}"
    else:
        lines = [
            line
            for flat, (word, part) in zip(lines, parts, strict=True)
            for line in _part_lines(flat, word, part, indent + 1, around)
        ]
    return [f"{margin}{prefix}(", *lines, f"{margin}){suffix}"]


def _part_lines(flat: str, word: str, part: Expr, indent: int, around: int) -> list[str]:
    """The line of an operand; a call that is too long for one is broken."""
    if isinstance(part, Call) and len(flat) > WIDTH - len(INDENT) * around:
        return layout(part, prefix=word, indent=indent, around=around)
    return [flat]


def _method(expr: Call) -> tuple[Call, str] | None:
    """What a method is called of, where that is a call, and the method's name."""
    function = expr.function
    if isinstance(function, Attribute) and isinstance(function.base, Call):
        return function.base, function.name
    return None


def _links(expr: Call) -> list[Call]:
    """The calls of a chain `a(...).b(...).c(...)`, the first one first."""
    found = [expr]
    while isinstance(found[0].function, Attribute) and isinstance(found[0].function.base, Call):
        found.insert(0, found[0].function.base)
    return found


def _fluent(links: list[Call], prefix: str, suffix: str, indent: int, around: int) -> list[str]:
    """A chain of calls in parentheses, a line for each."""
    margin = INDENT * indent
    lines = layout(links[0], indent=indent + 1, around=around)
    for link in links[1:]:
        assert isinstance(link.function, Attribute)
        method = Call(Name(link.function.name), link.args, link.keywords)
        lines += layout(method, prefix=".", indent=indent + 1, around=around)
    return [f"{margin}{prefix}(", *lines, f"{margin}){suffix}"]


def _after_head(
    head: list[str], elements: list[tuple[str, Expr]], suffix: str, indent: int, around: int
) -> list[str]:
    """The arguments of a call whose function is itself a call that takes several lines."""
    width = WIDTH - len(INDENT) * around
    rest = ", ".join(f"{key}{inline(value)}" for key, value in elements)
    if len(head[-1]) + len(rest) + len(suffix) + 1 <= width:
        return [*head[:-1], f"{head[-1]}{rest}){suffix}"]
    lines = list(head)
    for key, value in elements:
        lines += layout(value, prefix=key, suffix=",", indent=indent + 1, around=around)
    return [*lines, f"{INDENT * indent}){suffix}"]


class Source:
    """Lines of a Python file under construction."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, *lines: str) -> None:
        """Append finished lines."""
        self.lines.extend(lines)

    def blank(self, count: int = 1) -> None:
        """Append blank lines."""
        self.lines.extend([""] * count)

    def statement(self, expr: Expr, *, prefix: str = "", suffix: str = "", indent: int = 0) -> None:
        """Append `prefix + expr + suffix`, laid out."""
        self.lines.extend(layout(expr, prefix=prefix, suffix=suffix, indent=indent))

    def assign(self, target: str, expr: Expr, *, indent: int = 0) -> None:
        """Append `target = expr`."""
        self.statement(expr, prefix=f"{Name(target).path} = ", indent=indent)

    def text(self) -> str:
        """The file, ending in one newline."""
        return "\n".join(self.lines).strip("\n") + "\n"


def function_header(
    name: str, parameters: Sequence[str], *, returns: str = "", indent: int = 0
) -> list[str]:
    """`def name(parameters) -> returns:`, one parameter a line where it does not fit."""
    margin = INDENT * indent
    arrow = f" -> {returns}" if returns else ""
    flat = f"{margin}def {name}({', '.join(parameters)}){arrow}:"
    if len(flat) <= WIDTH or not parameters:
        return [flat]
    together = f"{margin}{INDENT}{', '.join(parameters)}"
    if len(together) <= WIDTH:
        return [f"{margin}def {name}(", together, f"{margin}){arrow}:"]
    return [
        f"{margin}def {name}(",
        *(f"{margin}{INDENT}{parameter}," for parameter in parameters),
        f"{margin}){arrow}:",
    ]


def import_block(imports: Iterable[tuple[str, str | None]]) -> list[str]:
    """Sorted `import module` / `from module import name` lines, one line a module, isort's order.

    Standard library first, then everything else. Items are `(module, None)` or `(module, name)`.
    """
    import sys

    groups: dict[bool, dict[str, set[str | None]]] = {False: {}, True: {}}
    for module, name in imports:
        third_party = module.split(".")[0] not in sys.stdlib_module_names
        groups[third_party].setdefault(module, set()).add(name)
    blocks = [_import_group(group) for group in groups.values() if group]
    lines: list[str] = []
    for block in blocks:
        lines += ([""] if lines else []) + block
    return lines


def _import_group(modules: Mapping[str, set[str | None]]) -> list[str]:
    plain = [f"import {m}" for m, names in sorted(modules.items()) if None in names]
    froms: list[str] = []
    for module, names in sorted(modules.items()):
        wanted = sorted((n for n in names if n), key=_isort_key)
        if not wanted:
            continue
        flat = f"from {module} import {', '.join(wanted)}"
        if len(flat) <= WIDTH:
            froms.append(flat)
        else:
            froms += [f"from {module} import (", *(f"{INDENT}{n}," for n in wanted), ")"]
    return plain + froms


def _isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: isort's default order."""
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1 if name[:1].isupper() else 2), name


def _broken(expr: Expr) -> tuple[str, list[tuple[str, Expr]], str]:
    """How an expression opens, its elements as (prefix, expression), and how it closes."""
    match expr:
        case Subscript(base, Sequence_(items, "")):
            return f"{inline(base)}[", [("", item) for item in items], "]"
        case Call(function, args, keywords):
            elements = [("", arg) for arg in args] + [(f"{k}=", v) for k, v in keywords.items()]
            return f"{inline(function)}(", elements, ")"
        case Sequence_(items, brackets):
            return brackets[:1], [("", item) for item in items], brackets[1:]
        case Mapping_(items):
            return "{", [(f"{inline(k)}: ", v) for k, v in items], "}"
        case Value(dict() as value):
            return "{", [(f"{_literal(k)}: ", Value(v)) for k, v in value.items()], "}"
        case Value(list() as value):
            return "[", [("", Value(item)) for item in value], "]"
        case _:
            return "", [], ""


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, timedelta):
        return inline(timedelta_expr(value))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    raise TypeError(f"no literal for {type(value).__name__}")


def timedelta_expr(value: timedelta) -> Call:
    """`timedelta(minutes=20)`: the largest unit that gives a whole number."""
    seconds = value.total_seconds()
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds and seconds % size == 0:
            return call("timedelta", **{unit: Value(int(seconds // size))})
    whole = int(seconds) if seconds == int(seconds) else seconds
    return call("timedelta", seconds=Value(whole))


def _escape(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return repr(character)[1:-1]


def _docstring_line(line: str) -> str:
    return "".join(_escape(c) for c in line.rstrip()).replace('"""', '\\"\\"\\"')
