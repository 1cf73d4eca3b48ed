"""Datasets and models of a run in MLflow: entries that point to where the data is.

A dataset is one for all runs of an experiment that have it under the same name and digest, so what a task
gives and another takes is called the same: after the task that made it.

A model is an entry of its own that belongs to the run that made it. One that the artifact store has is
not uploaded: its tag `intermodal.uri` says where it is. Servers before MLflow 3 have no such entries.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intermodal.tracking.mlflow_names import TAG_LIMIT, batches, clean_text, cut_text, safe_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, LoggedModel, Run

    from intermodal.tracking.records import Dataset, Used
    from intermodal.tracking.records import LoggedModel as Model

NAME_LIMIT = 500
DIGEST_LIMIT = 36
SCHEMA_LIMIT = 500_000
SOURCE_LIMIT = 60_000
LABEL_LIMIT = 500
INPUTS_PER_BATCH = 100
PARAM_LIMIT = 6000
FORBIDDEN_IN_NAME = re.compile(r"[/:.%\"']")
TAKEN = re.compile("IntegrityError|UniqueViolation|UNIQUE constraint|[Dd]uplicate")
ROUNDS = 8  # how often others may get in between before we give up
URI = "intermodal.uri"
SHA256 = "intermodal.sha256"
KIND = "intermodal.kind"
EXTERNAL = "mlflow.model.isExternal"


class Entries:
    """The datasets and models that one replay sends to one run."""

    def __init__(self, client: MlflowClient, run: Run) -> None:
        self.client = client
        self.run = run
        self.run_id = str(run.info.run_id)
        self.experiment = str(run.info.experiment_id)

    def log_datasets(self, datasets: Iterable[tuple[Dataset, dict[str, str]]]) -> None:
        """Link datasets to the run, each with labels of the link; those it has are left."""
        given = self.run.inputs.dataset_inputs if self.run.inputs else []
        known = {(item.dataset.name, item.dataset.digest) for item in given}
        wanted: dict[tuple[str, str], DatasetInput] = {}
        for dataset, labels in datasets:
            entry = _dataset_input(dataset, labels)
            wanted.setdefault((entry.dataset.name, entry.dataset.digest), entry)
        new = [entry for key, entry in wanted.items() if key not in known]
        for batch in batches(new, _weight, INPUTS_PER_BATCH):
            _together(partial(self.client.log_inputs, self.run_id, datasets=batch))

    def log_used_models(self, models: Iterable[Used]) -> None:
        """Link models that the task took to the run, where their entries are found."""
        from mlflow.entities import LoggedModelInput

        given = self.run.inputs.model_inputs if self.run.inputs else []
        known = {item.model_id for item in given}
        for used in models:
            found = self._search(f"tags.`{SHA256}` = '{used.sha256}'")
            same = [model for model in found if model.tags.get(URI) == used.uri]
            if same and not known & {model.model_id for model in same}:
                item = LoggedModelInput(same[0].model_id)
                _together(partial(self.client.log_inputs, self.run_id, models=[item]))

    def log_model(self, record: Model) -> None:
        """Make or complete the entry of a model, and upload its files if it has any."""
        from mlflow.entities import LoggedModelStatus

        model = self._entry(record)
        if model.status != LoggedModelStatus.READY:
            if record.path:
                one = not Path(record.path).is_dir()
                client = self.client
                send = client.log_model_artifact if one else client.log_model_artifacts
                send(model.model_id, record.path)
            self.client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        _together(partial(self._link, model))

    def _link(self, model: LoggedModel) -> None:
        """Say that the run made the model, once: MLflow refuses to be told twice."""
        from mlflow.entities import LoggedModelOutput

        run = self.client.get_run(self.run_id)
        outputs = run.outputs.model_outputs if run.outputs else []
        if model.model_id not in {output.model_id for output in outputs}:
            output = LoggedModelOutput(model.model_id, step=0)
            self.client.log_outputs(self.run_id, models=[output])

    def takes_models(self) -> bool:
        """Whether the server knows entries of models."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.search_logged_models([self.experiment], max_results=1)
        except MlflowException as problem:
            status: int = problem.get_http_status_code()  # type: ignore[no-untyped-call]
            if status not in (404, 405, 501):
                raise
            return False
        return True

    def _entry(self, record: Model) -> LoggedModel:
        """The run's entry of that name; of two that were made at once, the first stays."""
        name = model_name(record.name)
        found = self._own(name)
        if not found:
            tags = {safe_key(key): value for key, value in record.tags.items()}
            facts = {URI: record.uri, SHA256: record.sha256, KIND: record.kind}
            tags |= {key: value for key, value in facts.items() if value}
            if record.uri:
                tags[EXTERNAL] = "true"
            self.client.create_logged_model(
                self.experiment, name=name, source_run_id=self.run_id,
                tags={key: cut_text(clean_text(value), TAG_LIMIT) for key, value in tags.items()},
                params={
                    safe_key(key): cut_text(clean_text(value), PARAM_LIMIT)
                    for key, value in record.params.items()
                },
            )  # fmt: skip
            found = self._own(name)
        first, *others = found
        for other in others:
            self.client.delete_logged_model(other.model_id)
        return first

    def _own(self, name: str) -> list[LoggedModel]:
        found = self._search(f"source_run_id = '{self.run_id}'")
        return [model for model in found if model.name == name]

    def _search(self, condition: str) -> list[LoggedModel]:
        """The live entries, in the order that decides between them."""
        found: list[LoggedModel] = []
        token: str | None = None
        while True:
            page = self.client.search_logged_models(
                [self.experiment], filter_string=condition, page_token=token
            )
            found += page
            token = page.token
            if not token:
                return sorted(found, key=lambda model: (model.creation_timestamp, model.model_id))


def _together(job: Callable[[], object]) -> None:
    """Do what another sender may be doing at the same time: MLflow looks first and then inserts."""
    from mlflow.exceptions import MlflowException

    for _ in range(ROUNDS):
        try:
            job()
        except MlflowException as problem:
            if not TAKEN.search(str(problem)):
                raise
        else:
            return
    job()


def model_name(name: str) -> str:
    """A name that MLflow takes for a model's entry, and no other name turns into."""
    safe = FORBIDDEN_IN_NAME.sub("_", safe_key(name))
    return safe if safe == name else FORBIDDEN_IN_NAME.sub("_", safe_key(name + "/"))


def made_by(uri: str, otherwise: str) -> str:
    """What an artifact is called everywhere: the task that made it, and the output's name.

    The store's addresses end in `<task>/<index>/<attempt>/<output>/content...`.
    """
    from intermodal.artifacts.keys import decode_index, decode_segment

    try:
        task, index, attempt, output, _content = uri.rstrip("/").split("/")[-5:]
        decode_index(index)
        int(attempt)
        names = decode_segment(task), decode_segment(output)
    except ValueError:
        return otherwise
    return names[0] if names[1] == "return" else ".".join(names)


def _dataset_input(dataset: Dataset, labels: dict[str, str]) -> DatasetInput:
    from mlflow.entities import Dataset as MlflowDataset
    from mlflow.entities import DatasetInput, InputTag

    named = {"mlflow.data.context": dataset.context, **labels}
    tags = [
        InputTag(key[:255], cut_text(clean_text(value), LABEL_LIMIT))
        for key, value in named.items()
        if value
    ]
    fits = len(dataset.schema) <= SCHEMA_LIMIT
    entity = MlflowDataset(
        name=cut_text(clean_text(dataset.name), NAME_LIMIT),
        digest=dataset.digest[:DIGEST_LIMIT],
        source_type=dataset.source_type,
        source=_source(dataset),
        schema=(dataset.schema or None) if fits else None,
        profile=dataset.profile or None,
    )
    return DatasetInput(entity, tags)


def _source(dataset: Dataset) -> str:
    """Where the data is, as MLflow writes it for that kind of place."""
    key = "url" if dataset.source_type == "http" else "uri"
    place = clean_text(dataset.source)[:SOURCE_LIMIT]
    return json.dumps({key: place} if place else {"tags": {}})


def _weight(item: DatasetInput) -> Any:
    return item.to_dictionary()
