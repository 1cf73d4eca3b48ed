"""The progress of a run: lines for everybody, and a live bar below them on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from intermodal.cli.colour import coloured, is_terminal
from intermodal.cli.render.text import printable

if TYPE_CHECKING:
    from intermodal.running import Progress

Listener = Callable[["Progress"], None]

# State -> what is said, and in which colour.
SAID = {
    "succeeded": ("ok", "green"),
    "cached": ("cached", "green"),
    "failed": ("failed", "red"),
    "skipped": ("skipped", "yellow"),
    "upstream_failed": ("not run", "yellow"),
    "retrying": ("again", "yellow"),
    "notice": ("notice", "cyan"),
}
MARK_WIDTH = 8
LONGEST_NAME = 28


@contextmanager
def showing(name: str, total: int, *, quiet: bool = False, live: bool = True) -> Iterator[Listener]:
    """A listener that tells, on standard error, what happens while the context lasts.

    Args:
        name: The pipeline's.
        total: Its tasks; loops may make more instances of them.
        quiet: Tell nothing.
        live: Show a bar on a terminal; not where people are asked for something meanwhile.
    """
    if quiet:
        yield _ignore
    elif live and is_terminal(err=True):
        with _live(name, total) as listener:
            yield listener
    else:
        yield _print_line


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Takes the name of each thing when it comes up, and shows on a terminal how far that is.

    Args:
        what: What is being done.
        total: How many things there are.
    """
    if not is_terminal(err=True):
        yield _say_nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False, no_color=not coloured(err=True))
    columns = (
        TextColumn("  {task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[now]}", markup=False),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        row = bar.add_task(what, total=total, now="")
        yield lambda now: bar.update(row, advance=1, now=_end_of(printable(now)))


def _end_of(text: str) -> str:
    """The end of a long text, so that it leaves room for the bar."""
    return text if len(text) <= LONGEST_NAME else f"…{text[1 - LONGEST_NAME :]}"


def _say_nothing(_now: str) -> None:
    """Tell nothing."""


def line(progress: Progress, *, colour: bool = False) -> str | None:
    """What is told of an event; None if that is nothing."""
    if progress.state not in SAID:
        return None
    mark, tint = SAID[progress.state]
    mark = f"{mark:<{MARK_WIDTH}}"
    mark = click.style(mark, fg=tint) if colour else mark
    return f"  {mark}{printable(progress.instance or 'the run')}{_detail(progress)}"


def _detail(progress: Progress) -> str:
    if progress.restored:
        return "  (from the run before)"
    attempt = f", attempt {progress.attempt}" if progress.attempt > 1 else ""
    error = printable(progress.error.strip().splitlines()[0]) if progress.error.strip() else ""
    if progress.state == "retrying":
        pause = f" in {progress.seconds:.1f} s" if progress.seconds else ""
        return f"{pause}: attempt {progress.attempt} failed{f': {error}' if error else ''}"
    if not progress.attempt:
        return f": {error}" if error else ""
    return f"  {progress.seconds:.2f} s{attempt}"


def _ignore(_progress: Progress) -> None:
    """Tell nothing."""


def _print_line(progress: Progress) -> None:
    said = line(progress, colour=coloured(err=True))
    if said is not None:
        click.echo(said, err=True, color=True)


@contextmanager
def _live(name: str, total: int) -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    colour = coloured(err=True)
    console = Console(stderr=True, highlight=False, no_color=not colour)
    running: dict[str, None] = {}
    seen: set[str] = set()
    columns = (
        TextColumn("  {task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", markup=False),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        row = bar.add_task(name, total=total, now="")

        def tell(progress: Progress) -> None:
            said = line(progress, colour=colour)
            if progress.state == "running":
                running[progress.instance] = None
            elif progress.state != "notice":
                running.pop(progress.instance, None)
                if progress.state != "retrying":
                    seen.add(progress.instance)
            if said is not None:
                console.print(Text.from_ansi(said))
            now = printable(", ".join(list(running)[:4]))
            more = f" and {len(running) - 4} more" if len(running) > 4 else ""
            done = len(seen)
            bar.update(row, completed=done, total=max(total, done + len(running)), now=now + more)

        yield tell
