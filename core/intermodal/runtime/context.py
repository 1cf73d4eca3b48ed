"""Whose attempt this is, and where its artifacts and records go."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_STORE = ".intermodal/store"
STORE_VARIABLE = "INTERMODAL_STORE"
TRACKING_VARIABLE = "INTERMODAL_TRACKING"
STRICT_VARIABLE = "INTERMODAL_TRACKING_STRICT"
WORK_VARIABLE = "INTERMODAL_WORK"


@dataclass(frozen=True)
class Context:
    """One attempt of one task instance, as the engine that runs it knows it.

    Attributes:
        pipeline: Name of the pipeline.
        run_id: The engine's id of the pipeline run, the same in all of its tasks.
        task: Task id.
        index: Index path of the instance in loops, outermost first.
        attempt: Counts starts from 1.
        target: What the pipeline was compiled to.
        store: URI of the artifact store; `INTERMODAL_STORE` goes before it, empty is a local folder.
        tracking: Address of the tracker; `INTERMODAL_TRACKING` goes before it, empty is none.
        parameters: Parameters of the pipeline run.
        experiment: What the tracker groups the run under; the pipeline's name if empty.
        link: Address of the task's attempt in the engine's user interface.
        tags: Labels of the pipeline run in the tracker.
        strict: Whether a task fails whose records could not be delivered; `INTERMODAL_TRACKING_STRICT` (1
            or 0) goes before it.
        run_link: Address of the pipeline run in the engine's user interface.
        last: Whether the pipeline run may end with this task, where no hook of the engine's calls
            `runtime.close_run`: the tracker then tells from the tasks how the run ended.
        given: Ids of what the engine itself made in the tracker, which is used instead of making more: of
            the pipeline run as `run`, of this task as `task`.
        on_tracked: Gets the address at which the tracker shows the attempt, when that has ended. It stays in
            its process: a context that is sent to another has none.
    """

    pipeline: str
    run_id: str
    task: str
    index: tuple[int, ...] = ()
    attempt: int = 1
    target: str = ""
    store: str = ""
    tracking: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    experiment: str = ""
    link: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    run_link: str = ""
    last: bool | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    on_tracked: Callable[[str], object] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "on_tracked": None}

    @property
    def instance(self) -> str:
        """The task id and its index path: `train`, `predict[0][2]`."""
        return self.task + "".join(f"[{part}]" for part in self.index)

    @property
    def store_uri(self) -> str:
        """Where artifacts are kept."""
        return os.environ.get(STORE_VARIABLE) or self.store or DEFAULT_STORE

    @property
    def tracking_uri(self) -> str:
        """Where records are sent; empty for nowhere."""
        return os.environ.get(TRACKING_VARIABLE) or self.tracking

    @property
    def is_tracked(self) -> bool:
        """Whether records are sent anywhere; asked before anything of tracking is imported."""
        return self.tracking_uri.strip().lower() not in ("", "none")

    @property
    def tracking_is_strict(self) -> bool:
        """Whether undelivered records fail the task."""
        given = os.environ.get(STRICT_VARIABLE, "").strip().lower()
        return given in ("1", "true", "yes", "on") if given else self.strict

    @property
    def work_folder(self) -> Path:
        """A folder of this machine for what belongs to the run: tracking records not yet delivered."""
        given = os.environ.get(WORK_VARIABLE)
        if given:
            return Path(given)
        from intermodal.artifacts.keys import encode_segment

        local = "://" not in self.store_uri
        root = Path(self.store_uri) if local else Path(DEFAULT_STORE)
        return root / ".work" / encode_segment(self.pipeline) / encode_segment(self.run_id)
