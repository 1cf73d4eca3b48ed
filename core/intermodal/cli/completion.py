"""`port completion`: the script that teaches a shell to complete `port`."""

from __future__ import annotations

import click

from intermodal.cli.command import WithExamples

SHELLS = ("bash", "zsh", "fish")


@click.command(
    name="completion",
    cls=WithExamples,
    examples=(
        "port completion bash >> ~/.bashrc",
        "port completion zsh >> ~/.zshrc",
        "port completion fish > ~/.config/fish/completions/port.fish",
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    It completes commands, options, targets, profiles, codes and engines.
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"This version of click has no completion for {shell}.")
    script = found(context.find_root().command, {}, "port", "_PORT_COMPLETE")
    # `source()` would start a shell to ask for its version.
    click.echo(script.source_template % script.source_vars())
