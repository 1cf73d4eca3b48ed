"""Regions, run facts and actions as users write them, and the IR they become."""

import textwrap

import pytest

from intermodal.analysis.typing import fill_item_types
from intermodal.analysis.validate import validate
from intermodal.authoring.load import load_source
from intermodal.ir import Branch, ForEach, Group, Join, Task
from intermodal.ir.write import to_json

HEAD = """\
from datetime import timedelta
from intermodal import *

@task
def numbers() -> list[int]:
    return [1, 2, 3]

@task
def square(n: int, day: str = "") -> int:
    return n * n

@task
def total(values: list[int]) -> int:
    return sum(values)

@task
def name() -> str:
    return "small"

@task
def tidy(state: str) -> None: ...

@task
def there(path: str) -> bool:
    return True

"""


@pytest.fixture
def load(tmp_path):
    def load(body):
        file = tmp_path / "pipe.py"
        text = HEAD + "@pipeline\ndef p(limit: int = 3, on: bool = True):\n"
        file.write_text(text + textwrap.indent(textwrap.dedent(body), "    "), encoding="utf-8")
        return load_source(file, tmp_path)

    return load


@pytest.fixture
def trace(load):
    def trace(body):
        loaded = load(body)
        assert loaded.findings == ()
        made = loaded.pipelines[-1]
        assert validate(made) == []
        return made

    return trace


def shape(nodes):
    """The ids of nodes, nested as their regions are."""
    made = {}
    for node in nodes:
        match node:
            case Task():
                made[node.id] = None
            case Branch():
                arms = {arm.name: shape(arm.body) for arm in node.arms}
                if node.otherwise is not None:
                    arms["otherwise"] = shape(node.otherwise)
                made[node.id] = arms
            case ForEach() | Group():
                made[node.id] = shape(node.body)
    return made


def test_when_with_its_other_ways_and_a_merge(trace):
    p = trace(
        """
        t = total(numbers())
        with when(t > limit) as good:
            a = square(t)
        with good.elsewhen(on):
            b = square(1)
        with good.otherwise():
            c = square(2)
        square(good.merge(a, b, c))
        """
    )
    assert shape(p.body) == {
        "numbers": None,
        "total": None,
        "when": {
            "when": {"square": None},
            "elsewhen_1": {"square_2": None},
            "otherwise": {"square_3": None},
        },
        "square_4": None,
    }
    branch = p.body[2]
    assert [ref.node for ref in branch.outputs["return"]] == ["square", "square_2", "square_3"]
    assert branch.arms[0].condition.operator == ">"
    assert p.body[3].inputs["n"].node == "when"


def test_choose_by_name(trace):
    p = trace(
        """
        with choose(name()) as way:
            with way.arm("small"):
                x = square(1)
            with way.arm("large"):
                y = square(2)
        square(way.merge(x, y))
        """
    )
    branch = p.body[1]
    assert branch.chooser.node == "name"
    assert [arm.name for arm in branch.arms] == ["small", "large"]


def test_a_loop_with_a_branch_in_it_is_collected_through_both(trace):
    p = trace(
        """
        with for_each(numbers(), max_parallel=2) as n:
            s = square(n)
            with when(s > limit):
                big = square(s)
        total(collect(s))
        total(collect(big))
        total(collect(big))
        """
    )
    loop = p.body[1]
    branch = loop.body[1]
    assert loop.max_parallel == 2
    assert {key: ref.node for key, ref in loop.outputs.items()} == {
        "square": "square",
        "square_2": "when",
    }
    assert {key: refs[0].node for key, refs in branch.outputs.items()} == {"square_2": "square_2"}
    assert p.body[3].inputs == p.body[4].inputs
    assert fill_item_types(p).body[1].item_type.kind == "integer"


def test_nested_loops_are_collected_level_by_level(trace):
    p = trace(
        """
        with for_each([1, 2], ["a", "b"], combine="product") as (i, word):
            with for_each([10, 20]) as k:
                s = square(k, day=text("{w}-{d:%Y}", w=word, d=run.logical_date - timedelta(days=1)))
            total(collect(s))
        """
    )
    outer = p.body[0]
    inner, after = outer.body
    assert outer.items.combine == "product"
    assert inner.outputs["square"].node == "square"
    assert outer.outputs == {}
    assert after.inputs["values"].node == "for_each_2"
    item = inner.body[0].inputs["day"].parts[0]
    assert (item.base.loop, item.key.value) == ("for_each", 1)
    moved = inner.body[0].inputs["day"].parts[2].base
    assert (moved.op, moved.backwards, moved.by.days) == ("date_shift", True, 1)


def test_map_stands_for_the_list_of_results(trace):
    p = trace(
        """
        n = numbers()
        squares = square.map(n, day=run.logical_date.strftime("%Y"), max_parallel=3)
        total(squares)
        square.map([1], after=None) if False else None
        """
    )
    loop = p.body[1]
    assert (loop.id, loop.max_parallel) == ("each_square", 3)
    assert loop.body[0].inputs["n"].op == "item"
    assert p.body[2].inputs["values"].node == "each_square"


def test_map_waits_with_the_loop(trace):
    p = trace(
        """
        first = name()
        square.with_options(after=first).map([1, 2])
        """
    )
    assert p.body[1].after == ("name",)
    assert p.body[1].body[0].after == ()


def test_groups_and_edges(trace):
    p = trace(
        """
        first = name()
        with group("work", docs="All of it") as g:
            a = square(1)
        first >> g
        g >> square(2)
        square(a)
        """
    )
    assert p.body[1].after == ("name",)
    assert p.body[1].docs == "All of it"
    assert p.body[2].after == ("work",)
    assert p.body[3].inputs["n"].node == "square"


def test_a_pipeline_called_by_another_is_a_group(load, tmp_path):
    file = tmp_path / "pipe.py"
    body = """
    @pipeline(owners="me", defaults=TaskDefaults(retry=2))
    def part(a: int = 2) -> int:
        "Part of it."
        return total([square(a), square(3)])

    @pipeline
    def whole():
        square(part())
        square(part(a=5))
    """
    file.write_text(HEAD + textwrap.dedent(body), encoding="utf-8")
    loaded = load_source(file, tmp_path)
    assert [f.code for f in loaded.findings] == ["PORT122", "PORT122"]
    assert "`owners`" in loaded.findings[0].what
    whole = next(p for p in loaded.pipelines if p.name == "whole")
    assert validate(whole) == []
    assert shape(whole.body) == {
        "part": {"part.square": None, "part.square_2": None, "part.total": None},
        "square": None,
        "part_2": {"part_2.square": None, "part_2.square_2": None, "part_2.total": None},
        "square_2": None,
    }
    assert whole.body[0].docs == "Part of it."
    assert [t.retry.max for t in whole.body[0].body] == [2, 2, 2]
    assert whole.body[2].body[0].inputs["n"].value == 5
    assert whole.body[1].retry is None


def test_lists_and_dicts_of_results(trace):
    p = trace(
        """
        a = square(1)
        total([a, 5, [a]][:2])
        """
    )
    assert p.body[1].inputs["values"].op == "list"


def test_exit_tasks_policies_and_pairs(trace):
    p = trace(
        """
        made = name.with_options(id="make")()
        used = square.with_options(
            guard=on, join=Join.ALL_DONE, secrets={"TOKEN": secret("api", "token")},
            notifications=Notification("failure", "slack:OPS"), writes="s3://lake/x",
        )(1)
        gone = name.with_options(id="drop")().as_teardown(setups=made)
        made >> used >> gone
        on_exit(tidy, state=run.state)
        """
    )
    make, used, drop = p.body
    assert (make.pairing.role, drop.pairing.partners) == ("setup", ("make",))
    assert used.join is Join.ALL_DONE
    assert used.guard.name == "on"
    assert used.secrets[0].secret.key == "token"
    assert used.notifications[0].channel == "slack:OPS"
    assert used.writes == ("s3://lake/x",)
    assert [t.id for t in p.exit_tasks] == ["tidy"]
    assert p.exit_tasks[0].inputs["state"].fact == "state"


def test_waiting_approvals_and_other_pipelines(trace):
    p = trace(
        """
        w = wait_until(there, path=text("{d}", d=limit), every="5s", timeout="1m", soft_fail=True)
        ok = approval("go?", approvers="ann", timeout="1h", after=w)
        trigger("other", wait=True, day=limit, options={"after": ok})
        noop("end")
        """
    )
    wait, ok, start, end = p.body
    assert (wait.action.interval.seconds, wait.action.soft_fail, wait.outputs) == (5, True, {})
    assert wait.action.check.function == "there"
    assert (ok.action.approvers, ok.after) == (("ann",), ("there",))
    assert (start.id, start.action.pipeline, start.after) == (
        "trigger_other",
        "other",
        ("approval",),
    )
    assert end.action.kind == "noop"


def test_what_is_built_twice_is_the_same(trace):
    body = """
    with for_each(numbers()) as n:
        s = square(n)
    total(default(collect(s), []))
    """
    assert to_json(trace(body)) == to_json(trace(body))


def test_results_inside_regions_stay_inside(load):
    loaded = load(
        """
        with when(on):
            a = square(1)
        square(a)
        with for_each([1]) as n:
            b = square(n)
        square(b)
        """
    )
    found = validate(loaded.pipelines[-1])
    assert [f.code for f in found] == ["PORT108", "PORT108"]
    assert ".merge" in found[0].next
    assert "collect" in found[1].next


def test_a_branch_gives_no_result_of_a_loop_inside_it(load):
    loaded = load(
        """
        with when(on) as w:
            with for_each([1]) as n:
                b = square(n)
        square(w.merge(b))
        """
    )
    found = validate(loaded.pipelines[-1])
    assert [f.code for f in found] == ["PORT108"]
    assert "inside `for_each`" in found[0].what


def test_a_group_has_no_state_of_its_own(load):
    loaded = load(
        """
        with group("g") as g:
            a = square(1)
        name.with_options(after=a)()
        tidy(state_of(g))
        """
    )
    [found] = validate(loaded.pipelines[-1])
    assert (found.code, "is a group" in found.what) == ("PORT108", True)
