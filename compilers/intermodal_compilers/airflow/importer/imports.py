"""Imports: local modules are followed and read, all others become names with their full path."""

from __future__ import annotations

import ast
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.modules import Module, parse_text
from intermodal_compilers.airflow.importer.stand_ins import STAND_INS
from intermodal_compilers.airflow.importer.values import External, RaisedError, Scope, Unknown

# Names of packages whose value is a fact about where a file runs.
CONSTANTS: dict[str, Any] = {
    "typing.TYPE_CHECKING": False,
    "typing_extensions.TYPE_CHECKING": False,
    "os.sep": "/",
    "os.linesep": "\n",
    "os.path.sep": "/",
    "sys.version_info": (3, 12, 0),
    "sys.platform": "linux",
    "os.name": "posix",
    "datetime.timezone.utc": UTC,
    "datetime.UTC": UTC,
    "pendulum.UTC": UTC,
    "pytz.utc": UTC,
    "pytz.UTC": UTC,
    "airflow.utils.timezone.utc": UTC,
    "airflow.sdk.timezone.utc": UTC,
}
# Enums of Airflow's whose members are text, and equal it.
TEXT_ENUMS = (".TriggerRule", ".WeightRule")


VERSIONS = ("airflow.__version__", "airflow.version.version")
# The version that files are read for, where they ask for it.
VERSION = "3.3.2"


def versioned(machine: Machine, path: str, node: ast.AST, scope: Scope) -> Any:
    """What a full path stands for, Airflow's own version among it."""
    if path not in VERSIONS:
        return external(path)
    machine.assume(f"Airflow's version is taken as {VERSION}", scope.module.span(node))
    return VERSION


def external(path: str) -> Any:
    """What a full path stands for: a known constant, or the thing of that name."""
    if path in CONSTANTS:
        return CONSTANTS[path]
    owner, _, name = path.rpartition(".")
    if name.isupper() and owner.endswith(TEXT_ENUMS) and owner.startswith("airflow."):
        return name.lower()
    if name.startswith("AIRFLOW_V_") and name.endswith("_PLUS"):
        return True  # compatibility switches of Airflow's own system tests
    return External(path)


def import_statement(machine: Machine, node: ast.Import, scope: Scope) -> None:
    """`import a.b`, `import a.b as c`."""
    for alias in node.names:
        value = module_value(machine, alias.name, scope)
        if alias.asname:
            scope.names[alias.asname] = value
        else:
            first = alias.name.partition(".")[0]
            scope.names[first] = (
                value if first == alias.name else module_value(machine, first, scope)
            )


def import_from(machine: Machine, node: ast.ImportFrom, scope: Scope) -> None:
    """`from a import b`, relative or not, and `*`."""
    name = _absolute(node, scope.module)
    owner = module_value(machine, name, scope)
    for alias in node.names:
        if alias.name == "*":
            _star(machine, owner, node, scope)
            continue
        value = member(machine, owner, name, alias.name, node, scope)
        scope.names[alias.asname or alias.name] = value


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    keep = len(parts) - node.level + (module.path.name == "__init__.py")
    return ".".join([*parts[: max(keep, 0)], *([node.module] if node.module else [])])


def module_value(machine: Machine, name: str, scope: Scope) -> Any:
    """A module by its name: read, if its file lies below the root."""
    if name in machine.modules:
        return machine.modules[name]
    root = name.partition(".")[0]
    if not name or (root == "airflow" and not _own_airflow(machine, name)):
        return External(name, module=True)
    if root in sys.stdlib_module_names:
        return External(name, module=True)
    path = machine.locate(name, scope)
    if path is None:
        return stand_in(machine, name) or External(name, module=True)
    return load_module(machine, path, name)


def stand_in(machine: Machine, name: str) -> Module | None:
    """What stands in for a module that no distribution has, if something does."""
    text = STAND_INS.get(name)
    if text is None:
        return None
    module, _ = parse_text(text, Path(f"<{name}>"), f"<{name}>", name)
    if module is not None:
        machine.modules[name] = module
        run_module(machine, module)
    return module


def _own_airflow(machine: Machine, name: str) -> bool:
    """Whether a module below `airflow` lies in the repository: example folders and old plugins."""
    return ("example_dags" in name or ".plugins" in name) and machine.sources.locate(
        name
    ) is not None


def load_module(machine: Machine, path: Path, name: str) -> Any:
    """Read a local module; while it is being read, what it has so far counts."""
    if path.is_dir():
        folder = Module(
            path / "__init__.py", machine.sources.shown(path), name, "", ast.Module([], [])
        )
        machine.modules[name] = folder
        return folder
    module, findings = machine.sources.load(path, name, keep=True)
    for finding in findings:
        machine.hole("PORT808", f"module `{name}` cannot be read", finding.span, why=finding.what)
    if module is None:
        return External(name)
    machine.modules[name] = module
    run_module(machine, module)
    return module


def run_module(machine: Machine, module: Module) -> None:
    """Go through a module's statements; one that raises is told of, and the next is read."""
    scope = Scope(module, module.names)
    machine.loading.append(module)
    try:
        _run_statements(machine, module, scope)
    finally:
        machine.loading.pop()
    module.done = True


def _run_statements(machine: Machine, module: Module, scope: Scope) -> None:
    for statement in module.tree.body:
        try:
            machine.execute([statement], scope)
        except RaisedError as raised:
            place = raised.span or module.span(statement)
            machine.hole(
                "PORT805",
                f"`{module.shown}` raises {raised.kind} while it is loaded",
                place,
                why=raised.text,
            )
        except RecursionError:
            machine.hole("PORT806", "expressions nest too deep", module.span(statement))


def member(machine: Machine, owner: Any, path: str, name: str, node: ast.AST, scope: Scope) -> Any:
    """A name of a module: what it defines, or the module below it."""
    if isinstance(owner, Module):
        if name == "__dict__":
            return owner.names
        if name in owner.names:
            return owner.names[name]
        below = machine.locate(f"{path}.{name}", scope)
        if below is not None:
            return module_value(machine, f"{path}.{name}", scope)
        if "__getattr__" in owner.names or not owner.done or owner.text == "":
            return Unknown(f"`{name}` of `{path}` is not known", scope.module.span(node))
        raise RaisedError("ImportError", f"`{path}` has no `{name}`", scope.module.span(node))
    if isinstance(owner, External):
        below = machine.locate(f"{path}.{name}", scope)
        if below is not None and path and not path.startswith("airflow"):
            return module_value(machine, f"{path}.{name}", scope)
        return versioned(machine, f"{path}.{name}" if path else name, node, scope)
    return owner


def _star(machine: Machine, owner: Any, node: ast.ImportFrom, scope: Scope) -> None:
    if isinstance(owner, Module):
        names = owner.names.get("__all__")
        chosen = names if isinstance(names, list | tuple) else owner.names
        for name in chosen:
            if isinstance(name, str) and (names is not None or not name.startswith("_")):
                scope.names[name] = owner.names.get(name)
        return
    machine.hole(
        "PORT808",
        f"names that `from {node.module} import *` brings are not known",
        scope.module.span(node),
    )
