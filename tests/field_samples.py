"""For each field of each node of the IR: two valid pipelines that differ in nothing but that field.

A new field needs a row here; `test_no_silent_drops` fails until it has one.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from intermodal.compiling import Settings
from intermodal.ir import (
    Approval,
    Arm,
    ArtifactType,
    Branch,
    Cache,
    CapturedSource,
    Compare,
    Concurrency,
    Container,
    Cron,
    DataVersion,
    DateFormat,
    DateShift,
    Default,
    EdgeLabel,
    Environment,
    FloatType,
    ForEach,
    Format,
    Group,
    GroupArrow,
    Hosted,
    HostedPipeline,
    Http,
    Index,
    InputRef,
    IntegerType,
    Interval,
    ItemRef,
    Items,
    ListOf,
    ListType,
    Literal_,
    Logic,
    MapOf,
    MapType,
    Node,
    Notification,
    OnData,
    OnEvent,
    OptionalType,
    OutputRef,
    Pairing,
    Parameter,
    ParameterRef,
    PathRef,
    Pipeline,
    PythonCall,
    Resources,
    Retry,
    RunFact,
    Schedule,
    SecretRef,
    SecretVariable,
    Shell,
    SourceExpression,
    Sql,
    StringType,
    StructType,
    Task,
    TaskDefaults,
    TaskState,
    Tracking,
    TriggerRun,
    Wait,
)

INTEGER, TEXT, FLOAT = IntegerType(), StringType(), FloatType()
ONE = "def f():\n    return 1\n"
TAKES = "def f(x):\n    return sum(map(ord, repr(x)))\n"


class Sample(NamedTuple):
    """The two pipelines, and the settings that they are compiled with."""

    before: Pipeline
    after: Pipeline
    settings: Settings


def fields() -> list[str]:
    """`Class.field` of every field but those that say which class it is, and spans."""
    found = []
    for kind in _subclasses(Node):
        for field in dataclasses.fields(kind):
            tag = field.name in ("kind", "op", "node") and field.default is not dataclasses.MISSING
            if field.name not in ("span", "ir_version") and not tag:
                found.append(f"{kind.__name__.rstrip('_')}.{field.name}")
    return found


def _subclasses(kind: type) -> list[Any]:
    own = [s for s in kind.__subclasses__() if s.__module__.startswith("intermodal.ir")]
    return list(dict.fromkeys([*own, *(deeper for s in own for deeper in _subclasses(s))]))


def source(function=ONE, **more):
    return CapturedSource(function=function, **more)


def call(text=ONE, **more):
    return PythonCall(**{"module": "m", "function": "f", "source": source(text), **more})


def task(id="t", action=None, **more):
    return Task(**{"id": id, "action": action or call(), "outputs": {"return": INTEGER}, **more})


def taking(value, id="t", **more):
    """A task with one input."""
    return task(id, call(TAKES), inputs={"x": value}, **more)


def bare(id, action, **more):
    """A task without outputs."""
    return Task(id=id, action=action, **more)


def lit(value):
    return Literal_(value=value)


def out(node, output="return"):
    return OutputRef(node=node, output=output)


def one(node, **more):
    """A pipeline of one node."""
    return Pipeline(name="p", body=(node,), **more)


def several(*nodes, **more):
    return Pipeline(name="p", body=nodes, **more)


def with_parameters(node):
    return one(
        node,
        parameters={
            "a": Parameter(type=INTEGER, default=1),
            "b": Parameter(type=INTEGER, default=2),
        },
    )


def parameter(**fields):
    return one(
        taking(ParameterRef(name="a")),
        parameters={"a": Parameter(**{"type": INTEGER, "default": 1, **fields})},
    )


def typed(type_):
    return parameter(type=type_, default=None, required=True)


def guarded(expression):
    return with_parameters(task(guard=expression))


def compared(**fields):
    values = {"operator": "<", "left": ParameterRef(name="a"), "right": lit(5)}
    return Compare(**{**values, **fields})


def contained(*args, **more):
    """A container task with two inputs and two outputs."""
    values = {"image": "busybox:1", "command": (lit("cat"),), "args": args, **more}
    return several(
        task("a", call("def f():\n    return 'x'\n"), outputs={"return": TEXT}),
        bare(
            "t",
            Container(**values),
            inputs={"x": out("a"), "y": lit("other")},
            outputs={"x": TEXT, "z": TEXT},
        ),
    )


def waiting(**fields):
    return one(
        bare("t", Wait(**{"check": call("def f():\n    return True\n"), "interval": 1, **fields}))
    )


def approving(**fields):
    return one(bare("t", Approval(**{"message": lit("go on?"), **fields})))


def triggering(**fields):
    return one(bare("t", TriggerRun(**{"pipeline": "other", **fields})))


def querying(**fields):
    return one(bare("t", Sql(**{"connection": "db", "statement": lit("select 1"), **fields})))


def requesting(**fields):
    return one(bare("t", Http(**{"url": lit("http://localhost"), **fields})))


def hosting(**fields):
    values = {"ecosystem": "airflow", "class_path": "a.b.C", **fields}
    return one(bare("t", Hosted(**values)))


def sourced(**fields):
    """A hosted class with an argument that is source."""
    values = {
        "text": "f(1)",
        "definitions": ("def f(x):\n    return x + 1\n",),
        "ecosystem": "airflow",
        **fields,
    }
    return hosting(arguments={"a": SourceExpression(**values)})


def expression_of_class():
    return SourceExpression(
        ecosystem="airflow",
        text="C",
        imports=("from airflow.sdk import BaseOperator",),
        definitions=("class C(BaseOperator):\n    pass\n",),
    )


def hosted_task(id, after=()):
    kind = "airflow.providers.standard.operators.bash.BashOperator"
    action = Hosted(ecosystem="airflow", class_path=kind, arguments={"bash_command": lit("true")})
    return Task(id=id, action=action, after=after)


def kept_of(*body, **fields):
    hosted = HostedPipeline(**{"ecosystem": "airflow", **fields})
    return Pipeline(name="p", body=body, hosted=hosted)


def kept(**fields):
    """Two tasks before a group of two, which stands before another one: all edges there are."""
    inside = (hosted_task("g.c", ("a", "b")), hosted_task("g.d", ("a", "b")))
    after = Group(id="h", body=(hosted_task("h.e", ("g.c", "g.d", "a", "b")),))
    body = (hosted_task("a"), hosted_task("b"), Group(id="g", body=inside), after)
    return kept_of(*body, **fields)


def labelled(**fields):
    values = {"upstream": "a", "downstream": "g.c", "text": "yes", **fields}
    return EdgeLabel(**values)


def with_label(**fields):
    return kept(edge_labels=(labelled(**fields),))


def arrow(**fields):
    return GroupArrow(**{"upstream": "a", "downstream": "g", **fields})


def with_arrow(**fields):
    return kept(group_arrows=(arrow(**fields),))


def retried(**fields):
    return one(task(retry=Retry(**{"max": 2, **fields})))


def cached(**fields):
    return one(task(cache=Cache(**fields)))


def resourced(**fields):
    return one(task(resources=Resources(**fields)))


def notified(**fields):
    note = Notification(**{"on": "failure", "channel": "log", **fields})
    return one(task(notifications=(note,)))


def with_secret(**fields):
    variable = SecretVariable(**{"variable": "V", "secret": SecretRef(name="s"), **fields})
    return one(task(secrets=(variable,)))


def scheduled(*triggers, **more):
    return one(task(), schedule=Schedule(triggers=triggers or (Interval(every="1h"),), **more))


def arm(name, *body, **more):
    return Arm(name=name, body=body or (task(f"in_{name}"),), **more)


def branching(*arms, before=(), **more):
    """A branch of two arms, the first under a condition, which a later task waits for."""
    condition = compared()
    arms = arms or (
        arm("first", condition=condition),
        arm("second", condition=compared(operator=">")),
    )
    return with_body(*before, Branch(**{"id": "choose", "arms": arms, **more}))


def with_body(*nodes):
    return Pipeline(
        name="p",
        body=nodes,
        parameters={
            "a": Parameter(type=INTEGER, default=1),
            "b": Parameter(type=INTEGER, default=2),
        },
    )


def choosing(*names, chooser="first"):
    return branching(*(arm(name) for name in names), chooser=lit(chooser))


def each(*body, id="each", items=None, **more):
    items = items or Items(lists=(lit([1, 2]),))
    body = body or (taking(ItemRef(loop=id), "inside"),)
    return ForEach(**{"id": id, "items": items, "body": body, "item_type": INTEGER, **more})


def nested(loop):
    inner = each(taking(ItemRef(loop=loop), "inside"), id="inner")
    return one(each(inner, id="outer"))


def looped(lists, combine="single"):
    inside = task("inside", call(TAKES), inputs={"x": ItemRef(loop="each")})
    return one(
        ForEach(
            id="each",
            items=Items(lists=tuple(map(lit, lists)), combine=combine),
            body=(inside,),
        )
    )


def grouped(*body, **more):
    return Group(**{"id": "group", "body": body or (task("inside"),), **more})


def paired(**fields):
    pairing = {"role": "teardown", "partners": ("a",), **fields}
    return several(
        task("a", pairing=Pairing(role="setup")),
        task("b", pairing=Pairing(role="setup")),
        task("t", pairing=Pairing(**pairing)),
    )


def giving(type_, name="return"):
    return one(task(outputs={name: type_}))


def item(path):
    return several(
        task("a", call("def f():\n    return {}\n"), outputs={"return": MapType(value=INTEGER)}),
        task("b", call("def f():\n    return {}\n"), outputs={"return": MapType(value=INTEGER)}),
        taking(path),
    )


def three(last):
    return several(task("a"), task("b"), last)


def date(value):
    return one(taking(value))


def of_data(name, *values):
    """Tasks that take versions of data that differ in a field."""
    fields = {"uri": "s3://lake/a.csv", "version": "3", "digest": "md5:" + "2" * 32}
    return tuple(one(taking(DataVersion(**{**fields, name: value}))) for value in values)


LOGICAL = RunFact(fact="logical_date")
HOUR, DAY = "1h", "24h"
LATER = "2026-01-01T00:00:00Z"
TWO_FIELDS = {"a": INTEGER, "b": INTEGER}
TWO = "def f():\n    return {'a': 1, 'b': 2}\n"
TRACKED = Settings(tracking="http://localhost:5000")
BY_IMPORT = Settings(code="import")

Pair = tuple[Pipeline, Pipeline]

# What each field is changed from and to.
ROWS: dict[str, Callable[[], Pair]] = {
    # expressions
    "Literal.value": lambda: (one(taking(lit(1))), one(taking(lit(2)))),
    "ParameterRef.name": lambda: tuple(
        with_parameters(taking(ParameterRef(name=name))) for name in "ab"
    ),
    "OutputRef.node": lambda: tuple(three(taking(out(name))) for name in "ab"),
    "OutputRef.output": lambda: tuple(
        several(
            task("t", call(TWO, unpack="items"), outputs=TWO_FIELDS), taking(out("t", name), "u")
        )
        for name in "ab"
    ),
    "ItemRef.loop": lambda: (nested("outer"), nested("inner")),
    "RunFact.fact": lambda: (date(LOGICAL), date(RunFact(fact="run_id"))),
    "TaskState.node": lambda: tuple(
        several(task("a"), task("b"), exit_tasks=(taking(TaskState(node=name)),)) for name in "ab"
    ),
    "SecretRef.name": lambda: tuple(one(taking(SecretRef(name=name))) for name in "ab"),
    "SecretRef.key": lambda: tuple(one(taking(SecretRef(name="a", key=k))) for k in (None, "k")),
    **{
        f"DataVersion.{name}": functools.partial(of_data, name, *texts)
        for name, texts in {
            "uri": ("s3://lake/a.csv", "s3://lake/b.csv"),
            "version": ("1", "2"),
            "digest": ("md5:" + "0" * 32, "md5:" + "1" * 32),
            "remote": ("kept", "s3://kept"),
        }.items()
    },
    "PathRef.direction": lambda: tuple(
        contained(PathRef(direction=way, name="x")) for way in ("output", "input")
    ),
    "PathRef.name": lambda: tuple(
        contained(PathRef(direction="output", name=name)) for name in "xz"
    ),
    "InputRef.name": lambda: tuple(contained(InputRef(name=name)) for name in "xy"),
    "Format.parts": lambda: tuple(
        with_parameters(taking(Format(parts=(ParameterRef(name="a"), lit(end))))) for end in "xy"
    ),
    "Compare.operator": lambda: tuple(guarded(compared(operator=o)) for o in ("<", ">")),
    "Compare.left": lambda: tuple(guarded(compared(left=ParameterRef(name=n))) for n in "ab"),
    "Compare.right": lambda: tuple(guarded(compared(right=lit(n))) for n in (5, 6)),
    "Logic.operator": lambda: tuple(
        guarded(Logic(operator=o, operands=(compared(), compared(operator=">"))))
        for o in ("and", "or")
    ),
    "Logic.operands": lambda: tuple(
        guarded(Logic(operator="and", operands=(compared(), compared(operator=o)))) for o in "<>"
    ),
    "Index.base": lambda: tuple(item(Index(base=out(name), key=lit("k"))) for name in "ab"),
    "Index.key": lambda: tuple(item(Index(base=out("a"), key=lit(key))) for key in "kl"),
    "DateShift.base": lambda: tuple(
        date(DateShift(base=b, by=HOUR)) for b in (LOGICAL, lit(LATER))
    ),
    "DateShift.by": lambda: tuple(date(DateShift(base=LOGICAL, by=by)) for by in (HOUR, DAY)),
    "DateShift.backwards": lambda: tuple(
        date(DateShift(base=LOGICAL, by=HOUR, backwards=way)) for way in (False, True)
    ),
    "DateFormat.base": lambda: tuple(
        date(DateFormat(base=base, pattern="%Y")) for base in (LOGICAL, lit(LATER))
    ),
    "DateFormat.pattern": lambda: tuple(
        date(DateFormat(base=LOGICAL, pattern=pattern)) for pattern in ("%Y", "%d")
    ),
    "Default.value": lambda: tuple(
        three(taking(Default(value=out(n), fallback=lit(0)))) for n in "ab"
    ),
    "Default.fallback": lambda: tuple(
        three(taking(Default(value=out("a"), fallback=lit(n)))) for n in (0, 1)
    ),
    "ListOf.items": lambda: tuple(three(taking(ListOf(items=(out(n),)))) for n in "ab"),
    "MapOf.entries": lambda: tuple(three(taking(MapOf(entries={"k": out(n)}))) for n in "ab"),
    "SourceExpression.ecosystem": lambda: (sourced(), sourced(ecosystem="other")),
    "SourceExpression.text": lambda: (sourced(), sourced(text="f(2)")),
    "SourceExpression.imports": lambda: tuple(
        sourced(text="json.dumps(1)", imports=(f"import {m}",))
        for m in ("json", "simplejson as json")
    ),
    "SourceExpression.definitions": lambda: (
        sourced(),
        sourced(definitions=(ONE.replace("f()", "f(x)").replace("1", "x"),)),
    ),
    "SourceExpression.local_modules": lambda: tuple(
        sourced(imports=("import mine",), local_modules=m) for m in ((), ("mine",))
    ),
    # actions
    "CapturedSource.function": lambda: (
        one(task()),
        one(task(action=call("def f():\n    return 2\n"))),
    ),
    "CapturedSource.imports": lambda: tuple(
        one(task(action=call(source=source(imports=i)))) for i in ((), ("import json",))
    ),
    "CapturedSource.definitions": lambda: tuple(
        one(task(action=call(source=source(definitions=d)))) for d in ((), ("LIMIT = 3",))
    ),
    "CapturedSource.local_modules": lambda: tuple(
        one(task(action=call(source=source(imports=("import mine",), local_modules=m))))
        for m in ((), ("mine",))
    ),
    "PythonCall.module": lambda: tuple(one(task(action=call(module=m))) for m in ("m", "n")),
    "PythonCall.function": lambda: tuple(
        one(task(action=call(f"def {f}():\n    return 1\n", function=f))) for f in "fg"
    ),
    "PythonCall.unpack": lambda: tuple(
        one(task(action=call(TWO, unpack=u), outputs=TWO_FIELDS)) for u in ("items", "attributes")
    ),
    "PythonCall.source": lambda: (one(task()), one(task(action=call(source=None)))),
    "Shell.command": lambda: tuple(one(bare("t", Shell(command=c))) for c in ("true", "false")),
    "Container.image": lambda: tuple(contained(image=f"busybox:{n}") for n in (1, 2)),
    "Container.command": lambda: tuple(contained(command=(lit(c),)) for c in ("cat", "ls")),
    "Container.args": lambda: (contained(), contained(lit("x"))),
    "Sql.connection": lambda: (querying(), querying(connection="other")),
    "Sql.statement": lambda: (querying(), querying(statement=lit("select 2"))),
    "Sql.parameters": lambda: (querying(), querying(parameters={"a": lit(1)})),
    "Http.url": lambda: (requesting(), requesting(url=lit("http://localhost/2"))),
    "Http.method": lambda: (requesting(), requesting(method="POST")),
    "Http.headers": lambda: (requesting(), requesting(headers={"A": lit("1")})),
    "Http.body": lambda: (requesting(method="POST"), requesting(method="POST", body=lit("x"))),
    "Http.connection": lambda: (
        requesting(url=lit("/x"), connection="c"),
        requesting(url=lit("/x"), connection="d"),
    ),
    "Wait.check": lambda: (waiting(), waiting(check=call("def f():\n    return 3\n"))),
    "Wait.interval": lambda: (waiting(), waiting(interval=2)),
    "Wait.timeout": lambda: (waiting(), waiting(timeout=9)),
    "Wait.soft_fail": lambda: (waiting(timeout=9), waiting(timeout=9, soft_fail=True)),
    "Approval.message": lambda: (approving(), approving(message=lit("really?"))),
    "Approval.approvers": lambda: (approving(), approving(approvers=("ada",))),
    "Approval.timeout": lambda: (approving(), approving(timeout=HOUR)),
    "TriggerRun.pipeline": lambda: (triggering(), triggering(pipeline="third")),
    "TriggerRun.parameters": lambda: (triggering(), triggering(parameters={"a": lit(1)})),
    "TriggerRun.wait": lambda: (triggering(), triggering(wait=True)),
    "Hosted.ecosystem": lambda: (hosting(), hosting(ecosystem="other")),
    "Hosted.class_path": lambda: (hosting(), hosting(class_path="a.b.D")),
    "Hosted.arguments": lambda: (hosting(), hosting(arguments={"a": lit(1)})),
    "Hosted.expand": lambda: (hosting(), hosting(expand={"a": lit([1, 2])})),
    "Hosted.expand_maps": lambda: (hosting(), hosting(expand_maps=lit([{"a": 1}]))),
    "Hosted.class_source": lambda: (hosting(), hosting(class_source=expression_of_class())),
    "Hosted.packages": lambda: (hosting(), hosting(packages=("a==1",))),
    # policies
    "Retry.max": lambda: (retried(), retried(max=3)),
    "Retry.delay": lambda: (retried(), retried(delay=30)),
    "Retry.factor": lambda: (retried(delay=30), retried(delay=30, factor=2)),
    "Retry.ceiling": lambda: (
        retried(delay=30, factor=2),
        retried(delay=30, factor=2, ceiling=90),
    ),
    "Retry.jitter": lambda: (retried(delay=30), retried(delay=30, jitter=0.5)),
    "Cache.enabled": lambda: (cached(), cached(enabled=False)),
    "Cache.ttl": lambda: (cached(), cached(ttl=HOUR)),
    "Cache.key": lambda: (cached(), cached(key="k")),
    "Resources.cpu": lambda: (resourced(cpu=1), resourced(cpu=2)),
    "Resources.memory": lambda: (resourced(cpu=1), resourced(cpu=1, memory="1Gi")),
    "Resources.cpu_limit": lambda: (resourced(cpu=1), resourced(cpu=1, cpu_limit=2)),
    "Resources.memory_limit": lambda: (resourced(cpu=1), resourced(cpu=1, memory_limit="1Gi")),
    "Resources.gpu": lambda: (resourced(cpu=1), resourced(cpu=1, gpu=1)),
    "Resources.gpu_type": lambda: (resourced(gpu=1), resourced(gpu=1, gpu_type="nvidia-tesla-t4")),
    "Resources.disk": lambda: (resourced(cpu=1), resourced(cpu=1, disk="1Gi")),
    "Notification.on": lambda: (notified(), notified(on="success")),
    "Notification.channel": lambda: (notified(), notified(channel="webhook:HOOK")),
    "Notification.message": lambda: (notified(), notified(message="oh")),
    "SecretVariable.variable": lambda: (with_secret(), with_secret(variable="W")),
    "SecretVariable.secret": lambda: (with_secret(), with_secret(secret=SecretRef(name="r"))),
    "Pairing.role": lambda: (paired(partners=()), paired(partners=(), role="setup")),
    "Pairing.partners": lambda: (paired(), paired(partners=("a", "b"))),
    # schedules
    "Cron.expression": lambda: tuple(
        scheduled(Cron(expression=e)) for e in ("0 6 * * *", "0 7 * * *")
    ),
    "Cron.timezone": lambda: tuple(
        scheduled(Cron(expression="0 6 * * *", timezone=zone)) for zone in ("UTC", "Europe/Paris")
    ),
    "Interval.every": lambda: tuple(scheduled(Interval(every=every)) for every in (HOUR, DAY)),
    "OnData.assets": lambda: tuple(
        scheduled(OnData(assets=(a,))) for a in ("s3://a/x", "s3://a/y")
    ),
    "OnData.require": lambda: tuple(
        scheduled(OnData(assets=("s3://a/x", "s3://a/y"), require=r)) for r in ("all", "any")
    ),
    "OnEvent.event": lambda: tuple(scheduled(OnEvent(event=e)) for e in ("a", "b")),
    "Schedule.triggers": lambda: (scheduled(), scheduled(Cron(expression="0 6 * * *"))),
    "Schedule.start": lambda: (scheduled(), scheduled(start=LATER)),
    "Schedule.end": lambda: (
        scheduled(start=LATER),
        scheduled(start=LATER, end="2027-01-01T00:00:00Z"),
    ),
    "Schedule.catch_up": lambda: (scheduled(start=LATER), scheduled(start=LATER, catch_up=True)),
    "Schedule.jitter": lambda: (scheduled(), scheduled(jitter=60)),
    # types
    "OptionalType.item": lambda: tuple(typed(OptionalType(item=i)) for i in (INTEGER, TEXT)),
    "ListType.item": lambda: tuple(typed(ListType(item=i)) for i in (INTEGER, TEXT)),
    "MapType.value": lambda: tuple(typed(MapType(value=v)) for v in (INTEGER, TEXT)),
    "StructType.fields": lambda: tuple(typed(StructType(fields={n: INTEGER})) for n in "ab"),
    "ArtifactType.artifact": lambda: tuple(
        giving(ArtifactType(artifact=a)) for a in ("Dataset", "Model")
    ),
    "ArtifactType.python": lambda: tuple(
        giving(ArtifactType(artifact="Dataset", python=p)) for p in (None, "pandas.DataFrame")
    ),
    "Parameter.type": lambda: (parameter(), parameter(type=FLOAT)),
    "Parameter.required": lambda: tuple(
        parameter(type=OptionalType(item=INTEGER), default=None, required=r) for r in (False, True)
    ),
    "Parameter.default": lambda: (parameter(), parameter(default=2)),
    "Parameter.choices": lambda: (parameter(), parameter(choices=(1, 2))),
    "Parameter.help": lambda: (parameter(), parameter(help="how many")),
    # tasks
    "Task.id": lambda: (one(task()), one(task("u"))),
    "Task.action": lambda: (one(task()), one(task(action=Shell(command="echo 1")))),
    "Task.inputs": lambda: (one(taking(lit(1))), one(taking(lit(2)))),
    "Task.input_types": lambda: tuple(
        one(taking(lit(1), input_types=types)) for types in ({"x": INTEGER}, {"x": FLOAT})
    ),
    "Task.outputs": lambda: tuple(
        one(task(action=call(TWO, unpack="items"), outputs=outputs))
        for outputs in (TWO_FIELDS, {"a": INTEGER})
    ),
    "Task.after": lambda: (three(task("c")), three(task("c", after=("a",)))),
    "Task.join": lambda: (
        three(task("c", after=("a",))),
        three(task("c", after=("a",), join="all_done")),
    ),
    "Task.guard": lambda: (with_parameters(task()), guarded(compared())),
    "Task.pairing": lambda: (
        several(task("a"), task("b"), task("t", after=("a", "b"))),
        several(task("a", pairing=Pairing(role="setup")), task("b"), task("t", after=("a", "b"))),
    ),
    "Task.retry": lambda: (one(task()), retried()),
    "Task.timeout": lambda: (one(task()), one(task(timeout=60))),
    "Task.cache": lambda: (one(task()), cached()),
    "Task.resources": lambda: (one(task()), resourced(cpu=2)),
    "Task.pool": lambda: (one(task()), one(task(pool="small"))),
    "Task.pool_slots": lambda: tuple(one(task(pool="small", pool_slots=n)) for n in (1, 2)),
    "Task.priority": lambda: (one(task()), one(task(priority=5))),
    "Task.environment": lambda: (one(task()), one(task(environment={"A": "1"}))),
    "Task.secrets": lambda: (one(task()), with_secret()),
    "Task.notifications": lambda: (one(task()), notified()),
    "Task.reads": lambda: (one(task()), one(task(reads=("s3://a/x",)))),
    "Task.writes": lambda: (one(task()), one(task(writes=("s3://a/x",)))),
    "Task.labels": lambda: (one(task()), one(task(labels={"a": "1"}))),
    "Task.owners": lambda: (one(task()), one(task(owners=("ada",)))),
    "Task.display_name": lambda: (one(task()), one(task(display_name="The task"))),
    "Task.docs": lambda: (one(task()), one(task(docs="What it does."))),
    "Task.tracks": lambda: (one(task()), one(task(tracks=True))),
    # regions
    "Arm.name": lambda: (
        choosing("first", "second"),
        branching(arm("first"), Arm(name="third", body=(task("in_second"),)), chooser=lit("first")),
    ),
    "Arm.condition": lambda: tuple(
        branching(arm("first", condition=compared(operator=o)), arm("second", condition=compared()))
        for o in "<>"
    ),
    "Arm.body": lambda: tuple(
        branching(arm("first", *body, condition=compared()))
        for body in ((task("in_first"),), (task("in_first"), task("more")))
    ),
    "Branch.id": lambda: tuple(
        with_body(
            Branch(id=name, arms=(arm("first", condition=compared()),)), task("last", after=(name,))
        )
        for name in ("choose", "pick")
    ),
    "Branch.arms": lambda: (branching(arm("first", condition=compared())), branching()),
    "Branch.chooser": lambda: (
        choosing("first", "second"),
        choosing("first", "second", chooser="second"),
    ),
    "Branch.otherwise": lambda: tuple(
        branching(arm("first", condition=compared()), otherwise=o) for o in (None, (task("else"),))
    ),
    "Branch.outputs": lambda: tuple(
        with_body(
            Branch(
                id="choose",
                arms=(arm("first", condition=compared()),),
                otherwise=(task("else"),),
                outputs={"result": outputs},
            ),
            taking(out("choose", "result"), "last"),
        )
        for outputs in ((out("in_first"),), (out("in_first"), out("else")))
    ),
    "Branch.after": lambda: tuple(branching(before=(task("a"),), after=a) for a in ((), ("a",))),
    "Items.lists": lambda: (looped([[1, 2]]), looped([[1, 3]])),
    "Items.combine": lambda: tuple(looped([[1, 2], [3, 4]], how) for how in ("product", "zip")),
    "ForEach.id": lambda: tuple(
        several(each(id=name), task("last", after=(name,))) for name in ("each", "every")
    ),
    "ForEach.items": lambda: (looped([[1, 2]]), looped([[1, 2, 3]])),
    "ForEach.item_type": lambda: (one(each()), one(each(item_type=FLOAT))),
    "ForEach.body": lambda: (one(each()), one(each(task("inside"), task("more")))),
    "ForEach.max_parallel": lambda: (one(each()), one(each(max_parallel=1))),
    "ForEach.outputs": lambda: tuple(
        several(
            each(task("inside"), task("other"), outputs={"all": out(name)}),
            taking(out("each", "all"), "last"),
        )
        for name in ("inside", "other")
    ),
    "ForEach.after": lambda: tuple(several(task("a"), each(after=a)) for a in ((), ("a",))),
    "Group.id": lambda: (one(grouped()), one(grouped(id="other"))),
    "Group.body": lambda: (one(grouped()), one(grouped(task("inside"), task("more")))),
    "Group.outputs": lambda: tuple(
        several(
            grouped(task("inside"), task("other"), outputs={"result": out(name)}),
            taking(out("group", "result"), "last"),
        )
        for name in ("inside", "other")
    ),
    "Group.after": lambda: tuple(several(task("a"), grouped(after=a)) for a in ((), ("a",))),
    "Group.display_name": lambda: (one(grouped()), one(grouped(display_name="The group"))),
    "Group.docs": lambda: (one(grouped()), one(grouped(docs="What it is."))),
    # the pipeline
    "TaskDefaults.retry": lambda: (
        one(task()),
        one(task(), defaults=TaskDefaults(retry=Retry(max=2))),
    ),
    "TaskDefaults.timeout": lambda: (one(task()), one(task(), defaults=TaskDefaults(timeout=60))),
    "TaskDefaults.cache": lambda: (one(task()), one(task(), defaults=TaskDefaults(cache=Cache()))),
    "TaskDefaults.resources": lambda: (
        one(task()),
        one(task(), defaults=TaskDefaults(resources=Resources(cpu=2))),
    ),
    "TaskDefaults.pool": lambda: (one(task()), one(task(), defaults=TaskDefaults(pool="small"))),
    "TaskDefaults.environment": lambda: (
        one(task()),
        one(task(), defaults=TaskDefaults(environment={"A": "1"})),
    ),
    "Tracking.enabled": lambda: (one(task()), one(task(), tracking=Tracking(enabled=False))),
    "Tracking.experiment": lambda: (one(task()), one(task(), tracking=Tracking(experiment="e"))),
    "Tracking.tags": lambda: (one(task()), one(task(), tracking=Tracking(tags={"a": "1"}))),
    "Concurrency.max_active_runs": lambda: (
        one(task()),
        one(task(), concurrency=Concurrency(max_active_runs=3)),
    ),
    "Concurrency.max_active_tasks": lambda: (
        one(task()),
        one(task(), concurrency=Concurrency(max_active_tasks=3)),
    ),
    "Environment.image": lambda: (one(task()), one(task(), environment=Environment(image="i:1"))),
    "Environment.packages": lambda: (
        one(task()),
        one(task(), environment=Environment(packages=("pandas",))),
    ),
    "HostedPipeline.ecosystem": lambda: (kept(), kept(ecosystem="other")),
    "HostedPipeline.arguments": lambda: (kept(), kept(arguments={"max_active_runs": lit(2)})),
    "HostedPipeline.groups": lambda: (kept(), kept(groups={"g": {"tooltip": lit("why")}})),
    "HostedPipeline.edge_labels": lambda: (kept(), kept(edge_labels=(labelled(),))),
    "HostedPipeline.group_arrows": lambda: (kept(), kept(group_arrows=(arrow(),))),
    "EdgeLabel.upstream": lambda: (with_label(), with_label(upstream="b")),
    "EdgeLabel.downstream": lambda: (with_label(), with_label(downstream="g.d")),
    "EdgeLabel.text": lambda: (with_label(), with_label(text="no")),
    "GroupArrow.upstream": lambda: (with_arrow(), with_arrow(upstream="b")),
    "GroupArrow.downstream": lambda: (with_arrow(), with_arrow(downstream="h")),
    "Pipeline.hosted": lambda: (one(hosted_task("a")), kept_of(hosted_task("a"))),
    "Pipeline.name": lambda: (one(task()), Pipeline(name="q", body=(task(),))),
    "Pipeline.description": lambda: (one(task()), one(task(), description="What it does.")),
    "Pipeline.labels": lambda: (one(task()), one(task(), labels={"a": "1"})),
    "Pipeline.owners": lambda: (one(task()), one(task(), owners=("ada",))),
    "Pipeline.parameters": lambda: (one(task()), with_parameters(task())),
    "Pipeline.schedule": lambda: (one(task()), scheduled()),
    "Pipeline.defaults": lambda: (one(task()), one(task(), defaults=TaskDefaults(timeout=60))),
    "Pipeline.environment": lambda: (
        one(task()),
        one(task(), environment=Environment(image="i:1")),
    ),
    "Pipeline.body": lambda: (one(task()), several(task(), task("u"))),
    "Pipeline.exit_tasks": lambda: (one(task()), one(task(), exit_tasks=(task("last"),))),
    "Pipeline.outputs": lambda: (one(task()), one(task(), outputs={"result": out("t")})),
    "Pipeline.tracking": lambda: (one(task()), one(task(), tracking=Tracking(tags={"a": "1"}))),
    "Pipeline.concurrency": lambda: (
        one(task()),
        one(task(), concurrency=Concurrency(max_active_runs=3)),
    ),
    "Pipeline.notifications": lambda: (
        one(task()),
        one(task(), notifications=(Notification(on="failure", channel="log"),)),
    ),
}

SETTINGS = {
    "PythonCall.module": BY_IMPORT,
    "Tracking.enabled": TRACKED,
    "Tracking.experiment": TRACKED,
    "Tracking.tags": TRACKED,
    "Pipeline.tracking": TRACKED,
}


def sample(field: str) -> Sample:
    """The two pipelines of a field."""
    before, after = ROWS[field]()
    return Sample(before, after, SETTINGS.get(field, Settings()))
