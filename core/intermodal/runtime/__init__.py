"""What runs inside a task on every target: inputs in, function called, outputs stored, run reported."""

from __future__ import annotations

from intermodal.runtime.call import run
from intermodal.runtime.closing import close_run
from intermodal.runtime.context import Context
from intermodal.runtime.problems import AttemptTimeout, InfrastructureError, WrongValue
from intermodal.runtime.shell import run_shell

__all__ = [
    "AttemptTimeout",
    "Context",
    "InfrastructureError",
    "WrongValue",
    "close_run",
    "run",
    "run_shell",
]
