"""Functions under Airflow's decorators: which of the user's functions are decorated, and by which name."""

from __future__ import annotations

import ast

from intermodal.ir import Hosted, SourceExpression
from intermodal_compilers.airflow.hosted.model import Function, Step
from intermodal_compilers.airflow.hosted.reading import Definition, Piece
from intermodal_compilers.airflow.hosted.scopes import renamed
from intermodal_compilers.airflow.hosted.sources import Sources
from intermodal_compilers.airflow.importer.naming import VARIANTS
from intermodal_compilers.pysource import is_identifier

_NAMES = {path.rpartition(".")[2]: variant for variant, path in VARIANTS.items()}
UNKNOWN_VARIANT = "airflow.task."
ASSET_CLASS = "airflow.sdk.definitions.asset.decorators._AssetMainOperator"


def decorator_of(hosted: Hosted) -> str:
    """`task`, `task.branch`, `asset` and so on, for classes that decorated functions make; else empty."""
    class_path = hosted.class_path
    if class_path == ASSET_CLASS:
        return "asset.multi" if "outlets" in hosted.arguments else "asset"
    variant = class_path.removeprefix(UNKNOWN_VARIANT)
    if variant != class_path and is_identifier(variant):
        return f"task.{variant}"
    name = class_path.rpartition(".")[2]
    if not class_path.startswith("airflow.") or name not in _NAMES:
        return ""
    return "task" if _NAMES[name] == "python" else f"task.{_NAMES[name]}"


class Functions:
    """The functions that the file decorates, in the order of their first use."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.all: list[Function] = []
        self._by_key: dict[tuple[str, str, str], Function] = {}
        self._waiting: list[tuple[Step, SourceExpression, str, Definition, str]] = []

    def take(self, step: Step, source: SourceExpression) -> bool:
        """Note the function of a step, and bring what it needs; whether the file can decorate it.

        Where it cannot, since the function is imported, a lambda, or used by others as it is, the source
        has become part of the file as any other.
        """
        piece = self.sources.read(source)
        if piece is None:
            return True  # with a finding, so that nothing is written
        own = _own_definition(piece)
        if own is None:
            self.sources.piece(source)
            return False
        others = tuple(one for one in piece.definitions if one is not own)
        rest = Piece("None", piece.imports, others, own.loaded, piece.future)
        names = self.sources.fitting(rest)
        brought = self.sources.bring(rest, source)
        if brought is not None:
            text = renamed(own.text, names) if names else own.text
            self._waiting.append((step, source, piece.text, own, text))
        return True

    def settle(self) -> None:
        """Give the functions their names, now that everything else has its own."""
        for step, _, wanted, _, text in self._waiting:
            key = (step.decorator, wanted, text)
            function = self._by_key.get(key)
            if function is None:
                function = self._by_key[key] = self._new(step, wanted, text)
                self.all.append(function)
            function.steps.append(step)
            step.function = function

    def _new(self, step: Step, wanted: str, text: str) -> Function:
        name, number = wanted, 1
        while self.sources.means(name) not in (None, "decorated") or self._used(name):
            number += 1
            name = f"{wanted}_{number}"
        self.sources.claim(name, "decorated")
        text = renamed(text, {wanted: name}) if name != wanted else text
        return Function(name, text, step.decorator)

    def _used(self, name: str) -> bool:
        return self.sources.means(name) is None and name in self.sources.loaded()


def _own_definition(piece: Piece) -> Definition | None:
    """The one function that an expression names, if the file may decorate it."""
    binding = [one for one in piece.definitions if piece.text in one.bound]
    if len(binding) != 1 or piece.text in {one.bound for one in piece.imports}:
        return None
    (own,) = binding
    body = ast.parse(own.text).body
    if len(body) != 1 or not isinstance(body[0], (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    used = {name for one in piece.definitions for name in one.loaded}
    return None if piece.text in used else own
