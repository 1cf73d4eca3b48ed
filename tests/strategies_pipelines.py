"""Random valid pipelines: tasks that succeed, fail, retry or are skipped, in branches, loops and groups."""

from typing import NamedTuple

from hypothesis import strategies as st

from intermodal.ir import (
    Arm,
    Branch,
    Compare,
    ForEach,
    Group,
    IntegerType,
    ItemRef,
    Items,
    Join,
    ListType,
    Literal_,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Retry,
    RunFact,
    Task,
)

NUMBER, NUMBERS = IntegerType(), ListType(item=IntegerType())
LIMIT = 5
"""Value of the pipeline's parameter `limit`, which conditions and guards look at."""

DEEPEST = 2
"""Regions within regions; loops within loops are half of it."""

DOES = ("succeed",) * 7 + ("fail", "flaky", "list")
JOINS = (Join.ALL_SUCCESS,) * 8 + tuple(join for join in Join if join is not Join.ALL_SUCCESS)
KINDS = ("task",) * 9 + ("branch", "loop", "group")
WORDS = st.sampled_from


class Made(NamedTuple):
    """A node that others may wait for; `type` is that of its output `result`, if it has one."""

    id: str
    output: str
    type: object


class _Maker:
    """Makes one pipeline; names are numbered in the order of making."""

    def __init__(self, draw, most):
        self.draw = draw
        self.left = draw(st.integers(most // 3, most))
        self.count = 0

    def chance(self, percent):
        return self.draw(st.integers(0, 99)) < percent

    def name(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def pipeline(self):
        body, _ = self.body((), 0)
        exits = ()
        if self.chance(25):
            state = {"task": Literal_(value="last"), "value": Literal_(value=1)}
            does = Literal_(value=self.draw(WORDS(("succeed", "succeed", "fail"))))
            # Text is no number: its state is checked by the guard alone.
            guard = Compare(operator="!=", left=RunFact(fact="state"), right=Literal_(value=""))
            exits = (
                Task(
                    id="last",
                    action=_action(),
                    inputs={**state, "does": does},
                    outputs={"return": NUMBER},
                    guard=guard if self.chance(30) else None,
                ),
            )
        return Pipeline(
            name="random",
            parameters={"limit": Parameter(type=NUMBER, default=LIMIT)},
            body=body,
            exit_tasks=exits,
        )

    def body(self, loops, depth, outer=()):
        """Nodes of a region, at least one, and what may be waited for among them."""
        nodes, made = [], []
        for _ in range(self.draw(st.integers(3, 6) if depth == 0 else st.integers(1, 2))):
            kind = self.draw(WORDS(KINDS)) if depth < DEEPEST and self.left > 1 else "task"
            if kind == "loop" and len(loops) == 2:
                kind = "task"
            node, can = getattr(self, kind)(loops, depth, made, outer)
            nodes.append(node)
            made.append(can)
            if self.left <= 0:
                break
        return tuple(nodes), made

    def task(self, loops, depth, siblings, outer):
        self.left -= 1
        name = self.name("t")
        does = self.draw(WORDS(DOES))
        join = self.draw(WORDS(JOINS))
        ups = self.some(siblings, 3)
        inputs = {"task": Literal_(value=name), "does": Literal_(value=does)}
        inputs["value"] = Literal_(value=self.draw(st.integers(0, 3)))
        after = []
        # Under other rules an upstream may have given nothing.
        takes = join is Join.ALL_SUCCESS
        for place, up in enumerate(ups):
            if takes and up.output and self.chance(60):
                inputs[f"x{place}"] = OutputRef(node=up.id, output=up.output)
            else:
                after.append(up.id)
        if takes and outer and len(ups) < 3 and self.chance(25):
            [far] = self.some(outer, 1, least=1)
            if far.output:
                inputs[f"x{len(ups)}"] = OutputRef(node=far.id, output=far.output)
        for place, loop in enumerate(loops):
            inputs[f"i{place}"] = ItemRef(loop=loop)
        type_ = NUMBERS if does == "list" else NUMBER
        task = Task(
            id=name,
            action=_action(),
            inputs=inputs,
            outputs={"return": type_},
            after=tuple(after),
            join=join,
            guard=self.condition(siblings=()) if self.chance(12) else None,
            retry=self.retry(does),
        )
        return task, Made(name, "return", type_)

    def retry(self, does):
        if does == "flaky":
            return Retry(max=self.draw(st.integers(1, 2)))
        return Retry(max=1) if self.chance(8) else None

    def some(self, made, most, least=0):
        if not made:
            return []
        picked = st.lists(WORDS(made), min_size=least, max_size=most, unique_by=lambda m: m.id)
        return self.draw(picked)

    def condition(self, siblings):
        """A comparison with the parameter, or with a number of a task before."""
        numbers = [made for made in siblings if made.output and made.type is NUMBER]
        left = ParameterRef(name="limit")
        if numbers and self.chance(50):
            [made] = self.some(numbers, 1, least=1)
            left = OutputRef(node=made.id, output=made.output)
        right = Literal_(value=self.draw(st.integers(0, 2 * LIMIT)))
        return Compare(operator=self.draw(WORDS(("<", ">=", "=="))), left=left, right=right)

    def branch(self, loops, depth, siblings, outer):
        name = self.name("b")
        arms, merged = [], []
        visible = (*outer, *siblings)
        for number in range(self.draw(st.integers(1, 2))):
            condition = self.condition(siblings)
            body, made = self.body(loops, depth + 1, visible)
            arms.append(Arm(name=f"arm{number}", condition=condition, body=body))
            merged.append(made)
        otherwise = None
        if self.chance(50):
            otherwise, made = self.body(loops, depth + 1, visible)
            merged.append(made)
        firsts = [self.number(made) for made in merged]
        outputs = {}
        # Only a branch that always takes one of its ways surely has the output.
        if otherwise is not None and all(firsts):
            outputs["result"] = tuple(OutputRef(node=f.id, output=f.output) for f in firsts)
        after = tuple(up.id for up in self.some(siblings, 1))
        node = Branch(id=name, arms=tuple(arms), otherwise=otherwise, outputs=outputs, after=after)
        return node, Made(name, "result" if outputs else "", NUMBER)

    def loop(self, loops, depth, siblings, outer):
        name = self.name("l")
        lists = [made for made in siblings if made.type is NUMBERS and made.output == "return"]
        if lists and self.chance(60):
            [made] = self.some(lists, 1, least=1)
            items = OutputRef(node=made.id, output=made.output)
        else:
            items = Literal_(value=list(range(self.draw(st.integers(0, 3)))))
        body, made = self.body((*loops, name), depth + 1, (*outer, *siblings))
        first = self.number(made)
        outputs = {"result": OutputRef(node=first.id, output=first.output)} if first else {}
        node = ForEach(
            id=name,
            items=Items(lists=(items,)),
            item_type=NUMBER,
            body=body,
            max_parallel=self.draw(WORDS((None, None, 1, 2))),
            outputs=outputs,
            after=tuple(up.id for up in self.some(siblings, 1)),
        )
        return node, Made(name, "result" if outputs else "", NUMBERS)

    def group(self, loops, depth, siblings, outer):
        name = self.name("g")
        body, made = self.body(loops, depth + 1, (*outer, *siblings))
        first = self.number(made)
        outputs = {"result": OutputRef(node=first.id, output=first.output)} if first else {}
        after = tuple(up.id for up in self.some(siblings, 1))
        node = Group(id=name, body=body, outputs=outputs, after=after)
        return node, Made(name, "result" if outputs else "", NUMBER)

    def number(self, made):
        """The first of the nodes that gives a number."""
        return next((m for m in made if m.output == "return" and m.type is NUMBER), None)


def _action():
    return PythonCall(module="strategies_tasks", function="play")


@st.composite
def pipelines(draw, most=9):
    """A valid pipeline of up to so many tasks."""
    return _Maker(draw, most).pipeline()
