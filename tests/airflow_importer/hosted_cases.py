"""Pipelines of hosted Airflow classes, made by hand: a case for each construct that the emitter writes."""

from __future__ import annotations

from intermodal.ir import (
    AnyType,
    CapturedSource,
    EdgeLabel,
    ForEach,
    Group,
    GroupArrow,
    Hosted,
    HostedPipeline,
    IntegerType,
    ItemRef,
    Items,
    Join,
    ListOf,
    Literal_,
    MapOf,
    OutputRef,
    Pairing,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Retry,
    SourceExpression,
    Task,
)

BASH = "airflow.operators.bash.BashOperator"
EMPTY = "airflow.operators.dummy_operator.DummyOperator"
PYTHON = "airflow.operators.python_operator.PythonOperator"
STANDARD = "airflow.providers.standard.decorators"
TASK = f"{STANDARD}.python._PythonDecoratedOperator"
BRANCH = f"{STANDARD}.branch_python._BranchPythonDecoratedOperator"


def expression(value):
    """An expression as it stands, plain data as a literal."""
    return value if hasattr(value, "op") else Literal_(value=value)


def source(text, imports=(), definitions=()):
    return SourceExpression(
        ecosystem="airflow", text=text, imports=imports, definitions=definitions
    )


def minutes(number):
    return source(f"timedelta(minutes={number})", ("from datetime import timedelta",))


def hosted(path, expand=None, maps=None, **arguments):
    return Hosted(
        ecosystem="airflow",
        class_path=path,
        arguments={name: expression(value) for name, value in arguments.items()},
        expand={name: expression(value) for name, value in (expand or {}).items()},
        expand_maps=maps,
    )


def task(id, path=EMPTY, after=(), expand=None, maps=None, **arguments):
    more = {key: arguments.pop(key) for key in ("join", "pairing") if key in arguments}
    outputs = dict.fromkeys(("return", *arguments.pop("keys", ())), AnyType())
    action = hosted(path, expand, maps, **arguments)
    return Task(id=id, action=action, after=after, outputs=outputs, **more)


def call(id, text, path=TASK, after=(), **more):
    """A task of a function under a decorator; `text` is its source."""
    name = text.split("(", 1)[0].removeprefix("def ")
    function = more.pop("function", None) or source(name, more.pop("imports", ()), (text,))
    return task(id, path, after, python_callable=function, **more)


def out(node, key="return"):
    return OutputRef(node=node, output=key)


def pipeline(*body, name="etl", groups=None, labels=(), arrows=(), **arguments):
    if not {"schedule", "schedule_interval"} & arguments.keys():
        arguments["schedule"] = None
    return Pipeline(
        name=name,
        body=body,
        hosted=HostedPipeline(
            ecosystem="airflow",
            arguments={key: expression(value) for key, value in arguments.items()},
            groups={
                key: {k: expression(v) for k, v in given.items()}
                for key, given in (groups or {}).items()
            },
            edge_labels=tuple(EdgeLabel(upstream=a, downstream=b, text=t) for a, b, t in labels),
            group_arrows=tuple(GroupArrow(upstream=a, downstream=b) for a, b in arrows),
        ),
    )


EXTRACT = 'def extract():\n    """Where it begins."""\n    return {"rows": 3}\n'
LOAD = "def load(rows, limit=None):\n    print(rows, limit, LIMIT)\n"


def operators():
    """Operators with default arguments, trigger rules, chains, lists and a label."""
    defaults = {"owner": "data", "retries": 2, "retry_delay": minutes(5)}
    common = {"owner": "data", "retries": 2, "retry_delay": minutes(5)}
    return pipeline(
        task("start", **common),
        task("build", BASH, ("start",), bash_command="make\nmake test\n", **common),
        task("check", BASH, ("start",), bash_command="true", **{**common, "retries": 0}),
        task("report-all", BASH, ("build", "check"), join=Join.ALL_DONE, bash_command="echo"),
        task("alarm", BASH, ("check",), join=Join.ONE_FAILED, bash_command="exit 1", **common),
        schedule_interval="@daily",
        start_date=source("pendulum.datetime(2026, 1, 1, tz='UTC')", ("import pendulum",)),
        catchup=False,
        tags=["a", "b"],
        default_args=MapOf(entries={k: expression(v) for k, v in defaults.items()}),
        labels=[("check", "alarm", "if it fails")],
    )


def functions():
    """Functions under decorators, one of them for several tasks, and results that are passed."""
    load = source("load", (), ("LIMIT = 10\n", LOAD))
    return pipeline(
        call("extract", EXTRACT, multiple_outputs=True, retries=1, keys=["rows"]),
        call("load", "", function=load, op_args=ListOf(items=(out("extract", "rows"),))),
        call(
            "load_all",
            "",
            function=load,
            op_kwargs=MapOf(entries={"rows": out("extract"), "limit": expression(5)}),
            retries=3,
        ),
        call(
            "choose",
            'def choose(rows):\n    return "done" if rows else "nothing"\n',
            BRANCH,
            op_kwargs=MapOf(entries={"rows": out("extract")}),
        ),
        task("done", after=("choose",)),
        task("nothing", after=("choose",)),
    )


def groups():
    """Groups in groups, arrows of whole groups, ids without prefixes."""
    return pipeline(
        task("start"),
        Group(
            id="load",
            body=(
                task("load.one", BASH, ("start",), bash_command="1"),
                task("load.two", BASH, ("start",), bash_command="2"),
                Group(id="load.deep", body=(task("load.deep.one", after=("load.one",)),)),
            ),
        ),
        Group(id="plain", body=(task("same", after=("load.two", "load.deep.one")),)),
        task("end", after=("same",)),
        groups={
            "load": {"tooltip": "All of it", "default_args": {"retries": 1}},
            "plain": {"prefix_group_id": False},
        },
        arrows=[("start", "load"), ("load", "plain"), ("plain", "end")],
    )


def mapping():
    """Mapped operators, functions and groups."""
    add = "def add(x, y):\n    return x + y\n"
    return pipeline(
        call("numbers", "def numbers():\n    return [1, 2]\n"),
        call("add", add, op_kwargs={"y": 1}, expand={"x": out("numbers")}),
        task(
            "echo",
            BASH,
            env={"A": "b"},
            maps=source('[{"bash_command": "echo 1"}, {"bash_command": "echo 2"}]'),
        ),
        ForEach(
            id="each",
            items=Items(lists=(out("numbers"),)),
            body=(
                call(
                    "each.double",
                    "def double(n):\n    return 2 * n\n",
                    after=("numbers",),
                    op_args=ListOf(items=(ItemRef(loop="each"),)),
                ),
            ),
        ),
        groups={"each": {"expand": ["number"]}},
    )


def setups():
    """Setups and teardowns, paired and alone."""
    return pipeline(
        task("up", BASH, pairing=Pairing(role="setup"), bash_command="up"),
        task("alone", BASH, pairing=Pairing(role="setup"), bash_command="up"),
        task("work", BASH, ("up", "alone"), bash_command="work"),
        task(
            "down",
            BASH,
            ("work", "up"),
            pairing=Pairing(role="teardown", partners=("up",)),
            bash_command="down",
            on_failure_fail_dagrun=True,
        ),
    )


def sources():
    """The user's own code: helpers, classes, other packages; one name with two meanings."""
    helper = "def helper(x):\n    return x * FACTOR\n"
    one = source("run", (), ("FACTOR = 2\n", helper, "def run():\n    return helper(1)\n"))
    other = source("go", (), ("FACTOR = 3\n", helper, "def go():\n    return helper(1)\n"))
    own = source(
        "MyOperator",
        ("from airflow.models.baseoperator import BaseOperator",),
        ("class MyOperator(BaseOperator):\n    def execute(self, context):\n        return 1\n",),
    )
    asset = source("Dataset('s3://a')", ("from airflow.datasets import Dataset",))
    path = "airflow.contrib.operators.gcs_to_bq.GoogleCloudStorageToBigQueryOperator"
    return pipeline(
        task("one", PYTHON, python_callable=one, provide_context=True),
        task("other", PYTHON, ("one",), python_callable=other, outlets=ListOf(items=(asset,))),
        task("mine", "dags.etl.MyOperator").model_copy(
            update={
                "action": hosted("dags.etl.MyOperator").model_copy(update={"class_source": own})
            }
        ),
        task("load", path, bucket="b", source_objects=["x"]),
    )


def mixed():
    """Classes of Airflow's own among tasks in neutral terms."""
    text = "def count(limit: int) -> int:\n    return limit\n"
    function = PythonCall(module="m", function="count", source=CapturedSource(function=text))
    check = source("check", (), ("LIMIT = 3\n", "def check(n):\n    return n < LIMIT\n"))
    return Pipeline(
        name="etl",
        parameters={"limit": Parameter(type=IntegerType(), default=3)},
        body=(
            Task(
                id="count",
                action=function,
                inputs={"limit": ParameterRef(name="limit")},
                outputs={"return": IntegerType()},
            ),
            task(
                "enough",
                PYTHON,
                python_callable=check,
                op_args=ListOf(items=(out("count"),)),
            ).model_copy(update={"retry": Retry(max=2)}),
            task("echo", BASH, ("enough",), expand={"bash_command": ["echo 1", "echo {{ ds }}"]}),
            Task(
                id="last",
                action=function,
                inputs={"limit": out("enough")},
                outputs={"return": IntegerType()},
                after=("echo",),
            ),
        ),
    )


CASES = {
    case.__name__: case for case in (operators, functions, groups, mapping, mixed, setups, sources)
}
