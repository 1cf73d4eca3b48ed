"""Starters that know nothing of each other agree on one tree: real processes, and every interleaving."""

from __future__ import annotations

import multiprocessing
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from intermodal import tracking
from intermodal.tracking.mlflow import MlflowTracker
from intermodal.tracking.mlflow_access import Address, connect
from intermodal.tracking.mlflow_runs import Runs
from intermodal.tracking.session import session
from intermodal.tracking.spool import sync
from intermodal.tracking.tracker import TaskIdentity

STARTERS = 8
MANY_STARTERS = 32
RACES = 20
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["mlflow.store.tracking.sqlalchemy_store", "mlflow"])


def start_task(uri, identity, folder, temporary, together, findings):
    """What a worker does; `together` lets all of them go on at one moment."""
    if temporary:
        tempfile.tempdir = temporary
    from intermodal import tracking
    from intermodal.tracking.session import session

    with session(identity, uri, Path(folder)) as tracked:
        for step in range(10):
            tracking.log_metric("m", float(step))
        tracking.log_text("x", "note.txt")
        together.wait()
    findings.put([f.to_data() for f in tracked.findings])


def start_together(uri, identities, tmp_path, *, apart):
    """Run one worker for each identity; `apart`: as on different machines, with no lock in common."""
    together = PROCESSES.Barrier(len(identities))
    findings = PROCESSES.Queue()
    workers = []
    for number, identity in enumerate(identities):
        temporary = tmp_path / f"tmp{number}"
        temporary.mkdir()
        arguments = (uri, identity, str(tmp_path / str(number)), str(temporary) if apart else "")
        workers.append(PROCESSES.Process(target=start_task, args=(*arguments, together, findings)))
    for worker in workers:
        worker.start()
    found = [finding for _ in workers for finding in findings.get(timeout=180)]
    for worker in workers:
        worker.join()
    return found


@pytest.fixture
def identities(pipeline):
    base = TaskIdentity(pipeline, "run", "task", parameters={"p": 1})
    return [replace(base, index=(number,)) for number in range(STARTERS)]


def expected(number):
    return [(f"task[{n}]", "FINISHED", "1", []) for n in range(number)]


@pytest.mark.slow
@pytest.mark.parametrize("apart", [False, True], ids=["one machine", "machines apart"])
def test_starters_on_a_server_agree(apart, shared_server, identities, read, tmp_path):
    assert start_together(shared_server.uri, identities, tmp_path, apart=apart) == []
    tree = read(shared_server.uri, identities[0].pipeline)
    assert tree.shape() == [("run", "RUNNING", "", expected(STARTERS))]
    for run in tree.runs:
        if run.info.run_name != "run":
            assert tree.history(run, "m") == [(n, float(n)) for n in range(10)]
            assert tree.files(run) == ["note.txt"]


@pytest.mark.slow
def test_starters_on_a_fresh_file_agree(identities, read, tmp_path):
    uri = f"sqlite:///{tmp_path}/fresh.db"
    assert start_together(uri, identities, tmp_path, apart=True) == []
    tree = read(uri, identities[0].pipeline)
    assert tree.shape() == [("run", "RUNNING", "", expected(STARTERS))]
    for run in tree.runs:
        if run.info.run_name != "run":
            assert tree.history(run, "m") == [(n, float(n)) for n in range(10)]


def start_in_rounds(uri, identity, folder, together, findings):
    """A worker that starts its task in run after run, each time at one moment with all others."""
    tempfile.tempdir = folder
    from intermodal import tracking
    from intermodal.tracking.session import session

    for number in range(RACES):
        tracked = session(replace(identity, run_id=f"run-{number:02}"), uri, Path(folder))
        with tracked:
            tracking.log_metric("m", float(number))
            together.wait()
        findings.put([finding.to_data() for finding in tracked.findings])


@pytest.mark.slow
def test_each_of_many_races_leaves_one_parent_with_all_children(
    shared_server, pipeline, read, tmp_path
):
    """As on so many machines: no lock in common."""
    together = PROCESSES.Barrier(MANY_STARTERS)
    findings = PROCESSES.Queue()
    workers = []
    for number in range(MANY_STARTERS):
        folder = tmp_path / str(number)
        folder.mkdir()
        identity = TaskIdentity(pipeline, "", "task", (number,), parameters={"p": 1})
        arguments = (shared_server.uri, identity, str(folder), together, findings)
        workers.append(PROCESSES.Process(target=start_in_rounds, args=arguments))
    for worker in workers:
        worker.start()
    told = [found for _ in range(RACES * MANY_STARTERS) for found in findings.get(timeout=300)]
    for worker in workers:
        worker.join()
    # A server that is asked by so many at once may not answer some in time: those are kept.
    assert {finding["code"] for finding in told} <= {"PORT500"}
    assert sync(tmp_path, shared_server.uri) == []
    tree = read(shared_server.uri, pipeline)
    names = {f"task[{number}]" for number in range(MANY_STARTERS)}
    odd = [
        (run, sorted(names ^ {name for name, *_ in below}), below)
        for run, _, _, below in tree.shape()
        if sorted(below) != sorted(expected(MANY_STARTERS))
    ]
    assert odd == [], told
    assert [name for name, *_ in tree.shape()] == [f"run-{number:02}" for number in range(RACES)]
    for run in tree.runs:
        if run.info.run_name.startswith("task"):
            assert len(tree.history(run, "m")) == 1


class Meeting:
    """A client whose starters meet at a barrier at chosen calls, and who then go on at once."""

    def __init__(self, client, name, barrier):
        self.client = client
        self.name = name
        self.barrier = barrier
        self.met = threading.local()

    def __getattr__(self, name):
        call = getattr(self.client, name)
        if name != self.name or getattr(self.met, "done", False):
            return call

        def meeting(*args, **kwargs):
            self.met.done = True
            self.barrier.wait()
            return call(*args, **kwargs)

        return meeting


def arrange(uri, identity, client=None, started=1000):
    address = Address(uri)
    return Runs(client or connect(address), address, identity).of_attempt(identity, started)


def test_all_that_found_no_parent_make_one_and_one_is_left(uri, pipeline, read):
    """Every starter has searched before any creates: the worst case of search-then-create."""
    base = TaskIdentity(pipeline, "run", "task", parameters={"p": 1})
    arrange(uri, replace(base, run_id="other run", session="other"))  # makes the experiment
    client = Meeting(connect(Address(uri)), "create_run", threading.Barrier(STARTERS))
    errors = []

    def start(number):
        identity = replace(base, index=(number,), session=f"{pipeline}-{number}")
        try:
            arrange(uri, identity, client, started=1000 + number % 3)
        except Exception as problem:
            errors.append(problem)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(STARTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(STARTERS):  # as `sync` would, for those that met a fault on the way
        arrange(uri, replace(base, index=(number,), session=f"{pipeline}-{number}"))
    tree = read(uri, pipeline)
    ours = [branch for branch in tree.shape() if branch[0] == "run"]
    children = [(f"task[{n}]", "RUNNING", "1", []) for n in range(STARTERS)]
    assert ours == [("run", "RUNNING", "", children)]
    assert [str(e) for e in errors] == []


def test_a_parent_that_loses_hands_over_its_children(uri, pipeline, read):
    """A second parent with an earlier start appears after the first has children."""
    base = TaskIdentity(pipeline, "run", "task", session=f"{pipeline}-a", parameters={"p": 1})
    first = arrange(uri, base, started=2000).attempt
    address = Address(uri)
    runs = Runs(connect(address), address, base)
    runs._create_parent(base, 1000)
    next_task = replace(base, task="next", session=f"{pipeline}-b")
    second = arrange(uri, next_task, started=3000).attempt
    tree = read(uri, pipeline)
    tasks = [("next", "RUNNING", "1", []), ("task", "RUNNING", "1", [])]
    assert tree.shape() == [("run", "RUNNING", "", tasks)]
    (parent,) = tree.children(None)
    assert parent.info.start_time == 1000
    assert parent.data.params == {"p": "1"}
    assert {r.info.run_id for r in tree.children(parent.info.run_id)} == {first, second}


def test_a_parent_that_loses_while_a_child_is_made(uri, pipeline, read):
    """The parent is replaced between finding it and making the child: the child's maker moves it."""
    base = TaskIdentity(pipeline, "run", "task", session=f"{pipeline}-a", parameters={"p": 1})
    address = Address(uri)
    runs = Runs(connect(address), address, base)
    create = runs._create_attempt

    def replaced_meanwhile(identity, started, parent):
        runs._create_parent(base, 500)
        runs._settle(runs._search("intermodal.key", base.run_key), {})
        create(identity, started, parent)

    runs._create_attempt = replaced_meanwhile
    runs.of_attempt(base, 1000)
    assert read(uri, pipeline).shape() == [
        ("run", "RUNNING", "", [("task", "RUNNING", "1", [])]),
    ]


def test_the_same_log_sent_by_two_at_once_is_one_run(uri, pipeline, read):
    base = TaskIdentity(pipeline, "run", "task", session=f"{pipeline}-a")
    address = Address(uri)
    runs = Runs(connect(address), address, base)
    place = runs.of_attempt(base, 1000)
    runs._create_attempt(base, 1000, place.parent)
    assert arrange(uri, base).attempt in (
        place.attempt,
        *(r.info.run_id for r in read(uri, pipeline).runs),
    )
    assert read(uri, pipeline).shape() == [
        ("run", "RUNNING", "", [("task", "RUNNING", "1", [])]),
    ]


def test_a_child_that_is_moved_while_its_maker_looks_is_not_moved_back(uri, pipeline, read):
    """Between its maker's look at the parent and at the child, others replace the one and move the other."""
    base = TaskIdentity(pipeline, "run", "task", session=f"{pipeline}-a", parameters={"p": 1})
    address = Address(uri)
    runs, others = (Runs(connect(address), address, base) for _ in range(2))
    arrange, replaced = runs._arrange_attempts, []

    def replaced_meanwhile(identity, parent):
        if not replaced:
            replaced.append(parent)
            others._create_parent(base, 500)
            others.of_pipeline(base, 500)
        return arrange(identity, parent)

    runs._arrange_attempts = replaced_meanwhile
    runs.of_attempt(base, 1000)
    assert read(uri, pipeline).shape() == [
        ("run", "RUNNING", "", [("task", "RUNNING", "1", [])]),
    ]


def test_a_child_is_not_left_below_a_winner_that_loses_meanwhile(uri, pipeline, read):
    """Who moves a child to a parent is overtaken by an even earlier parent, whose maker saw no child there."""
    base = TaskIdentity(pipeline, "run", "task", session=f"{pipeline}-a", parameters={"p": 1})
    address = Address(uri)
    runs, others = (Runs(connect(address), address, base) for _ in range(2))
    runs.of_attempt(base, 2000)
    runs._create_parent(base, 1000)
    overtaken = []

    class Overtaken:
        def __getattr__(self, name):
            return getattr(others.client, name)

        def set_tag(self, run_id, key, value):
            if key == "mlflow.parentRunId" and not overtaken:
                overtaken.append(run_id)
                others._create_parent(base, 500)
                others.of_pipeline(base, 500)
            others.client.set_tag(run_id, key, value)

    runs.client = Overtaken()
    runs.of_pipeline(base, 1000)
    assert overtaken
    assert read(uri, pipeline).shape() == [
        ("run", "RUNNING", "", [("task", "RUNNING", "1", [])]),
    ]


def test_a_request_that_is_carried_out_late_leaves_no_second_run(uri, pipeline, read, tmp_path):
    """The attempt's run is made once more while its records are on their way."""
    base = TaskIdentity(pipeline, "run", "task", parameters={"p": 1})
    address = Address(uri)
    runs = Runs(connect(address), address, base)
    begin = MlflowTracker.begin

    def begin_twice(tracker, identity, started):
        begin(tracker, identity, started)
        runs._create_attempt(identity, started, tracker._attempts[identity.session].parent)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MlflowTracker, "begin", begin_twice)
        with session(base, uri, tmp_path) as tracked:
            tracking.log_metric("m", 1.0)
    # Which of the two is the one depends on their ids; if it is the late one, it has to get everything.
    assert {finding.code for finding in tracked.findings} <= {"PORT500"}
    assert sync(tmp_path, uri) == []
    tree = read(uri, pipeline)
    assert tree.shape() == [("run", "RUNNING", "", [("task", "FINISHED", "1", [])])]
    assert tree.history(tree.named("task"), "m") == [(0, 1.0)]
