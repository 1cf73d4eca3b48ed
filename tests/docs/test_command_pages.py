"""The pages of the commands are what the commands say of themselves; `make golden` writes them anew."""

from __future__ import annotations

import importlib

import click
import pytest
from snippets import ROOT

from intermodal.cli.main import COMMANDS, EPILOG

FOLDER = ROOT / "docs" / "commands"


def page(name: str) -> str:
    """A command's page, its subcommands below it."""
    command = importlib.import_module(f"intermodal.cli.{name}").command
    parts = [*section(command, f"port {name}", "#")]
    for inner in getattr(command, "commands", {}).values():
        parts += section(inner, f"port {name} {inner.name}", "##")
    return "\n\n".join([*parts, f"{EPILOG} All commands: [index](../index.md)."]) + "\n"


def section(command: click.Command, path: str, mark: str) -> list[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    paragraphs = [" ".join(one.split()) for one in (command.help or "").split("\n\n")]
    options = [option for option in command.params if isinstance(option, click.Option)]
    rows = [row(option, context) for option in options if not option.hidden]
    parts = [f"{mark} {path}", *filter(None, paragraphs), f"```\n{usage}\n```"]
    if rows:
        parts.append("\n".join(["| option | what it does |", "|---|---|", *rows]))
    if getattr(command, "examples", ()):
        parts.append("Examples:\n```\n" + "\n".join(command.examples) + "\n```")
    return parts


def row(option: click.Option, context: click.Context) -> str:
    names, said = (text.replace("|", "\\|") for text in option.get_help_record(context))
    return f"| `{names}` | {said} |"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_page(name, golden):
    golden(FOLDER / f"{name}.md", page(name))


def test_no_page_is_left_of_a_command_that_is_gone():
    assert {file.stem for file in FOLDER.glob("*.md")} == set(COMMANDS)


def test_the_index_lists_the_pages():
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"[{name}](commands/{name}.md)" not in index] == []
