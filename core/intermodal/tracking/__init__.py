"""What a task calls to track: metrics, parameters, tags, files, texts and models.

    from intermodal import tracking

    @task
    def train(rows: pd.DataFrame, trees: int) -> RandomForestClassifier:
        ...
        tracking.log_metric("oob_score", model.oob_score_)

Inside a task these append to the attempt's local event log and return; a tracker gets the log when the
attempt ends. Nothing here talks to a server, imports a tracker or raises: what cannot be recorded
(an infinite metric, an empty name) becomes a note that the run shows. Outside a task, as in a
test that calls the plain function, they do nothing.

They may be called from any thread of the task; `active.py` has the rule, and `carry` the case that
needs help: threads of the user's own where several tasks share a process. A process that the
task starts anew (`spawn`, a shell) is outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intermodal.tracking.active import carry, current

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

__all__ = [
    "carry",
    "log_artifact",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_text",
    "register_model",
    "set_tag",
]


def log_metric(name: str, value: float, step: int | None = None) -> None:
    """Record a finite number. Without a step, the values of a name count up from step 0."""
    log = current()
    if log is not None:
        log.metric(name, value, step)


def log_metrics(mapping: Mapping[str, float], step: int | None = None) -> None:
    """Record several numbers of one moment."""
    log = current()
    if log is not None:
        log.metrics(mapping, step)


def log_param(name: str, value: Any) -> None:
    """Record a setting. The first value of a name stays; a later, different one is shown as a tag."""
    log = current()
    if log is not None:
        log.param(name, value)


def log_params(mapping: Mapping[str, Any]) -> None:
    """Record several settings."""
    log = current()
    if log is not None:
        log.params(mapping)


def set_tag(key: str, value: Any) -> None:
    """Record a label; a later value replaces an earlier one. `intermodal.` names are reserved."""
    log = current()
    if log is not None:
        log.tag(key, value)


def log_artifact(path: str | PathLike[str], folder: str | None = None) -> None:
    """Record a file or folder, under `folder` if given. It is copied now and may change afterwards."""
    log = current()
    if log is not None:
        log.artifact(path, folder)


def log_text(text: str, name: str) -> None:
    """Record a text as a file; `name` is a relative path such as `report/summary.md`."""
    log = current()
    if log is not None:
        log.text(text, name)


def register_model(
    name: str,
    artifact_or_path: Any,
    aliases: Iterable[str] = (),
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Record that a version of the model `name` is to be registered when the attempt has finished.

    Args:
        name: The registered model's name.
        artifact_or_path: The model itself, if it is an input or an output of the task; a local file or
            folder, which is copied now; or where the model is already: a URI, or an object with a
            `uri`, which is registered in place.
        aliases: Names such as `champion` that are to point to this version.
        tags: Labels of the version.

    A failed or killed attempt registers nothing: its retry would register a second version.
    """
    log = current()
    if log is not None:
        log.model(name, artifact_or_path, aliases, tags)
