"""The statements of a module to be written: those of all its functions, each once, under names that agree."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from intermodal_compilers.pyimports import Import
from intermodal_compilers.writing.pieces import Piece, Unit, read_import, read_piece
from intermodal_compilers.writing.rename import renamed

Meaning = frozenset[tuple[str, object]]
"""What a name stands for: itself and all that it needs, with the text of each."""


@dataclass
class Library:
    """What the top level of the module holds of the users' own.

    Attributes:
        meanings: What each name of the module stands for; None for what nothing in it binds.
        imports: Imports, in the order of their first use.
        pieces: Statements by their text, in the order of their first use.
        renamed: Names as they were, by those that they have here instead.
        functions: The text of each function that was asked for, by its name here.
    """

    meanings: dict[str, object] = field(default_factory=dict)
    imports: dict[Import, None] = field(default_factory=dict)
    pieces: dict[str, Piece] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    _chosen: dict[tuple[str, object], str] = field(default_factory=dict)
    _later: dict[str, set[str]] = field(default_factory=dict)

    def add(self, unit: Unit) -> str | None:
        """Take a function with what it needs; its name here, or None if its names cannot be made to agree."""
        names = self.bring(unit)
        return None if names is None else names[unit.function.name]

    def bring(self, unit: Unit) -> dict[str, str] | None:
        """Take a function with what it needs; the names here of all that it binds, None as for `add`."""
        meanings = _meanings(unit)
        names = {name: self._name_for(name, meaning) for name, meaning in meanings.items()}
        changed = {name: new for name, new in names.items() if new != name}
        pieces = (*unit.definitions, unit.own)
        imports = unit.imports
        if changed:
            again = [_changed(piece, changed) for piece in pieces]
            if None in again or any(_is_path(item) and item.bound in changed for item in imports):
                return None
            pieces = tuple(piece for piece in again if piece is not None)
            imports = tuple(_renamed_import(item, changed) for item in imports)
        self.renamed.update({new: name for name, new in changed.items()})
        for name, meaning in meanings.items():
            self._chosen[name, meaning] = names[name]
            self.meanings[names[name]] = meaning
        for name in _free(unit, meanings):
            self.meanings.setdefault(name, None)
        self.imports.update(dict.fromkeys(imports))
        self._place(pieces)
        self.functions[names[unit.function.name]] = pieces[-1].text
        return names

    def bound(self) -> set[str]:
        """Names that its statements and imports bind."""
        return {name for name, meaning in self.meanings.items() if meaning is not None}

    def ordered(self) -> list[Piece]:
        """The statements, so that each comes after what it needs when the module is imported."""
        rank = {text: place for place, text in enumerate(self.pieces)}
        missing = dict.fromkeys(self.pieces, 0)
        for later in self._later.values():
            for text in later:
                missing[text] += 1
        ready = [(rank[text], text) for text, count in missing.items() if not count]
        heapq.heapify(ready)
        order: dict[str, Piece] = {}
        while ready:
            _, text = heapq.heappop(ready)
            order[text] = self.pieces[text]
            for then in self._later.get(text, ()):
                missing[then] -= 1
                if not missing[then]:
                    heapq.heappush(ready, (rank[then], then))
        # Statements of different files may disagree; those stand as they came.
        return (
            list({**order, **self.pieces}.values()) if len(order) < len(rank) else [*order.values()]
        )

    def _name_for(self, name: str, meaning: object) -> str:
        """The name itself, if it stands for nothing else here; otherwise one with a number."""
        chosen = self._chosen.get((name, meaning))
        if chosen is not None:
            return chosen
        number, free = 2, name
        while free in self.meanings and self.meanings[free] != meaning:
            free = f"{name}_{number}"
            number += 1
        return free

    def _place(self, pieces: tuple[Piece, ...]) -> None:
        *definitions, own = pieces
        for piece in pieces:
            self.pieces.setdefault(piece.text, piece)
        for before, after in itertools.pairwise(definitions):
            self._later.setdefault(before.text, set()).add(after.text)
        for piece in definitions:
            if (own.at_once | own.annotated).intersection(piece.binds):
                self._later.setdefault(piece.text, set()).add(own.text)
            elif (piece.at_once | piece.annotated).intersection(own.binds):
                self._later.setdefault(own.text, set()).add(piece.text)


def _meanings(unit: Unit) -> dict[str, object]:
    """What each name that the unit binds stands for."""
    own: dict[str, object] = {
        item.bound: Import(item.bound) if _is_path(item) else item for item in unit.imports
    }
    needs: dict[str, set[str]] = {}
    for piece in (*unit.definitions, unit.own):
        for name in piece.binds:
            before = own.get(name)
            own[name] = (*before, piece.text) if isinstance(before, tuple) else (piece.text,)
            needs.setdefault(name, set()).update(piece.needs)
    return {name: _meaning(name, own, needs) for name in own}


def _meaning(name: str, own: Mapping[str, object], needs: Mapping[str, set[str]]) -> object:
    """The texts of a name and of all it needs: equal where nothing differs that it could notice."""
    pending, found = [name], dict[str, object]()
    while pending:
        current = pending.pop()
        if current in own and current not in found:
            found[current] = own[current]
            pending.extend(needs.get(current, ()))
    return frozenset(found.items()) if len(found) > 1 else own[name]


def _free(unit: Unit, bound: Iterable[str]) -> set[str]:
    """Names that the unit uses and does not bind: Python's own, and those of nobody."""
    needs = {name for piece in (*unit.definitions, unit.own) for name in piece.needs - piece.inner}
    return needs.difference(bound)


def _changed(piece: Piece, names: Mapping[str, str]) -> Piece | None:
    if not names.keys() & {*piece.binds, *piece.needs}:
        return piece
    text = renamed(piece.text, names)
    return None if text is None else read_piece(text)


def _renamed_import(item: Import, names: Mapping[str, str]) -> Import:
    new = names.get(item.bound)
    if new is None:
        return item
    [made] = read_import(Import(item.module, item.name, new).statement)
    return made


def _is_path(item: Import) -> bool:
    """Whether it is `import package.module`, which binds the package."""
    return item.name is None and item.alias is None and "." in item.module
