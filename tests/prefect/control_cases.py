"""Pipelines with control flow and policies for the Prefect tests: built in the IR, whole on their own."""

from __future__ import annotations

from datetime import timedelta

from prefect_cases import INTEGER, add, echo, out, python

from intermodal.compiling import Settings
from intermodal.ir import (
    Approval,
    Arm,
    Branch,
    Cache,
    Compare,
    Concurrency,
    Cron,
    DateFormat,
    DateShift,
    Default,
    ForEach,
    Format,
    Group,
    Index,
    ItemRef,
    Items,
    Join,
    ListOf,
    ListType,
    Literal_,
    Logic,
    MapOf,
    Notification,
    OnData,
    OnEvent,
    Pairing,
    Parameter,
    ParameterRef,
    Pipeline,
    Retry,
    RunFact,
    Schedule,
    SecretRef,
    SecretVariable,
    Shell,
    Task,
    TaskState,
    TriggerRun,
    Wait,
)

LISTS = python("def numbers(limit: int) -> list[int]:\n    return list(range(limit))\n")
READY = python(
    "def ready(path: str) -> bool:\n    return Path(path).exists()\n",
    imports=("from pathlib import Path",),
)


def literal(value):
    return Literal_(value=value)


def compare(left, operator, right):
    return Compare(operator=operator, left=left, right=right)


def loop(id_, items, *body, combine="single", **more):
    lists = items if isinstance(items, tuple) else (items,)
    return ForEach(id=id_, items=Items(lists=lists, combine=combine), body=body, **more)


def choices():
    """Arms by condition and by name, merged, and what follows."""
    by_condition = Branch(
        id="size",
        arms=(
            Arm(
                name="big",
                condition=compare(out("first"), ">", literal(5)),
                body=(add("halve", out("first")),),
            ),
            Arm(
                name="middle",
                condition=Logic(
                    operator="and",
                    operands=(
                        compare(out("first"), ">", literal(1)),
                        Logic(
                            operator="not",
                            operands=(compare(out("first"), "==", ParameterRef(name="limit")),),
                        ),
                    ),
                ),
                body=(add("twice", out("first")), add("thrice", out("twice"))),
            ),
        ),
        otherwise=(echo("none", literal(0)),),
        outputs={"result": (out("halve"), out("thrice"), out("none"))},
    )
    by_name = Branch(
        id="names",
        chooser=ListOf(items=(literal("left"), literal("right"))),
        arms=(
            Arm(name="left", body=(echo("left.one", literal(1)),)),
            Arm(name="right", body=(echo("right.one", literal(2)),)),
            Arm(name="other", body=()),
        ),
        otherwise=(),
        after=("size",),
    )
    return Pipeline(
        name="choices",
        parameters={"limit": Parameter(type=INTEGER, default=3)},
        body=(
            add("first", literal(2)),
            by_condition,
            by_name,
            add("after", out("size", "result")),
            echo("always.said", literal("here"), after=("size", "names"), join=Join.ALL_DONE),
        ),
        outputs={"result": out("size", "result")},
    )


def rounds():
    """Loops: over literals, parameters and outputs, nested, in pairs, a few at once."""
    count = Task(
        id="count",
        action=LISTS,
        inputs={"limit": literal(3)},
        input_types={"limit": INTEGER},
        outputs={"return": ListType(item=INTEGER)},
    )
    inner = loop(
        "inner",
        ParameterRef(name="names"),
        echo("both", Format(parts=(ItemRef(loop="outer"), literal("-"), ItemRef(loop="inner")))),
        outputs={"texts": out("both")},
    )
    return Pipeline(
        name="rounds",
        parameters={"names": Parameter(type=ListType(), default=["a", "b"])},
        body=(
            count,
            loop(
                "outer",
                out("count"),
                add("grown", ItemRef(loop="outer")),
                inner,
                outputs={"all": out("inner", "texts")},
                max_parallel=2,
            ),
            loop(
                "pairs",
                (out("count"), literal(["x", "y"])),
                echo("pair", ItemRef(loop="pairs")),
                combine="product",
            ),
            loop(
                "l",
                literal([]),
                echo(
                    "never", ItemRef(loop="l"), guard=compare(ItemRef(loop="l"), "!=", literal(1))
                ),
            ),
            echo("sum", out("outer", "all")),
        ),
        concurrency=Concurrency(max_active_tasks=4),
    )


def rules():
    """Every join rule, guards, groups, setup and teardown, exit tasks and states."""
    joins = tuple(
        echo(f"join_{rule.value}", literal(1), after=("fine", "guarded"), join=rule)
        for rule in Join
    )
    made = echo("made", literal(1), pairing=Pairing(role="setup"))
    cleared = Pairing(role="teardown", partners=("made",))
    return Pipeline(
        name="rules",
        body=(
            add("fine", literal(1)),
            add("guarded", out("fine"), guard=compare(out("fine"), "<", literal(0))),
            *joins,
            made,
            Group(
                id="work", body=(echo("one", literal(1)), echo("two", out("one"))), after=("made",)
            ),
            echo("cleared", literal(1), after=("work",), pairing=cleared),
            echo("last", literal(1), after=("work",), join=Join.ALL_DONE),
        ),
        exit_tasks=(
            echo("told", RunFact(fact="state")),
            echo("state", TaskState(node="guarded"), after=("told",)),
        ),
    )


def computed():
    """Expressions in inputs."""
    date = RunFact(fact="logical_date")
    yesterday = DateShift(base=date, by=timedelta(days=1), backwards=True)
    long = Logic(
        operator="or",
        operands=tuple(
            compare(
                Index(base=out("given"), key=literal(f"a_key_of_some_length_{n}")), ">=", literal(n)
            )
            for n in range(4)
        ),
    )
    inputs = {
        "text": Format(parts=(literal("it's {x} "), out("given"), literal('\n"'))),
        "day": DateFormat(base=yesterday, pattern="%Y-%m-%d"),
        "both": MapOf(entries={"a": out("given"), "b": ListOf(items=(literal(1), date))}),
        "same": compare(date, "==", out("given")),
        "known": Default(value=out("given"), fallback=literal(3)),
        "attempt": RunFact(fact="attempt"),
        "secret": SecretRef(name="warehouse", key="password"),
        "long": long,
    }
    return Pipeline(
        name="computed",
        body=(
            echo("given", literal({"k": 1})),
            *(echo(name, value) for name, value in inputs.items()),
        ),
        outputs={"element": Index(base=out("given"), key=literal("k"))},
    )


def policies():
    """Waits, questions, triggers, caches, pools, priorities, secrets, notifications, assets."""
    retry, once = Retry(max=2), Cache(key="v1")
    tell = tuple(
        Notification(on=on, channel="webhook:HOOK") for on in ("failure", "success", "retry")
    )
    mail = Notification(on="failure", channel="email:ann@example.org", message='it\'s "bad" {x}')
    variable = SecretVariable(variable="PASSWORD", secret=SecretRef(name="warehouse"))
    wait = Wait(check=READY, interval="30s", timeout="1h", soft_fail=True)
    look = Wait(check=Shell(command="test -e /tmp/x"), interval="1s")
    ask = Approval(
        message=Format(parts=(literal("Go on with "), out("cached"), literal("?"))), timeout="1d"
    )
    start = TriggerRun(pipeline="other", parameters={"n": out("cached")}, wait=True)
    triggers = (
        Cron(expression="0 6 * * *"),
        OnData(assets=("s3://b/one", "s3://b/two"), require="any"),
        OnData(assets=("s3://b/{{ x }}",)),
        OnEvent(event="file.arrived"),
    )
    return Pipeline(
        name="policies",
        schedule=Schedule(triggers=triggers),
        notifications=(mail, Notification(on="success", channel="log")),
        body=(
            add(
                "cached", literal(1), cache=Cache(ttl="1h"), pool="small", pool_slots=2, priority=1
            ),
            add(
                "keyed",
                literal(1),
                cache=once,
                priority=9,
                retry=retry,
                notifications=(*tell, mail),
            ),
            Task(id="ready", action=wait, inputs={"path": literal("/tmp/x")}, outputs={}),
            Task(id="look", action=look, timeout="1m", retry=retry),
            Task(id="ask", action=ask, after=("ready",)),
            Task(id="start", action=start, after=("ask",)),
            add(
                "later",
                out("cached"),
                after=("ask",),
                cache=once,
                writes=("s3://b/one",),
                reads=("s3://b/in",),
            ),
            Task(
                id="secretive",
                action=Shell(command="echo"),
                secrets=(variable,),
                environment={"A": "1"},
            ),
            loop(
                "each",
                literal([1]),
                echo("told", ItemRef(loop="each"), notifications=tell, retry=retry),
            ),
            echo("any", literal(1), join=Join.ONE_DONE, after=("each",)),
        ),
    )


CASES = {make.__name__: (make, Settings()) for make in (choices, rounds, rules, computed, policies)}
CASES["rounds_tracked"] = (rounds, Settings(tracking="http://mlflow:5000"))
