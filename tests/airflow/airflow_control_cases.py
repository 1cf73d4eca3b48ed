"""Pipelines with control flow and policies that the Airflow tests compile and run."""

from __future__ import annotations

from airflow_cases import INTEGER, TEXT, python

from intermodal.ir import (
    AnyType,
    Approval,
    Arm,
    Branch,
    Cache,
    Compare,
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
    MapType,
    Noop,
    Notification,
    OnData,
    OutputRef,
    Pairing,
    Parameter,
    ParameterRef,
    Pipeline,
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

STEP = "def step(x=None, y=None):\n    return x\n"
ANY = AnyType()
FLOOR = ParameterRef(name="floor")


def step(name, *, join=Join.ALL_SUCCESS, after=(), guard=None, outputs=True, type_=ANY, **inputs):
    """A task that returns `x`."""
    return Task(
        id=name,
        action=python(STEP),
        inputs=inputs,
        outputs={"return": type_} if outputs else {},
        after=after,
        join=join,
        guard=guard,
    )


def more_than(node, limit=FLOOR):
    """Whether the output of a task is more than a limit."""
    return Compare(operator=">", left=OutputRef(node=node), right=limit)


def branches():
    """A branch of two arms with a merged output, one of a single arm, one by name, one in another."""
    publish, retrain = step("publish", x=OutputRef(node="score")), step("retrain")
    either = Branch(
        id="either",
        arms=(Arm(name="yes", condition=more_than("score"), body=(publish,)),),
        otherwise=(retrain, step("again", x=OutputRef(node="retrain"), join=Join.ALL_DONE)),
        outputs={"model": (OutputRef(node="publish"), OutputRef(node="again"))},
    )
    only = Branch(
        id="only",
        arms=(Arm(name="yes", condition=more_than("score"), body=(step("notice"),)),),
    )
    inner = Branch(
        id="inner",
        arms=(Arm(name="a", condition=more_than("score"), body=(step("deep"),)), Arm(name="b")),
    )
    named = Branch(
        id="named",
        arms=(Arm(name="small", body=(inner,)), Arm(name="large", body=(step("large"),))),
        chooser=ParameterRef(name="size"),
        otherwise=(step("neither"),),
    )
    return Pipeline(
        name="branches",
        parameters={
            "floor": Parameter(type=INTEGER, default=3),
            "size": Parameter(type=TEXT, default="small"),
        },
        body=(
            step("score", x=Literal_(value=5), type_=INTEGER),
            either,
            only,
            named,
            step("use", x=OutputRef(node="either", output="model")),
            step("after_only", after=("only",)),
            step("after_all", after=("named", "only")),
        ),
    )


def loops():
    """Loops of one task and of several, over literals, parameters, outputs, products; nested ones."""
    item = ItemRef(loop="cities")
    single = ForEach(
        id="each",
        items=Items(lists=(Literal_(value=[1, 2]),)),
        body=(step("double", x=ItemRef(loop="each"), y=FLOOR),),
        outputs={"doubled": OutputRef(node="double")},
        max_parallel=1,
    )
    region = ForEach(
        id="cities",
        items=Items(lists=(OutputRef(node="list"),)),
        body=(
            step("load", x=item),
            Branch(
                id="big",
                arms=(Arm(name="yes", condition=more_than("load"), body=(step("split"),)),),
                otherwise=(step("keep", x=Index(base=item, key=Literal_(value="name"))),),
                outputs={"part": (OutputRef(node="split"), OutputRef(node="keep"))},
            ),
            step("save", x=OutputRef(node="big", output="part"), join=Join.NONE_FAILED),
        ),
        outputs={
            "saved": OutputRef(node="save"),
            "loaded": OutputRef(node="load"),
        },
    )
    grid = ForEach(
        id="grid",
        items=Items(
            lists=(Literal_(value=["a", "b"]), ParameterRef(name="sizes")), combine="product"
        ),
        body=(step("cell", x=Index(base=ItemRef(loop="grid"), key=Literal_(value=1))),),
    )
    inner = ForEach(
        id="inner",
        items=Items(lists=(ParameterRef(name="sizes"),)),
        body=(step("both", x=ItemRef(loop="outer"), y=ItemRef(loop="inner")),),
        outputs={"both": OutputRef(node="both")},
    )
    outer = ForEach(
        id="outer",
        items=Items(lists=(Literal_(value=["a", "b"]),)),
        body=(inner,),
        outputs={"all": OutputRef(node="inner", output="both")},
    )
    return Pipeline(
        name="loops",
        parameters={
            "floor": Parameter(type=INTEGER, default=3),
            "sizes": Parameter(type=ListType(item=INTEGER), default=[1, 2]),
        },
        body=(
            step("list", x=Literal_(value=[1, 2]), type_=ListType(item=ANY)),
            single,
            region,
            grid,
            outer,
            step("total", x=OutputRef(node="each", output="doubled")),
            step("report", x=OutputRef(node="cities", output="saved"), join=Join.ALL_DONE),
            step("end", x=OutputRef(node="outer", output="all"), after=("grid",)),
        ),
    )


def policies_of_flow():
    """Groups, guards, join rules, pairs of setup and teardown, exit tasks that see the run's state."""
    false = Compare(operator="==", left=FLOOR, right=Literal_(value=0))
    make = step("make").model_copy(update={"pairing": Pairing(role="setup")})
    clean = step("clean", after=("work",), outputs=False)
    clean = clean.model_copy(update={"pairing": Pairing(role="teardown", partners=("make",))})
    group = Group(
        id="section",
        display_name="A section",
        docs="What belongs together.",
        body=(step("one"), step("two", x=OutputRef(node="one"))),
        after=("make",),
    )
    return Pipeline(
        name="flow",
        parameters={"floor": Parameter(type=INTEGER, default=3)},
        body=(
            make,
            step("work", after=("make",)),
            clean,
            group,
            step("guarded", x=OutputRef(node="two"), guard=more_than("two")),
            step("guarded_far", after=("two", "work"), guard=false),
            step("guarded_join", after=("two", "work"), guard=false, join=Join.NONE_FAILED),
            step("anyway", after=("section",), join=Join.ALL_DONE),
            step("state", x=TaskState(node="work"), join=Join.ALL_DONE),
        ),
        exit_tasks=(
            step("tell", x=RunFact(fact="state"), y=OutputRef(node="work")),
            step("tidy", after=("tell",)),
        ),
    )


def expressions():
    """Expressions of every kind, in Python and in shell tasks."""
    day = RunFact(fact="logical_date")
    row = OutputRef(node="row")
    name = Index(base=row, key=Literal_(value="name"))
    several = Logic(
        operator="and",
        operands=(
            Compare(operator="in", left=name, right=Literal_(value=["a", "b"])),
            Logic(operator="not", operands=(Compare(operator="<", left=name, right=name),)),
            Compare(operator="==", left=Literal_(value=True), right=ParameterRef(name="on")),
        ),
    )
    given = {
        "index": name,
        "logic": several,
        "shift": DateShift(base=day, by=86_400, backwards=True),
        "format": DateFormat(base=day, pattern="%Y-%m-%d"),
        "default": Default(value=row, fallback=Literal_(value={})),
        "list": ListOf(items=(name, Literal_(value=1))),
        "map": MapOf(entries={"a": name, "b": ParameterRef(name="on")}),
        "text": Format(parts=(Literal_(value="it's {{ "), name, ParameterRef(name="on"))),
        "attempt": RunFact(fact="attempt"),
        "secret": SecretRef(name="token", key="value"),
    }
    tasks = [step(f"e_{key}", x=value) for key, value in given.items()]
    shell = Task(
        id="shell",
        action=Shell(command='echo "$name" "$TOKEN"'),
        inputs={"name": name},
        secrets=(SecretVariable(variable="TOKEN", secret=SecretRef(name="token")),),
        outputs={"return": INTEGER},
    )
    return Pipeline(
        name="expressions",
        parameters={"on": Parameter(default=True)},
        body=(step("row", x=Literal_(value={"name": "a"}), type_=MapType()), *tasks, shell),
    )


def around():
    """Waiting, triggering, notifications, assets, cache, several triggers of the schedule."""
    ready = python("def ready(x=None):\n    return True\n")
    wait = Task(id="wait", action=Wait(check=ready, interval=5, timeout=60, soft_fail=True))
    listen = Task(id="listen", action=Wait(check=Shell(command="test -e flag"), interval=5))
    told = step("told", after=("wait", "listen")).model_copy(
        update={
            "notifications": (
                Notification(on="failure", channel="slack:HOOK"),
                Notification(on="failure", channel="log", message='it\'s """ broken'),
                Notification(on="retry", channel="email:ann@example.org"),
            ),
            "reads": ("s3://lake/in",),
            "writes": ("s3://lake/out",),
            "cache": Cache(ttl=60, key="v1"),
        }
    )
    start = Task(
        id="start",
        action=TriggerRun(
            pipeline="other",
            parameters={
                "n": OutputRef(node="told"),
                "m": DateShift(base=RunFact(fact="logical_date"), by=60),
            },
            wait=True,
        ),
    )
    return Pipeline(
        name="around",
        schedule=Schedule(
            triggers=(
                Cron(expression="0 6 * * *"),
                OnData(assets=("s3://lake/in", "s3://lake/more"), require="any"),
            )
        ),
        notifications=(Notification(on="success", channel="webhook:HOOK"),),
        body=(wait, listen, told, start, Task(id="join", action=Noop(), after=("start",))),
    )


def approvals():
    """A person decides."""
    ask = Task(
        id="ask",
        action=Approval(
            message=Format(parts=(Literal_(value="Go on with {{ "), OutputRef(node="first"))),
            approvers=("ann",),
            timeout=3600,
        ),
    )
    return Pipeline(name="approvals", body=(step("first"), ask, step("after", after=("ask",))))


CONTROL = {
    "around": around,
    "branches": branches,
    "expressions": expressions,
    "flow": policies_of_flow,
    "loops": loops,
}
