"""The tree of MLflow runs: one for the pipeline run, one below it for each task instance.

Runs are found by tags, so that workers need nothing from each other:

| run | tags |
|---|---|
| pipeline run | `intermodal.key` (of pipeline and run id), `.pipeline`, `.run_id`, `.kind=pipeline` |
| task instance | `mlflow.parentRunId`, `intermodal.instance` (of the run, task and index), `.session`, `.task`, `.index`, `.attempt`, `.kind=task` |
| an attempt that was tried again | the same, `.kind=attempt`, and below the attempt that replaced it |

**Agreeing without a lock.** MLflow has no "create unless there is one". Whoever finds none creates
one, searches again, and takes the lowest by (start time, run id) of all that are there; the others' children are
moved to it and they are deleted. Whoever makes a child, or hangs one somewhere, looks for the parent
once more afterwards, and hangs it there if it is another by then. So a child that was hung before a parent
lost is moved by whoever saw it lose, and one that was hung after by who hung it: all end below the one
parent, whatever the order.

**Attempts.** Each attempt has a run of its own, and the newest one stands for the task instance;
earlier ones are hung below it. So a retry neither appends to the metrics of the failed attempt nor meets
its immutable parameters, and late records of an attempt still reach the right place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intermodal.tracking.adopting import RUN, TASK, given_run, label
from intermodal.tracking.mlflow_names import (
    PARAM_LIMIT,
    TAG_LIMIT,
    TEXTS_PER_BATCH,
    batches,
    clean_text,
    cut_text,
    safe_key,
)
from intermodal.tracking.tracker import TrackerError
from intermodal.tracking.values import UnrecordableError, text_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from intermodal.tracking.mlflow_access import Address
    from intermodal.tracking.tracker import TaskIdentity

PARENT = "mlflow.parentRunId"
RUN_NAME = "mlflow.runName"
KEY = "intermodal.key"
INSTANCE = "intermodal.instance"
SESSION = "intermodal.session"
KIND = "intermodal.kind"
ATTEMPT = "intermodal.attempt"
CODE = "intermodal.code_hash"
LINK = "intermodal.link"
CONFLICT = "intermodal.param_conflict."
RENAMED = "intermodal.renamed."
CUT = "intermodal.cut."
RUNNING = "RUNNING"
FAILED = {"FAILED", "KILLED"}
ROUNDS = 8  # how often others may get in between before we give up


@dataclass(frozen=True)
class Place:
    """MLflow's ids of an attempt's experiment, its pipeline run's run, and its own run."""

    experiment: str
    parent: str
    attempt: str


class Runs:
    """Finds and makes the runs of one experiment."""

    def __init__(self, client: MlflowClient, address: Address, identity: TaskIdentity) -> None:
        self.client = client
        adopted = given_run(client, identity.given.get(RUN, ""))
        self.is_adopted = adopted is not None
        if adopted is None:
            self.experiment = _experiment(client, address, identity)
        else:
            self.experiment = str(adopted.info.experiment_id)

    def of_pipeline(self, identity: TaskIdentity, started: int) -> Run:
        """The one run of the pipeline run, made if need be, its parameters logged."""
        problem: Exception | None = None
        for _ in range(ROUNDS):
            run = self._settled_parent(identity, started)
            try:
                log_parameters(self.client, run, identity)
            except Exception as failed:  # lost to another parent, or another logged them just now
                problem = failed
                continue
            return run
        raise TrackerError(f"the pipeline run's parameters are refused: {problem}") from problem

    def of_attempt(self, identity: TaskIdentity, started: int) -> Place:
        """The attempt's run, in its right place in the tree."""
        parent = self.of_pipeline(identity, started)
        found = self._search(SESSION, identity.session)
        if not found:
            self._create_attempt(identity, started, parent.info.run_id)
            found = self._search(SESSION, identity.session)
        run = self._settle(found, {})
        for _ in range(ROUNDS):
            parent = self.of_pipeline(identity, started)
            if not self._arrange_attempts(identity, parent.info.run_id):
                break
        if identity.last is not None and not self.is_adopted:
            self._begin_again(parent, str(run.info.run_id))
        return Place(self.experiment, str(parent.info.run_id), str(run.info.run_id))

    def of_session(self, identity: TaskIdentity, run_id: str) -> Run:
        """The attempt's run, which is to be the only one of its session.

        Raises:
            TrackerError: Another one goes before it, made by a request that the server carried out late or by
                another sender of the same log: it has to get everything, too.
        """
        found = self._search(SESSION, identity.session)
        run = self._settle(found, {})
        if run.info.run_id != run_id:
            raise TrackerError(
                "the server has made a second run for the attempt; send the log again"
            )
        return run

    def follow(self, identity: TaskIdentity, moment: int) -> None:
        """Set the pipeline run's status by its tasks, where no engine tells it; a task just ended.

        A failed task fails the run. It is finished when a task after which it may end has ended, and
        none runs. One that runs is never marked as ended by this: whoever ends last sees all others.
        """
        if self.is_adopted:
            return  # whoever made it ends it
        (parent,) = self._search(KEY, identity.run_key)[:1] or (None,)
        if parent is None:
            return
        states = {run.info.status for run in self._tasks_of(str(parent.info.run_id))}
        if states & FAILED:
            wanted = "FAILED"
        elif not states <= {"FINISHED"}:
            return
        elif identity.last:
            wanted = "FINISHED"
        elif (parent.info.end_time or 0) >= moment:  # a late log, of before the end of the run
            wanted, moment = "FINISHED", parent.info.end_time
        else:
            return
        if parent.info.status != wanted:
            self.client.set_terminated(parent.info.run_id, wanted, end_time=moment)

    def end_tasks(self, parent: Run, moment: int) -> None:
        """Mark tasks as killed that nobody ended: no task goes on after the end of its run."""
        for run in self._tasks_of(str(parent.info.run_id)):
            if run.info.status == RUNNING:
                self.client.set_terminated(run.info.run_id, "KILLED", end_time=moment)

    def _begin_again(self, parent: Run, attempt: str) -> None:
        """Mark the pipeline run as running while a task is, unless another one has failed it."""
        if parent.info.status == RUNNING:
            return
        tasks = self._tasks_of(str(parent.info.run_id))
        states = {run.info.run_id: run.info.status for run in tasks}
        others = {state for run_id, state in states.items() if run_id != attempt}
        if states.get(attempt) == RUNNING and not others & FAILED:
            self.client.update_run(parent.info.run_id, status=RUNNING)

    def _tasks_of(self, parent: str) -> list[Run]:
        """The newest attempts of the task instances below a pipeline run."""
        return [run for run in self._search(PARENT, parent) if run.data.tags.get(KIND) == "task"]

    def _settled_parent(self, identity: TaskIdentity, started: int) -> Run:
        moved: dict[str, str] = {}
        for _ in range(ROUNDS):
            found = self._search(KEY, identity.run_key)
            if not found:
                self._create_parent(identity, started)
                found = self._search(KEY, identity.run_key)
            winner = self._settle(found, moved)
            if len(found) == 1 and not self._move_on(moved, str(winner.info.run_id)):
                return winner
        raise TrackerError("too many others make a run for the same pipeline run")

    def _settle(self, found: list[Run], moved: dict[str, str]) -> Run:
        """The first of the runs; what hangs below the others is moved to it and they are deleted.

        `moved` gets the ids of what was moved, and to where.
        """
        if not found:
            raise TrackerError("a run that was just made is not found again")
        winner, *losers = found
        for loser in losers:
            for child in self._search(PARENT, loser.info.run_id):
                self.client.set_tag(child.info.run_id, PARENT, winner.info.run_id)
                moved[str(child.info.run_id)] = str(winner.info.run_id)
            self.client.delete_run(loser.info.run_id)
        return winner

    def _move_on(self, moved: dict[str, str], parent: str) -> bool:
        """Move on what we hung below a run that has lost meanwhile; whether there was any."""
        astray = [child for child, place in moved.items() if place != parent]
        for child in astray:
            if self.client.get_run(child).data.tags.get(PARENT) == moved[child]:
                self.client.set_tag(child, PARENT, parent)
            moved[child] = parent
        return bool(astray)

    def _arrange_attempts(self, identity: TaskIdentity, parent: str) -> bool:
        """Hang the newest attempt below the pipeline run, and the earlier ones below it.

        Whether anything was hung below the pipeline run that had not hung there: it may have lost its
        place to another one meanwhile.
        """
        attempts = sorted(self._search(INSTANCE, identity.instance_key), key=_age)
        if not attempts:
            return False
        newest = attempts[-1].info.run_id
        if len(attempts) == 1 and newest == identity.given.get(TASK):
            return False  # it hangs where the engine has hung it
        is_new = attempts[-1].data.tags.get(PARENT) != parent
        for run in attempts:
            is_newest = run.info.run_id == newest
            wanted = {
                PARENT: parent if is_newest else newest,
                KIND: "task" if is_newest else "attempt",
            }
            for key, value in wanted.items():
                if run.data.tags.get(key) != value:
                    self.client.set_tag(run.info.run_id, key, value)
            if not is_newest and run.info.status == RUNNING:  # killed: else nobody would try again
                self.client.set_terminated(run.info.run_id, "KILLED")
        return is_new

    def _search(self, tag: str, value: str) -> list[Run]:
        """The live runs with that tag, in the order that decides between them."""
        condition = f"tags.`{tag}` = '{value}'"
        found: list[Run] = []
        token: str | None = None
        while True:
            page = self.client.search_runs([self.experiment], condition, page_token=token)
            found += page
            token = page.token
            if not token:
                return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))

    def _create_parent(self, identity: TaskIdentity, started: int) -> None:
        tags = {safe_key(name): value for name, value in identity.tags.items()}
        tags |= {
            KEY: identity.run_key,
            KIND: "pipeline",
            "intermodal.pipeline": identity.pipeline,
            "intermodal.run_id": identity.run_id,
        }
        tags = {**_source_tags(identity.pipeline), **tags, **_common_tags(identity)}
        if identity.run_link:
            tags[LINK] = identity.run_link
        name = tags.pop(RUN_NAME, "") or identity.run_id  # MLflow takes the name only once
        adopted = given_run(self.client, identity.given.get(RUN, ""))
        if adopted is not None:
            label(self.client, adopted, _fitting(tags))
        else:
            self._create(tags, name, started)

    def _create_attempt(self, identity: TaskIdentity, started: int, parent: str) -> None:
        tags = {
            PARENT: parent,
            INSTANCE: identity.instance_key,
            SESSION: identity.session,
            KIND: "task",
            ATTEMPT: str(identity.attempt),
            "intermodal.task": identity.task,
            "intermodal.index": json.dumps(identity.index, separators=(",", ":")),
        }
        if identity.code_hash:
            tags[CODE] = identity.code_hash
        tags |= _common_tags(identity) | _source_tags(f"{identity.pipeline}.{identity.task}")
        if identity.link:
            tags[LINK] = identity.link
        adopted = given_run(self.client, identity.given.get(TASK, ""))
        if adopted is not None and self._is_ours_to_use(adopted):
            label(self.client, adopted, _fitting(tags))
        else:
            self._create(tags, identity.instance_name, started)

    def _is_ours_to_use(self, given: Run) -> bool:
        """Not if an earlier attempt was given it, too, or it is not beside the pipeline run's."""
        return SESSION not in given.data.tags and str(given.info.experiment_id) == self.experiment

    def _create(self, tags: dict[str, str], name: str, started: int) -> None:
        self.client.create_run(
            self.experiment,
            start_time=started,
            tags=_fitting(tags),
            run_name=cut_text(clean_text(name), 250),
        )


def _fitting(tags: dict[str, str]) -> dict[str, str]:
    return {key: cut_text(clean_text(value), TAG_LIMIT) for key, value in tags.items()}


def log_parameters(client: MlflowClient, run: Run, identity: TaskIdentity) -> None:
    """Log the pipeline's parameters once; what had to be changed shows as tags beside them."""
    from mlflow.entities import Param, RunTag

    params: list[Param] = []
    tags: dict[str, str] = {}
    for name, value in identity.parameters.items():
        key = safe_key(str(name))
        whole = clean_text(_text(value))
        text = cut_text(whole, PARAM_LIMIT)
        known = run.data.params.get(key)
        if known is None:
            params.append(Param(key, text))
        elif known != text:
            tags[safe_key(CONFLICT + key)] = text
        if key != name:
            tags[safe_key(RENAMED + key)] = cut_text(clean_text(str(name)), TAG_LIMIT)
        if text != whole:
            tags[safe_key(CUT + key)] = f"{len(whole)} characters"
    for batch in batches(params, lambda item: item.value, TEXTS_PER_BATCH):
        client.log_batch(run.info.run_id, params=batch)
    new = [RunTag(key, text) for key, text in tags.items() if run.data.tags.get(key) != text]
    for some in batches(new, lambda item: item.value, TEXTS_PER_BATCH):
        client.log_batch(run.info.run_id, tags=some)


def _text(value: object) -> str:
    try:
        return text_of(value)
    except UnrecordableError as problem:
        return f"[{problem}]"


def _age(run: Run) -> tuple[int, int, str]:
    attempt = run.data.tags.get(ATTEMPT, "")
    return (int(attempt) if attempt.isdigit() else 0, run.info.start_time, run.info.run_id)


def _common_tags(identity: TaskIdentity) -> dict[str, str]:
    tags = {
        "intermodal.target": identity.target,
        "intermodal.pipeline_hash": identity.pipeline_hash,
    }
    return {key: value for key, value in tags.items() if value}


def _source_tags(name: str) -> dict[str, str]:
    """What MLflow's pages show in the column "Source"."""
    return {"mlflow.source.name": name, "mlflow.source.type": "JOB"}


def _experiment(client: MlflowClient, address: Address, identity: TaskIdentity) -> str:
    """The id of the experiment; its name is unique in MLflow, so a race is lost by an error."""
    from mlflow.exceptions import MlflowException

    name = cut_text(clean_text(identity.experiment or identity.pipeline), 500)
    found = client.get_experiment_by_name(name)
    if found is None:
        place = address.artifact_location(safe_key(name).replace("/", "_").replace(":", "_"))
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        raise TrackerError(
            f"the experiment `{name}` is deleted; restore it with `mlflow experiments restore "
            f"--experiment-id {found.experiment_id}` or give another name"
        )
    return str(found.experiment_id)
