"""The report of a migration: its figures, its order, and that nothing in it can do anything."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from intermodal.cli.render.migration.page import Mark, listing
from intermodal.migrating import effort
from intermodal.migrating.order import Entry, order
from intermodal.migrating.task_lines import task_lines

HEAD = """\
from airflow import DAG
from airflow.datasets import Dataset
from airflow.models import Variable
from airflow.operators.bash import BashOperator
from airflow.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sensors.external_task import ExternalTaskSensor
from company.ops import Own
"""
FIRST = HEAD + (
    "with DAG('first', schedule='@daily') as dag:\n"
    "    BashOperator(task_id='say', bash_command='echo', outlets=[Dataset('s3://a/b')])\n"
)
SECOND = HEAD + (
    "with DAG('second', schedule=[Dataset('s3://a/b')]) as dag:\n"
    "    Own(task_id='own') >> ExternalTaskSensor(task_id='wait', external_dag_id='third')\n"
)
THIRD = HEAD + (
    "with DAG('third') as dag:\n"
    "    BashOperator(task_id=Variable.get('name'), bash_command='echo')\n"
)
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\\\"'`"


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.links = []
        self.anchors = []
        self.text = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.elements.append((tag, given))
        if "href" in given:
            self.links.append(given["href"])
        if "id" in given:
            self.anchors.append(given["id"])

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def reports(call, tmp_path):
    """Imports the files given by name, and gives both reports."""

    def make(**files):
        folder = tmp_path / "dags"
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text)
        arguments = ("--report", "report.html", "--report", "out/report.json")
        done = call("import", "airflow", "dags", *arguments)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        html = (tmp_path / "report.html").read_text(encoding="utf-8")
        return Page(html), json.loads((tmp_path / "out" / "report.json").read_text())

    return make


def test_totals_say_what_became_of_everything(reports):
    page, data = reports(first=FIRST, second=SECOND, third=THIRD)
    assert data["totals"] == {
        "files": 3,
        "pipelines": 3,
        "tasks": 4,
        "native": 1,
        "lowered": 0,
        "hosted": 2,
        "holes": 1,
        "minutes": sum(file["minutes"] for file in data["files"]),
    }
    assert data["ready"]["airflow@3.3"] == 2
    assert data["ready"]["prefect@3"] == 1
    tasks = data["files"][1]["pipelines"][0]["tasks"]
    assert tasks["own"]["support"] == "hosted"
    assert tasks["own"]["span"] == {"file": "dags/second.py", "line": 9, "column": 5}
    assert tasks["own"]["downstream"] == ["wait"]
    assert "simple sum" in " ".join(page.text)
    assert data["effort"] in " ".join(page.text)


def test_what_blocks_is_counted_over_files(reports):
    more = {f"third_{n}": THIRD.replace("'third'", f"'third_{n}'") for n in range(3)}
    _, data = reports(second=SECOND, third=THIRD, **more)
    hole, *rest = data["blockers"]
    assert (hole["code"], hole["files"], hole["targets"]) == ("PORT810", 4, [])
    assert hole["constructs"] == {"BashOperator": 4}
    refused = next(one for one in rest if "ExternalTaskSensor" in one["constructs"])
    assert (refused["files"], refused["targets"]) == (1, ["kfp@2", "prefect@3"])
    assert {"operator": "company.ops.Own", "tasks": 1, "files": 1} in data["hosted"]


def test_what_a_target_refuses_is_told_with_the_pipeline(reports):
    page, data = reports(second=SECOND)
    (pipeline,) = data["files"][0]["pipelines"]
    assert pipeline["targets"]["airflow@3.3"] == []
    assert [finding["code"] for finding in pipeline["targets"]["prefect@3"]] == ["PORT208"]
    assert "refused by kfp@2, prefect@3" in page.text


def test_the_order_puts_what_others_wait_for_first(reports):
    _, data = reports(second=SECOND, first=FIRST, third=THIRD)
    assert [step["path"] for step in data["order"]] == [
        "dags/first.py",
        "dags/third.py",
        "dags/second.py",
    ]
    assert data["order"][2]["after"] == ["dags/first.py", "dags/third.py"]


def test_tasks_are_linked_with_their_place_in_the_result(reports):
    page, _ = reports(first=FIRST)
    assert {"#s1-9", "#file-1"} <= set(page.links)
    assert {link.removeprefix("#") for link in page.links} <= set(page.anchors)
    assert len({link for link in page.links if link.startswith("#r1-")}) == 1


def test_every_link_leads_somewhere(reports):
    page, _ = reports(a_helper="x = 1\n", first=FIRST, second=SECOND, third=THIRD)
    assert {"#file-2", "#file-3", "#file-4"} <= set(page.links)
    assert {link.removeprefix("#") for link in page.links} <= set(page.anchors)


def test_hostile_text_stays_text(reports):
    text = HEAD + (
        f'"""{EVIL}"""\n# {EVIL}\n'
        f'with DAG("{EVIL}", description="{EVIL}") as dag:\n'
        f'    Own(task_id="{EVIL}", doc="{EVIL}")\n'
        f'    BashOperator(task_id="x", bash_command="{EVIL}", pool="{EVIL}")\n'
    )
    page, data = reports(evil=text)
    kinds = {tag for tag, _ in page.elements}
    assert not kinds & {"script", "img", "iframe", "object", "link", "base", "form"}
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"src", "srcset", "action", "background"}
    assert all(link.startswith("#") for link in page.links)
    assert "alert(1)" in "".join(page.text)
    assert data["files"][0]["pipelines"][0]["id"].startswith("</script>")


def test_a_browser_is_told_to_load_and_run_nothing(reports):
    page, _ = reports(first=FIRST)
    policies = [a["content"] for tag, a in page.elements if "http-equiv" in a]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_half_characters_do_not_stop_the_report(reports):
    text = HEAD + "with DAG('d'):\n    BashOperator(task_id='x', bash_command='\\ud800')\n"
    page, data = reports(odd=text.replace("task_id='x'", "task_id='\\ud800'"))
    assert len(data["files"]) == 1
    assert page.elements


def test_a_file_that_cannot_be_read_is_in_the_report(reports):
    page, data = reports(first=FIRST, broken="import airflow, dag\n)")
    assert [finding["code"] for finding in data["files"][0]["findings"]] == ["PORT003"]
    assert "dags/broken.py" in page.text


def test_files_without_pipelines_are_counted_and_not_shown(reports):
    page, data = reports(first=FIRST, helper="x = 1\n")
    assert data["totals"]["files"] == 2
    assert "dags/helper.py" not in page.text


def test_what_others_need_is_first_however_hard_it_is():
    entries = [
        Entry("easy", ("c",), blockers=0, reads=("s3://b",)),
        Entry("middle", ("b",), blockers=1, needs=("a",), writes=("s3://b",)),
        Entry("hard", ("a",), blockers=5),
    ]
    steps = order(entries)
    assert [step.entry.path for step in steps] == ["hard", "middle", "easy"]
    assert [step.after for step in steps] == [(), ("hard",), ("middle",)]


def test_files_that_need_each_other_are_placed_too():
    entries = [Entry("a", ("a",), blockers=2, needs=("b",)), Entry("b", ("b",), needs=("a",))]
    assert [step.entry.path for step in order(entries)] == ["b", "a"]


def test_among_independent_files_the_one_with_the_least_in_its_way_is_first():
    entries = [
        Entry("hard", ("hard",), blockers=3),
        Entry("shared", ("s",), modules=("lib",), minutes=1),
        Entry("long", ("long",), minutes=90),
        Entry("short", ("short",), minutes=5, modules=()),
        Entry("also", ("also",), modules=("lib",), minutes=9),
    ]
    steps = order(entries)
    assert [step.entry.path for step in steps] == ["short", "long", "shared", "also", "hard"]
    assert steps[2].shared == {"lib": 1}


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "0 min"), (89, "89 min"), (90, "1.5 h"), (2880, "6 days")]
)
def test_effort_is_said_as_people_say_it(minutes, said):
    assert effort.shown(minutes) == said


def test_lines_of_tasks_are_found_by_id_and_by_name():
    text = (
        "@pipeline\ndef one():\n    a = load()\n    noop(id='g.b')\n"
        "\n\n@pipeline(name='two')\ndef two_():\n    load.map([1])\n"
    )
    found = task_lines(text, [("one", ["load", "g.b", "gone"]), ("two", ["x.load"])])
    assert found == {("one", "load"): 3, ("one", "g.b"): 4, ("two", "x.load"): 9}
    assert task_lines("(", [("one", ["load"])]) == {}
    assert task_lines(text, [("one", ["load"])]) == {}


def test_listings_keep_every_character_of_the_code():
    text = "\n\tif x:\n\t\tgo()  # tab\n\n"
    found = listing(text, {3: Mark("native", "go")}, lambda line: f"s{line}")
    assert "".join(piece.text for piece in found.pieces) == "\n\tif x:\n\t\tgo()  # tab\n"
    assert [(piece.id, piece.text) for piece in found.pieces if piece.id] == [("s3", "go()  # tab")]
    assert listing("", {}, str) is None
