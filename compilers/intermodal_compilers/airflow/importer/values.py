"""What an expression can be while a file is read, apart from plain Python data."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from intermodal.findings import Span

if TYPE_CHECKING:
    from intermodal_compilers.airflow.importer.modules import Module


@dataclass(eq=False, repr=False, slots=True)
class Unknown:
    """A value that cannot be known without running the file; it flows through whatever uses it."""

    reason: str
    span: Span
    source: str = ""


@dataclass(frozen=True, slots=True)
class External:
    """Something of a package that is not read, by its full path: `airflow.operators.bash.BashOperator`."""

    path: str
    module: bool = False

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(eq=False, repr=False, slots=True)
class Symbolic:
    """What calling something external gives: known as an expression, not as a value.

    Once something is assigned to a part of it, or a method of it is called for its effect, it is `changed`:
    the expression alone does not give it.
    """

    path: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    span: Span
    source: str = ""
    changed: bool = False


@dataclass(eq=False, repr=False, slots=True)
class Scope:
    """Names of a module, function or class body, and those around it."""

    module: Module
    names: dict[str, Any]
    outer: Scope | None = None
    is_class: bool = False
    global_names: set[str] = field(default_factory=set)
    outer_names: set[str] = field(default_factory=set)
    maybe_returned: list[Any] = field(default_factory=list)
    yielded: list[Any] | None = None
    self_class: UserClass | None = None
    self_value: Any = None
    at_yield: Callable[[Any], Any] | None = None


@dataclass(eq=False, repr=False, slots=True)
class Function:
    """A function or lambda of a file that is read."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    defaults: list[Any]
    named_defaults: dict[str, Any]
    kind: str = "function"
    owner: UserClass | None = None
    # The decorator that is not read, if there is one: what a call does is not known in full.
    decorated: str = ""
    setter: Function | None = None


@dataclass(eq=False, repr=False, slots=True)
class UserClass:
    """A class of a file that is read."""

    name: str
    bases: list[Any]
    names: dict[str, Any]
    module: Module
    span: Span
    last_line: int
    fields: list[str] = field(default_factory=list)
    metaclass: Any = None
    subclasses: list[UserClass] = field(default_factory=list)
    known_lineage: list[UserClass] | None = None

    def lineage(self) -> list[UserClass]:
        """The class and its bases that are read, in the order in which Python looks through them."""
        if self.known_lineage is None:
            self.known_lineage = self._lineage()
        return self.known_lineage

    def _lineage(self) -> list[UserClass]:
        bases = [base for base in self.bases if isinstance(base, UserClass)]
        if len(bases) < 2:
            return [self, *(bases[0].lineage() if bases else [])]
        pending = [list(base.lineage()) for base in bases] + [bases]
        found = [self]
        while pending := [one for one in pending if one]:
            heads = [one[0] for one in pending]
            free = (h for h in heads if not any(h in one[1:] for one in pending))
            # Python refuses classes without such an order; any will do for those.
            head = next(free, heads[0])
            found.append(head)
            pending = [[known for known in one if known is not head] for one in pending]
        return found

    def is_tuple(self) -> bool:
        """Whether its objects are named tuples."""
        return any(base.path == "typing.NamedTuple" for base in self.externals())

    def externals(self) -> list[External]:
        """The external classes that it derives from, nearest first."""
        return [b for known in self.lineage() for b in known.bases if isinstance(b, External)]

    def find(self, name: str) -> tuple[Any, UserClass] | None:
        """An attribute and the class that defines it."""
        for known in self.lineage():
            if name in known.names:
                return known.names[name], known
        return None


@dataclass(eq=False, repr=False, slots=True)
class Opening:
    """A call of a `@contextmanager` function, waiting for the `with` that it stands in."""

    function: Function
    arguments: Any
    bound: Any = None


@dataclass(eq=False, repr=False, slots=True)
class Instance:
    """An object of a user's class."""

    of: UserClass
    names: dict[str, Any]


@dataclass(eq=False, repr=False, slots=True)
class Bound:
    """A method of a value, not yet called; `function` where it is the user's own."""

    owner: Any
    name: str
    function: Function | None = None


@dataclass(eq=False, repr=False, slots=True)
class Super:
    """What `super()` gives inside a method."""

    of: UserClass
    value: Any


@dataclass(eq=False, repr=False, slots=True)
class Native:
    """A function of ours that stands for something the file can call."""

    name: str
    run: Callable[..., Any]


@dataclass(eq=False, repr=False, slots=True)
class Arguments:
    """Evaluated arguments of a call; `rest` is why some are not known, `nodes` has their expressions."""

    positional: list[Any]
    named: dict[str, Any]
    nodes: dict[str | int, ast.expr] = field(default_factory=dict)
    rest: Unknown | None = None

    def get(self, name: str, position: int | None = None, default: Any = None) -> Any:
        """An argument by name or position."""
        if name in self.named:
            return self.named[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return default


class Generated(list[Any]):
    """What can be gone through once: a generator's items, or what `iter`, `zip` and `map` give."""


class RaisedError(Exception):
    """The file raises here; `kind` is the exception's class name."""

    def __init__(self, kind: str, text: str, span: Span | None = None) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text
        self.span = span


class BudgetSpentError(Exception):
    """Reading the file takes more steps than it may."""


TEXT_ENUMS = frozenset({"builtins.str", "builtins.int", "enum.StrEnum", "enum.IntEnum"})


def plain_member(value: Any) -> Any:
    """The text or number that a member of such an enum is equal to; any other value as it is."""
    if not isinstance(value, Instance) or "value" not in value.names:
        return value
    own = any(base.path in TEXT_ENUMS for base in value.of.externals())
    return value.names["value"] if own and "name" in value.names else value


NOT_PLAIN = (Unknown, Symbolic, External)


def is_unknown(value: Any) -> bool:
    """Whether a value's truth, text or items cannot be told."""
    return isinstance(value, NOT_PLAIN)
