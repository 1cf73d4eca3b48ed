"""Names, imports and expressions of a user's Python, as hosted functions take them."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator

from intermodal.ir import SourceExpression
from intermodal_compilers.airflow.hosted.paths import retarget
from intermodal_compilers.airflow.translate.sources import statements
from intermodal_compilers.pysource import is_identifier

VERSION = "3.3"
"""The Airflow that hosted operators are imported from."""
BUILTINS = frozenset(dir(builtins))


def modern(text: str) -> str:
    """An import statement with the paths of today's Airflow."""
    nodes = statements(text)
    node = nodes[0] if len(nodes) == 1 else None
    if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("airflow"):
        return text.strip()
    if len(node.names) != 1:
        return text.strip()
    alias = node.names[0]
    path = retarget(f"{node.module}.{alias.name}", VERSION)
    module, _, name = path.rpartition(".")
    bound = alias.asname or alias.name
    return f"from {module} import {name}" + (f" as {bound}" if bound != name else "")


def identifier(text: str) -> str:
    """A Python name for any text."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "value"
    return f"_{name}" if name[0].isdigit() else name


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """A name that is not taken."""
    name = wanted if is_identifier(wanted) and wanted not in BUILTINS else f"{wanted}_"
    taken = set(taken)
    while name in taken:
        name += "_"
    return name


def defined_names(sources: Iterable[SourceExpression]) -> Iterator[str]:
    """Names that the definitions and imports of sources bind."""
    for source in sources:
        for text in (*source.definitions, *source.imports):
            for node in statements(text):
                for part in ast.walk(node):
                    if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                        yield part.name
                    elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                        yield part.id
                    elif isinstance(part, ast.alias):
                        yield (part.asname or part.name).partition(".")[0]


def used_names(sources: Iterable[SourceExpression]) -> Iterator[str]:
    """Names that the expressions of sources use."""
    for source in sources:
        yield from re.findall(r"[A-Za-z_]\w*", source.text)


def one_line(text: str) -> str:
    """An expression without line breaks of its own."""
    if "\n" not in text.strip():
        return text.strip()
    return ast.unparse(ast.parse(text.strip(), mode="eval"))
