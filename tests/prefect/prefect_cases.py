"""Pipelines that the Prefect tests compile, run and compare: built in the IR, whole on their own."""

from __future__ import annotations

from datetime import UTC, datetime

from intermodal.compiling import Settings
from intermodal.findings import Span
from intermodal.ir import (
    AnyType,
    ArtifactType,
    BooleanType,
    CapturedSource,
    Concurrency,
    Container,
    Cron,
    DurationType,
    Environment,
    FloatType,
    Format,
    Index,
    InputRef,
    IntegerType,
    Interval,
    ListType,
    Literal_,
    MapType,
    Noop,
    OptionalType,
    OutputRef,
    Parameter,
    ParameterRef,
    PathRef,
    Pipeline,
    PythonCall,
    Resources,
    Retry,
    RunFact,
    Schedule,
    Shell,
    StringType,
    StructType,
    Task,
    TimestampType,
    Tracking,
)

TEXT, INTEGER, NUMBER = StringType(), IntegerType(), FloatType()
NUMBERS = ListType(item=INTEGER)
HOSTILE = 'it\'s """ {{ $HOME }} {{ prefect.blocks.secret.x }} {x} \\n $(id) `id` \u00e9\u2028\n%'


def python(function, *, imports=(), definitions=(), unpack="none", module="jobs"):
    """A call of a captured function; its name is read from the text."""
    name = function.split("def ", 1)[1].split("(", 1)[0]
    source = CapturedSource(
        function=function, imports=tuple(imports), definitions=tuple(definitions)
    )
    return PythonCall(module=module, function=name, unpack=unpack, source=source)


ADD = python("def add(x: int, y: int = 1) -> int:\n    return x + y\n")
NUMBERS_UP_TO = python("def numbers(limit: int) -> list[int]:\n    return list(range(limit))\n")
ECHO = python("def echo(value):\n    return value\n")


def out(node, output="return"):
    return OutputRef(node=node, output=output)


def add(id_, x, y=None, **more):
    inputs = {"x": x} if y is None else {"x": x, "y": y}
    types = dict.fromkeys(inputs, INTEGER)
    return Task(
        id=id_, action=ADD, inputs=inputs, input_types=types, outputs={"return": INTEGER}, **more
    )


def echo(id_, value, **more):
    return Task(id=id_, action=ECHO, inputs={"value": value}, outputs={"return": AnyType()}, **more)


def totals():
    """Values, several outputs, elements, one function many times, and what a run gives."""
    halves = python(
        "def halves(rows: list[int]) -> Halves:\n"
        '    """Cut in the middle."""\n'
        "    return Halves(rows[: len(rows) // 2], rows[len(rows) // 2 :])\n",
        imports=["from typing import NamedTuple"],
        definitions=["class Halves(NamedTuple):\n    low: list[int]\n    high: list[int]\n"],
        unpack="attributes",
    )
    grow = python("def grow(rows: list[int]) -> int:\n    rows.append(100)\n    return sum(rows)\n")
    rows = {"rows": NUMBERS}
    low = {"inputs": {"rows": out("halves", "low")}, "input_types": rows}
    return Pipeline(
        name="totals",
        description="Add numbers.",
        parameters={"limit": Parameter(type=INTEGER, default=6, help="How many numbers.")},
        body=(
            Task(
                id="numbers",
                action=NUMBERS_UP_TO,
                inputs={"limit": ParameterRef(name="limit")},
                input_types={"limit": INTEGER},
                outputs={"return": NUMBERS},
            ),
            Task(
                id="halves",
                action=halves,
                inputs={"rows": out("numbers")},
                input_types=rows,
                outputs={"low": NUMBERS, "high": NUMBERS},
                docs="Cut in the middle.",
            ),
            Task(id="grow", action=grow, outputs={"return": INTEGER}, **low),
            Task(id="grow.again", action=grow, outputs={"return": INTEGER}, **low),
            add("first", Index(base=out("halves", "high"), key=Literal_(value=0))),
            add("total", out("grow"), out("grow.again")),
            add("more", out("total"), out("first"), after=("grow",)),
            echo("facts", RunFact(fact="pipeline")),
        ),
        outputs={"total": out("more"), "limit": ParameterRef(name="limit")},
        span=Span(file="pipelines/totals.py"),
    )


def parameters():
    """Every type, defaults, choices, help, and names that Prefect does not take."""
    point = StructType(fields={"x": NUMBER, "y": NUMBER})
    wanted = {
        "text": Parameter(type=TEXT, default="a"),
        "mode": Parameter(type=TEXT, default="fast", choices=("fast", "slow"), help="How\nto go."),
        "share": Parameter(type=NUMBER, default=0.5, choices=(0.25, 0.5)),
        "count": Parameter(type=INTEGER, required=True),
        "flag": Parameter(type=BooleanType(), default=True),
        "when": Parameter(type=TimestampType(), default="2026-01-01T00:00:00+00:00"),
        "pause": Parameter(type=DurationType(), default=90),
        "maybe": Parameter(type=OptionalType(item=INTEGER)),
        "rows": Parameter(type=ListType(item=NUMBERS), default=[[1, 2], []]),
        "table": Parameter(type=MapType(value=NUMBER), default={"a": 1.5}),
        "point": Parameter(type=point, default={"x": 1, "y": 2}),
        "anything": Parameter(default=[1, {"k": None}]),
        "wait_for": Parameter(type=INTEGER, default=1),
        "_hidden": Parameter(type=INTEGER, default=2),
        "a-b.c": Parameter(type=INTEGER, default=3),
        "lambda": Parameter(type=INTEGER, default=4),
        "leaves": Parameter(type=INTEGER, default=5),
    }
    tasks = tuple(echo(f"see_{n}", ParameterRef(name=name)) for n, name in enumerate(wanted))
    return Pipeline(name="parameters", parameters=wanted, body=tasks)


def commands():
    """Shell and container tasks, points where edges meet, and ordering."""
    count = Task(
        id="count.words",
        action=Shell(command='echo "$text" | wc -w; echo "seen $rows" >&2'),
        inputs={"text": ParameterRef(name="text"), "rows": Literal_(value=[1, "é"])},
        outputs={"return": INTEGER},
        environment={"LC_ALL": "C"},
        timeout="30s",
    )
    copy = Task(
        id="copy",
        action=Container(
            image="alpine:3",
            command=(Literal_(value="sh"), Literal_(value="-c")),
            args=(
                Format(
                    parts=(
                        Literal_(value="cp "),
                        PathRef(direction="input", name="words"),
                        Literal_(value=" "),
                        PathRef(direction="output", name="return"),
                    )
                ),
                Format(parts=(Literal_(value="--n="), InputRef(name="words"))),
            ),
        ),
        inputs={"words": out("count.words")},
        outputs={"return": INTEGER},
        timeout="5m",
    )
    last = Task(id="last", action=Shell(command="true"), after=("meet",))
    return Pipeline(
        name="commands",
        parameters={"text": Parameter(type=TEXT, default="one two")},
        body=(count, copy, Task(id="meet", action=Noop(), after=("copy",)), last),
    )


def policies():
    """Retries, timeouts, environment, labels, owners, documentation and display names."""
    retry = Retry(max=4, delay="10s", factor=3, ceiling="60s", jitter=0.5)
    return Pipeline(
        name="policies",
        labels={"team": "finance", "critical": ""},
        owners=("ml-platform",),
        body=(
            add("steady", Literal_(value=1), retry=Retry(max=2, delay="30s")),
            add("growing", Literal_(value=2), retry=retry, docs="Grows *slowly*."),
            add("timed", Literal_(value=3), timeout="20m", retry=Retry(max=1)),
            add("own", Literal_(value=4), environment={"MODE": "fast"}, timeout="500ms"),
            add(
                "shown",
                Literal_(value=5),
                display_name="Add {five}",
                labels={"tier": "gold"},
                owners=("ana",),
            ),
        ),
    )


def sources():
    """Functions of modules that do not agree, that call each other, or that need another name."""
    clean = 'def clean(rows):\n    text = """one\n  two"""\n    return factor(rows) + [text, {n}]\n'
    factor = "def factor(rows):\n    return [row * {n} for row in rows]\n"
    one = python(clean.format(n=1), definitions=[factor.format(n=10)], module="one")
    two = python(clean.format(n=2), definitions=[factor.format(n=20)], module="two")
    down = "def down(n: int) -> int:\n    return n if n == 0 else down(n - 1)\n"
    reserved = python("def hold(wait_for, self):\n    return [wait_for, self]\n")
    limit = python("def limit(value):\n    return value\n")
    sums = python("def sum(rows):\n    return len(rows)\n", module="three")
    hold = {"wait_for": Literal_(value=1), "self": Literal_(value=2)}
    rows = {"rows": Literal_(value=[1, 2])}
    result = {"return": AnyType()}
    return Pipeline(
        name="sources",
        parameters={"limit": Parameter(type=INTEGER, default=3)},
        body=(
            Task(id="clean_one", action=one, inputs=rows, outputs=result),
            Task(id="clean_two", action=two, inputs=rows, outputs=result),
            Task(
                id="down",
                action=python(down),
                inputs={"n": ParameterRef(name="limit")},
                outputs={"return": INTEGER},
            ),
            Task(id="hold", action=reserved, inputs=hold, outputs=result),
            Task(id="limit", action=limit, inputs={"value": out("down")}, outputs=result),
            Task(id="sum", action=sums, inputs=rows, outputs=result),
        ),
    )


def tracked():
    """Artifacts and tracking: the runtime does the work."""
    make = python('def make(rows: int) -> dict:\n    return {"rows": rows}\n')
    score = python("def score(data, share: float) -> float:\n    return share\n")
    data = {"return": ArtifactType(artifact="Dataset")}
    return Pipeline(
        name="tracked",
        parameters={"rows": Parameter(type=INTEGER, default=3), "a-b": Parameter(default=1)},
        tracking=Tracking(experiment="trials", tags={"stage": "it's new"}),
        body=(
            Task(
                id="make",
                action=make,
                inputs={"rows": ParameterRef(name="rows")},
                outputs=data,
                environment={"MODE": "fast"},
            ),
            Task(
                id="score",
                action=score,
                inputs={"data": out("make"), "share": Literal_(value=0.5)},
                input_types={"data": ArtifactType(artifact="Dataset"), "share": NUMBER},
                outputs={"return": NUMBER},
                timeout="1m",
            ),
            Task(
                id="say",
                action=Shell(command='echo "$score"'),
                inputs={"score": out("score")},
                outputs={"return": OptionalType(item=TEXT)},
                timeout="1m",
                environment={"LC_ALL": "C"},
            ),
            Task(
                id="copy",
                action=Container(
                    image="alpine:3", args=(PathRef(direction="output", name="return"),)
                ),
                inputs={"said": out("say")},
                outputs={"return": TEXT},
            ),
        ),
    )


def scheduled():
    """Schedules in a window, limits, an image, packages and resources."""
    return Pipeline(
        name="scheduled-report",
        description="Reads `{{ x }}` and {{ prefect.variables.y }}.\nTwice.",
        labels={"kind": "{{ z }}"},
        environment=Environment(image="repo/app:1", packages=("pandas>=2", "pyarrow")),
        schedule=Schedule(
            triggers=(
                Cron(expression="0 6 * * 1-5", timezone="Europe/Paris"),
                Interval(every="90m"),
            ),
            start=datetime(2026, 1, 1, tzinfo=UTC),
            end=datetime(2027, 1, 1, tzinfo=UTC),
        ),
        concurrency=Concurrency(max_active_runs=2, max_active_tasks=4),
        body=(
            add("small", Literal_(value=1), resources=Resources(cpu=0.5, memory="512Mi")),
            add(
                "large",
                out("small"),
                resources=Resources(cpu=2, memory="2Gi", cpu_limit=4, memory_limit="4G"),
            ),
        ),
    )


def hostile(text=HOSTILE):
    """The same difficult text wherever a user may write some."""
    return Pipeline(
        name="hostile",
        description=text,
        labels={"label": text},
        owners=(text,),
        parameters={"given": Parameter(type=TEXT, default=text, help=text)},
        body=(
            echo("plain", Literal_(value=text), docs=text, display_name=text),
            echo("listed", Literal_(value={text: [text]}), labels={text: text}, owners=(text,)),
            echo("given", ParameterRef(name="given")),
            Task(
                id="shell",
                action=Shell(command="printf '%s' \"$value$EXTRA\" | base64 -w0"),
                inputs={"value": Literal_(value=text)},
                outputs={"return": TEXT},
                environment={"EXTRA": text},
            ),
            echo("own", Literal_(value=text), environment={"EXTRA": text}),
        ),
    )


def long_names():
    """Names and values that do not fit on a line."""
    long = "a_name_that_somebody_made_very_long_to_say_everything_in_it"
    words = ("word " * 8).strip()
    parameters = {
        long: Parameter(type=TEXT, default=words, choices=(words, f"{words}!", f"{words}?")),
        "share": Parameter(type=NUMBER, default=0.1, choices=tuple(n / 10 for n in range(1, 9))),
        "rows": Parameter(type=NUMBERS, default=[10**9 + n for n in range(9)]),
    }
    shell = Shell(command=f"echo {words} {words}")
    return Pipeline(
        name=f"{long}_pipeline",
        description='"Quoted" at the start.',
        parameters=parameters,
        body=(
            Task(id=long, action=shell, outputs={"return": INTEGER}, docs=words),
            Task(
                id=f"{long}_2",
                action=shell,
                outputs={"return": INTEGER},
                retry=Retry(max=9, delay=1, factor=2),
                display_name=f"{words} {words}",
            ),
            echo(f"{long}_3", out(long), after=(f"{long}_2",)),
            echo(f"{long}_4", Literal_(value=[words, {words: words}]), after=(long,)),
            echo(f"{long}_5", Literal_(value={}), labels={words: words}),
        ),
        outputs={long: out(f"{long}_3"), f"{long}_more": out(f"{long}_4")},
    )


KUBERNETES = Settings(targets={"prefect": {"work_pool_type": "kubernetes", "work_pool": "k8s"}})
TRACKED = Settings(store="s3://bucket/store", tracking="http://mlflow:5000")

CASES = {
    "totals": (totals, Settings()),
    "imported": (totals, Settings(code="import")),
    "parameters": (parameters, Settings()),
    "commands": (commands, Settings()),
    "policies": (policies, Settings()),
    "sources": (sources, Settings()),
    "tracked": (tracked, TRACKED),
    "scheduled": (scheduled, KUBERNETES),
    "hostile": (hostile, Settings()),
    "long_names": (long_names, Settings()),
}
