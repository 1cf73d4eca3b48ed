"""The tracker for Weights & Biases: a pipeline run is a group, each attempt of a task a run in it.

`wandb:PROJECT`, `wandb://ENTITY/PROJECT`; without a project it is the experiment's or the pipeline's name. W&B's own
variables say the rest: `WANDB_MODE`, `WANDB_DIR`, `WANDB_API_KEY`, `WANDB_BASE_URL`. What records become stands in
`wandb_plan.py`.

An attempt is sent when it has ended, by a process of its own (`wandb_worker.py`): W&B keeps its current run and a
service in the process, where they would meet the user's. With `WANDB_MODE=offline` that makes a folder that
`wandb sync` uploads later. W&B makes a new folder each time, also for the same id, so what was made is noted in
`wandb/intermodal/sent/ID`, and a folder appears under its name only when it is complete: a replay adds nothing.

W&B has no place for the state of a group, so the pipeline run's own state is not sent.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from intermodal.tracking.locks import hold
from intermodal.tracking.tracker import Pages, TrackerError, unusable_address, without_password

if TYPE_CHECKING:
    from intermodal.findings import Finding
    from intermodal.tracking.records import Record, Status
    from intermodal.tracking.tracker import TaskIdentity
    from intermodal.tracking.wandb_plan import Plan

OWN_FOLDER = "intermodal"
WAITING: dict[bool, float] = {False: 90.0, True: 900.0}  # seconds
MODES = {"offline": "offline", "dryrun": "offline", "disabled": "disabled"}
TAKEN_OUT = (  # they are meant for a run of the user's own
    "WANDB_RUN_ID",
    "WANDB_RUN_GROUP",
    "WANDB_NAME",
    "WANDB_NOTES",
    "WANDB_TAGS",
    "WANDB_JOB_TYPE",
    "WANDB_RESUME",
    "WANDB_SWEEP_ID",
    "WANDB_SERVICE",
    "WANDB_PROJECT",
)


class WandbTracker:
    """Sends attempts to one project of W&B."""

    schemes: ClassVar[tuple[str, ...]] = ("wandb",)
    live: ClassVar[bool] = False

    def __init__(self, uri: str, *, patient: bool = False) -> None:
        """Nothing is imported or started before an attempt is sent."""
        self._uri = uri
        self._patient = patient
        names = [unquote(name) for name in uri.partition(":")[2].strip("/").split("/")]
        self._entity = names[0] if len(names) > 1 else ""
        self._project = names[-1]
        if len(names) > 2:
            next_step = "use `wandb:PROJECT` or `wandb://ENTITY/PROJECT`"
            raise unusable_address(uri, "it names more than an entity and a project", next_step)
        self._started: dict[str, int] = {}  # by session
        self._plans: dict[str, Plan] = {}
        self._pages: dict[str, str] = {}

    def begin(self, identity: TaskIdentity, started: int) -> None:
        """Remember when it began. Raises FindingsError (PORT503) without the package."""
        if importlib.util.find_spec("wandb") is None:
            next_step = "install `intermodal[wandb]` on the worker"
            raise unusable_address(self._uri, "wandb is not installed", next_step)
        self._started[identity.session] = started

    def replay(self, identity: TaskIdentity, records: Iterable[Record]) -> list[Finding]:
        """Make a plan of what `end` sends; finds what W&B cannot keep."""
        from intermodal.findings import warning
        from intermodal.tracking.wandb_plan import Plan

        plan = Plan(identity, self._started[identity.session], records)
        self._plans[identity.session] = plan
        if _mode() == "disabled":
            return [warning("PORT530", "nothing is sent to W&B", why="WANDB_MODE is `disabled`")]
        return plan.findings

    def end(self, identity: TaskIdentity, status: Status) -> None:
        """Send the attempt, unless it was sent. Raises TrackerError if W&B does not take it."""
        from intermodal.tracking.wandb_plan import run_id

        plan = self._plans.pop(identity.session)
        if _mode() == "disabled":
            return
        base = _folder()
        own = base / OWN_FOLDER
        name = run_id(identity)
        with hold(own / "locks" / name, WAITING[self._patient]):
            if (own / "sent" / name).exists() or any(base.glob(f"*run-*-{name}")):
                return
            self._pages[identity.session] = self._send(plan, status, base)
            (own / "sent").mkdir(parents=True, exist_ok=True)
            (own / "sent" / name).touch()

    def pages(self, identity: TaskIdentity) -> Pages:
        """The run's page; none for what was made offline."""
        return Pages(task=self._pages.get(identity.session, ""))

    def open_run(self, identity: TaskIdentity, started: int) -> None:
        """Nothing: a group begins with its first run."""

    def close_run(self, identity: TaskIdentity, status: Status) -> None:
        """Nothing: a group has no state."""

    def _send(self, plan: Plan, status: Status, base: Path) -> str:
        """Make the run in a folder of its own and move what came of it; its page's address."""
        from intermodal.tracking.wandb_plan import run_id, safe

        identity = plan.identity
        work = base / OWN_FOLDER / "work" / run_id(identity)
        shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
        project = self._project or safe(identity.experiment or identity.pipeline)
        where = {
            "entity": self._entity or os.environ.get("WANDB_ENTITY") or None,
            "project": project,
            "mode": _mode(),
            "dir": str(work),
        }
        work.mkdir(parents=True)
        try:
            files = [work / "plan.json", work / "rows.jsonl"]
            files[0].write_bytes(_json(plan.to_json(status) | where))
            with files[1].open("wb") as rows:
                rows.writelines(_json(row) + b"\n" for row in plan.rows())
            answer = _run_worker(files, base, WAITING[self._patient])
            for made in (work / "wandb").glob("*run-*-*"):
                made.rename(base / made.name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return answer


def _json(value: Any) -> bytes:
    """JSON whose texts W&B can send: halves of surrogate pairs become `?`."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _mode() -> str:
    return MODES.get(os.environ.get("WANDB_MODE", "").strip().lower(), "online")


def _folder() -> Path:
    """The folder in which W&B keeps runs."""
    return Path(os.environ.get("WANDB_DIR") or Path.cwd()).absolute() / "wandb"


def _run_worker(files: list[Path], base: Path, limit: float) -> str:
    """Let the worker make the run; gives the address of its page."""
    work = files[0].parent
    given = {name: value for name, value in os.environ.items() if name not in TAKEN_OUT}
    ours = {
        "WANDB_DATA_DIR": str(base / OWN_FOLDER / "data"),
        "WANDB_CACHE_DIR": str(work / "cache"),
    }
    always = {
        "WANDB_SILENT": "true",
        "WANDB_ERROR_REPORTING": "false",
        "WANDB_DIR": str(work),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    worker = Path(__file__).with_name("wandb_worker.py")
    with subprocess.Popen(  # noqa: S603 - our own file, by this interpreter
        [sys.executable, "-P", str(worker), *map(str, files)],
        env=ours | given | always,
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            answer, told = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise TrackerError(f"W&B did not take the run within {limit:.0f} seconds") from None
        except BaseException:
            _kill(process)
            raise
    if process.returncode:
        lines = without_password(told).strip().splitlines() or [f"exit code {process.returncode}"]
        raise TrackerError(f"W&B did not take the run: {lines[-1][:500]}")
    return str(json.loads(answer.strip().splitlines()[-1])["url"])


def _kill(process: subprocess.Popen[str]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
