"""Regenerate the engines' lock files: `python -m intermodal_backends.engines.lock [ENGINE ...]`."""

from __future__ import annotations

import subprocess
import sys

from intermodal.findings import FindingsError
from intermodal_backends.engines.catalogue import ENGINES, LOCKS, EngineSpec, lookup
from intermodal_backends.engines.interpreters import uv_command


def lock_command(spec: EngineSpec, *, upgrade: bool) -> list[str]:
    """The `uv pip compile` call that writes the engine's lock file, run in the folder of locks.

    No index address is written, so that the files work with whatever index a user has.
    """
    oldest = ".".join(map(str, spec.python[0]))
    command = [*uv_command(), "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    command += ["--no-emit-index-url", "--no-header", "--python-version", oldest]
    if spec.exclude_newer:
        command += ["--exclude-newer", spec.exclude_newer]
    if upgrade:
        command += ["--upgrade"]
    return [*command, spec.source.name, "--output-file", spec.lock.name]


def main(arguments: list[str]) -> int:
    """Lock the engines named (all without names); `--upgrade` moves pins that may move."""
    names = [argument for argument in arguments if argument != "--upgrade"]
    try:
        specs = [lookup(name) for name in names] or list(ENGINES)
        commands = [lock_command(spec, upgrade="--upgrade" in arguments) for spec in specs]
    except FindingsError as problem:
        print(problem, file=sys.stderr)
        return 2
    # The commands are ours and the names come from the catalogue.
    codes = [subprocess.run(command, cwd=LOCKS, check=False).returncode for command in commands]  # noqa: S603
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
