"""Parse and type-check the conditions of KFP tasks: CEL over the inputs of one task.

The grammar is that of the CEL specification without message construction. Types are found while
parsing, so a long chain of `&&` costs no depth. Sources: the CEL language definition, and the
comment of `TriggerPolicy.condition` in pipeline_spec.proto.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

MAX_DEPTH = 40

ANY, BOOL, NUMBER, TEXT, LIST, MAP, NULL = (
    "a value of any type", "true or false", "a number", "text", "a list", "a map", "null"
)  # fmt: skip

PARAMETER_TYPES = {
    "STRING": TEXT,
    "NUMBER_INTEGER": NUMBER,
    "NUMBER_DOUBLE": NUMBER,
    "BOOLEAN": BOOL,
    "LIST": LIST,
    "STRUCT": MAP,
}

# Function: (number of arguments, what each may be, what it gives).
FUNCTIONS: dict[str, tuple[int, Collection[str], str]] = {
    "int": (1, (NUMBER, TEXT), NUMBER),
    "uint": (1, (NUMBER, TEXT), NUMBER),
    "double": (1, (NUMBER, TEXT), NUMBER),
    "string": (1, (NUMBER, TEXT, BOOL), TEXT),
    "bool": (1, (TEXT, BOOL), BOOL),
    "size": (1, (TEXT, LIST, MAP), NUMBER),
    "matches": (2, (TEXT,), BOOL),
    "has": (1, (ANY, BOOL, NUMBER, TEXT, LIST, MAP), BOOL),
    "dyn": (1, (ANY, BOOL, NUMBER, TEXT, LIST, MAP, NULL), ANY),
    "type": (1, (ANY, BOOL, NUMBER, TEXT, LIST, MAP, NULL), ANY),
    "timestamp": (1, (TEXT,), ANY),
    "duration": (1, (TEXT,), ANY),
}

# Method: (number of arguments, what it is called on, what it gives).
METHODS: dict[str, tuple[int, Collection[str], str]] = {
    "contains": (1, (TEXT,), BOOL),
    "startsWith": (1, (TEXT,), BOOL),
    "endsWith": (1, (TEXT,), BOOL),
    "matches": (1, (TEXT,), BOOL),
    "size": (0, (TEXT, LIST, MAP), NUMBER),
}

# Macros that bind a name to each item: what they give.
MACROS = {"all": BOOL, "exists": BOOL, "exists_one": BOOL, "filter": LIST, "map": LIST}

COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">=", "in"))
ORDERED = (NUMBER, TEXT, BOOL)
WORDS = {"true": BOOL, "false": BOOL, "null": NULL}

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''
        |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?
        |\d+[eE][+-]?\d+|\d+[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[<>!+\-*/%?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)


class ConditionProblem(NamedTuple):
    """What is wrong with a condition.

    Attributes:
        code: PORT317, PORT318 or PORT319.
        what: A sentence.
        position: The character in the condition, from 0.
    """

    code: str
    what: str
    position: int


class Condition(NamedTuple):
    """What a condition uses, and what is wrong with it."""

    parameters: frozenset[str]
    artifacts: frozenset[str]
    problems: tuple[ConditionProblem, ...]


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


class _SyntaxProblem(Exception):  # noqa: N818
    """Parsing cannot go on."""

    def __init__(self, what: str, position: int) -> None:
        super().__init__(what)
        self.position = position


def check_condition(
    text: str, parameters: Mapping[str, str], artifacts: Collection[str]
) -> Condition:
    """Check one condition.

    Args:
        text: The CEL expression.
        parameters: The task's parameter inputs and the names of their KFP types; an unknown type
            such as "" fits everything.
        artifacts: The task's artifact inputs.
    """
    parser = _Parser(text, parameters, artifacts)
    try:
        parser.read()
    except _SyntaxProblem as failure:
        # What was found before may be a consequence of the same mistake.
        parser.problems = [ConditionProblem("PORT317", str(failure), failure.position)]
    return Condition(
        frozenset(parser.used_parameters), frozenset(parser.used_artifacts), tuple(parser.problems)
    )


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position, read = 0, _TOKEN.match
    while position < len(text):
        match = read(text, position)
        if match is None:
            shown = text[position : position + 10]
            quote = " (a string that does not end)" if text[position] in "'\"" else ""
            raise _SyntaxProblem(f"`{shown}` is not part of CEL{quote}", position)
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(_Token(kind, match[0], position))
        position = match.end()
    tokens.append(_Token("end", "the end", position))
    return tokens


class _Parser:
    """Recursive descent; each method consumes one construct and returns its type."""

    def __init__(
        self, text: str, parameters: Mapping[str, str], artifacts: Collection[str]
    ) -> None:
        self.problems: list[ConditionProblem] = []
        self.used_parameters: set[str] = set()
        self.used_artifacts: set[str] = set()
        self._text = text
        self._parameters = parameters
        self._artifacts = artifacts
        self._tokens: list[_Token] = []
        self._index = 0
        self._depth = 0
        self._bound: list[str] = []

    def read(self) -> None:
        """Parse the whole text."""
        self._tokens = _tokens(self._text)
        found = self._expression()
        if self._token.kind != "end":
            raise self._unexpected()
        if found not in {BOOL, ANY}:
            self._mismatch(f"The condition is {found}, not true or false", 0)

    @property
    def _token(self) -> _Token:
        return self._tokens[self._index]

    def _take(self, *signs: str) -> _Token | None:
        """The next token if it is one of these signs or words."""
        token = self._tokens[self._index]
        # The sign first: most are another one, and long conditions have many.
        if token.text in signs and token.kind in {"sign", "name"}:
            self._index += 1
            return token
        return None

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise self._unexpected(f"`{sign}` is missing before ")

    def _unexpected(self, before: str = "") -> _SyntaxProblem:
        token = self._token
        shown = token.text if token.kind == "end" else f"`{token.text[:40]}`"
        what = f"{before}{shown}" if before else f"{shown} does not belong here"
        return _SyntaxProblem(what, token.position)

    def _mismatch(self, what: str, position: int) -> None:
        self.problems.append(ConditionProblem("PORT319", what, position))

    def _expression(self) -> str:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _SyntaxProblem("The condition is nested too deeply", self._token.position)
        found = self._logic("||", "&&")
        if question := self._take("?"):
            self._want_bool(found, question)
            first = self._logic("||", "&&")
            self._need(":")
            other = self._expression()
            found = first if first == other else ANY
        self._depth -= 1
        return found

    def _logic(self, sign: str, inner: str | None) -> str:
        found = self._logic(inner, None) if inner else self._comparison()
        while token := self._take(sign):
            self._want_bool(found, token)
            right = self._logic(inner, None) if inner else self._comparison()
            self._want_bool(right, token)
            found = BOOL
        return found

    def _want_bool(self, found: str, token: _Token) -> None:
        if found not in {BOOL, ANY}:
            what = f"`{token.text}` takes true or false, not {found}"
            self._mismatch(what, token.position)

    def _comparison(self) -> str:
        left = self._sum()
        while token := self._take(*COMPARISONS):
            right = self._sum()
            self._check_comparison(left, token, right)
            left = BOOL
        return left

    def _check_comparison(self, left: str, token: _Token, right: str) -> None:
        sign = token.text
        if sign == "in":
            if right not in {LIST, MAP, ANY}:
                self._mismatch(f"`in` looks in a list or a map, not in {right}", token.position)
            return
        if ANY in {left, right}:
            return
        is_order = sign not in {"==", "!="}
        if is_order and not {left, right} <= set(ORDERED):
            self._mismatch(f"`{sign}` does not order {left} and {right}", token.position)
        elif left != right and NULL not in {left, right}:
            self._mismatch(f"`{sign}` compares {left} with {right}", token.position)

    def _sum(self) -> str:
        left = self._product()
        while token := self._take("+", "-"):
            right = self._product()
            fits = (NUMBER, TEXT, LIST) if token.text == "+" else (NUMBER,)
            left = self._arithmetic(left, token, right, fits)
        return left

    def _product(self) -> str:
        left = self._unary()
        while token := self._take("*", "/", "%"):
            left = self._arithmetic(left, token, self._unary(), (NUMBER,))
        return left

    def _arithmetic(self, left: str, token: _Token, right: str, fits: Collection[str]) -> str:
        known = {left, right} - {ANY}
        if len(known) > 1 or not known <= set(fits):
            self._mismatch(f"`{token.text}` cannot join {left} and {right}", token.position)
            return ANY
        return known.pop() if known else ANY

    def _unary(self) -> str:
        signs = []
        while token := self._take("!", "-"):
            signs.append(token)
        found = self._member()
        for token in reversed(signs):
            if token.text == "!":
                self._want_bool(found, token)
                found = BOOL
            elif found not in {NUMBER, ANY}:
                self._mismatch(f"`-` takes a number, not {found}", token.position)
        return found

    def _member(self) -> str:
        found = self._primary()
        while token := self._take(".", "["):
            if token.text == "[":
                self._expression()
                self._need("]")
                if found not in {LIST, MAP, ANY}:
                    self._mismatch(f"`[…]` picks from a list or a map, not {found}", token.position)
                found = ANY
                continue
            name = self._name()
            found = self._method(name, found) if self._take("(") else ANY
        return found

    def _name(self) -> _Token:
        token = self._token
        if token.kind != "name":
            raise self._unexpected("A name is missing before ")
        self._index += 1
        return token

    def _primary(self) -> str:
        token = self._token
        if token.kind in {"text", "number"}:
            self._index += 1
            return TEXT if token.kind == "text" else NUMBER
        if self._take("("):
            found = self._expression()
            self._need(")")
            return found
        if self._take("["):
            self._items("]")
            return LIST
        if self._take("{"):
            self._items("}", pairs=True)
            return MAP
        if token.kind != "name":
            raise self._unexpected()
        self._index += 1
        if token.text in WORDS:
            return WORDS[token.text]
        if token.text == "inputs":
            return self._input()
        if self._take("("):
            return self._function(token)
        if token.text not in self._bound:
            what = f"`{token.text}` is nothing that a condition knows; values are in `inputs`"
            self.problems.append(ConditionProblem("PORT318", what, token.position))
        return ANY

    def _items(self, end: str, *, pairs: bool = False) -> list[str]:
        """The types of expressions up to `end`, which is consumed."""
        found: list[str] = []
        while not self._take(end):
            if found:
                self._need(",")
            found.append(self._expression())
            if pairs:
                self._need(":")
                self._expression()
        return found

    def _function(self, name: _Token) -> str:
        given = self._items(")")
        if name.text not in FUNCTIONS:
            what = f"CEL has no function `{name.text}`"
            self.problems.append(ConditionProblem("PORT317", what, name.position))
            return ANY
        count, fits, gives = FUNCTIONS[name.text]
        self._check_call(name, given, count)
        for found in given:
            if found != ANY and found not in fits:
                self._mismatch(f"`{name.text}()` does not take {found}", name.position)
        return gives

    def _method(self, name: _Token, on: str) -> str:
        if name.text in MACROS:
            self._bound.append(self._name().text)
            self._need(",")
            self._items(")")
            self._bound.pop()
            return MACROS[name.text]
        given = self._items(")")
        if name.text not in METHODS:
            what = f"CEL has no method `{name.text}`"
            self.problems.append(ConditionProblem("PORT317", what, name.position))
            return ANY
        count, fits, gives = METHODS[name.text]
        self._check_call(name, given, count)
        if on != ANY and on not in fits:
            self._mismatch(f"`.{name.text}()` is not there for {on}", name.position)
        return gives

    def _check_call(self, name: _Token, given: list[str], count: int) -> None:
        if len(given) != count:
            what = f"`{name.text}()` takes {count} argument(s), not {len(given)}"
            self.problems.append(ConditionProblem("PORT317", what, name.position))

    def _input(self) -> str:
        """`inputs.parameter_values['x']`, its older form `inputs.parameters`, or `inputs.artifacts`."""
        self._need(".")
        group = self._name()
        if group.text not in {"parameter_values", "parameters", "artifacts"}:
            what = f"`inputs` has `parameter_values` and `artifacts`, not `{group.text}`"
            raise _SyntaxProblem(what, group.position)
        name, position = self._input_name()
        if group.text == "artifacts":
            self.used_artifacts.add(name)
            self._check_known(name, self._artifacts, "artifact", position)
            return ANY
        self.used_parameters.add(name)
        self._check_known(name, self._parameters, "parameter", position)
        if group.text == "parameters":
            return ANY
        return PARAMETER_TYPES.get(self._parameters.get(name, ""), ANY)

    def _input_name(self) -> tuple[str, int]:
        if self._take("."):
            token = self._name()
            return token.text, token.position
        self._need("[")
        token = self._token
        if token.kind != "text":
            raise self._unexpected("The input's name in quotes is missing before ")
        self._index += 1
        self._need("]")
        return token.text.lstrip("rRbB").strip("'\""), token.position

    def _check_known(self, name: str, known: Collection[str], kind: str, position: int) -> None:
        if name not in known:
            what = f"The task has no {kind} input `{name}`"
            self.problems.append(ConditionProblem("PORT318", what, position))
