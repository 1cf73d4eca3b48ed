"""How a command ends: its findings are printed, and they give the exit code."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import click

from intermodal.cli.colour import coloured
from intermodal.cli.render import text
from intermodal.findings import Finding, Severity, error, errors_of

CLEAN = 0
FOUND = 1
WRONG_USAGE = 2
BACKEND_FAILED = 3

USAGE_CODES = frozenset({"PORT009"})

# Errors that are no fault of a pipeline or of the command's arguments.
BACKEND_CODES = frozenset(
    {"PORT404", "PORT500", "PORT544", "PORT605", "PORT700", "PORT701", "PORT704"}
)


def exit_code(findings: Sequence[Finding]) -> int:
    """0 without errors, 2 for a wrong use, 3 if a backend failed, 1 otherwise."""
    codes = {finding.code for finding in errors_of(findings)}
    if not codes:
        return CLEAN
    if codes & USAGE_CODES:
        return WRONG_USAGE
    return BACKEND_FAILED if codes & BACKEND_CODES else FOUND


def print_findings(
    findings: Iterable[Finding], root: Path | None = None, *, notes: bool = False
) -> None:
    """Print findings for people, on standard error; notes only if asked for."""
    shown = [f for f in findings if notes or f.severity is not Severity.NOTE]
    if shown:
        click.echo(
            text.render(shown, root or Path.cwd(), colour=coloured(err=True)), err=True, color=True
        )


def leave(findings: Sequence[Finding]) -> NoReturn:
    """End the command with the exit code of its findings."""
    raise click.exceptions.Exit(exit_code(findings))


def internal_error(problem: Exception, arguments: Sequence[str]) -> Finding:
    """The finding for an exception that nobody expected."""
    said = str(problem).strip().splitlines()
    what = f"{type(problem).__name__}: {said[0]}" if said else type(problem).__name__
    again = shlex.join(["port", "--debug", *(a for a in arguments if a != "--debug")])
    return error(
        "PORT011",
        f"Intermodal itself failed: {what}",
        why="this is a fault in Intermodal, not in your pipeline",
        next=f"please report it with the output of `{again}` and, if you can, the pipeline file",
    )
