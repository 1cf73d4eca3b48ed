"""Tasks that are classes of another ecosystem, kept whole: `hosted("airflow....Operator", arguments={...})`."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from intermodal import ir, registry
from intermodal.authoring import capture
from intermodal.authoring.actions import _add
from intermodal.authoring.handles import TaskHandle, as_expression, wrong
from intermodal.authoring.options import TEXT, TEXTS, checked
from intermodal.authoring.regions import tracer_for
from intermodal.authoring.spans import caller_module, caller_span
from intermodal.authoring.tasks import Task
from intermodal.authoring.tracing import Tracer
from intermodal.findings import FindingsError, error
from intermodal.frozen import Frozen


class Source(Frozen):
    """An expression that only the ecosystem of a hosted task evaluates.

    Attributes:
        text: The expression.
        imports: Import statements that it uses.
        file: The file whose definitions it may use.
        module: The name of that module.
    """

    text: str
    imports: tuple[str, ...]
    file: str
    module: str


def source(text: str, *, imports: Sequence[str] | str = ()) -> Source:
    """A value of a hosted task that is no JSON: `source("timedelta(minutes=5)", imports=[...])`.

    It is not evaluated here. Names that `imports` do not bind are those of the module it stands in: their
    definitions and imports come along, also those in a `worker_imports()` block.

    Args:
        text: One Python expression.
        imports: Import statements that it uses: `["from datetime import timedelta"]`.
    """
    given = checked({"text": TEXT, "imports": TEXTS}, {"text": text, "imports": imports}, "source")
    statements = given["imports"]
    try:
        compile(given["text"].strip(), "source", "eval")
        compile("\n".join(statements), "imports", "exec")
    except (SyntaxError, ValueError, RecursionError) as problem:
        wrong(f"`source` takes one Python expression: {problem}", "correct it, or its imports")
    file, module = caller_module()
    return Source(given["text"].strip(), tuple(statements), file, module)


def hosted(
    class_path: Any,
    *,
    id: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    expand: Mapping[str, Any] | None = None,
    expand_maps: Any = None,
    outputs: Sequence[str] | str = (),
    packages: Sequence[str] | str = (),
    ecosystem: str = "",
    **options: Any,
) -> TaskHandle:
    """A task of a class of another ecosystem, which its own target takes as it is and others run.

    Args:
        class_path: The full path of the class; its first part names the ecosystem. A class of the module
            is given as itself, or as `source("MyOperator")`, with the ecosystem.
        id: The task's id; by default made of the class's name.
        arguments: What the class is made with: JSON, results of tasks, parameters, functions and classes of
            a module, and `source(...)`.
        expand: Arguments that are lists or maps; there is an instance for each combination of items.
        expand_maps: A list of maps of arguments; there is an instance for each.
        outputs: Names of what it gives beside its result.
        packages: What has to be installed where it runs.
        ecosystem: Whose class it is, where the path does not say so.
        **options: As for `@task`.
    """
    tracer = tracer_for("hosted")
    own = not isinstance(class_path, str)
    made = _captured(tracer, class_path) if own else None
    path = made.text if made is not None else class_path
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", path) or (not own and "." not in path):
        wrong(f"`{path}` is no path of a class", 'write `hosted("package.module.Class", ...)`')
    whose = ecosystem or path.partition(".")[0]
    _known(whose, path)
    given = checked(
        {"outputs": TEXTS, "packages": TEXTS},
        {"outputs": outputs, "packages": packages},
        "a hosted task",
    )
    action = ir.Hosted.of(
        ecosystem=whose,
        class_path=path,
        arguments=_values(tracer, whose, "arguments", arguments),
        expand=_values(tracer, whose, "expand", expand),
        expand_maps=None if expand_maps is None else _value(tracer, whose, expand_maps),
        class_source=None if made is None else made.model_copy(update={"ecosystem": whose}),
        packages=given["packages"],
    )
    types = {name: ir.AnyType.of() for name in ("return", *given["outputs"])}
    return _add(tracer, id or _id_of(path), action, {}, types, options)


def _id_of(path: str) -> str:
    """`create_bucket` for `some.where.CreateBucketOperator`."""
    name = path.rpartition(".")[2].removesuffix("Operator") or "hosted"
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return parts.strip("_").lower()


def _known(ecosystem: str, path: str) -> None:
    """Stop unless something is installed that knows the ecosystem.

    Raises:
        FindingsError: If nothing is.
    """
    if registry.has("ecosystems", ecosystem):
        return
    known = ", ".join(registry.names("ecosystems")) or "none"
    finding = error(
        "PORT206",
        f"`{path}` is a class of `{ecosystem}`, of which nothing is installed here",
        caller_span(),
        why=f"the first part of the path says whose class it is; known ones: {known}",
        next=f"install the package that registers `{ecosystem}` under `intermodal.ecosystems`",
    )
    raise FindingsError([finding])


def _values(tracer: Tracer, ecosystem: str, what: str, given: Any) -> dict[str, ir.Expression]:
    if given is not None and not (
        isinstance(given, Mapping) and all(isinstance(name, str) for name in given)
    ):
        wrong(f"`{what}` is a dict of values by name", f'write `{what}={{"name": value}}`')
    return {name: _value(tracer, ecosystem, value) for name, value in (given or {}).items()}


def _value(tracer: Tracer, ecosystem: str, value: Any) -> ir.Expression:
    """A value as an expression; lists and dicts may hold what has to be captured."""
    if _is_captured(value):
        return _captured(tracer, value).model_copy(update={"ecosystem": ecosystem})
    if isinstance(value, (list, tuple)) and _holds_captured(value):
        return ir.ListOf.of(items=tuple(_value(tracer, ecosystem, item) for item in value))
    if isinstance(value, dict) and _holds_captured(value):
        return ir.MapOf.of(entries=_values(tracer, ecosystem, "a dict of a hosted task", value))
    return as_expression(tracer, value)


def _is_captured(value: Any) -> bool:
    return isinstance(value, (Source, Task, type)) or inspect.isfunction(value)


def _holds_captured(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_captured, value))
    if isinstance(value, dict):
        return any(map(_holds_captured, value.values()))
    return _is_captured(value)


def _captured(tracer: Tracer, value: Any) -> ir.SourceExpression:
    """Something that only the ecosystem evaluates, with what it needs of its module; of no ecosystem yet.

    Raises:
        FindingsError: If it is a function or class without a place in a module.
    """
    if isinstance(value, Source):
        bound = capture.bound_by(value.imports)
        names = capture.names_of(value.text) - bound
        imports, definitions, local = capture.named(names, value.file, value.module, tracer.root)
        local += capture.local_among(value.imports, tracer.root)
        imports = tuple(dict.fromkeys((*value.imports, *imports)))
        return _expression(value.text, imports, definitions, local)
    if isinstance(value, Task):
        value = value.function
    if not (isinstance(value, type) or inspect.isfunction(value)):
        wrong(f"a hosted task takes no `{type(value).__name__}`", "give a path, or `source(...)`")
    name, module = value.__name__, sys.modules.get(value.__module__)
    if value.__qualname__ != name or not name.isidentifier():
        wrong(
            f"`{value.__qualname__}` cannot be given to a hosted task",
            "define it at the top of a module",
            "where the task runs, nothing else of it could be had",
        )
    file = str(getattr(module, "__file__", None) or "")
    if inspect.isfunction(value):
        file = value.__code__.co_filename
    imports, definitions, local = capture.named([name], file, value.__module__, tracer.root)
    if not definitions:
        statement = f"from {value.__module__} import {name}"
        imports, local = (statement,), capture.local_among([statement], tracer.root)
    return _expression(name, imports, definitions, local)


def _expression(
    text: str, imports: tuple[str, ...], definitions: tuple[str, ...], local: tuple[str, ...]
) -> ir.SourceExpression:
    return ir.SourceExpression.of(
        ecosystem="",
        text=text,
        imports=imports,
        definitions=definitions,
        local_modules=tuple(dict.fromkeys(local)),
    )
