"""Functions of a DAG file: what they take, what they give, and whether they need Airflow."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from intermodal.frozen import Frozen
from intermodal.ir import (
    AnyType,
    BooleanType,
    CapturedSource,
    FloatType,
    IntegerType,
    SourceExpression,
    StringType,
    Type,
)
from intermodal_compilers.airflow.hosted.paths import retarget
from intermodal_compilers.airflow.importer.stand_ins import WATCHER_FUNCTION
from intermodal_compilers.airflow.translate.python_names import VERSION
from intermodal_compilers.airflow.translate.sources import imported, parsed, statements

ANNOTATED: Mapping[str, Type] = {
    "str": StringType.of(),
    "int": IntegerType.of(),
    "float": FloatType.of(),
    "bool": BooleanType.of(),
}
LAMBDA = "function"
"""The name that a lambda gets."""
EXCEPTIONS = frozenset({"AirflowException", "AirflowFailException", "AirflowSkipException"})
AIRFLOW_IMPORT = re.compile(r"^\s*(from|import)\s+airflow\b", re.MULTILINE)


class FoundFunction(Frozen):
    """A function with what it needs of its file.

    Attributes:
        node: Its syntax.
        source: Its source, and that of what it uses.
    """

    node: ast.FunctionDef
    source: CapturedSource

    @property
    def name(self) -> str:
        """Its name."""
        return self.node.name

    @property
    def parameters(self) -> list[ast.arg]:
        """What it takes by name, apart from `*args` and `**kwargs`."""
        return [*self.node.args.args, *self.node.args.kwonlyargs]

    @property
    def defaulted(self) -> set[str]:
        """Names of the parameters that have a default."""
        arguments = self.node.args
        with_default = arguments.args[len(arguments.args) - len(arguments.defaults) :]
        pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        return {arg.arg for arg in with_default} | {arg.arg for arg, d in pairs if d is not None}

    @property
    def returns_value(self) -> bool:
        """Whether it gives anything but None."""
        return any(
            node.value is not None
            and not (isinstance(node.value, ast.Constant) and node.value.value is None)
            for node in own_nodes(self.node)
            if isinstance(node, ast.Return)
        )

    @property
    def returned_type(self) -> Type:
        """The type of what it gives, where its annotation is a plain one."""
        returns = self.node.returns
        return ANNOTATED.get(ast.unparse(returns), AnyType.of()) if returns else AnyType.of()

    def uses(self, name: str) -> bool:
        """Whether its body mentions a name."""
        return any(
            isinstance(node, ast.Name) and node.id == name
            for statement in self.node.body
            for node in ast.walk(statement)
        )


def plain_function(source: SourceExpression) -> FoundFunction | None:
    """The function that a source expression names, if it can be called without Airflow."""
    found = function_of(without_airflows_exceptions(source))
    if found is None:
        return None
    texts = (found.source.function, *found.source.imports, *found.source.definitions)
    if any(AIRFLOW_IMPORT.search(text) for text in texts):
        return None
    arguments = found.node.args
    if arguments.vararg or arguments.posonlyargs:
        return None
    if arguments.kwarg and found.uses(arguments.kwarg.arg):
        return None
    if any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in own_nodes(found.node)):
        return None
    return found


WATCHER = SourceExpression.of(
    ecosystem="airflow",
    text="watcher",
    definitions=(WATCHER_FUNCTION,),
)
"""What Airflow's own example DAGs import of its test helpers, which no distribution has."""


def function_of(source: SourceExpression) -> FoundFunction | None:
    """The function that a source expression names; None where its definition is not at hand."""
    if is_airflows_watcher(source):
        source = WATCHER
    tree = parsed(source.text)
    if isinstance(tree, ast.Lambda):
        return _of_lambda(tree, source)
    if not source.text.isidentifier():
        return None
    for index, text in reversed(list(enumerate(source.definitions))):
        for node in statements(text):
            if isinstance(node, ast.FunctionDef) and node.name == source.text:
                rest = (*source.definitions[:index], *source.definitions[index + 1 :])
                captured = CapturedSource.of(
                    function=text,
                    imports=source.imports,
                    definitions=rest,
                    local_modules=source.local_modules,
                )
                return FoundFunction(node, captured) if len(statements(text)) == 1 else None
    return None


def _of_lambda(node: ast.Lambda, source: SourceExpression) -> FoundFunction:
    """A lambda as a function with a name."""
    text = f"def {LAMBDA}({ast.unparse(node.args)}):\n    return {ast.unparse(node.body)}\n"
    captured = CapturedSource.of(
        function=text,
        imports=source.imports,
        definitions=source.definitions,
        local_modules=source.local_modules,
    )
    [function] = statements(text)
    assert isinstance(function, ast.FunctionDef)
    return FoundFunction(function, captured)


def without_airflows_exceptions(source: SourceExpression) -> SourceExpression:
    """The source with exceptions of its own in place of those of Airflow's that mean nothing elsewhere."""
    names = {
        name: text
        for text in source.imports
        for name, path in imported((text,)).items()
        if retarget(path, VERSION) == f"airflow.sdk.exceptions.{name}" and name in EXCEPTIONS
    }
    if not names:
        return source
    classes = [
        f'class {name}({base}):\n    """As in Airflow."""\n'
        for name in sorted(names)
        for base in ["AirflowException" if _derives(name, names) else "Exception"]
    ]
    return source.model_copy(
        update={
            "imports": tuple(text for text in source.imports if text not in names.values()),
            "definitions": (*classes, *source.definitions),
        }
    )


def _derives(name: str, names: Mapping[str, str]) -> bool:
    return name != "AirflowException" and "AirflowException" in names


def is_airflows_watcher(source: SourceExpression) -> bool:
    """Whether an expression names the task function that those examples end with."""
    name = source.text.partition(".")[0]
    path = imported(source.imports).get(name, "")
    return path.endswith((".utils.watcher.watcher", "test_utils.watcher.watcher"))


def own_nodes(function: ast.FunctionDef) -> list[ast.AST]:
    """The syntax of a function's body, without that of functions and classes inside it."""
    found: list[ast.AST] = []
    stack: list[ast.AST] = [*function.body]
    while stack:
        node = stack.pop()
        found.append(node)
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(node))
    return found
