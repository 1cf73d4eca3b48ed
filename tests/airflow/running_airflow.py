"""Airflow's part played in one process: emitted files are executed, and their functions called.

Templated fields are rendered by Jinja and `literal(...)` is kept, as Airflow does.
"""

from __future__ import annotations

import contextlib
import sys
import types
from dataclasses import dataclass, field
from typing import Any

import jinja2
from fake_airflow import Literal, Parameter


class SkipError(Exception):
    """What stands for AirflowSkipException."""


@dataclass
class Made:
    """A task as the file made it.

    Attributes:
        arguments: What its function is given.
        items: What it is mapped over.
    """

    kind: str
    settings: dict[str, Any]
    function: Any = None
    arguments: dict[str, Any] = field(default_factory=dict)
    items: dict[str, Any] = field(default_factory=dict)

    @property
    def output(self):
        return self

    def __getitem__(self, key):
        return Element(self, key)

    def __rshift__(self, other):
        return other

    def __rrshift__(self, other):
        return self


@dataclass
class Element:
    """One of several outputs."""

    made: Made
    key: str


class Item:
    """The item of a mapped group."""


class Decorated:
    """A function under `@task`."""

    def __init__(self, run, kind, function, settings, fixed=None):
        self.run, self.kind, self.function = run, kind, function
        self.settings, self.fixed = {"task_id": function.__name__, **settings}, fixed or {}

    def override(self, **settings):
        return Decorated(self.run, self.kind, self.function, {**self.settings, **settings})

    def partial(self, **arguments):
        return Decorated(self.run, self.kind, self.function, self.settings, arguments)

    def expand(self, **items):
        return self._make(self.fixed, items)

    def __call__(self, **arguments):
        return self._make(arguments, {})

    def _make(self, arguments, items):
        made = Made(self.kind, self.settings, self.function, arguments, items)
        self.run.tasks[self.settings["task_id"]] = made
        return made


class Running:
    """An emitted file that was executed.

    Attributes:
        tasks: What it made, by task id.
        dag: The DAG's settings.
        groups: Settings of groups, in order.
        given: Parameters of the run.
    """

    def __init__(self, text: str, **given: Any) -> None:
        self.tasks: dict[str, Made] = {}
        self.dag: dict[str, Any] = {}
        self.groups: list[dict[str, Any]] = []
        self.given = given
        with self._airflow():
            names = {"__name__": "dag"}
            exec(compile(text, "dag.py", "exec"), names)
        for name, parameter in self.dag.get("params", {}).items():
            self.given.setdefault(name, parameter[1][0] if parameter[1] else None)

    def value(self, value: Any, item: Any = None) -> Any:
        """What a task would be given for a value of the file."""
        match value:
            case Literal(kept):
                return kept
            case Parameter(name):
                return self.given[name]
            case Made():
                return self.result(value, item)
            case Element(made, key):
                return self.result(made, item)[key]
            case Item():
                return item
            case str():
                return self._rendered(value, item)
            case list():
                return [self.value(part, item) for part in value]
            case dict():
                return {key: self.value(part, item) for key, part in value.items()}
            case _:
                return value

    def _rendered(self, template: str, item: Any) -> str:
        environment = jinja2.Environment(autoescape=False)
        environment.filters |= self.dag.get("user_defined_filters", {})

        def pulled(task_ids, key="return_value"):
            found = self.result(task_ids, item)
            return found if key == "return_value" else found[key]

        context = {"ti": types.SimpleNamespace(xcom_pull=pulled), "params": self.given}
        return environment.from_string(template).render(run_id="run", ds="never", **context)

    def result(self, made: Made | str, item: Any = None) -> Any:
        """What a task returns; a list where it is mapped."""
        made = self.tasks[made] if isinstance(made, str) else made
        arguments = {name: self.value(part, item) for name, part in made.arguments.items()}
        if not made.items:
            return made.function(**arguments)
        [(name, items)] = made.items.items()
        return [made.function(**arguments, **{name: one}) for one in self.value(items, item)]

    def _airflow(self):
        run = self

        def maker(kind):
            def task(function=None, **settings):
                if function is not None:
                    return Decorated(run, kind, function, settings)
                return lambda f: Decorated(run, kind, f, settings)

            return task

        task = maker("task")
        for kind in ("branch", "short_circuit", "sensor"):
            setattr(task, kind, maker(kind))

        def task_group(**settings):
            def decorate(function):
                run.groups.append(settings)
                names = function.__code__.co_varnames[:1]
                return types.SimpleNamespace(expand=lambda **items: function(**{names[0]: Item()}))

            return decorate

        def dag(**settings):
            def decorate(function):
                def build():
                    run.dag = {"dag_id": function.__name__, **settings}
                    code = function.__code__
                    function(*(Parameter(n) for n in code.co_varnames[: code.co_argcount]))

                return build

            return decorate

        @contextlib.contextmanager
        def block(**settings):
            run.dag = settings
            yield types.SimpleNamespace(param=Parameter)

        @contextlib.contextmanager
        def group(name, **settings):
            run.groups.append({"group_id": name, **settings})
            yield None

        def operator(kind):
            def make(**settings):
                made = Made(kind, settings)
                run.tasks[settings["task_id"]] = made
                return made

            return make

        named = {
            "task": task,
            "task_group": task_group,
            "dag": dag,
            "DAG": block,
            "TaskGroup": group,
            "literal": Literal,
            "get_current_context": lambda: {"run_id": "run", "params": run.given},
            "AirflowSkipException": SkipError,
            "AirflowFailException": RuntimeError,
        }
        return _instead(named, operator)


CALLS = (
    "Param",
    "Asset",
    "AssetAny",
    "AssetAll",
    "Dataset",
    "DatasetAny",
    "DatasetAll",
    "datetime",
)


@contextlib.contextmanager
def _instead(named, operator):
    """Modules of Airflow that have every name."""

    class Module(types.ModuleType):
        __path__ = ()

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            if name in named:
                return named[name]
            if name in CALLS or name.endswith(("Timetable", "Schedule")):
                return lambda *args, **keywords: (name, args, keywords)
            return operator(name)

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.split(".")[0] not in ("airflow", "pendulum"):
                return None
            from importlib.machinery import ModuleSpec

            return ModuleSpec(name, Finder, is_package=True)

        @staticmethod
        def create_module(spec):
            return Module(spec.name)

        @staticmethod
        def exec_module(module):
            return None

    before = {n: m for n, m in sys.modules.items() if n.split(".")[0] in ("airflow", "pendulum")}
    for name in before:
        del sys.modules[name]
    sys.meta_path.insert(0, Finder)
    try:
        yield
    finally:
        sys.meta_path.remove(Finder)
        for name in [n for n in sys.modules if n.split(".")[0] in ("airflow", "pendulum")]:
            del sys.modules[name]
        sys.modules.update(before)
