"""Just enough of Airflow to execute an emitted file: it records what the file says.

Arguments are rendered by Jinja as Airflow does, so that text which would not survive shows.
"""

from __future__ import annotations

import contextlib
import sys
import types
from dataclasses import dataclass, field
from typing import Any

import jinja2

JINJA = jinja2.Environment(autoescape=False)


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Parameter:
    name: str
    default: Any = None


@dataclass
class Operator:
    kind: str
    settings: dict[str, Any]
    arguments: dict[str, Any] = field(default_factory=dict)
    function: Any = None

    @property
    def output(self):
        return self

    def __getitem__(self, key):
        return (self, key)

    def __rshift__(self, other):
        other.settings.setdefault("after", []).append(self.settings.get("task_id"))

    def __rrshift__(self, others):
        for other in others:
            other >> self


@dataclass
class Recorded:
    dag: dict[str, Any] = field(default_factory=dict)
    tasks: list[Operator] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)

    def task(self, task_id: str) -> Operator:
        return next(t for t in self.tasks if t.settings["task_id"] == task_id)


def rendered(value: Any, **context: Any) -> Any:
    """A value after Airflow's rendering."""
    if isinstance(value, Literal):
        return value.value
    if isinstance(value, str):
        return JINJA.from_string(value).render(**context)
    if isinstance(value, dict):
        return {key: rendered(item, **context) for key, item in value.items()}
    if isinstance(value, list):
        return [rendered(item, **context) for item in value]
    return value


def execute(text: str) -> Recorded:
    """Run an emitted file; what it said."""
    found = Recorded()

    class Task:
        def __init__(self, function, settings):
            self.function, self.settings = function, {"task_id": function.__name__, **settings}

        def override(self, **settings):
            return Task(self.function, {**self.settings, **settings})

        def __call__(self, **arguments):
            operator = Operator("task", dict(self.settings), arguments, self.function)
            found.tasks.append(operator)
            return operator

    def task(function=None, **settings):
        return Task(function, settings) if function else lambda f: Task(f, settings)

    def dag(**settings):
        def decorate(function):
            def build():
                found.dag = {"dag_id": function.__name__, **settings}
                code = function.__code__
                names = code.co_varnames[: code.co_argcount]
                defaults = function.__defaults__ or ()
                function(*(Parameter(n, d) for n, d in zip(names, defaults, strict=True)))

            return build

        return decorate

    class Dag(contextlib.AbstractContextManager):
        def __init__(self, **settings):
            found.dag = settings

        def __exit__(self, *exc):
            return None

        def param(self, name):
            return Parameter(name)

    def operator(kind):
        def make(**settings):
            made = Operator(kind, settings)
            found.tasks.append(made)
            return made

        return make

    def recorded_call(name):
        return lambda *args, **kwargs: (name, args, kwargs)

    names = {
        "DAG": Dag,
        "dag": dag,
        "task": task,
        "literal": Literal,
        "Param": recorded_call("Param"),
        "get_current_context": recorded_call("get_current_context"),
        "BashOperator": operator("bash"),
        "DockerOperator": operator("docker"),
        "EmptyOperator": operator("empty"),
        "CronTriggerTimetable": recorded_call("cron"),
        "DeltaTriggerTimetable": recorded_call("delta"),
    }
    with _in_place_of(types.SimpleNamespace(**names), recorded_call("datetime")):
        found.names["__name__"] = "dag"
        exec(compile(text, "dag.py", "exec"), found.names)
    return found


@contextlib.contextmanager
def _in_place_of(airflow, datetime):
    pendulum = types.ModuleType("pendulum")
    pendulum.datetime = datetime
    fakes = {"pendulum": pendulum, **dict.fromkeys(MODULES, airflow)}
    before = {name: sys.modules.get(name) for name in fakes}
    sys.modules.update(fakes)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


MODULES = (
    "airflow",
    "airflow.decorators",
    "airflow.models",
    "airflow.models.param",
    "airflow.operators",
    "airflow.operators.bash",
    "airflow.operators.empty",
    "airflow.operators.python",
    "airflow.providers",
    "airflow.providers.docker",
    "airflow.providers.docker.operators",
    "airflow.providers.docker.operators.docker",
    "airflow.providers.standard",
    "airflow.providers.standard.operators",
    "airflow.providers.standard.operators.bash",
    "airflow.providers.standard.operators.empty",
    "airflow.sdk",
    "airflow.timetables",
    "airflow.timetables.trigger",
    "airflow.utils",
    "airflow.utils.template",
)
