"""The `port` command: finds the asked command, and turns whatever goes wrong into findings."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from intermodal import __version__
from intermodal.cli.command import GroupWithExamples

# Command -> what the overview says of it. The module `intermodal.cli.<command>` has it as `command`.
COMMANDS = {
    "compile": "Compile pipelines for Airflow, Kubeflow, Prefect and other targets.",
    "run": "Run a pipeline on this machine.",
    "verify": "Run a pipeline here and on real engines, and compare what happened.",
    "check": "Compile for all targets and profiles in memory, and report.",
    "graph": "Draw a pipeline as Mermaid, DOT or SVG.",
    "import": "Read pipelines of another system without running them.",
    "artifacts": "List, fetch and prune artifact versions.",
    "lineage": "Show what an artifact or a run came from, and what was made from it.",
    "track": "Show and send what tasks tracked while the tracker was away.",
    "diff": "Compare two runs: parameters, metrics, artifacts and code.",
    "targets": "List targets, their versions, and what each supports.",
    "engines": "Install and list real engines to run cases on.",
    "schema": "Print the JSON Schema of pipeline documents.",
    "explain": "Tell the long story of a finding's code.",
    "completion": "Print the completion script for a shell.",
}

WRONG_USAGE = 2
INTERRUPTED = 130
GARBAGE_THRESHOLD = 50_000
PIPE_CLOSED = 1  # what click gives when it sees the closed pipe before we do

EXAMPLES = (
    "port run pipelines/diagnosis.py -p trees=50",
    "port compile pipelines/ --target airflow@3 --target kfp --target prefect",
    "port check --format sarif > findings.sarif",
)
EPILOG = "Exit codes: 0 clean, 1 findings at error level, 2 wrong usage, 3 a backend failed."


class LazyGroup(GroupWithExamples):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands in the order of the table, which is the order people need them in."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command, or None if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = importlib.import_module(f"intermodal.cli.{cmd_name}").command
        found.short_help = COMMANDS[cmd_name]
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without loading any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete command names without loading any of them."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found or click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a near miss is named."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            ctx.fail(f"No such command `{args[0]}`.{hint}")
        return super().resolve_command(ctx, args)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "port",
        **extra: Any,
    ) -> NoReturn:
        """Run, and exit with a documented code whatever happens; no traceback gets out."""
        arguments = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        try:
            code = super().main(arguments, prog_name, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.Abort:
            sys.exit(INTERRUPTED)
        except click.UsageError as problem:
            _show_usage_error(problem)
            sys.exit(WRONG_USAGE)
        except Exception as problem:  # the one place where every failure ends
            sys.exit(_show_failure(problem, arguments))
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=LazyGroup,
    examples=EXAMPLES,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, message="port %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
@click.pass_context
def port(context: click.Context, debug: bool) -> None:  # noqa: ARG001 - read where errors end
    """Write a pipeline once; compile it to any orchestrator, and run it anywhere."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> NoReturn:
    """The entry point of the `port` script."""
    # Starting makes many objects and hardly any garbage: looking for it, as often as Python does and
    # once more at the end, is a tenth of the time of a small command.
    gc.set_threshold(GARBAGE_THRESHOLD)
    atexit.register(gc.freeze)
    port.main()


def _show_usage_error(problem: click.UsageError) -> None:
    from intermodal.cli.report import print_findings
    from intermodal.findings import error

    command = problem.ctx.command_path if problem.ctx else "port"
    print_findings(
        [error("PORT009", problem.format_message(), next=f"`{command} --help` shows examples")]
    )


def _show_failure(problem: Exception, arguments: list[str]) -> int:
    if _is_closed_pipe(problem):
        # Python would flush stdout again at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return PIPE_CLOSED
    from intermodal.cli.report import exit_code, internal_error, print_findings
    from intermodal.findings import FindingsError

    if isinstance(problem, FindingsError):
        findings = list(problem.findings)
    else:
        findings = [internal_error(problem, arguments)]
        if "--debug" in arguments:
            import traceback

            click.echo("".join(traceback.format_exception(problem)), err=True, nl=False)
    print_findings(findings)
    return exit_code(findings)


def _is_closed_pipe(problem: Exception) -> bool:
    return isinstance(problem, OSError) and problem.errno == errno.EPIPE
