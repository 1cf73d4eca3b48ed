"""Any text gives findings, never an exception; size and depth cost no recursion."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from kfp_mutations import MUTATIONS

from intermodal_compilers.kfp.lint import lint
from intermodal_compilers.kfp.lint_graph import find_cycles

GOOD = (Path(__file__).parent / "good.yaml").read_text()
LINES = GOOD.splitlines(keepends=True)
BOUNDED = settings(max_examples=60, deadline=None, derandomize=True)


def check(text: str) -> None:
    lines = (
        text.count("\n")
        + text.count("\r")
        + text.count("\u2028")
        + text.count("\u2029")
        + text.count("\x85")
    )
    for finding in lint(text):
        assert finding.span is not None
        assert 1 <= finding.span.line <= lines + 2


@BOUNDED
@given(st.integers(0, len(GOOD)))
def test_a_spec_cut_off(position):
    check(GOOD[:position])


@BOUNDED
@given(st.integers(0, len(LINES)), st.integers(1, 12))
def test_lines_taken_out(first, count):
    check("".join(LINES[:first] + LINES[first + count :]))


@BOUNDED
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=4))
def test_bytes_changed(changes):
    data = bytearray(GOOD, "utf-8")
    for position, value in changes:
        data[position] = value
    check(data.decode("utf-8", "surrogateescape"))


@BOUNDED
@given(st.lists(st.sampled_from(MUTATIONS), min_size=2, max_size=5, unique_by=lambda m: m.name))
def test_several_mistakes_at_once(mutations):
    text = GOOD
    for mutation in mutations:
        text = text.replace(mutation.old, mutation.new)
    check(text)


@BOUNDED
@given(st.text(max_size=60))
def test_any_text(text):
    check(text)


VALUES = [
    "null",
    "[]",
    "{}",
    "7",
    "-1.5",
    "true",
    "text",
    "''",
    "{a: b}",
    "[a, {b: c}]",
    "~",
    "2026-01-01",
]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.sampled_from(range(len(LINES))), st.sampled_from(VALUES))
def test_any_value_anywhere(number, value):
    line = LINES[number]
    if ":" not in line:
        return
    key = line.split(":", maxsplit=1)[0]
    indent = len(key) - len(key.lstrip())
    rest = number + 1
    while rest < len(LINES) and len(LINES[rest]) - len(LINES[rest].lstrip()) > indent:
        rest += 1
    check("".join([*LINES[:number], f"{key}: {value}\n", *LINES[rest:]]))


def chain(count: int) -> str:
    """A chain of tasks of one component each, as YAML in its JSON form."""
    components = {}
    tasks = {}
    for index in range(count):
        slot = {"parameters": {"x": {"parameterType": "NUMBER_INTEGER"}}}
        components[f"comp-step-{index}"] = {
            "executorLabel": "exec-step",
            "inputDefinitions": slot,
            "outputDefinitions": slot,
        }
        source = {"runtimeValue": {"constant": 1}}
        if index:
            output = {"producerTask": f"step-{index - 1}", "outputParameterKey": "x"}
            source = {"taskOutputParameter": output}
        tasks[f"step-{index}"] = {
            "componentRef": {"name": f"comp-step-{index}"},
            "dependentTasks": [f"step-{index - 1}"] if index else [],
            "inputs": {"parameters": {"x": source}},
        }
    return document(components, tasks)


def document(components: dict, tasks: dict) -> str:
    import json

    executor = {"container": {"image": "a", "args": ["{{$.inputs.parameters['x']}}"]}}
    pipeline = {
        "components": components,
        "deploymentSpec": {"executors": {"exec-step": executor}},
        "pipelineInfo": {"name": "large"},
        "root": {"dag": {"tasks": tasks}},
        "schemaVersion": "2.1.0",
    }
    return json.dumps(pipeline, indent=0)


def test_a_chain_of_5000_tasks_is_sound():
    assert {finding.code for finding in lint(chain(5000))} <= {"PORT327"}


def test_a_cycle_through_1500_tasks_is_found():
    text = chain(1500).replace('"dependentTasks": []', '"dependentTasks": ["step-1499"]')
    findings = lint(text)
    assert [finding.code for finding in findings] == ["PORT305"]
    assert "`step-1499`" in findings[0].what
    assert len(findings[0].what) < 300


def test_components_nested_1500_deep_are_walked():
    components = {"comp-0": {"executorLabel": "exec-step"}}
    for index in range(1, 1500):
        tasks = {"inner": {"componentRef": {"name": f"comp-{index - 1}"}}}
        components[f"comp-{index}"] = {"dag": {"tasks": tasks}}
    text = document(components, {"outer": {"componentRef": {"name": "comp-1499"}}})
    assert [finding.code for finding in lint(text)] == ["PORT324"]  # the executor's own placeholder
    again = text.replace(
        '"executorLabel": "exec-step"',
        '"dag": {"tasks": {"x": {"componentRef": {"name": "comp-1499"}}}}',
    )
    assert [finding.code for finding in lint(again)] == ["PORT334", "PORT310"]


def test_one_cycle_for_each_knot():
    edges = {
        "a": ["b"],
        "b": ["c", "a"],
        "c": ["a"],
        "d": ["d"],
        "e": ["a", "gone"],
        "f": ["g"],
        "g": ["f"],
    }
    assert find_cycles(edges) == [["a", "b"], ["d"], ["f", "g"]]
    assert find_cycles({"a": ["b"], "b": []}) == []
