"""Find uv, and a Python that an engine can run on."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from intermodal.findings import FindingsError, error

if TYPE_CHECKING:
    from intermodal_backends.engines.catalogue import EngineSpec


def uv_command() -> tuple[str, ...]:
    """How to call uv: beside our own Python, on PATH, or as a module.

    Raises:
        FindingsError: PORT701 if uv is nowhere.
    """
    beside = Path(sys.executable).parent / "uv"
    if beside.is_file():
        return (str(beside),)
    if on_path := shutil.which("uv"):
        return (on_path,)
    if importlib.util.find_spec("uv"):
        return (sys.executable, "-m", "uv")
    raise FindingsError(
        [
            error(
                "PORT701",
                "`uv` is not installed",
                why="Engines get environments of their own, and uv makes them.",
                next="Install it with `pip install uv`.",
            )
        ]
    )


def find_python(spec: EngineSpec) -> Path:
    """A Python within the engine's range: our own if it fits, else any that uv can find.

    Raises:
        FindingsError: PORT701 if the machine has none.
    """
    oldest, too_new = spec.python
    if oldest <= sys.version_info[:2] < too_new:
        return Path(sys.executable)
    command = [*uv_command(), "python", "find", "--no-python-downloads", spec.python_range]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if found.returncode == 0:
        return Path(found.stdout.strip())
    raise FindingsError(
        [
            error(
                "PORT701",
                f"there is no Python {spec.python_range} for `{spec.name}`",
                why=f"{spec.distribution} {spec.version} runs on no other.",
                next=f"Install one, for example with `uv python install {oldest[0]}.{oldest[1]}`.",
            )
        ]
    )


def python_version(python: Path) -> str:
    """The full version of an interpreter, like `3.11.7`.

    Raises:
        FindingsError: PORT701 if it does not run.
    """
    if python == Path(sys.executable):
        return ".".join(map(str, sys.version_info[:3]))
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if answer.returncode == 0:
        return answer.stdout.strip()
    raise FindingsError(
        [error("PORT701", f"the Python `{python}` does not run", why=answer.stderr.strip()[-500:])]
    )
