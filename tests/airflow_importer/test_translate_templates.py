"""Airflow's templates as expressions, and the ones that are left to Airflow."""

from datetime import timedelta

import pytest

from intermodal.ir import (
    DateFormat,
    DateShift,
    Format,
    Index,
    IntegerType,
    Literal_,
    MapType,
    Noop,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    RunFact,
    StringType,
    Task,
)
from intermodal_compilers.airflow.translate.context import Context
from intermodal_compilers.airflow.translate.jinja import (
    NotUnderstoodError,
    expression_of,
    values_of,
)


def fact(name):
    return RunFact.of(fact=name)


def text(*parts):
    return Format.of(parts=tuple(Literal_.of(value=p) if isinstance(p, str) else p for p in parts))


def day(base="logical_date", pattern="%Y-%m-%d"):
    base = fact(base) if isinstance(base, str) else base
    return DateFormat.of(base=base, pattern=pattern)


def moved(base="logical_date", back=False, **by):
    return DateShift.of(base=fact(base), by=timedelta(**by), backwards=back)


@pytest.fixture
def context():
    tasks = (
        Task.of(id="up", action=Noop.of(), outputs={"return": StringType.of()}),
        Task.of(id="other", action=Noop.of()),
        Task.of(id="here", action=Noop.of(), after=("up",)),
    )
    parameters = {
        "word": Parameter.of(type=StringType.of(), default="x"),
        "number": Parameter.of(type=IntegerType.of(), default=1),
        "map": Parameter.of(type=MapType.of(), default={}),
    }
    found = Context(Pipeline.of(name="p", body=tasks), "local", parameters=parameters)
    found.types["up", "return"] = StringType.of()
    return found


UNDERSTOOD = {
    "plain": Literal_.of(value="plain"),
    "one newline at the end goes\n": Literal_.of(value="one newline at the end goes"),
    "{{ '{{' }}": Literal_.of(value="{{"),
    "{# a comment #}x": Literal_.of(value="x"),
    "{{ ds }}": day(),
    "{{ds_nodash}}": day(pattern="%Y%m%d"),
    "{{ ts }}": text(fact("logical_date")),
    "{{ ts_nodash }}": day(pattern="%Y%m%dT%H%M%S"),
    "s3://b/{{ ds }}/x": text("s3://b/", day(), "/x"),
    "{{ yesterday_ds }}": day(moved(back=True, days=1)),
    "{{ next_ds }}": day("data_interval_end"),
    "{{ run_id }}": text(fact("run_id")),
    "{{ dag_run.run_id }}": text(fact("run_id")),
    "{{ dag.dag_id }}": text(fact("pipeline")),
    "{{ task.task_id }}-{{ ti.task_id }}": Literal_.of(value="here-here"),
    "{{ logical_date | ds }}": day(),
    "{{ execution_date.strftime('%H') }}": day(pattern="%H"),
    "{{ data_interval_start | ts }}": text(fact("data_interval_start")),
    "{{ data_interval_end.isoformat() }}": text(fact("data_interval_end")),
    "{{ (logical_date - macros.timedelta(hours=2)).strftime('%H') }}": day(
        moved(back=True, hours=2), "%H"
    ),
    "{{ logical_date.add(days=1) | ds }}": day(moved(days=1)),
    "{{ logical_date.subtract(days=1) | ds }}": day(moved(back=True, days=1)),
    "{{ macros.ds_add(ds, -7) }}": day(moved(back=True, days=7)),
    "{{ macros.ds_format(ds, '%Y-%m-%d', '%Y/%m') }}": day(pattern="%Y/%m"),
    "{{ params.word }}!": text(ParameterRef.of(name="word"), "!"),
    "{{ params['number'] }}": text(ParameterRef.of(name="number")),
    "{{ dag_run.conf.get('word') }}": text(ParameterRef.of(name="word")),
    "{{ dag_run.conf['word'] }}": text(ParameterRef.of(name="word")),
    "{{ ti.xcom_pull(task_ids='up') }}": text(OutputRef.of(node="up")),
    "{{ task_instance.xcom_pull('up') }}": text(OutputRef.of(node="up")),
}


@pytest.mark.parametrize("template", UNDERSTOOD)
def test_understood(context, template):
    assert expression_of(template, "here", context) == UNDERSTOOD[template]
    assert context.findings == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ logical_date }}",
        "{{ params.map }}",
        "{{ params.unknown }}",
        "{{ var.value.x }}",
        "{{ conn.x.host }}",
        "{{ ti.xcom_pull(task_ids='up', key='k') }}",
        "{{ ti.xcom_pull(task_ids=['up']) }}",
        "{{ ti.xcom_pull(task_ids='nobody') }}",
        "{{ ti.xcom_pull(task_ids='up', dag_id='d') }}",
        "{{ ds | upper }}",
        "{{ ds if params.number else ts }}",
        "{% if ds %}x{% endif %}",
        "{{ macros.ds_format(ds, '%Y-%m-%d', '%H') }}",
        "{{ macros.random() }}",
        "{{ broken",
    ],
)
def test_left_to_airflow(context, template):
    with pytest.raises(NotUnderstoodError):
        expression_of(template, "here", context)


def test_pulling_from_a_task_that_is_not_before(context):
    context.types["other", "return"] = StringType.of()
    expression_of("{{ ti.xcom_pull(task_ids='other') }}", "here", context)
    assert [one.code for one in context.findings] == ["PORT208"]


def test_native_templates_give_values(context):
    context.native_templates = True
    template = "{{ params.map }}"
    assert expression_of(template, "here", context) == ParameterRef.of(name="map")
    found = expression_of("{{ params.map.a }}", "here", context)
    assert found == Index.of(base=ParameterRef.of(name="map"), key=Literal_.of(value="a"))
    with pytest.raises(NotUnderstoodError):
        expression_of("{{ ds }}", "here", context)


def test_templates_at_any_depth(context):
    given = Literal_.of(value={"a": ["{{ ds }}", 1], "b": {"c": "x"}})
    found = values_of(given, "here", context)
    assert found.entries["a"].items == (day(), Literal_.of(value=1))
    assert found.entries["b"] == Literal_.of(value={"c": "x"})
