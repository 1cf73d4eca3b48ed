"""`port` as a process of its own: start-up, pipes and terminals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PORT = [str(Path(sys.executable).parent / "port")]


def test_help_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from intermodal.cli.main import port\n"
        "try:\n"
        "    port.main(['--help'])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'pydantic', 'yaml', 'rich', 'jinja2', 'libcst', 'fsspec', 'intermodal.ir'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules)) or '') or None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Compile pipelines" in done.stdout


def test_a_closed_pipe_is_quiet_and_bad_input_has_no_traceback(tmp_path):
    done = subprocess.run(
        ["bash", "-c", f"{PORT[0]} schema | head -c 1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("{", "")
    missing = subprocess.run(
        [*PORT, "compile", "gone.py", "--target", "airflow"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert missing.returncode == 1
    assert missing.stderr.startswith("error[PORT001]")
    assert "Traceback" not in missing.stderr
