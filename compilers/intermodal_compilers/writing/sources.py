"""Values of hosted tasks that are no JSON: functions and classes of the module, and `source("...")`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from intermodal import ir
from intermodal.analysis import graph
from intermodal.authoring.capture import names_of
from intermodal.frozen import Frozen
from intermodal_compilers.pyimports import Import
from intermodal_compilers.writing.late import needed_at_once
from intermodal_compilers.writing.library import Library
from intermodal_compilers.writing.pieces import Function, Piece, Unit, read_import, read_piece
from intermodal_compilers.writing.rename import renamed

Key = tuple[str, tuple[str, ...], tuple[str, ...]]


class Source(Frozen):
    """How an expression is written.

    Attributes:
        text: The expression, or the name of a function or class.
        imports: Import statements that it says itself.
        by_name: Whether it is that name, and not in quotes.
    """

    text: str
    imports: tuple[str, ...] = ()
    by_name: bool = False


@dataclass
class Sources:
    """Finds how the expressions of hosted tasks are written, and puts what they need into the library.

    Attributes:
        named: Names in the module of functions and classes that pipelines use.
        brings: Whether the library holds anything of theirs.
    """

    library: Library
    named: set[str] = field(default_factory=set)
    brings: bool = False
    _found: dict[Key, Source | None] = field(default_factory=dict)

    def find(self, task: ir.Task) -> None:
        """Take everything that a hosted task is made with."""
        for expression in graph.expressions(task):
            for part in graph.parts(expression):
                if isinstance(part, ir.SourceExpression) and _key(part) not in self._found:
                    self._found[_key(part)] = self._take(part)

    def of(self, expression: ir.SourceExpression) -> Source | None:
        """How an expression is written; None where only a node of the IR says it."""
        return self._found.get(_key(expression))

    def _take(self, expression: ir.SourceExpression) -> Source | None:
        try:
            names = names_of(expression.text.strip())
            imports = [item for text in expression.imports for item in read_import(text)]
            pieces = [read_piece(text) for text in expression.definitions]
        except (SyntaxError, ValueError, RecursionError):
            return None
        text = expression.text.strip()
        needed = _needed(names, pieces)
        pieces = [piece for piece in pieces if needed.intersection(piece.binds)]
        of_pieces = {name for piece in pieces for name in piece.needs}
        bound = {name for piece in pieces for name in piece.binds}
        own = tuple(item.statement for item in imports if item.bound in names - bound)
        if not pieces:
            return Source(text, tuple(dict.fromkeys(own)))
        unit = _unit(pieces, [item for item in imports if item.bound in of_pieces])
        changed = self.library.bring(unit)
        if changed is None:
            return None
        self.brings = True
        return self._source(text, own, unit, {k: v for k, v in changed.items() if k != v})

    def _source(
        self, text: str, own: tuple[str, ...], unit: Unit, changed: Mapping[str, str]
    ) -> Source | None:
        own_names = {item.bound for statement in own for item in read_import(statement)}
        again = {old: new for old, new in changed.items() if old not in own_names}
        new = renamed(text, again) if again else text
        if new is None:
            return None
        if _is_there(text, unit):
            self.named.add(new)
            return Source(new, by_name=True)
        return Source(new, own)


def _key(expression: ir.SourceExpression) -> Key:
    return expression.text, expression.imports, expression.definitions


def _needed(names: Iterable[str], pieces: list[Piece]) -> set[str]:
    """Names that are needed, directly or through statements."""
    return graph.reached(
        names,
        lambda name: (need for piece in pieces if name in piece.binds for need in piece.needs),
    )


def _unit(pieces: list[Piece], imports: list[Import]) -> Unit:
    """Statements as one of them with what it needs: the library takes them together."""
    own = pieces[-1]
    function = Function(own.binds[0], (), None, "", gives=False, unfit="")
    return Unit(own, function, tuple(imports), tuple(pieces[:-1]))


def _is_there(text: str, unit: Unit) -> bool:
    """Whether it names a function or class that the module has even where other packages are missing."""
    if not text.isidentifier():
        return False
    pieces = [*unit.definitions, unit.own]
    bound = [piece for piece in pieces if text in piece.binds]
    if len(bound) != 1:
        return False
    [node] = ast.parse(bound[0].text).body
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return False
    at_once = needed_at_once(pieces, bound[0].at_once)
    foreign = {item.bound for item in unit.imports if is_foreign(item)}
    return not node.decorator_list and not foreign & at_once


def is_foreign(item: Import) -> bool:
    """Whether an import is of a package that may be missing where the module is loaded."""
    top = item.module.split(".")[0]
    return top not in sys.stdlib_module_names and top != "intermodal"
