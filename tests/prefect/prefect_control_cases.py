"""Pipelines with control flow whose traces in Prefect are held against the reference executor's."""

from __future__ import annotations

from intermodal.ir import (
    AnyType,
    Arm,
    Branch,
    CapturedSource,
    Compare,
    Concurrency,
    DateFormat,
    DateShift,
    Default,
    ForEach,
    Format,
    Group,
    Index,
    IntegerType,
    ItemRef,
    Items,
    Join,
    ListOf,
    ListType,
    Literal_,
    Logic,
    MapOf,
    Noop,
    OutputRef,
    Pairing,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Retry,
    RunFact,
    Shell,
    StringType,
    Task,
    TaskState,
)

INTEGER, ANY = IntegerType(), AnyType()
SRC = """def work(value=None, name="", index=None, fail=False):
    with attempt(name, tuple(index or ())) as seen:
        if fail:
            raise ValueError(name)
        return seen(value)
"""
WORK = PythonCall(
    module="jobs",
    function="work",
    source=CapturedSource(function=SRC, imports=("from witness import attempt",)),
)


def lit(v):
    return Literal_(value=v)


def out(n, o="return"):
    return OutputRef(node=n, output=o)


def work(id_, value=None, fail=False, index=None, **kw):
    inputs = {"name": lit(id_)}
    if value is not None:
        inputs["value"] = value if hasattr(value, "op") else lit(value)
    if fail:
        inputs["fail"] = fail if hasattr(fail, "op") else lit(fail)
    if index is not None:
        inputs["index"] = index
    return Task(id=id_, action=WORK, inputs=inputs, outputs={"return": ANY}, **kw)


def compare(left, operator, right):
    return Compare(
        operator=operator,
        left=left if hasattr(left, "op") else lit(left),
        right=right if hasattr(right, "op") else lit(right),
    )


def flow(name, *body, **kw):
    return Pipeline(name=name, body=body, **kw)


def item(name):
    return ItemRef(loop=name)


PIPELINES = {}


def case(f):
    PIPELINES[f.__name__] = f
    return f


@case
def branch_if():
    return flow(
        "branch_if",
        work("a", 3),
        Branch(
            id="b",
            arms=(
                Arm(name="big", condition=compare(out("a"), ">", 5), body=(work("x", 1),)),
                Arm(
                    name="small",
                    condition=compare(out("a"), ">", 1),
                    body=(work("y", out("a")), work("y2", out("y"))),
                ),
            ),
            otherwise=(work("z", 2),),
            outputs={"r": (out("x"), out("y2"), out("z"))},
        ),
        work("after", out("b", "r")),
        work("ind", 4),
        outputs={"r": out("b", "r")},
    )


@case
def branch_none():
    return flow(
        "branch_none",
        work("a", 3),
        Branch(
            id="b",
            arms=(Arm(name="big", condition=compare(out("a"), ">", 5), body=(work("x", 1),)),),
        ),
        work("after", 1, after=("b",)),
        work("after2", 2, after=("b",), join=Join.NONE_FAILED),
        work("chain", 1, after=("after",)),
        work("done", out("after"), join=Join.ALL_DONE),
    )


@case
def branch_fails():
    return flow(
        "branch_fails",
        work("a", 3),
        Branch(
            id="b",
            arms=(
                Arm(
                    name="big",
                    condition=compare(out("a"), ">", 1),
                    body=(work("x", 1, fail=True), work("x2", out("x"))),
                ),
            ),
        ),
        work("after", 1, after=("b",)),
        work("c", 1, after=("after",), join=Join.ALL_DONE),
        work("d", 1, after=("b",), join=Join.ONE_FAILED),
    )


@case
def chooser():
    return flow(
        "chooser",
        work("a", ["p", "q"]),
        Branch(
            id="b",
            chooser=out("a"),
            arms=(
                Arm(name="p", body=(work("x", 1),)),
                Arm(name="q", body=(work("y", 2),)),
                Arm(name="r", body=(work("z", 3),)),
            ),
            otherwise=(work("o", 1),),
            outputs={"v": (out("z"), out("y"))},
        ),
        work("after", out("b", "v")),
    )


@case
def chooser_bad():
    return flow(
        "chooser_bad",
        work("a", "nope"),
        Branch(id="b", chooser=out("a"), arms=(Arm(name="p", body=(work("x", 1),)),)),
        work("after", 1, after=("b",)),
    )


@case
def chooser_otherwise():
    return flow(
        "chooser_otherwise",
        work("a", []),
        Branch(
            id="b",
            chooser=out("a"),
            arms=(Arm(name="p", body=(work("x", 1),)),),
            otherwise=(work("o", 1),),
        ),
        work("after", 1, after=("b",)),
    )


def loop(id_, lists, *body, combine="single", **kw):
    return ForEach(
        id=id_,
        items=Items(lists=tuple(x if hasattr(x, "op") else lit(x) for x in lists), combine=combine),
        body=body,
        **kw,
    )


def inside(id_, around, value=None, **kw):
    return work(
        id_, value if value is not None else item(around), index=ListOf(items=(item(around),)), **kw
    )


@case
def loop_literal():
    return flow(
        "loop_literal",
        loop(
            "l", [[0, 1, 2]], inside("x", "l"), inside("y", "l", out("x")), outputs={"ys": out("y")}
        ),
        work("sum", out("l", "ys")),
    )


@case
def loop_task():
    return flow(
        "loop_task",
        work("items", [0, 1, 2]),
        loop("l", [out("items")], inside("x", "l"), outputs={"xs": out("x")}, max_parallel=1),
        work("sum", out("l", "xs")),
        outputs={"xs": out("l", "xs")},
    )


@case
def loop_empty():
    return flow(
        "loop_empty",
        work("items", []),
        loop("l", [out("items")], inside("x", "l"), outputs={"xs": out("x")}),
        work("sum", out("l", "xs")),
    )


@case
def loop_param():
    return flow(
        "loop_param",
        loop("l", [ParameterRef(name="n")], inside("x", "l"), outputs={"xs": out("x")}),
        work("sum", out("l", "xs")),
        parameters={"n": Parameter(type=ListType(item=INTEGER), default=[0, 1])},
    )


@case
def loop_fail():
    return flow(
        "loop_fail",
        work("items", [0, 1, 2]),
        loop(
            "l",
            [out("items")],
            inside("x", "l", fail=compare(item("l"), "==", 1)),
            inside("y", "l", out("x")),
            outputs={"ys": out("y")},
        ),
        work("sum", out("l", "ys")),
        work("done", out("l", "ys"), join=Join.ALL_DONE),
    )


@case
def loop_guard():
    return flow(
        "loop_guard",
        work("items", [0, 1, 2]),
        loop(
            "l",
            [out("items")],
            inside("x", "l", guard=compare(item("l"), "!=", 1)),
            inside("y", "l", out("x"), join=Join.NONE_FAILED),
            outputs={"ys": out("y"), "xs": out("x")},
        ),
        work("sum", out("l", "xs")),
    )


@case
def nested():
    return flow(
        "nested",
        work("items", [[0, 1], [0]]),
        loop(
            "l",
            [[0, 1]],
            inside("x", "l"),
            loop(
                "m",
                [Index(base=out("items"), key=item("l"))],
                work("y", item("m"), index=ListOf(items=(item("l"), item("m")))),
                outputs={"ys": out("y")},
            ),
            outputs={"all": out("m", "ys")},
        ),
        work("sum", out("l", "all")),
    )


@case
def product():
    return flow(
        "product",
        work("a", [0, 1]),
        loop(
            "l",
            [out("a"), ["p"]],
            work("x", item("l"), index=ListOf(items=(Index(base=item("l"), key=lit(0)),))),
            combine="product",
            outputs={"xs": out("x")},
        ),
        work("sum", out("l", "xs")),
    )


@case
def zipped():
    return flow(
        "zipped",
        work("a", [0, 1]),
        loop(
            "l",
            [out("a"), ["p", "q", "r"]],
            work("x", item("l"), index=ListOf(items=(Index(base=item("l"), key=lit(0)),))),
            combine="zip",
            outputs={"xs": out("x")},
        ),
        work("sum", out("l", "xs")),
    )


@case
def mapping():
    return flow(
        "mapping",
        work("a", {"k": 0, "j": 1}),
        loop(
            "l",
            [out("a")],
            work(
                "x",
                Format(
                    parts=(
                        Index(base=item("l"), key=lit(0)),
                        lit("="),
                        Index(base=item("l"), key=lit(1)),
                    )
                ),
                index=ListOf(items=(Index(base=item("l"), key=lit(1)),)),
            ),
            outputs={"xs": out("x")},
        ),
        work("sum", out("l", "xs")),
    )


@case
def notlist():
    return flow(
        "notlist",
        work("a", 5),
        loop("l", [out("a")], inside("x", "l"), outputs={"xs": out("x")}),
        work("sum", out("l", "xs")),
        work("e", 1, after=("l",), join=Join.ALL_FAILED),
    )


@case
def fail_loop_branch_exit():
    return flow(
        "flbe",
        work("a", [0, 1]),
        Branch(
            id="b",
            arms=(
                Arm(
                    name="y",
                    condition=compare(Index(base=out("a"), key=lit(1)), "==", 1),
                    body=(
                        loop(
                            "l",
                            [out("a")],
                            inside("x", "l", fail=compare(item("l"), "==", 1)),
                            inside("y", "l", out("x")),
                            outputs={"ys": out("y")},
                        ),
                        work("inner", out("l", "ys")),
                    ),
                ),
            ),
            otherwise=(work("o", 1),),
        ),
        work("after", 1, after=("b",)),
        exit_tasks=(work("bye", RunFact(fact="state")), work("state", TaskState(node="a"))),
    )


@case
def exit_ok():
    return flow(
        "exit_ok",
        work("a", 1),
        work("b", out("a")),
        exit_tasks=(
            work("bye", RunFact(fact="state")),
            work("v", out("b"), after=("bye",)),
        ),
    )


@case
def exit_fails():
    return flow(
        "exit_fails",
        work("a", 1),
        exit_tasks=(
            work("bye", RunFact(fact="state"), fail=True),
            work("v", out("a"), after=("bye",)),
        ),
        outputs={"a": out("a")},
    )


@case
def exit_after_failure():
    return flow(
        "exit_af",
        work("a", 1, fail=True),
        work("b", out("a")),
        exit_tasks=(
            work("bye", RunFact(fact="state")),
            work("v", out("a")),
            work("s", TaskState(node="b")),
        ),
    )


def join_case(rule):
    def make():
        body = [
            work("ok", 1),
            work("bad", 1, fail=True),
            work("no", 1, guard=lit(False)),
            work("uf", out("bad")),
        ]
        sets = {
            "s": ["ok"],
            "f": ["bad"],
            "k": ["no"],
            "u": ["uf"],
            "sf": ["ok", "bad"],
            "sk": ["ok", "no"],
            "fk": ["bad", "no"],
            "uk": ["uf", "no"],
            "su": ["ok", "uf"],
            "ff": ["bad", "uf"],
            "kk": ["no"],
            "all": ["ok", "bad", "no", "uf"],
        }
        for n, u in sets.items():
            body.append(work("j_" + n, 1, after=tuple(u), join=rule))
            body.append(work("n_" + n, out("j_" + n)))
        return flow("join_" + rule.value, *body)

    return make


for rule in Join:
    PIPELINES["join_" + rule.value] = join_case(rule)


@case
def guards():
    return flow(
        "guards",
        work("a", 1),
        work("bad", 1, fail=True),
        work("g1", 1, guard=compare(out("a"), "==", 1)),
        work("g2", 1, guard=compare(out("a"), "==", 2)),
        work("g4", 1, guard=compare(out("bad"), "==", 2)),
        work("g5", 1, guard=compare(out("bad"), "==", None), join=Join.ALL_DONE),
        work("g6", 1, guard=compare(out("a"), "<", "x")),
        work(
            "g7",
            1,
            guard=Logic(
                operator="and",
                operands=(
                    compare(out("a"), "==", 1),
                    Logic(
                        operator="not",
                        operands=(compare(TaskState(node="bad"), "==", "succeeded"),),
                    ),
                ),
            ),
            join=Join.ALL_DONE,
        ),
        work("n", out("g2"), join=Join.NONE_FAILED),
    )


@case
def teardown():
    def s(id_, **k):
        return work(id_, 1, pairing=Pairing(role="setup", partners=()), **k)

    return flow(
        "teardown",
        s("set"),
        work("w", out("set"), fail=True),
        work("down", 1, after=("w",), pairing=Pairing(role="teardown", partners=("set",))),
        work("set2", 1, guard=lit(False)),
        work("down2", 1, after=("set2",), pairing=Pairing(role="teardown", partners=("set2",))),
        work("set3", 1, fail=True),
        work("w3", out("set3")),
        work("down3", 1, after=("w3",), pairing=Pairing(role="teardown", partners=("set3",))),
    )


@case
def teardown_ok():
    return flow(
        "teardown_ok",
        work("set", 1),
        work("w", out("set")),
        work(
            "down", 1, after=("w",), fail=True, pairing=Pairing(role="teardown", partners=("set",))
        ),
        work("last", 1, after=("w",)),
    )


@case
def groups():
    return flow(
        "groups",
        work("a", 1),
        Group(
            id="g",
            body=(work("x", out("a")), work("y", out("x")), work("z", 3)),
            outputs={"v": out("y")},
            after=("a",),
        ),
        work("b", out("g", "v")),
        work("c", 1, after=("g",)),
    )


@case
def states():
    return flow(
        "states",
        work("a", 1),
        work("bad", 1, fail=True),
        work("u", out("bad")),
        work("k", 1, guard=lit(False)),
        *[work("s_" + n, TaskState(node=n), join=Join.ALL_DONE) for n in ("a", "bad", "u", "k")],
    )


@case
def exprs():
    d = lit("2026-01-02T03:04:05+00:00")
    return flow(
        "exprs",
        work("m", {"x": [1, 2], "k": "x", "t": "2026-01-01T00:00:00+02:00"}),
        work(
            "e1",
            Index(base=Index(base=out("m"), key=Index(base=out("m"), key=lit("k"))), key=lit(-1)),
        ),
        work("e2", Format(parts=(lit("a{b}"), out("m"), lit("\n'\"")))),
        work("e3", compare(Index(base=out("m"), key=lit("t")), "==", "2025-12-31T22:00:00+00:00")),
        work("e4", DateShift(base=Index(base=out("m"), key=lit("t")), by="1d", backwards=True)),
        work("e5", DateFormat(base=DateShift(base=d, by="36h"), pattern="%Y-%m-%d %H")),
        work("e6", Default(value=out("m"), fallback=lit(3))),
        work("e7", MapOf(entries={"a": out("m"), "b": ListOf(items=(out("m"), lit(1)))})),
        work("e8", Logic(operator="or", operands=(lit(False), compare(out("m"), "==", 1)))),
        work("e9", compare("x", "in", out("m"))),
        work("e10", compare("z", "not in", out("m"))),
        work("e11", RunFact(fact="pipeline")),
        work("e12", RunFact(fact="attempt")),
        work("e13", Index(base=out("m"), key=lit("nope"))),
        work("e14", ListOf(items=(ParameterRef(name="p"), ParameterRef(name="value")))),
        parameters={
            "p": Parameter(type=StringType(), default="{x}"),
            "value": Parameter(default=1),
        },
    )


@case
def retried():
    return flow(
        "retried",
        work("a", 1, guard=lit(True), fail=True, retry=Retry(max=2)),
        work("b", out("a"), retry=Retry(max=1), join=Join.NONE_FAILED),
        work("c", out("a"), retry=Retry(max=1), join=Join.ALL_DONE),
    )


@case
def branch_in_loop():
    return flow(
        "bil",
        loop(
            "l",
            [[0, 1, 2]],
            Branch(
                id="b",
                arms=(
                    Arm(
                        name="even", condition=compare(item("l"), "==", 1), body=(inside("x", "l"),)
                    ),
                ),
                otherwise=(inside("y", "l"),),
                outputs={"v": (out("x"), out("y"))},
            ),
            inside("z", "l", out("b", "v")),
            outputs={"zs": out("z")},
        ),
        work("sum", out("l", "zs")),
    )


@case
def outer_refs():
    return flow(
        "outer",
        work("slow", 1),
        work("bad", 1, fail=True),
        Branch(
            id="b",
            arms=(
                Arm(
                    name="a",
                    condition=lit(True),
                    body=(
                        work("x", out("slow")),
                        work("y", out("bad")),
                        work("y2", out("y"), join=Join.ALL_DONE),
                    ),
                ),
            ),
        ),
        work("after", 1, after=("b",)),
        work("af2", 1, after=("b",), join=Join.ALL_DONE),
    )


def tracked(id_, value, index=None, **kw):
    return work(id_, value, index=index, tracks=True, **kw)


@case
def runtime_loop():
    pair = (item("l"), item("m"))
    return flow(
        "runtime_loop",
        tracked("a", [0, 1]),
        loop(
            "l",
            [out("a")],
            tracked("x", item("l"), index=ListOf(items=(item("l"),))),
            loop("m", [[0, 1]], tracked("y", Format(parts=pair), index=ListOf(items=pair))),
            outputs={"xs": out("x")},
        ),
        tracked("s", out("l", "xs")),
        work("g", 1, guard=compare(Index(base=out("s"), key=lit(0)), "==", 0)),
    )


@case
def shell_control():
    return flow(
        "shell_control",
        work("a", 1),
        Task(
            id="s",
            action=Shell(command='python3 "$WITNESS" start s; python3 "$WITNESS" end s 5; echo 5'),
            inputs={"x": Format(parts=(lit("v"), out("a")))},
            outputs={"return": INTEGER},
            guard=compare(out("a"), "==", 1),
        ),
        work("b", out("s"), join=Join.NONE_FAILED),
    )


@case
def noops():
    return flow(
        "noops",
        work("a", 1, fail=True),
        Task(id="n", action=Noop(), after=("a",), join=Join.ALL_DONE),
        work("b", 1, after=("n",)),
        Task(id="n2", action=Noop(), guard=lit(False)),
        work("c", 1, after=("n2",)),
    )


@case
def multi():
    src = CapturedSource(
        function='def parts(n=1):\n    with attempt("m") as seen:\n        seen(n, "low")\n        seen(n * 2, "high")\n        return {"low": n, "high": n * 2}\n',
        imports=("from witness import attempt",),
    )
    return flow(
        "multi",
        Task(
            id="m",
            action=PythonCall(module="j", function="parts", unpack="items", source=src),
            inputs={"n": lit(3)},
            outputs={"low": INTEGER, "high": INTEGER},
        ),
        work("a", out("m", "low")),
        Branch(
            id="b",
            arms=(
                Arm(
                    name="x",
                    condition=compare(out("m", "high"), "==", 6),
                    body=(work("y", out("m", "high")),),
                ),
            ),
            outputs={"v": (out("y"),)},
        ),
        work("z", ListOf(items=(out("m", "low"), out("b", "v")))),
    )


@case
def limited():
    return flow(
        "limited",
        loop("l", [[0, 1, 2, 3]], inside("x", "l")),
        work("a", 1),
        concurrency=Concurrency(max_active_tasks=1),
    )


@case
def limited_plain():
    return flow(
        "limited_plain",
        work("a", 1, guard=lit(True)),
        work("b", out("a"), join=Join.ALL_DONE),
        work("c", out("b"), join=Join.ALL_DONE),
        work("d", 2),
        concurrency=Concurrency(max_active_tasks=1),
    )


@case
def names_clash():
    return flow(
        "names.clash",
        work("submit", 1),
        work("value_of", out("submit"), join=Join.ALL_DONE),
        Branch(
            id="run_branch",
            arms=(
                Arm(name="a-b", condition=compare(out("submit"), "==", 1), body=(work("Part", 1),)),
            ),
        ),
        loop("run_loop", [[0]], inside("lambda", "run_loop")),
        work("index", 1, after=("run_loop",)),
        work("item", 1),
        parameters={"submit": Parameter(default=1), "state": Parameter(default=2)},
        exit_tasks=(work("leaves", RunFact(fact="state")),),
    )


@case
def long_exprs():
    long = "a_rather_long_name_of_a_task_that_goes_on_and_on"

    def c(i):
        return compare(Index(base=out(long + str(i)), key=lit("key_of_some_length")), ">=", i)

    m = {"key_of_some_length": 5, "t": "x"}
    return flow(
        "long_exprs",
        *[work(long + str(i), m) for i in range(4)],
        work("j", 1, guard=Logic(operator="and", operands=tuple(c(i) for i in range(4)))),
        work(
            "k",
            Format(
                parts=tuple(
                    Index(base=out(long + str(i)), key=lit("key_of_some_length")) for i in range(4)
                )
            ),
        ),
        Branch(
            id="b",
            arms=(
                Arm(
                    name="x",
                    condition=Logic(
                        operator="or",
                        operands=(
                            Logic(operator="not", operands=(c(1),)),
                            *[c(i) for i in range(3)],
                        ),
                    ),
                    body=(work("y", MapOf(entries={f"key{i}": c(i) for i in range(4)})),),
                ),
            ),
        ),
        outputs={"all": ListOf(items=tuple(c(i) for i in range(4)))},
    )


@case
def all_done_values():
    return flow(
        "adv",
        work("a", 1, fail=True),
        work("k", 1, guard=lit(False)),
        work("b", ListOf(items=(out("a"), out("k"), lit(3))), join=Join.ALL_DONE),
        work("c", Default(value=out("a"), fallback=lit("none")), join=Join.ALL_DONE),
        work("d", Index(base=out("a"), key=lit("x")), join=Join.ALL_DONE),
    )


@case
def loop_in_loop_fail():
    return flow(
        "lilf",
        loop(
            "l",
            [[0, 1]],
            loop(
                "m",
                [[0, 1]],
                work(
                    "x",
                    1,
                    index=ListOf(items=(item("l"), item("m"))),
                    fail=Logic(
                        operator="and",
                        operands=(compare(item("l"), "==", 1), compare(item("m"), "==", 0)),
                    ),
                ),
                outputs={"xs": out("x")},
            ),
            work("after", out("m", "xs"), index=ListOf(items=(item("l"),)), join=Join.ALL_DONE),
            outputs={"ys": out("m", "xs")},
        ),
        work("end", out("l", "ys"), join=Join.NONE_FAILED),
        work("end2", out("l", "ys"), join=Join.ALL_DONE),
    )


@case
def group_in_branch():
    return flow(
        "gib",
        work("a", 1),
        Branch(
            id="b",
            arms=(
                Arm(
                    name="x",
                    condition=lit(True),
                    body=(
                        Group(id="g", body=(work("p", 1), work("q", out("p")))),
                        work("r", 1, after=("g",)),
                    ),
                ),
            ),
        ),
        Group(
            id="h",
            body=(
                Branch(id="c", arms=(Arm(name="n", condition=lit(False), body=(work("w", 1),)),)),
                work("v", 1, after=("c",)),
            ),
            after=("b",),
        ),
        work("z", 1, after=("h",), join=Join.NONE_FAILED),
    )
