"""Answers to approvals: given with the command, or asked for at the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from intermodal.cli.colour import is_terminal

if TYPE_CHECKING:
    from intermodal.ir import Pipeline
    from intermodal.running import Answer, Ask

YES = ("y", "yes")
NO = ("n", "no")


def given_answers(
    pipelines: Iterable[Pipeline], approve: Sequence[str], reject: Sequence[str], *, rest: bool
) -> Mapping[str, Answer]:
    """Answers by task id.

    Args:
        pipelines: Whose approvals there are.
        approve: Ids of what is approved.
        reject: Ids of what is rejected.
        rest: Approve everything else.

    Raises:
        click.UsageError: An id is no approval's, or has two answers.
    """
    known = list(dict.fromkeys(name for p in pipelines for name in approvals_of(p)))
    for name in (*approve, *reject):
        if name.partition("[")[0] not in known:
            shown = ", ".join(f"`{other}`" for other in known) or "there are none"
            raise click.UsageError(f"no approval is called `{name}`; approvals here: {shown}")
    if both := set(approve) & set(reject):
        raise click.UsageError(f"`{min(both)}` is approved and rejected")
    answers: dict[str, Answer] = dict.fromkeys(known, "approve") if rest else {}
    answers |= dict.fromkeys(approve, "approve")
    return answers | dict.fromkeys(reject, "reject")


def approvals_of(pipeline: Pipeline) -> list[str]:
    """Ids of a pipeline's approvals."""
    from intermodal.analysis import graph
    from intermodal.ir import Approval

    return [task.id for task in graph.tasks(pipeline) if isinstance(task.action, Approval)]


def asker(*, machine: bool) -> Ask | None:
    """What asks the person at the terminal; None where there is none, or a program reads the output."""
    if machine or not sys.stdin.isatty() or not is_terminal(err=True):
        return None
    return _ask


def _ask(instance: str, message: str) -> bool | None:
    from intermodal.cli.render.text import printable

    question = f"  approve {printable(instance)}: {printable(message)} [y/n] "
    while True:
        click.echo(question, nl=False, err=True)
        line = _read_line()
        if line is None:
            click.echo(err=True)
            return None
        if line.strip().lower() in (*YES, *NO):
            return line.strip().lower() in YES


def _read_line() -> str | None:
    """A line from the terminal; None at its end.

    Not by `input()`: its lock on standard input would make Python crash if the run ends meanwhile.
    """
    line = os.read(sys.stdin.fileno(), 4096)
    return line.decode("utf-8", "replace") if line else None
