"""What real Airflow loads of the corpus: environments, a worker for each source, results kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from corpus.fetch import HERE, Source, cache_folder, dag_files
from intermodal_backends.engines import environment
from intermodal_backends.engines.catalogue import lookup

DUMP = HERE / "dump.py"
# What the files read of the environment; both Airflow and the reader get exactly this.
ENVIRONMENT = {"SYSTEM_TESTS_ENV_ID": "corpus", "SYSTEM_TESTS_GCP_PROJECT": "project"}
# Engines that the corpus runs with more packages than the plain ones have.
LOCKS = HERE / "locks"
LONGEST = 900


def engine(name: str) -> environment.EngineEnvironment:
    """The environment that loads files for comparison; made if it is not there."""
    spec = lookup(name)
    return environment.install(
        replace(spec, locks=LOCKS) if (LOCKS / spec.lock.name).exists() else spec
    )


def truths(sources: list[Source]) -> dict[str, dict[str, Any]]:
    """By the sources' names: what DagBag makes of each file, by path below the source's folder."""
    with_truth = [one for one in sources if one.truth]
    for name in {one.truth for one in with_truth}:
        engine(name)
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(truth, with_truth)
        return {one.name: facts for one, facts in zip(with_truth, found, strict=True)}


def truth(one: Source) -> dict[str, Any]:
    """What the source's Airflow makes of its files: `{"defaults": ..., "files": {PATH: ...}}`."""
    where = engine(one.truth)
    made_of = hashlib.sha256(DUMP.read_bytes() + Path(__file__).read_bytes())
    made_of.update(f"{one.listing}{where.root}".encode())
    kept = cache_folder() / "truth" / f"{one.listing.stem}-{made_of.hexdigest()[:12]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            loaded = load(one, dag_files(one), Path(folder), facts=True)
            files = {str(Path(p).relative_to(one.folder)): f for p, f in loaded["files"].items()}
            beside = kept.with_suffix(f".{os.getpid()}")
            beside.write_text(json.dumps(loaded | {"files": files}, indent=0, sort_keys=True))
            beside.replace(kept)
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def load(one: Source, files: Iterable[Path], folder: Path, *, facts: bool) -> dict[str, Any]:
    """What the source's Airflow makes of files that import what it ships; see dump.py.

    Args:
        one: The source.
        files: Its files, or others that are made of them.
        folder: An empty folder to work in.
        facts: Whether to tell of settings and tasks besides the serialized form.

    Raises:
        RuntimeError: Airflow does not start.
    """
    where = engine(one.truth)
    request = {"files": [str(path) for path in files], "facts": facts}
    (folder / "request.json").write_text(json.dumps(request))
    settings = ENVIRONMENT | {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",  # sets in the same order
        "HOME": str(folder),
        "PYTHONPATH": str(one.folder),
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    }
    for command in (["-m", "airflow", "db", "migrate"], [str(DUMP), "request.json", "found.json"]):
        done = subprocess.run(
            [str(where.python), *command],
            env=settings,
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        if done.returncode:
            raise RuntimeError(f"{one.name}: {command}: {done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return found
