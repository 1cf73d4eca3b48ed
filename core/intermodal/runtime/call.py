"""Running a Python function as a task."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal

from intermodal.margins import dedented
from intermodal.runtime.attempt import Job, attempt
from intermodal.runtime.context import Context
from intermodal.runtime.problems import WrongValue
from intermodal.runtime.typed import hints_of, record_fields

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.runtime.cache import CachePolicy

Unpack = Literal["none", "attributes", "items"]


def run(
    function: Callable[..., Any],
    *,
    context: Context,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    unpack: Unpack = "none",
    cache: CachePolicy | None = None,
) -> Any:
    """Run a function as one attempt of a task.

    Args:
        function: The task's function; its annotations say what artifacts are loaded as.
        context: Whose attempt it is.
        inputs: JSON values and artifact references, by parameter name.
        outputs: Type tags by output name: an artifact kind (`Dataset`, `Model`, ...), or `value`.
        unpack: How outputs are taken from what the function returns.
        cache: Reuse the outputs of an earlier success, kept in the artifact store:
            `{"key": text or None, "ttl": seconds or None, "code": SHA-256 or ""}`. The same key means the
            same result: it is made of the code and the inputs, artifacts by their content; or, where
            `key` is given, of pipeline, task, index and that text, whatever the inputs. An empty
            `code` stands for the source of the function and of what it uses of its file. On a hit the
            function is not called, and the attempt ends as `cached` without having started.

    Returns:
        JSON only: for `none` the value or reference of the output, None if there is no output;
        otherwise a dict of them by output name.

    Raises:
        WrongValue: An input or output does not fit its annotation.
        InfrastructureError: The store failed.
        BaseException: Whatever the function raises, unchanged.
    """
    findings: list[Finding] = []
    try:
        job = job_of(function, outputs, unpack)
        cache = with_code(cache, function)
        done = attempt(job, context, inputs, outputs, findings, cache)
    finally:
        report(findings)
    return shaped(done.outputs, unpack)


def with_code(policy: CachePolicy | None, function: Callable[..., Any]) -> CachePolicy | None:
    """The policy with the hash of the code that a result depends on, where it does not say that itself."""
    if policy is None or policy.get("code") or policy.get("key") is not None:
        return policy
    from intermodal.runtime.used_code import used_code_hash

    return {**policy, "code": used_code_hash(plain_function(function))}


def job_of(function: Callable[..., Any], outputs: Mapping[str, str], unpack: Unpack) -> Job:
    """The job that calls a function; a decorated one is called as the plain function."""
    plain = plain_function(function)
    hints = _function_hints(plain)
    returned = hints.get("return")
    fields = (record_fields(returned) or {}) if unpack != "none" else {}
    name = getattr(plain, "__name__", "the task")

    def call(values: dict[str, Any]) -> dict[str, Any]:
        return taken_apart(plain(**values), outputs, unpack, name)

    return Job(
        call=call,
        input_hints=hints,
        output_hints={key: fields.get(key) if fields else returned for key in outputs},
        code_hash=code_hash(inspect.unwrap(plain)),
        code=code_text(inspect.unwrap(plain)),
        source=source_of(inspect.unwrap(plain)),
    )


def plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The user's function where one decorated with `@task` was given."""
    if type(function).__module__.partition(".")[0] == "intermodal":
        inner: Callable[..., Any] = getattr(function, "function", function)
        return inner
    return function


def taken_apart(
    result: Any, outputs: Mapping[str, str], unpack: Unpack, name: str
) -> dict[str, Any]:
    """The values of the outputs in what a function returned.

    Raises:
        WrongValue: One is missing.
    """
    if unpack == "none":
        return dict.fromkeys(outputs, result)
    try:
        if unpack == "attributes":
            return {key: getattr(result, key) for key in outputs}
        return {key: result[key] for key in outputs}
    except (AttributeError, KeyError, TypeError) as problem:
        raise WrongValue(
            f"`{name}` returned a {type(result).__name__} without the declared outputs "
            f"{', '.join(f'`{key}`' for key in outputs)}: {problem}"
        ) from problem


def shaped(given: dict[str, Any], unpack: Unpack) -> Any:
    """What the task's own engine passes on."""
    if unpack != "none":
        return given
    return next(iter(given.values()), None)


def report(findings: list[Finding]) -> None:
    """Show findings in the task's log."""
    for finding in findings:
        why = f" ({finding.why})" if finding.why else ""
        print(f"{finding.severity}[{finding.code}]: {finding.what}{why}", file=sys.stderr)


def code_hash(function: Callable[..., Any]) -> str:
    """SHA-256 of a function's source: from its `def` on and without indentation, wherever it stands."""
    return hash_of_text(code_text(function))


def code_text(function: Callable[..., Any]) -> str:
    """A function's source as it is hashed; empty where it cannot be read."""
    code = getattr(function, "__code__", None)
    return _text_of(code) if isinstance(code, CodeType) else ""


def hash_of_text(text: str) -> str:
    """SHA-256 of the text of some code; empty for none."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def source_of(function: Callable[..., Any]) -> str:
    """The file of a function's code; empty for one that was typed in or made up."""
    name = str(getattr(getattr(function, "__code__", None), "co_filename", ""))
    return "" if name.startswith("<") else name


@lru_cache(maxsize=1024)
def _text_of(code: CodeType) -> str:
    try:
        text = dedented(inspect.getsource(code))
        node = ast.parse(text).body[0]
        lines = text.splitlines(keepends=True)[node.lineno - 1 : node.end_lineno]
    except (OSError, TypeError, SyntaxError, IndexError):
        return ""
    return "".join(lines).rstrip()


def _function_hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return _cached_hints(function)
    except TypeError:  # a callable object that cannot be a key
        return hints_of(function)


@lru_cache(maxsize=1024)
def _cached_hints(function: Callable[..., Any]) -> dict[str, Any]:
    return hints_of(function)
