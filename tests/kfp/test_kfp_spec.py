"""Reading YAML within limits, and printing specs."""

import math

import pytest
import yaml
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp.pipeline_spec import pipeline_spec_pb2 as messages

from intermodal_compilers.kfp.spec import definition_comment, dump, load, parse_deployment
from intermodal_compilers.kfp.spec_text import MAX_DEPTH, read_documents


def spec(**fields):
    return json_format.ParseDict({"pipelineInfo": {"name": "p"}, **fields}, messages.PipelineSpec())


def test_the_printed_form_is_that_of_kfp():
    pipeline = spec(
        schemaVersion="2.1.0",
        sdkVersion="intermodal-0.1.0",
        components={"comp-b": {"executorLabel": "exec-a"}, "comp-a": {"executorLabel": "exec-a"}},
        deploymentSpec={
            "executors": {
                "exec-a": {"container": {"image": "a", "args": ["one\n  two\n", "é", "3"]}}
            }
        },
        root={
            "inputDefinitions": {
                "parameters": {
                    "f": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 1},
                    "i": {"parameterType": "NUMBER_INTEGER", "defaultValue": 2},
                }
            }
        },
    )
    assert (
        dump(pipeline)
        == """\
components:
  comp-a:
    executorLabel: exec-a
  comp-b:
    executorLabel: exec-a
deploymentSpec:
  executors:
    exec-a:
      container:
        args:
        - |
          one
            two
        - é
        - '3'
        image: a
pipelineInfo:
  name: p
root:
  inputDefinitions:
    parameters:
      f:
        defaultValue: 1.0
        parameterType: NUMBER_DOUBLE
      i:
        defaultValue: 2
        parameterType: NUMBER_INTEGER
schemaVersion: 2.1.0
sdkVersion: intermodal-0.1.0
"""
    )


def test_a_platform_spec_is_a_second_document():
    platform = json_format.ParseDict(
        {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-a": {"k": 1}}}}}},
        messages.PlatformSpec(),
    )
    text = dump(spec(), platform)
    assert text.count("---") == 1
    assert load(text).platform == platform
    assert "---" not in dump(spec(), messages.PlatformSpec())


def test_the_deployment_is_parsed_out_of_the_struct():
    pipeline = spec(deploymentSpec={"executors": {"exec-a": {"container": {"image": "a"}}}})
    assert parse_deployment(pipeline).executors["exec-a"].container.image == "a"


def test_the_comment_says_what_kfp_says_and_cannot_leave_its_lines():
    pipeline = spec(
        root={
            "inputDefinitions": {
                "artifacts": {"rows": {"artifactType": {"schemaTitle": "system.Dataset"}}},
                "parameters": {
                    "s": {"parameterType": "STRING", "defaultValue": "a\nroot: {}"},
                    "n": {"parameterType": "NUMBER_INTEGER"},
                },
            }
        }
    )
    comment = definition_comment(pipeline, "One\u2028two\x07\nthree")
    assert comment.splitlines() == [
        "# PIPELINE DEFINITION",
        "# Name: p",
        "# Description: One",
        "#              two",
        "#              three",
        "# Inputs:",
        "#    n: int",
        "#    rows: system.Dataset",
        "#    s: str [Default: 'a\\nroot: {}']",
    ]
    assert load(comment + dump(pipeline)).pipeline == pipeline


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(JSON, st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_spec_holds_reads_back_equal(value, text):
    pipeline = spec(
        deploymentSpec={"executors": {"exec-a": {"container": {"image": "a", "args": [text]}}}},
        components={"c": {"outputDefinitions": {"artifacts": {"o": {"metadata": {"k": value}}}}}},
    )
    printed = dump(pipeline, comment=definition_comment(pipeline, text))
    assert load(printed).pipeline == pipeline
    assert list(yaml.safe_load_all(printed)) == read_documents(printed).values


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, 'y', \"z\\n\", 1.5, null, ~, true, no, 0x1f, 1_000, 12:30:45, -.5]\n",
        "a: &x {b: 1}\nc: *x\n",
        "- |\n  one\n  two\n- >\n  folded\n  text\n---\n!!str 5\n",
        "a: !!int '7'\nb: !!float '1'\n",
        "{a: '=', '<<': 1}\n",
        "\ufeffa: 1\n",
    ],
)
def test_plain_yaml_reads_as_pyyaml_reads_it(text):
    documents = read_documents(text)
    assert documents.problems == []
    assert documents.values == list(yaml.safe_load_all(text))


HOSTILE = {
    "deep flow": ("[" * 50_000, "nested"),
    "deep block": ("- " * 50_000, "nested"),
    "deep mapping": ("{a: " * 50_000, "nested"),
    "aliases": (
        "\n".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9 if i else 1}]" for i in range(9)),
        "expand",
    ),
    "recursive": ("a: &a [*a]", "contains itself"),
    "no anchor": ("a: *a", "no anchor"),
    "control character": ("a: \x00", "forbids"),
    "surrogate": ("a: '\ud800'", "Unicode"),
    "key is a list": ("? [a]\n: b", "not text"),
    "huge integer": (f"a: {'9' * 5000}", "2^53"),
    "not a number": ("a: .nan", "JSON"),
    "value": ("a: =", "value"),
    "object": ("a: !!python/object:os.system x", "python"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_a_finding(name):
    text, word = HOSTILE[name]
    problems = read_documents(text).problems
    assert len(problems) == 1
    assert word in problems[0].what
    assert problems[0].mark is not None


def test_nesting_up_to_the_limit_is_read():
    assert read_documents("[" * MAX_DEPTH + "]" * MAX_DEPTH).problems == []
    assert len(read_documents("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).problems) == 1


def test_whole_numbers_keep_their_sign_and_size():
    pipeline = spec(deploymentSpec={"a": [-0.0, 2.0**60, 3.0, 0.5]})
    read = load_values(dump(pipeline))
    assert read == [-0.0, 2.0**60, 3, 0.5]
    assert math.copysign(1, read[0]) == -1
    assert isinstance(read[2], int)


def load_values(text):
    return read_documents(text).values[0]["deploymentSpec"]["a"]


def test_defaults_in_the_comment_have_sorted_keys():
    # Protobuf gives the keys of a map in another order in each process: twenty hold it to one.
    default = {f"key_{number:02}": number for number in reversed(range(20))}
    parameter = {"parameterType": "STRUCT", "defaultValue": default}
    pipeline = spec(root={"inputDefinitions": {"parameters": {"place": parameter}}})
    shown = dict(sorted(default.items()))
    assert f"place: dict [Default: {shown!r}]" in definition_comment(pipeline)
