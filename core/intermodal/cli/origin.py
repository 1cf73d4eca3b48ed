"""`--from SYSTEM`: sources that are files of another system, read and never run."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intermodal.cli.options import AnyCommand, complete_systems
from intermodal.frozen import Frozen

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.importing import ImportSettings, Introspection
    from intermodal.ir import Pipeline


# Options that belong to `--from`, as `Origin` has them.
VALUES = ("root", "variables", "env", "introspect", "airflow_python")


class Origin(Frozen):
    """What the user says of the files of another system.

    Attributes:
        system: Its name.
        root: The folder below which imports are followed.
        variables: The file with values of its variables.
        env: The file with the environment.
        introspect: Whether files may be executed in the system's own environment, too.
        airflow_python: The Python of that environment; None for the engine that is installed.
    """

    system: str
    root: str | None = None
    variables: str | None = None
    env: str | None = None
    introspect: bool = False
    airflow_python: str | None = None

    def settings(self) -> ImportSettings:
        """The same, read.

        Raises:
            FindingsError: A file is missing, or cannot be read as values.
        """
        from intermodal.importing import ImportSettings

        environment = read_values(self.env)
        return ImportSettings(
            root=existing(self.root) if self.root else None,
            variables=read_values(self.variables),
            environment={name: str(value) for name, value in environment.items()},
            introspection=self._introspection() if self.introspect else None,
        )

    def _introspection(self) -> Introspection:
        """Where files are loaded.

        Raises:
            FindingsError: PORT820, no Python was named, and no engine of the system is installed.
        """
        from intermodal.engines import catalogue
        from intermodal.findings import FindingsError, error
        from intermodal.importing import Introspection

        if self.airflow_python is not None:
            return Introspection(python=existing(self.airflow_python).absolute())
        offers = [offer for offer in catalogue() if offer.name.partition("@")[0] == self.system]
        installed = [Path(offer.path) for offer in offers if offer.path]
        if installed:
            return Introspection(python=installed[0] / "bin" / "python", own_home=True)
        what = f"there is no {self.system} here that could load the files"
        engine = offers[0].name if offers else self.system
        next_step = f"name one with `--airflow-python`, or run `port engines install {engine}`"
        raise FindingsError([error("PORT820", what, next=next_step)])


def value_options(function: AnyCommand) -> AnyCommand:
    """`--root`, `--variables`, `--env` and `--introspect`."""
    for option in (
        click.option(
            "--airflow-python",
            metavar="PATH",
            help="With --introspect: the Python of your own Airflow. [default: the engine installed]",
        ),
        click.option(
            "--introspect",
            is_flag=True,
            help="EXECUTE the files in a process of their own, and fill what reading cannot tell.",
        ),
        click.option(
            "--env", metavar="FILE", help="Environment of the files: JSON, YAML or NAME=VALUE."
        ),
        click.option(
            "--variables", metavar="FILE", help="Values of Variables: JSON, YAML or NAME=VALUE."
        ),
        click.option("--root", metavar="DIR", help="Follow imports of modules below this folder."),
    ):
        function = option(function)
    return function


def from_option(function: AnyCommand) -> AnyCommand:
    """`--from` with what belongs to it; the command gets an `origin`, None without `--from`."""

    @click.option(
        "--from",
        "system",
        metavar="SYSTEM",
        shell_complete=complete_systems,
        help="SOURCE is files of this system, such as airflow: they are read, not run.",
    )
    @value_options
    @functools.wraps(function)
    def command(system: str | None, **given: Any) -> Any:
        values = {name: given.pop(name) for name in VALUES}
        unused = [f"--{name.replace('_', '-')}" for name, value in values.items() if value]
        if system is None and unused:
            raise click.UsageError(f"{unused[0]} is for files of another system: give --from too")
        origin = Origin(system, **values) if system is not None else None
        return function(origin=origin, **given)

    return command


def load_foreign(sources: Sequence[Path], origin: Origin) -> tuple[list[Pipeline], list[Finding]]:
    """The pipelines of files of another system, their tasks hosted there, and what was found.

    Raises:
        FindingsError: There is no importer for the system, or what it is given cannot be read.
    """
    from intermodal.findings import error
    from intermodal.importing import exposed, importer

    found = importer(origin.system)
    settings = origin.settings()
    for path in sources:
        existing(str(path))
    pipelines: list[Pipeline] = []
    findings: list[Finding] = []
    for source in found.read(sources, settings):
        findings += source.findings
        for read in source.pipelines:
            built = read.build()
            pipelines.append(built.pipeline)
            findings += [*built.findings, *exposed(built.pipeline, settings)]
    if not pipelines and not findings:
        named = ", ".join(f"`{path}`" for path in sources)
        findings.append(error("PORT004", f"no {found.unit} in {named}"))
    return pipelines, findings


def existing(path: str) -> Path:
    """The path.

    Raises:
        FindingsError: It does not exist.
    """
    from intermodal.findings import FindingsError, error

    found = Path(path)
    if not found.exists():
        raise FindingsError([error("PORT001", f"`{path}` does not exist")])
    return found


def read_values(path: str | None) -> dict[str, Any]:
    """Names and values from a file: a mapping in JSON or YAML, or lines of NAME=VALUE.

    Raises:
        FindingsError: The file cannot be read as one.
    """
    import yaml

    from intermodal.findings import FindingsError, Span, error

    if path is None:
        return {}
    try:
        text = existing(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise FindingsError([error("PORT002", f"`{path}` is not readable text")]) from problem
    if Path(path).suffix not in (".json", ".yaml", ".yml"):
        return _lines(text)
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise FindingsError([error("PORT003", f"`{path}` is no YAML", Span(path))]) from problem
    if not isinstance(data, dict):
        raise FindingsError([error("PORT009", f"`{path}` must map names to values")])
    return {str(name): value for name, value in data.items()}


def _lines(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        name, mark, value = line.strip().removeprefix("export ").partition("=")
        if mark and not name.startswith("#"):
            found[name.strip()] = value.strip().strip("'\"")
    return found
