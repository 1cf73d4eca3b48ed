"""Pipelines that the Airflow tests compile, run and compare: built in the IR, whole on their own."""

from __future__ import annotations

from datetime import UTC, datetime

from intermodal.findings import Span
from intermodal.ir import (
    AnyType,
    ArtifactType,
    BooleanType,
    CapturedSource,
    Concurrency,
    Container,
    Cron,
    Environment,
    Expression,
    FloatType,
    Format,
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
    Task,
    TimestampType,
    Tracking,
    Type,
)

TEXT, INTEGER, NUMBER = StringType(), IntegerType(), FloatType()
HOSTILE = 'it\'s """ {{ ds }} {% raw %} {# no #} \\n $(id) `id` \u00e9\u2028\n'


def python(
    function: str, *, imports=(), definitions=(), unpack="none", module="jobs"
) -> PythonCall:
    """A call of a captured function; its name is read from the text."""
    name = function.split("def ", 1)[1].split("(", 1)[0]
    source = CapturedSource(
        function=function, imports=tuple(imports), definitions=tuple(definitions)
    )
    return PythonCall(module=module, function=name, unpack=unpack, source=source)


FETCH = '''\
def fetch(limit: int, region: str = "eu") -> list[float]:
    """Fetch what was sold."""
    rows = [float(n) for n in range(limit)]
    return rows
'''
TOTAL = """\
def total(rows: list[float]) -> float:
    return round(math.fsum(rows) * RATE, 2)
"""
NOTICE = '''\
def notice(amount: float) -> None:
    print(f"""total:
  {amount}
""")
'''


def totals() -> Pipeline:
    """Values, a parameter, a cron schedule, retries."""
    return Pipeline(
        name="totals",
        description="Daily totals.",
        span=Span(file="pipelines/totals.py", line=12),
        labels={"team": "finance"},
        owners=("data-platform",),
        parameters={
            "limit": Parameter(type=INTEGER, default=100, help="Rows at most."),
            "region": Parameter(type=TEXT, default="eu", choices=("eu", "us")),
        },
        schedule=Schedule(
            triggers=(Cron(expression="0 6 * * *", timezone="Europe/Paris"),),
            start=datetime(2026, 1, 1, tzinfo=UTC),
        ),
        body=(
            Task(
                id="fetch",
                action=python(FETCH),
                inputs={"limit": ParameterRef(name="limit"), "region": ParameterRef(name="region")},
                input_types={"limit": INTEGER, "region": TEXT},
                outputs={"return": ListType(item=NUMBER)},
                retry=Retry(max=2, delay=30),
                timeout=1200,
                docs="Fetch what was sold.",
            ),
            Task(
                id="total",
                action=python(TOTAL, imports=("import math",), definitions=("RATE = 1.25\n",)),
                inputs={"rows": OutputRef(node="fetch")},
                input_types={"rows": ListType(item=NUMBER)},
                outputs={"return": NUMBER},
            ),
            Task(
                id="notice",
                action=python(NOTICE),
                inputs={"amount": OutputRef(node="total")},
                input_types={"amount": NUMBER},
            ),
        ),
    )


STEP = """\
def step(x: int, y: int = 1) -> int:
    return x + y
"""


def shared() -> Pipeline:
    """One function called by many tasks, with policies of their own and ordering edges."""
    literal = Literal_(value=1)
    common = {"action": python(STEP), "outputs": {"return": INTEGER}}
    return Pipeline(
        name="shared-steps",
        body=(
            Task(id="first", inputs={"x": literal}, retry=Retry(max=1), **common),
            Task(id="second", inputs={"x": OutputRef(node="first")}, retry=Retry(max=1), **common),
            Task(
                id="third.part",
                inputs={"x": OutputRef(node="first"), "y": OutputRef(node="second")},
                retry=Retry(max=1),
                timeout=60,
                display_name="Third",
                **common,
            ),
            Task(
                id="last",
                action=Noop(),
                after=("second", "third.part"),
            ),
        ),
    )


SPLIT = """\
def split(rows: pd.DataFrame, share: float = 0.25) -> Split:
    cut = int(len(rows) * share)
    return Split(rows[cut:], rows[:cut])
"""
PARTS = """\
class Split(NamedTuple):
    train: pd.DataFrame
    test: pd.DataFrame
"""


def artifacts() -> Pipeline:
    """Artifacts, several outputs, tracking, resources: what needs the runtime."""
    dataset = ArtifactType(artifact="Dataset", python="pandas.DataFrame")
    model = ArtifactType(artifact="Model")
    return Pipeline(
        name="diagnosis",
        description="Train a classifier.\n\nIt is registered when it is good enough.",
        environment=Environment(packages=("pandas>=2", "scikit-learn")),
        tracking=Tracking(experiment="clinic", tags={"stage": "it's new"}),
        parameters={"trees": Parameter(type=INTEGER, default=200)},
        body=(
            Task(
                id="load",
                action=python(
                    'def load() -> pd.DataFrame:\n    return pd.DataFrame({"a": [1, 2, 3, 4]})\n',
                    imports=("import pandas as pd",),
                ),
                outputs={"return": dataset},
            ),
            Task(
                id="split",
                action=python(
                    SPLIT,
                    imports=("import pandas as pd", "from typing import NamedTuple"),
                    definitions=(PARTS,),
                    unpack="attributes",
                ),
                inputs={"rows": OutputRef(node="load")},
                input_types={"rows": dataset},
                outputs={"train": dataset, "test": dataset},
            ),
            Task(
                id="train",
                action=python(
                    "def train(rows: pd.DataFrame, trees: int) -> dict:\n"
                    '    return {"trees": trees, "rows": len(rows)}\n',
                    imports=("import pandas as pd",),
                ),
                inputs={
                    "rows": OutputRef(node="split", output="train"),
                    "trees": ParameterRef(name="trees"),
                },
                input_types={"rows": dataset, "trees": INTEGER},
                outputs={"return": model},
                resources=Resources(cpu=2, memory="2Gi", gpu=1),
                retry=Retry(max=2, delay=30, factor=2, ceiling=300),
            ),
            Task(
                id="archive",
                action=Shell(command='ls -l "$rows"'),
                inputs={"rows": OutputRef(node="split", output="test")},
                input_types={"rows": dataset},
            ),
        ),
    )


def shells() -> Pipeline:
    """Shell tasks: inputs of every kind as variables, outputs, what Jinja must not touch."""
    return Pipeline(
        name="shells",
        parameters={
            "day": Parameter(type=TEXT, default="2026-01-01"),
            "sizes": Parameter(type=ListType(item=INTEGER), default=[1, 2]),
        },
        body=(
            Task(
                id="count",
                action=Shell(command='a=(x y z); echo noise >&2; echo "${#a[@]}"'),
                outputs={"return": INTEGER},
            ),
            Task(
                id="show",
                action=Shell(command='echo "$day/$sizes/$count/$fixed/$PLACE/$flag"'),
                inputs={
                    "day": ParameterRef(name="day"),
                    "sizes": ParameterRef(name="sizes"),
                    "count": OutputRef(node="count"),
                    "fixed": Literal_(value={"a": "{{ ds }}"}),
                    "flag": Literal_(value=True),
                },
                outputs={"return": TEXT},
                environment={"PLACE": "here {{ there }}"},
            ),
            Task(
                id="script",
                action=Shell(command="test -n \"$text\" && echo 'ends in.sh' | grep -q .sh"),
                inputs={"text": OutputRef(node="show")},
            ),
            Task(id="exit", action=Shell(command="true script.sh"), after=("script",)),
        ),
    )


def policies() -> Pipeline:
    """Everything around the tasks: schedule window, concurrency, labels, pool, priority, owners."""
    return Pipeline(
        name="policies",
        description=HOSTILE,
        labels={"quote": "it's", "plain": ""},
        environment=Environment(image="registry.example/airflow:1"),
        concurrency=Concurrency(max_active_runs=1, max_active_tasks=4),
        schedule=Schedule(
            triggers=(Interval(every="90m"),),
            start=datetime(2026, 1, 1, 12, 30, tzinfo=UTC),
            end=datetime(2026, 2, 1, tzinfo=UTC),
            catch_up=True,
        ),
        body=(
            Task(
                id="class",
                action=python(
                    'def class_() -> str:\n    return os.environ["GREETING"]\n',
                    imports=("import os",),
                ),
                outputs={"return": TEXT},
                environment={"GREETING": HOSTILE},
                pool="default_pool",
                pool_slots=2,
                priority=7,
                owners=("ada", "grace"),
                labels={"tier": "gold"},
                docs=HOSTILE,
                display_name=HOSTILE,
                retry=Retry(max=3, delay=5, factor=2, jitter=0.5),
            ),
        ),
    )


GIVE = """\
def give(label: str, value=None):
    Path(os.environ["RECORDS"], f"{label}.json").write_text(json.dumps(value))
    return value
"""
RECORDING = ("import json", "import os", "from pathlib import Path")


def recorded(label: str, value: Expression, type_: Type = AnyType()) -> Task:  # noqa: B008
    """A task that writes what it is given to a file that the tests read."""
    return Task(
        id=label,
        action=python(GIVE, imports=RECORDING),
        inputs={"label": Literal_(value=label), "value": value},
        outputs={"return": type_},
    )


def values() -> Pipeline:
    """Values of every kind through parameters, literals and tasks."""
    kinds = {
        "none": (OptionalType(item=INTEGER), None),
        "flag": (BooleanType(), False),
        "whole": (INTEGER, 2**60 + 1),
        "real": (NUMBER, 0.1),
        "text": (TEXT, "007"),
        "braces": (TEXT, HOSTILE),
        "list": (ListType(), [1, 1.5, None, "{{ x }}", {"a": [True]}]),
        "map": (MapType(), {"a": {"b": [HOSTILE]}, "": 1}),
        "when": (AnyType(), "2026-01-01T00:00:00+01:00"),
    }
    tasks = []
    for name, (type_, value) in kinds.items():
        tasks += [
            recorded(f"{name}_p", ParameterRef(name=name), type_),
            recorded(f"{name}_l", Literal_(value=value), type_),
            recorded(f"{name}_o", OutputRef(node=f"{name}_l"), type_),
        ]
    return Pipeline(
        name="values",
        parameters={n: Parameter(type=t, default=v) for n, (t, v) in kinds.items()},
        body=tuple(tasks),
    )


CONTEXT = """\
def describe(ti, params, ds, conf, dag=None, owner="nobody", self=1, run_id=None):
    return [ti, params, ds, conf, dag, owner, self, run_id]
"""
PAIR = """\
def pair(json, pair=2):
    return {"low": json, "high": [json, None], "none": None}
"""
AGAIN = """\
def filter(n: int) -> int:
    return n if n <= 0 else filter(n - 1) + HELP(1)
"""


def names() -> Pipeline:
    """Arguments that Airflow knows too, names that Python knows too, self-reference, a required parameter."""
    return Pipeline(
        name="names",
        parameters={
            "max-rows": Parameter(type=INTEGER, required=True),
            "when": Parameter(type=TimestampType(), default="2026-01-01T00:00:00Z"),
        },
        body=(
            Task(
                id="describe",
                action=python(CONTEXT),
                inputs={
                    "ti": Literal_(value=1),
                    "params": Literal_(value={"a": "{{ b }}"}),
                    "ds": ParameterRef(name="max-rows"),
                    "conf": Literal_(value="x"),
                },
                outputs={"return": ListType()},
            ),
            Task(
                id="pair",
                action=python(PAIR, unpack="items"),
                inputs={"json": OutputRef(node="describe")},
                outputs={"low": ListType(), "high": ListType(), "none": AnyType()},
            ),
            Task(
                id="print",
                action=python(
                    AGAIN,
                    definitions=(
                        "def HELP(x):\n    return len(TEXT) - 4 + x\n",
                        'TEXT = """\na\n b"""\n',
                    ),
                ),
                inputs={"n": ParameterRef(name="max-rows")},
                outputs={"return": INTEGER},
                after=("pair",),
            ),
            Task(
                id="names",
                action=python("def names(value, other, run):\n    return [value, other, run]\n"),
                inputs={
                    "value": OutputRef(node="pair", output="none"),
                    "other": OutputRef(node="pair", output="high"),
                    "run": RunFact(fact="run_id"),
                },
                outputs={"return": ListType()},
            ),
        ),
    )


def containers() -> Pipeline:
    """Containers with and without files."""
    image = "alpine:3.20"
    return Pipeline(
        name="containers",
        parameters={"day": Parameter(type=TEXT, default="2026-01-01")},
        body=(
            Task(
                id="plain",
                action=Container(
                    image=image,
                    command=(Literal_(value="run.sh"),),
                    args=(
                        Format(parts=(Literal_(value="--day={{"), InputRef(name="day"))),
                        Literal_(value="{{ x }}.sh"),
                    ),
                ),
                inputs={"day": ParameterRef(name="day")},
                environment={"A": "1"},
                resources=Resources(cpu=0.5, memory_limit="1Gi"),
            ),
            Task(
                id="measure",
                action=Container(
                    image=image,
                    command=(Literal_(value="sh"), Literal_(value="-c")),
                    args=(
                        Literal_(value='wc -c < "$0" > "$1"'),
                        PathRef(direction="input", name="text"),
                        PathRef(direction="output", name="return"),
                    ),
                ),
                inputs={"text": ParameterRef(name="day")},
                outputs={"return": INTEGER},
                after=("plain",),
            ),
            Task(
                id="use",
                action=python(STEP),
                inputs={"x": OutputRef(node="measure")},
                outputs={"return": INTEGER},
            ),
        ),
    )


CASES = {
    case.__name__: case
    for case in (totals, shared, artifacts, shells, policies, values, names, containers)
}
