"""What Airflow asks of tasks right after a setup."""

import pytest

from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import Group, Join, Noop, Pairing, Pipeline, Task

SETUP = Task(id="make", action=Noop(), pairing=Pairing(role="setup"))


def compiled(*body):
    return compile_pipeline(Pipeline(name="p", body=body), Target("airflow", "3.3"), Settings())


@pytest.mark.parametrize("join", [join for join in Join if join is not Join.ALL_SUCCESS])
def test_other_rules_right_after_a_setup_are_refused(join):
    [found] = errors_of(
        compiled(SETUP, Task(id="work", action=Noop(), after=("make",), join=join)).findings
    )
    assert (found.code, "`work`" in found.what) == ("PORT204", True)


def test_a_group_does_not_hide_it():
    inside = Task(id="work", action=Noop(), join=Join.ALL_DONE)
    found = errors_of(compiled(SETUP, Group(id="g", body=(inside,), after=("make",))).findings)
    assert [finding.code for finding in found] == ["PORT204"]


def test_a_task_between_and_a_teardown_may_have_any():
    work = Task(id="work", action=Noop(), after=("make",))
    far = Task(id="far", action=Noop(), after=("work",), join=Join.ALL_DONE)
    made = compiled(SETUP, work, far)
    assert errors_of(made.findings) == []
    assert ".as_setup()" in made.files["p.py"]
