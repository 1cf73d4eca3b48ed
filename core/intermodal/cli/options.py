"""Options and completions that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

AnyCommand = Callable[..., Any]

# As `compiling.CodeMode`, which is not imported because `--help` would wait for it.
CODE_MODES = ("embed", "import", "bundle", "image")
MACHINE_HELP = "Print JSON on standard output."


def as_json(function: AnyCommand) -> AnyCommand:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help=MACHINE_HELP)(function)


def store_option(function: AnyCommand) -> AnyCommand:
    """`--store`."""
    return click.option(
        "--store",
        metavar="URI",
        envvar="INTERMODAL_STORE",
        help="Artifact store. [default: the project's]",
    )(function)


def tracking_option(function: AnyCommand) -> AnyCommand:
    """`--tracking`, of what is read."""
    return click.option(
        "--tracking",
        metavar="URI",
        envvar="INTERMODAL_TRACKING",
        help="Tracker to ask; `none` for nobody. [default: the project's]",
    )(function)


def output_option(function: AnyCommand) -> AnyCommand:
    """`--out`."""
    return click.option(
        "--out", metavar="FILE", type=click.Path(), help="Write there instead of printing."
    )(function)


def written(text: str, out: str | None) -> None:
    """Print a text that ends in a newline, or write it to a file.

    Raises:
        FindingsError: The file cannot be written.
    """
    if out is None:
        click.echo(text, nl=False)
        return
    from intermodal.findings import raise_errors
    from intermodal.output import Output, write

    place = Path(out).absolute()
    _, findings = write(Output(place.parent, {place.name: text}))
    raise_errors(findings)


def profile_option(function: AnyCommand) -> AnyCommand:
    """`--profile`, one."""
    return click.option(
        "--profile",
        metavar="NAME",
        shell_complete=complete_profiles,
        help="Settings of this profile of the project.",
    )(function)


def complete_targets(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Targets, and after `@` their versions."""
    from intermodal import registry

    name, at, _ = incomplete.partition("@")
    known = registry.names("compilers")
    if at and name in known:
        return _items([f"{name}@{v}" for v in registry.compiler(name).versions], incomplete)
    return _items(known, incomplete)


def complete_systems(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Systems whose files can be read."""
    from intermodal import registry

    return _items(registry.names("importers"), incomplete)


def complete_profiles(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Profiles of the project."""
    from intermodal.findings import FindingsError
    from intermodal.project import find_project

    try:
        return _items(list(find_project(Path.cwd()).profiles), incomplete)
    except FindingsError:
        return []  # a completion has nowhere to show what is wrong; the command will


def complete_codes(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Finding codes with their captions."""
    from click.shell_completion import CompletionItem

    from intermodal.codes import CODES

    wanted = incomplete.upper()
    return [CompletionItem(c, help=CODES[c].title) for c in CODES if c.startswith(wanted)]


def complete_engines(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Engines that can be installed."""
    from intermodal.engines import catalogue

    return _items([engine.name for engine in catalogue()], incomplete)


def _items(names: list[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def shown_path(path: Path) -> str:
    """The path as a person at the current folder would write it."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
