"""The program that runs an operator in any process, with just enough of Airflow around it to be called."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
import types

import pytest

from intermodal_compilers.airflow.translate import host_program
from intermodal_compilers.airflow.translate.hosting import host_program as program_text

MOMENT = "2026-03-01T06:00:00+00:00"


class Moment(dt.datetime):
    """What the program uses of pendulum's dates."""

    def to_date_string(self):
        return self.strftime("%Y-%m-%d")

    def add(self, days):
        return self + dt.timedelta(days=days)

    def subtract(self, days):
        return self - dt.timedelta(days=days)


class SkipError(Exception):
    pass


class DeferredError(Exception):
    def __init__(self, trigger, method_name, kwargs=None, timeout=None):
        super().__init__("deferred")
        self.trigger, self.method_name, self.kwargs = trigger, method_name, kwargs
        self.timeout = timeout


class RescheduleError(Exception):
    def __init__(self, reschedule_date):
        super().__init__("rescheduled")
        self.reschedule_date = reschedule_date


class Dag:
    def __init__(self, dag_id, **settings):
        self.dag_id, self.settings = dag_id, settings

    def add_task(self, operator):
        operator.dag = self


class Operator:
    """An operator whose work is a function of its context."""

    params: dict[str, object]
    inlets = outlets = ()
    inherits_from_skipmixin = False
    _pre_execute_hook = _post_execute_hook = None

    def __init__(self, work, task_id="t", **more):
        self.work, self.task_id, self.params = work, task_id, {}
        self.calls = []
        self.__dict__.update(more)

    def prepare_for_execution(self):
        return self

    def render_template_fields(self, context):
        self.calls.append("render")

    def pre_execute(self, context):
        self.calls.append("before")

    def post_execute(self, context, result):
        self.calls.append(f"after {result}")

    def execute(self, context):
        return self.work(context)

    def resume_execution(self, method, kwargs, context):
        return getattr(self, method)(context, **kwargs)


@pytest.fixture(autouse=True)
def airflow(monkeypatch):
    @contextlib.contextmanager
    def set_current_context(context):
        yield context

    accessors = ("ConnectionAccessor", "MacrosAccessor", "OutletEventAccessors")
    modules = {
        "airflow": {},
        "airflow.sdk": {"DAG": Dag},
        "airflow.sdk.bases": {},
        "airflow.sdk.bases.operator": {
            "ExecutorSafeguard": types.SimpleNamespace(
                tracker=types.SimpleNamespace(set=lambda operator: None)
            )
        },
        "airflow.sdk.exceptions": {
            "AirflowSkipException": SkipError,
            "TaskDeferred": DeferredError,
            "AirflowRescheduleException": RescheduleError,
        },
        "airflow.sdk.execution_time": {},
        "airflow.sdk.execution_time.context": {
            "set_current_context": set_current_context,
            "VariableAccessor": lambda deserialize_json: deserialize_json,
            **dict.fromkeys(accessors, object),
        },
        "pendulum": {"parse": Moment.fromisoformat},
    }
    for name, members in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)


def run(work, *, operator=None, **given):
    return host_program.run_operator(operator or Operator(work), "d", "r", MOMENT, **given)


def test_the_result_is_what_execute_returns_as_json():
    assert run(lambda context: {"day": dt.date(2026, 3, 1), "pair": (1, 2)}) == {
        "day": "2026-03-01",
        "pair": [1, 2],
    }


def test_everything_is_called_in_airflows_order():
    operator = Operator(lambda context: operator.calls.append("execute"))
    run(None, operator=operator)
    assert operator.calls == ["render", "before", "execute", "after None"]


FACTS = {
    "ds": "2026-03-01",
    "ds_nodash": "20260301",
    "ts": "2026-03-01T06:00:00+00:00",
    "ts_nodash": "20260301T060000",
    "ts_nodash_with_tz": "20260301T060000+0000",
    "yesterday_ds": "2026-02-28",
    "tomorrow_ds": "2026-03-02",
    "run_id": "r",
    "params": {"a": 1, "own": 2},
    "task_instance_key_str": "d__t__20260301",
}


def test_the_context_holds_the_facts_of_the_run():
    seen = {}
    run(None, operator=Operator(seen.update, params={"own": 2}), params={"a": 1})
    assert {name: seen[name] for name in FACTS} == FACTS
    assert seen["dag"].dag_id == seen["ti"].dag_id == seen["dag_run"].dag_id == "d"
    assert seen["data_interval_end"] == seen["logical_date"] == Moment.fromisoformat(MOMENT)
    assert seen["dag_run"].conf == {"a": 1, "own": 2}


def test_settings_of_the_dag_reach_it():
    seen = {}
    run(seen.update, render_template_as_native_obj=True)
    assert seen["dag"].settings == {"schedule": None, "render_template_as_native_obj": True}


def test_values_are_pulled_from_what_was_given():
    def work(context):
        ti = context["ti"]
        ti.xcom_push("own", 5)
        return [
            ti.xcom_pull(task_ids="a"),
            ti.xcom_pull("a", key="k"),
            ti.xcom_pull("a", key="none", default=0),
            ti.xcom_pull(["a", "b"]),
            ti.xcom_pull(key="own"),
        ]

    given = {"a": {"return": 1, "k": 2}, "b": {"return": 3}}
    assert run(work, xcoms=given) == [1, 2, 0, [1, 3], 5]


@pytest.mark.parametrize("pull", [{"task_ids": "c"}, {"task_ids": "a", "dag_id": "other"}])
def test_a_value_that_was_not_given_is_no_silence(pull):
    with pytest.raises(LookupError):
        run(lambda context: context["ti"].xcom_pull(**pull), xcoms={"a": {"return": 1}})


def test_several_outputs_are_items_and_what_was_pushed():
    def work(context):
        context["ti"].xcom_push("pushed", 2)
        return {"item": 1}

    found = run(work, outputs=("return", "item", "pushed", "missing"))
    assert found == {"return": {"item": 1}, "item": 1, "pushed": 2, "missing": None}


def test_a_skip_is_told_where_somebody_asks():
    def work(context):
        raise SkipError("not today")

    assert run(work, outputs=("return", "ran")) == {"return": None, "ran": False}
    with pytest.raises(RuntimeError, match="not today"):
        run(work)
    assert run(lambda context: 1, outputs=("return", "ran")) == {"return": 1, "ran": True}


@pytest.mark.parametrize("chosen", ["a", ["a"], ("a",)])
def test_a_choice_is_told(chosen):
    operator = Operator(lambda context: operator.skip_all_except(context["ti"], chosen))
    assert run(None, operator=operator, outputs=("chosen",)) == {"chosen": ["a"]}


def test_a_choice_that_nobody_asks_for_fails():
    with pytest.raises(RuntimeError, match="skips tasks after it"):
        run(None, operator=Operator(lambda context: 1, inherits_from_skipmixin=True))


class Trigger:
    def __init__(self, *payloads):
        self.payloads, self.cleaned = payloads, False

    async def run(self):
        for payload in self.payloads:
            yield types.SimpleNamespace(payload=payload)

    async def cleanup(self):
        self.cleaned = True


def test_an_operator_that_pauses_goes_on_with_the_event():
    trigger = Trigger("first", "second")

    class Pausing(Operator):
        def go_on(self, context, event, more):
            return [context["ds"], event, more]

    def work(context):
        raise DeferredError(trigger, "go_on", {"more": 1}, dt.timedelta(seconds=9))

    assert run(None, operator=Pausing(work)) == ["2026-03-01", "first", 1]
    assert trigger.cleaned


def test_a_trigger_without_an_event_fails():
    def work(context):
        raise DeferredError(Trigger(), "go_on")

    with pytest.raises(RuntimeError, match="without an event"):
        run(work)


def test_what_wants_to_be_called_later_is():
    calls = []

    def work(context):
        calls.append(1)
        if len(calls) < 3:
            raise RescheduleError(dt.datetime.now(dt.UTC))
        return len(calls)

    assert run(work) == 3


def test_sensors_look_in_the_same_process():
    operator = Operator(lambda context: operator.mode, mode="reschedule")
    assert run(None, operator=operator) == "poke"


def test_what_a_task_instance_has_not_is_an_error():
    with pytest.raises(AttributeError, match="outside of Airflow"):
        run(lambda context: context["ti"].get_previous_dagrun())


def test_its_definitions_are_complete_without_the_file():
    imports, definitions = program_text()
    scope = {}
    exec("\n".join((*imports, *definitions)), scope)
    assert scope["run_operator"](Operator(lambda context: 1), "d", "r", MOMENT) == 1
    assert not any("intermodal" in text.lower() for text in (*imports, *definitions))
