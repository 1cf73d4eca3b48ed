"""Pipelines of classes with arguments that make no sense: findings or output, never a traceback."""

import random

import pytest

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.findings import errors_of
from intermodal.ir import (
    AnyType,
    Group,
    Hosted,
    HostedPipeline,
    Join,
    ListOf,
    Literal_,
    MapOf,
    OutputRef,
    Pipeline,
    SourceExpression,
    Task,
)
from intermodal_compilers.airflow.translate import dag, policies
from intermodal_compilers.airflow.translate.table import TRANSLATORS


def source(text, *imports):
    return SourceExpression.of(ecosystem="airflow", text=text, imports=imports)


LITERALS = (None, True, 3, -1, 1.5, "", "x", "{{ ds }}", "{{ broken", ["{{ ds }}", 1])
PLAIN = (
    *(Literal_.of(value=value) for value in (*LITERALS, {"a": "{{ params.q }}"})),
    source("f"),
    source("lambda x: x"),
    source("not python ((("),
    source("timedelta(days=1)", "from datetime import timedelta"),
    source("Param(1)", "from airflow.models import Param"),
    ListOf.of(items=(source("g(1)"),)),
)
REFERENCES = (
    OutputRef.of(node="up"),
    OutputRef.of(node="up", output="k"),
    MapOf.of(entries={"a": OutputRef.of(node="up")}),
)
OWN = (
    "python_callable op_args op_kwargs bash_command env cwd image command cmds arguments env_vars "
    "environment trigger_dag_id conf wait_for_completion delta target_time poke_interval timeout "
    "soft_fail mode params requirements skip_on_exit_code ignore_downstream_trigger_rules 0"
)
ARGUMENTS = (*OWN.split(), *policies.WITHOUT_EFFECT, *policies.FIELDS, *policies.RETRIES)
CLASSES = (*TRANSLATORS, "BranchSQLOperator", "FileSensor", "Anything")


def hosted(dice, values):
    names = dice.sample(ARGUMENTS, 6)
    expanded = dice.sample(ARGUMENTS, 2) if dice.random() < 0.1 else []
    return Hosted.of(
        ecosystem="airflow",
        class_path=f"airflow.providers.any.operators.{dice.choice(CLASSES)}",
        arguments={name: dice.choice(values) for name in names},
        expand={name: dice.choice(values) for name in expanded},
        expand_maps=dice.choice(values) if dice.random() < 0.1 else None,
    )


def pipeline(dice):
    outputs = {"return": AnyType.of(), "k": AnyType.of()}
    joins = [*[Join.ALL_SUCCESS] * 20, *Join]
    up = Task.of(id="up", action=hosted(dice, PLAIN), outputs=outputs, join=dice.choice(joins))
    inner = Task.of(
        id="g.t",
        action=hosted(dice, (*PLAIN, *REFERENCES)),
        outputs=outputs,
        after=("up",),
        join=dice.choice(joins),
    )
    last = Task.of(id="last", action=hosted(dice, PLAIN), after=("g.t",), join=dice.choice(joins))
    names = dice.sample((*sorted(dag.KNOWN), *dag.DEFAULTS), 6)
    settings = {name: dice.choice(PLAIN) for name in names}
    return Pipeline.of(
        name="p",
        body=(up, Group.of(id="g", body=(inner,)), last),
        hosted=HostedPipeline.of(ecosystem="airflow", arguments=settings),
    )


@pytest.mark.parametrize("name", ["prefect", "kfp"])
@pytest.mark.parametrize("seed", range(4))
def test_findings_or_output(name, seed):
    dice = random.Random(seed)
    target, _ = registry.resolve_target(name)
    compiled = 0
    for _ in range(120):
        result = compile_pipeline(pipeline(dice), target, Settings())
        found = errors_of(result.findings)
        assert bool(result.files) != bool(found)
        assert not [one for one in found if one.code in ("PORT105", "PORT106", "PORT108")]
        compiled += bool(result.files)
    assert compiled, "none of them compiled, so that nothing was tried"
