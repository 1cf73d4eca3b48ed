"""Things of packages that are not read: what is known of them, and what must not be made up."""

import pytest

from intermodal_compilers.airflow.importer.model import Built, NotKnown, Reference

CLUSTER = """
from airflow import DAG
from airflow.operators.bash import BashOperator
from vendor.cluster import Cluster, KEY

def made():
    cluster = Cluster("a")
    cluster.size.nodes = 4
    return cluster

CLUSTER = Cluster("a")
{change}
with DAG("d"):
    BashOperator(task_id="t", bash_command="true", params={{"cluster": {given}}})
"""


@pytest.mark.parametrize(
    ("change", "given"),
    [
        ("CLUSTER.nodes = 4", "CLUSTER"),
        ("CLUSTER.size.nodes = 4", "CLUSTER"),
        ("CLUSTER['nodes'] = 4", "CLUSTER"),
        ("CLUSTER.add('node')", "CLUSTER"),
        ("", "made()"),
    ],
)
def test_a_changed_object_is_not_what_its_constructor_gives(read, change, given):
    (dag,) = read(CLUSTER.format(change=change, given=given)).dags
    assert isinstance(dag.tasks["t"].arguments["params"].value["cluster"], NotKnown)


def test_an_object_that_nobody_changes_is_what_its_constructor_gives(read):
    (dag,) = read(CLUSTER.format(change="print(CLUSTER.size)", given="CLUSTER")).dags
    found = dag.tasks["t"].arguments["params"].value["cluster"]
    assert found == Built("vendor.cluster.Cluster", ("a",), {})


def test_keys_that_are_constants_of_a_package_stay_what_they_refer_to(read):
    (dag,) = read(CLUSTER.format(change="", given="{KEY: 1}")).dags
    assert dag.tasks["t"].arguments["params"].value["cluster"] == {
        Reference("vendor.cluster.KEY"): 1
    }


GROUP = """
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.providers.databricks.operators.databricks_workflow import DatabricksWorkflowTaskGroup

with DAG("d"):
    with DatabricksWorkflowTaskGroup(group_id="work", databricks_conn_id="c"):
        BashOperator(task_id="t", bash_command="true")
"""


def test_a_group_of_another_class_is_a_group_of_which_not_all_is_known(read):
    found = read(GROUP)
    (dag,) = found.dags
    assert list(dag.tasks) == ["work.t"]
    assert dag.holes == ("what `DatabricksWorkflowTaskGroup` adds to its tasks is not known",)
    assert "PORT804" in {finding.code for finding in found.findings}


COMPATIBILITY = """
from airflow.providers.common.compat.sdk import dag, task

@dag(schedule=None)
def d():
    @task.llm(llm_conn_id="c")
    def ask(): ...
    ask()

d()
"""


def test_decorators_of_the_compatibility_package_and_variants_of_providers(read):
    (dag,) = read(COMPATIBILITY).dags
    assert dag.tasks["ask"].operator == (
        "airflow.providers.common.ai.decorators.llm._LLMDecoratedOperator"
    )


LINEAGE = """
from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.providers.openlineage.utils.selective_enable import disable_lineage

with DAG("d"):
    a = disable_lineage(BashOperator(task_id="a", bash_command="true"))
    a >> BashOperator(task_id="b", bash_command="true")
"""


def test_settings_for_lineage_give_back_the_task_and_are_told_of(read):
    found = read(LINEAGE)
    (dag,) = found.dags
    assert dag.tasks["a"].downstream == ("b",)
    assert [f.what for f in found.findings] == [
        "what `disable_lineage` sets for lineage is left out"
    ]


SUBDAG = """
from airflow import DAG
from airflow.operators.subdag import SubDagOperator
from vendor.factory import below

with DAG("d") as dag:
    SubDagOperator(task_id="inner", subdag=below(dag))
"""


def test_a_subdag_that_is_not_read_is_a_hole(read):
    (dag,) = read(SUBDAG).dags
    assert any("subdag is not known" in hole for hole in dag.tasks["inner"].holes)


def test_what_stands_after_a_doubtful_return_may_raise(edges):
    found = edges(
        """
        from airflow import DAG
        from airflow.operators.bash import BashOperator
        from vendor import found

        def command(name):
            for place in ("a", "b"):
                if found(place):
                    return place
            raise ValueError(name)

        with DAG("d"):
            first = BashOperator(task_id="first", bash_command=command("x"))
            first >> BashOperator(task_id="second", bash_command="true")
        """
    )
    assert found == {"first": "second", "second": ""}


def test_a_class_of_a_package_that_is_changed_is_told_of(read):
    found = read(
        """
        from airflow import DAG
        from airflow.operators.bash import BashOperator

        BashOperator.template_fields += ("cwd",)

        with DAG("d"):
            BashOperator(task_id="t", bash_command="true")
        """
    )
    assert [f.what for f in found.findings] == [
        "`BashOperator.template_fields` is set, which is not taken along"
    ]


def test_the_version_of_airflow_has_numbers_that_compare(read):
    (dag,) = read(
        """
        from airflow import DAG, __version__
        from packaging.version import Version

        HERE = Version(__version__)
        FACTS = [HERE.major == 3, HERE >= Version("2.10"), Version("3.0") == Version("3.0.0")]

        with DAG("d", params={"facts": FACTS, "odd": HERE.epoch == 3, "of": (1, 2).major == 1}):
            pass
        """
    ).dags
    found = dag.arguments["params"].value
    assert found["facts"] == (True, True, True)
    assert isinstance(found["odd"], NotKnown)
    assert isinstance(found["of"], NotKnown)
