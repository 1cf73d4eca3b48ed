"""What ends an attempt: the user's own error, trouble of the surroundings, or a timeout."""

from __future__ import annotations

from typing import Literal

Kind = Literal["user", "infrastructure", "timeout", "interrupted"]


class WrongValue(TypeError):  # noqa: N818 - users read this name as `WrongValue: ...`
    """A task got or gave a value that its declaration does not fit."""


class InfrastructureError(RuntimeError):
    """The store or another part of the surroundings failed, not the task's own code."""


class AttemptTimeout(BaseException):
    """The attempt ran longer than its timeout; no `except Exception` of the user's holds it up."""


def classify(problem: BaseException) -> Kind:
    """Whose trouble an exception is.

    Engines end attempts with exceptions of their own that `except Exception` lets through; those
    that speak of a timeout by name are one.
    """
    if isinstance(problem, Exception):
        return "infrastructure" if isinstance(problem, InfrastructureError) else "user"
    if isinstance(problem, SystemExit):
        return "user"
    return "timeout" if "Timeout" in type(problem).__name__ else "interrupted"


OUTCOMES: dict[Kind, str] = {
    "user": "failed",
    "infrastructure": "failed",
    "timeout": "timed_out",
    "interrupted": "interrupted",
}


def describe(problem: BaseException) -> str:
    """Class and first message line, for logs."""
    text = str(problem).strip()
    name = type(problem).__name__
    return f"{name}: {text}" if text else name
