"""Registering, asking for and promoting versions of models, in tasks that run one after another."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from intermodal import tracking
from intermodal.runtime import Context, InfrastructureError, run
from intermodal.tracking import records, registrations, spool, versions
from intermodal.tracking import session as sessions
from intermodal.tracking.identity import TaskIdentity
from intermodal.tracking.jsonl import JsonlTracker
from intermodal.tracking.registry import (
    Promotion,
    Stamps,
    metrics_in,
    registry_of,
)
from intermodal.tracking.session import session
from intermodal.tracking.tracker import NoTracker, TrackerError

pytestmark = pytest.mark.usefixtures("declared")

WHO = TaskIdentity("diagnosis", "run-1", "register")


@pytest.fixture
def uri(tmp_path):
    return f"jsonl:{tmp_path}/tracked"


@pytest.fixture
def registry(uri):
    return JsonlTracker(uri)


@pytest.fixture
def weights(tmp_path):
    def write(text):
        path = tmp_path / "weights.bin"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def attempt(uri, tmp_path):
    """Runs a function as an attempt; gives its result and the codes of the findings."""
    folders = itertools.count()

    def do(block, identity=WHO, folder=None):
        with session(identity, uri, tmp_path / (folder or f"work{next(folders)}")) as tracked:
            result = block()
        return result, [finding.code for finding in tracked.findings]

    return do


def champion(registry, name="best"):
    found = registry.find_version(name, alias="champion")
    return found and found.version


def versions_of(registry, name="best"):
    found = (registry.find_version(name, version=str(number)) for number in range(1, 10))
    return [one.version for one in found if one is not None]


def test_a_version_carries_metrics_hash_and_where_it_came_from(attempt, registry, weights):
    handle, said = attempt(
        lambda: tracking.register_model(
            "best", weights("a"), metrics={"f1": 0.5, "by": {"class": 1}}, tags={"stage": "new"}
        )
    )
    assert said == []
    found = registry.find_version("best", version="1")
    assert found.metrics == {"f1": 0.5, "by.class": 1.0}
    assert found.sha256 == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert found.tags["stage"] == "new"
    assert found.tags["intermodal.run_id"] == "run-1"
    assert handle == f"best#{found.tags['intermodal.registration']}"


def test_later_tasks_promote_by_handle_and_by_number(attempt, registry, weights):
    first, _ = attempt(lambda: tracking.register_model("best", weights("a")))
    other = replace(WHO, run_id="run-2")
    attempt(lambda: tracking.register_model("best", weights("b")), other)
    promote = replace(WHO, task="promote")
    found, said = attempt(lambda: tracking.promote("best", first), promote)
    assert (found.version, said, champion(registry)) == ("1", [], "1")
    attempt(lambda: tracking.promote("best", 2, "champion"), replace(other, task="promote"))
    assert champion(registry) == "2"
    version, _ = attempt(lambda: tracking.model_version("best", version=1), promote)
    assert version.version == "1"


def test_a_model_is_promoted_by_its_value(tmp_path, uri, registry):
    context = Context("diagnosis", "run-1", "train", store=str(tmp_path / "store"), tracking=uri)
    ref = run(lambda: {"w": 1}, context=context, inputs={}, outputs={"return": "Model"})

    def register(model):
        return tracking.register_model("best", model)

    def promote(model):
        return tracking.promote("best", model).version

    for function in (register, promote):
        at = replace(context, task=function.__name__)
        given = run(function, context=at, inputs={"model": ref}, outputs={"return": "value"})
    assert (given, champion(registry)) == ("1", "1")
    found = registry.find_version("best", alias="champion")
    assert (found.uri, found.sha256) == (ref["$artifact"]["uri"], ref["$artifact"]["sha256"])

    def use():
        return tracking.load_model(tracking.model_version("best"))["w"]

    at = replace(context, run_id="run-2", task="use")
    assert run(use, context=at, inputs={}, outputs={"return": "value"}) == 1

    damaged = tmp_path.joinpath(found.uri.removeprefix(str(tmp_path / "store")).lstrip("/"))
    content = tmp_path / "store" / damaged if not damaged.is_absolute() else damaged
    content = content if content.exists() else next((tmp_path / "store").rglob("content*"))
    content.write_bytes(content.read_bytes().replace(b"1", b"2"))
    with pytest.raises(InfrastructureError, match="PORT401"):
        run(use, context=at, inputs={}, outputs={"return": "value"})


def test_an_artifact_that_is_not_the_registered_one_is_not_loaded(tmp_path, uri, attempt):
    context = Context("diagnosis", "run-1", "train", store=str(tmp_path / "store"), tracking=uri)
    ref = run(lambda: {"w": 1}, context=context, inputs={}, outputs={"return": "Model"})
    place = ref["$artifact"]["uri"]
    wrong = versions.ModelVersion("best", "1", place, "0" * 64, tags={"intermodal.artifact": place})
    with pytest.raises(InfrastructureError, match="PORT565"):
        attempt(lambda: tracking.load_model(wrong))


def test_a_registered_file_is_loaded_as_a_path(attempt, registry, weights):
    attempt(lambda: tracking.register_model("best", weights("a")))
    path, _ = attempt(lambda: tracking.load_model(tracking.model_version("best", version=1)))
    assert path.read_text() == "a"
    changed = replace(registry.find_version("best", version="1"), sha256="0" * 64)
    with pytest.raises(InfrastructureError, match="PORT565"):
        attempt(lambda: tracking.load_model(changed))


def test_a_model_of_the_same_task_is_promoted_when_it_is_registered(attempt, registry, weights):
    def both():
        return tracking.promote("best", tracking.register_model("best", weights("a")))

    given, said = attempt(both)
    assert (given, said) == (None, [])
    assert (champion(registry), versions_of(registry)) == ("1", ["1"])


def test_a_model_that_is_stored_later_is_promoted_all_the_same(tmp_path, uri, registry):
    context = Context("diagnosis", "run-1", "train", store=str(tmp_path / "store"), tracking=uri)

    def train():
        model = {"w": 1}
        tracking.register_model("best", model)
        tracking.promote("best", model)
        return model

    run(train, context=context, inputs={}, outputs={"return": "Model"})
    assert (champion(registry), versions_of(registry)) == ("1", ["1"])


def test_a_retry_registers_nothing_twice(attempt, registry, weights):
    handles = [
        attempt(lambda: tracking.register_model("best", weights("a")), replace(WHO, attempt=number))
        for number in (1, 2)
    ]
    assert handles[0] == handles[1]
    assert versions_of(registry) == ["1"]


def test_a_retry_with_another_model_is_what_its_handle_means(attempt, registry, weights):
    for number, text in enumerate("ab", 1):
        handle, _ = attempt(
            lambda text=text: tracking.register_model("best", weights(text)),
            replace(WHO, attempt=number),
        )
    attempt(lambda: tracking.promote("best", handle), replace(WHO, task="promote"))
    assert (versions_of(registry), champion(registry)) == (["1", "2"], "2")


def test_several_models_of_one_name_have_handles_of_their_own(attempt, registry, weights):
    def several():
        return [tracking.register_model("best", weights(text)) for text in ("a", "b", "a")]

    (first, second, again), _ = attempt(several)
    assert first == again != second
    attempt(lambda: tracking.promote("best", first), replace(WHO, task="promote"))
    found = registry.find_version("best", alias="champion")
    assert found.sha256.startswith("ca978112")
    assert versions_of(registry) == ["1", "2"]


def test_a_failed_attempt_registers_nothing(attempt, registry, weights):
    def fail():
        tracking.register_model("best", weights("a"))
        raise RuntimeError("flaky")

    with pytest.raises(RuntimeError):
        attempt(fail)
    assert versions_of(registry) == []


def test_a_registration_in_the_spool_is_sent_before_it_is_promoted(
    attempt, registry, weights, monkeypatch
):
    def away(*_):
        raise TrackerError("no connection")

    with monkeypatch.context() as broken:
        broken.setattr(spool, "resolve", away)
        handle, said = attempt(lambda: tracking.register_model("best", weights("a")), folder="run")
    assert "PORT500" in said
    assert versions_of(registry) == []
    found, _ = attempt(
        lambda: tracking.promote("best", handle), replace(WHO, task="promote"), folder="run"
    )
    assert (found.version, champion(registry)) == ("1", "1")


def test_a_registration_that_is_kept_elsewhere_is_waited_for(attempt):
    handle = "best#0123456789abcdef"
    with pytest.raises(InfrastructureError, match=r"port track sync.*\[PORT561\]"):
        attempt(lambda: tracking.promote("best", handle))
    with pytest.raises(ValueError, match="no version 7"):
        attempt(lambda: tracking.promote("best", 7))
    with pytest.raises(ValueError, match="nothing was registered"):
        attempt(lambda: tracking.promote("best", ""))
    with pytest.raises(InfrastructureError, match="register it in a task before"):
        attempt(lambda: tracking.promote("best", {"never": "registered"}))


@pytest.mark.parametrize("alias", ["latest", "v1", "V12", "a b", "", "ä"])
def test_what_cannot_be_an_alias_is_refused(alias, attempt):
    with pytest.raises(ValueError, match="PORT564"):
        attempt(lambda: tracking.promote("best", 1, alias))


def test_nothing_in_use_yet(attempt):
    found, said = attempt(lambda: tracking.model_version("best"))
    assert (found, said) == (None, [])


def test_an_unreachable_registry_fails_the_task_without_its_password(attempt, monkeypatch):
    def away(*_args, **_options):
        raise TrackerError("no connection to http://user:secret@host")

    monkeypatch.setattr(JsonlTracker, "find_version", away)
    for ask in (lambda: tracking.model_version("best"), lambda: tracking.promote("best", 1)):
        with pytest.raises(InfrastructureError, match="PORT560") as problem:
            attempt(ask)
        assert "secret" not in str(problem.value)


def test_with_tracking_off_nothing_is_registered_and_a_note_says_so(tmp_path, capsys):
    with session(WHO, "none", tmp_path):
        assert tracking.register_model("best", __file__) == ""
        assert tracking.model_version("best") is None
        assert tracking.promote("best", "") is None
    assert capsys.readouterr().err.count("note[PORT562]") == 2
    assert registry_of(NoTracker()) is None


def test_a_tracker_without_a_registry_is_noted(memory, tmp_path):
    with session(WHO, "memory:", tmp_path) as tracked:
        assert tracking.model_version("best") is None
    assert [finding.code for finding in tracked.findings] == ["PORT562"]


def test_of_several_trackers_the_first_with_a_registry_is_asked(uri, tmp_path, weights):
    both = f"openlineage+file:{tmp_path}/events.jsonl {uri}"
    with session(WHO, both, tmp_path / "a") as tracked:
        tracking.register_model("best", weights("a"), aliases=["champion"])
    assert tracked.findings == []
    with session(WHO, both, tmp_path / "b"):
        assert tracking.model_version("best").version == "1"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_latest_promotion_wins_in_any_order(registry, weights, attempt, order):
    for number in range(3):
        who = replace(WHO, run_id=str(number))
        attempt(lambda n=number: tracking.register_model("best", weights(str(n))), who)
    promotions = [Promotion("champion", 1000 * n, f"key{n}") for n in range(3)]
    for n in (*order, *order):
        registry.promote("best", str(n + 1), promotions[n])
    assert champion(registry) == "3"


def test_an_old_promotion_of_a_retry_does_not_take_the_alias_back(
    attempt, registry, weights, monkeypatch
):
    clock = itertools.count(1_000_000, 1000)
    for module in (versions, records):
        monkeypatch.setattr(module, "now", lambda: next(clock))
    for run_id in ("run-1", "run-2"):
        who = replace(WHO, run_id=run_id)
        attempt(lambda r=run_id: tracking.register_model("best", weights(r)), who)
        attempt(lambda r=run_id: tracking.promote("best", int(r[-1])), replace(who, task="promote"))
    assert champion(registry) == "2"
    retry = replace(WHO, task="promote", attempt=2)
    found, said = attempt(lambda: tracking.promote("best", 1), retry)
    assert (found.version, champion(registry), said) == ("1", "2", ["PORT563"])
    back = replace(WHO, run_id="run-3", task="rollback")
    attempt(lambda: tracking.promote("best", 1), back)
    assert champion(registry) == "1"


def test_a_kept_log_does_not_take_the_alias_back(attempt, registry, weights, monkeypatch, tmp_path):
    with monkeypatch.context() as kept:
        kept.setattr(sessions, "deliver", lambda *_: [])
        attempt(lambda: tracking.register_model("best", weights("old"), ["champion"]), folder="old")
    newer = replace(WHO, run_id="run-2")
    monkeypatch.setattr(registrations, "now", lambda: records.now() + 1000)
    attempt(
        lambda: tracking.promote("best", tracking.register_model("best", weights("new"))), newer
    )
    assert champion(registry) == "1"
    spool.sync(tmp_path / "old", f"jsonl:{tmp_path}/tracked")
    assert (versions_of(registry), champion(registry)) == (["1", "2"], "1")


def test_stamps_sort_by_time_and_then_by_key():
    early, late = Promotion("champion", 999, "zz"), Promotion("champion", 1000, "aa")
    tied = Promotion("champion", 1000, "ab")
    assert early.stamp < late.stamp < tied.stamp
    stamps = Stamps({"1": f"{early.stamp} set", "2": f"{late.stamp} set", "10": tied.stamp})
    assert stamps.latest == "10"
    assert stamps.is_done("1", early)
    assert not stamps.is_done("10", tied)
    assert not stamps.is_done("1", late)
    assert stamps.is_done("2", early), "a later one of the same version"
    again = replace(tied, time=5000)
    assert stamps.stamp_of("10", again) == tied.stamp, "a promotion that was begun keeps its time"


def test_foreign_tags_are_no_metrics():
    assert metrics_in({"intermodal.metric.f1": "0.5", "intermodal.metric.x": "?", "f1": "1"}) == {
        "f1": 0.5
    }


def test_users_cannot_write_our_tags(attempt, registry):
    tags = {"intermodal.registration": "x"}
    handle, said = attempt(lambda: tracking.register_model("best", __file__, tags=tags))
    assert (handle, said, versions_of(registry)) == ("", ["PORT501"], [])
