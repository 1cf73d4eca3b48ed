"""What a task calls to track: metrics, parameters, tags, files, tables, figures, data and models.

    from intermodal import tracking

    @task
    def train(rows: pd.DataFrame, trees: int) -> RandomForestClassifier:
        ...
        tracking.log_metric("oob_score", model.oob_score_)

Inside a task these append to the attempt's local event log and return; a tracker gets the log when the
attempt ends. Nothing here talks to a server, imports a tracker or raises: what cannot be recorded
(an infinite metric, an empty name) becomes a note that the run shows. Outside a task, as in a
test that calls the plain function, they do nothing.

The exceptions are `model_version`, `load_model` and `promote`, which need the model registry's answer: they ask
it at once, and raise if it cannot be reached.

They may be called from any thread of the task; `active.py` has the rule, and `carry` the case that
needs help: threads of the user's own where several tasks share a process. A process that the
task starts anew (`spawn`, a shell) is outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intermodal.tracking.active import carry, current

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager
    from os import PathLike

    from intermodal.tracking.registry import ModelVersion

__all__ = [
    "ModelVersion",
    "autolog",
    "carry",
    "load_model",
    "log_artifact",
    "log_dict",
    "log_figure",
    "log_input",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "log_table",
    "log_text",
    "model_version",
    "promote",
    "register_model",
    "set_tag",
]


def __getattr__(name: str) -> Any:
    if name == "ModelVersion":  # a task that only logs pays for no dataclass
        from intermodal.tracking.registry import ModelVersion

        return ModelVersion
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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


def log_dict(mapping: Mapping[str, Any] | list[Any], name: str) -> None:
    """Record a mapping or list as a file: YAML if the name ends in `.yaml` or `.yml`, else JSON."""
    log = current()
    if log is not None:
        from intermodal.tracking import recording

        recording.mapping(log, mapping, name)


def log_table(table: Any, name: str) -> None:
    """Record a table that trackers can show; a second one of the name adds its rows to the first.

    Args:
        table: A frame of pandas, polars or pyarrow, a mapping of columns, or a list of rows, each of them
            a mapping.
        name: A relative path that ends in `.json`.

    A value that is no number (NaN, infinity) is left empty; what JSON cannot hold becomes text.
    """
    log = current()
    if log is not None:
        from intermodal.tracking import recording

        recording.table(log, table, name)


def log_figure(figure: Any, name: str) -> None:
    """Record a figure of Matplotlib, Plotly or Altair, or an image of Pillow, as it is now.

    Args:
        figure: The figure, or an Axes in it.
        name: A relative path. Its ending says how it is saved (`.png`, `.svg`, `.pdf`, `.html`, ...);
            without one it is a PNG, or a page if the figure is an interactive one.
    """
    log = current()
    if log is not None:
        from intermodal.tracking import recording

        recording.figure(log, figure, name)


def log_input(dataset: Any, name: str | None = None, context: str = "training") -> None:
    """Record data that the task uses: what names its content, where it is, its columns. It is not copied.

    Args:
        dataset: A frame or array in memory, the path of a file or folder, a URI, or an artifact that the
            task took or gives. Artifacts that come in as inputs are recorded without this.
        name: What it is called; by default after the file.
        context: What it is used for.
    """
    log = current()
    if log is not None:
        from intermodal.tracking import recording

        recording.dataset(log, dataset, name, context)


def log_model(
    model: Any,
    name: str,
    *,
    flavor: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Record a model that the task made; a later one of the name replaces it.

    Args:
        model: The model. If it is an input or an output of the task, or a URI, it is recorded where it
            is and not stored again. Anything else is saved now: a file or folder is copied, an
            object is written as the artifact store would.
        name: What it is called in this run.
        flavor: One of MLflow's, such as `sklearn`, to save it so that MLflow can load it. This imports
            MLflow in the task.
        params: Settings of the model.
        tags: Labels of the model.

    An output of type Model is recorded without this, under the name of the output.
    """
    log = current()
    if log is not None:
        from intermodal.tracking import recording

        recording.model(log, model, name, flavor, params, tags)


def autolog(*flavors: str, **options: Any) -> AbstractContextManager[None]:
    """Record what MLflow's autologging records of the block, in this task's run.

        with tracking.autolog("sklearn"):
            model.fit(x, y)

    Args:
        flavors: Frameworks, such as `sklearn` or `xgboost`; none for all that MLflow knows.
        options: As for `mlflow.autolog`. `log_models` is off unless asked for: a model that the task
            returns is stored anyway.

    MLflow has to be installed on the worker; else the block runs and a note says so.
    """
    from intermodal.tracking.autologging import block

    return block(current(), flavors, options)


def register_model(
    name: str,
    artifact_or_path: Any,
    aliases: Iterable[str] = (),
    tags: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
) -> str:
    """Record that a version of the model `name` is to be registered when the attempt has finished.

    Args:
        name: The registered model's name.
        artifact_or_path: The model itself, if it is an input or an output of the task; a local file or
            folder, which is copied now; or where the model is already: a URI, or an object with a
            `uri`, which is registered in place.
        aliases: Names such as `champion` that are to point to this version.
        tags: Labels of the version.
        metrics: Numbers to compare later versions with; nested ones are joined with dots.

    Returns:
        A text that stands for the version in `promote`, here and in later tasks; empty if nothing is
        tracked, or the model could not be recorded.

    A failed or killed attempt registers nothing, and the retry of one that had registered it already does not
    register it twice.
    """
    log = current()
    return "" if log is None else log.model(name, artifact_or_path, aliases, tags, metrics)


def model_version(
    name: str, alias: str = "champion", *, version: str | int = ""
) -> ModelVersion | None:
    """The version of a registered model that an alias points to, or the one of that number; else None.

    The tracker is asked at once. One that cannot be reached fails the task with an `InfrastructureError`,
    which its engine tries again; where nothing is tracked there is no version.
    """
    from intermodal.tracking import versions

    return versions.model_version(name, alias, version=version)


def load_model(version: ModelVersion) -> Any:
    """The model that a version holds, as the task returned it that made it; a `Path` if it was a file.

    Its content is compared with the hash that was registered. Raises `InfrastructureError` if it cannot be
    had, or is something else.
    """
    from intermodal.tracking import versions

    return versions.load_model(version)


def promote(name: str, version: Any, alias: str = "champion") -> ModelVersion | None:
    """Point an alias to a version of a registered model, at once.

    Args:
        name: The registered model's name.
        version: What `register_model` gave in this task or in one before; the model itself, if it is
            an input of the task; a version's number; or what `model_version` gave.
        alias: Letters, digits, `_` and `-`.

    Returns:
        The version. None where nothing is tracked, and for a model that this very task registers: that
        is done together, when the task has succeeded.

    Doing it again changes nothing, and of several promotions the latest counts: a retry does not take the
    alias back from one that came in between.

    Raises:
        InfrastructureError: The tracker cannot be reached, or does not have the version yet.
        ValueError: There is no such version, or the alias cannot be one.
    """
    from intermodal.tracking import versions

    return versions.promote(name, version, alias)
