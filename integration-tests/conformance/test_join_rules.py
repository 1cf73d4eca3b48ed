"""The reference executor's join rules against those of real Airflows, which define them: every combination."""

import itertools
import json
import subprocess
from pathlib import Path

import pytest

from intermodal.ir import Join
from intermodal_backends.engines.airflow import settings_for
from intermodal_backends.engines.environment import require
from intermodal_backends.engines.warm import clean_environment
from intermodal_backends.local.joins import count, decide, decide_teardown

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("joins")]

FINAL = ("succeeded", "failed", "skipped", "upstream_failed")
ORDER_DEPENDENT = {Join.ONE_SUCCESS, Join.ONE_FAILED, Join.ONE_DONE}
SCRIPT = Path(__file__).with_name("airflow_trigger_rules.py")


def combinations(words, most=3, least=1):
    for size in range(least, most + 1):
        yield from itertools.product(words, repeat=size)


@pytest.fixture(scope="module", params=["airflow@3.3", "airflow@2.11"])
def ask(request, tmp_path_factory):
    """Ask an Airflow for its verdicts on many questions at once."""
    environment = require(request.param)
    home = tmp_path_factory.mktemp("airflow")
    variables = settings_for(home, home / "unused.db", home)

    def ask(questions):
        done = subprocess.run(
            [environment.python, SCRIPT],
            input=json.dumps(questions),
            env=clean_environment(environment, variables),
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return ask


def question(rule, states, setups=(), *, mapped=False):
    return {"rule": rule, "states": states, "setups": setups, "mapped": mapped}


def differing(asked, answers, ours):
    """Questions on which the two do not agree."""
    return [
        f"{key}: Airflow says {theirs}, we say {own}"
        for key, theirs in zip(asked, answers, strict=True)
        if theirs != (own := ours(*key))
    ]


def decision(rule, states):
    return decide(rule, count(states))


@pytest.mark.parametrize("mapped", [False, True], ids=["tasks", "instances of a loop"])
def test_every_rule_with_every_combination_of_ended_upstreams(ask, mapped):
    asked = [(rule, states) for rule in Join for states in combinations(FINAL)]
    assert len(asked) == 11 * (4 + 16 + 64)
    answers = ask([question(*key, mapped=mapped) for key in asked])
    assert differing(asked, answers, decision) == []


def test_every_rule_while_upstreams_are_not_done(ask):
    """Where Airflow's early answer could be another one later, ours waits; nothing else differs."""
    asked = [(rule, states) for rule in Join for states in combinations((*FINAL, None))]
    answers = dict(zip(asked, ask([question(*key) for key in asked]), strict=True))
    early = []
    for (rule, states), theirs in answers.items():
        ours = decision(rule, states)
        if theirs == ours:
            continue
        endings = {
            answers[rule, ended]
            for ended in itertools.product(*((s,) if s else FINAL for s in states))
        }
        assert ours == "wait", (rule, states, theirs, ours)
        assert endings != {theirs}, (rule, states, theirs, endings)
        early.append((rule, states))
    assert {rule for rule, _ in early} == EARLY_ANSWERS


# Rules whose early answer in Airflow depends on which upstream ends first.
EARLY_ANSWERS = {Join.ALL_SUCCESS}


def test_teardowns_with_every_combination_of_setups_and_other_upstreams(ask):
    words = (*FINAL, None)
    asked = [
        (states, setups)
        for states in combinations(words, most=2, least=1)
        for setups in combinations(words, most=2)
    ]
    answers = ask([question(None, *key) for key in asked])
    ours = lambda states, setups: decide_teardown(count((*states, *setups)), count(setups))  # noqa: E731
    assert differing(asked, answers, ours) == []
