"""What real Airflow loads of the corpus: environments, a worker for many files, results kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus.fetch import HERE, Source, cache_folder, dag_files
from intermodal_backends.engines import environment
from intermodal_backends.engines.airflow import migrated_database, settings_for
from intermodal_backends.engines.catalogue import lookup

DUMP = HERE / "dump.py"
# What the files read of the environment; both Airflow and the reader get exactly this.
ENVIRONMENT = {"SYSTEM_TESTS_ENV_ID": "corpus", "SYSTEM_TESTS_GCP_PROJECT": "project"}
# Engines that the corpus runs with more packages than the plain ones have.
LOCKS = HERE / "locks"
LONGEST = 900
# Sources of more files than that have a process of their own.
LARGE = 50


def engine(name: str) -> environment.EngineEnvironment:
    """The environment that loads files for comparison; made if it is not there."""
    spec = lookup(name)
    return environment.install(
        replace(spec, locks=LOCKS) if (LOCKS / spec.lock.name).exists() else spec
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Sources that one process of Airflow loads.

    Attributes:
        engine: The Airflow.
        folder: Where imports of their files start.
    """

    engine: str
    folder: Path
    sources: tuple[Source, ...]

    @property
    def files(self) -> list[Path]:
        """All their files."""
        return [path for one in self.sources for path in dag_files(one)]


def batches(sources: list[Source]) -> list[Batch]:
    """Those that have a truth, the small ones of one tree together: each start takes seconds."""
    found: list[Batch] = []
    small: dict[tuple[str, Path], list[Source]] = {}
    for one in sources:
        if one.truth and len(dag_files(one)) > LARGE:
            found.append(Batch(one.truth, one.folder, (one,)))
        elif one.truth:
            small.setdefault((one.truth, one.folder), []).append(one)
    return found + [Batch(name, folder, tuple(many)) for (name, folder), many in small.items()]


def truths(sources: list[Source]) -> dict[str, dict[str, Any]]:
    """By the sources' names: what DagBag makes of each file, by path below the source's folder."""
    known = batches(sources)
    for name in {one.engine for one in known}:
        engine(name)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(_truth, known))
    return {
        one.name: facts for batch, facts in zip(known, found, strict=True) for one in batch.sources
    }


def _truth(batch: Batch) -> dict[str, Any]:
    """What Airflow makes of their files: `{"defaults": ..., "files": {PATH: ...}}`."""
    made_of = hashlib.sha256(DUMP.read_bytes() + Path(__file__).read_bytes())
    made_of.update(
        str([*(one.listing for one in batch.sources), engine(batch.engine).root]).encode()
    )
    kept = cache_folder() / "truth" / f"{batch.engine}-{made_of.hexdigest()[:16]}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            loaded = load(batch, batch.files, Path(folder), facts=True)
        files = {str(Path(p).relative_to(batch.folder)): f for p, f in loaded["files"].items()}
        beside = kept.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(loaded | {"files": files}, indent=0, sort_keys=True))
        beside.replace(kept)
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def load(batch: Batch, files: Iterable[Path], folder: Path, *, facts: bool) -> dict[str, Any]:
    """What the sources' Airflow makes of files that import what they ship; see dump.py.

    Args:
        batch: The sources.
        files: Their files, or others that are made of them.
        folder: An empty folder to work in.
        facts: Whether to tell of settings and tasks besides the serialized form.

    Raises:
        RuntimeError: Airflow does not start.
    """
    where = engine(batch.engine)
    request = {"files": [str(path) for path in files], "facts": facts}
    (folder / "request.json").write_text(json.dumps(request))
    database = shutil.copyfile(migrated_database(where), folder / "airflow.db")
    settings = settings_for(folder, database, folder / "dags") | {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",  # sets in the same order
        "HOME": str(folder),
        "PYTHONPATH": str(batch.folder),
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
    }
    done = subprocess.run(
        [str(where.python), str(DUMP), "request.json", "found.json"],
        env=settings | ENVIRONMENT,
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    if done.returncode:
        raise RuntimeError(f"{batch.engine} stopped while it loaded files: {done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return found
