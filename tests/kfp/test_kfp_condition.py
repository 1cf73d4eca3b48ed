"""Conditions: the CEL that KFP writes, and its mistakes."""

import pytest

from intermodal_compilers.kfp.condition import check_condition
from intermodal_compilers.kfp.placeholders import placeholders_in, placeholders_of_argument

TYPES = {
    "s": "STRING",
    "n": "NUMBER_INTEGER",
    "d": "NUMBER_DOUBLE",
    "b": "BOOLEAN",
    "l": "LIST",
    "m": "STRUCT",
    "any": "",
    "pipelinechannel--x-Output": "STRING",
}
V = "inputs.parameter_values"

SOUND = [
    f"{V}['s'] == 'x'",
    f'{V}["s"] != "x"',
    f"{V}['pipelinechannel--x-Output'] == 'it\\'s'",
    f"!(int({V}['n']) < 5000) && !(int({V}['n']) > 5000)",
    f"{V}['b'] == true || false",
    f"{V}['b']",
    f"!{V}['b']",
    f"double({V}['n']) >= 0.5e-3",
    f"{V}['n'] == {V}['d']",
    f"-{V}['n'] < 3 + 4 * 2 % 3",
    f"string({V}['n']) in ['1', '2']",
    f"{V}['s'] in {V}['m']",
    f"'x' in {V}['l']",
    f"{V}['any'] == 3",
    f"{V}.s.startsWith('a') && {V}.s.size() > 1",
    f"size({V}['l']) > 0 ? true : {V}['b']",
    f"{V}['l'].exists(item, item == 3)",
    f"{V}['m']['key'] == 1",
    f"{V}['m'].key == 1",
    f"{V}['s'] == null",
    f"has({V}.s)",
    "{'a': 1}['a'] == 1",
    "inputs.parameters['s'].string_value == 'x'",
    "inputs.artifacts['model'][0].properties['accuracy']*100 > 90",
    "true // a comment",
    "r'\\d' == '''a'b'''",
]

BROKEN = [
    ("", "PORT317", 0),
    ("   ", "PORT317", 3),
    (f"{V}['s'] ==", "PORT317", 31),
    (f"{V}['s'] = 'x'", "PORT317", 29),
    (f"{V}['s'] == 'x", "PORT317", 32),
    (f"({V}['b']", "PORT317", 29),
    (f"{V}['b'])", "PORT317", 28),
    (f"{V}[s] == 'x'", "PORT317", 24),
    ("inputs.values['s'] == 'x'", "PORT317", 7),
    ("inputs == 'x'", "PORT317", 7),
    ("true and false", "PORT317", 5),
    ("not true", "PORT317", 4),
    ("lower('A') == 'a'", "PORT317", 0),
    ("'A'.lower() == 'a'", "PORT317", 4),
    ("int() == 1", "PORT317", 0),
    ("a @ b", "PORT317", 2),
    ("(" * 2000, "PORT317", 40),
    (f"{V}['q'] == 3", "PORT318", 24),
    ("inputs.artifacts['q'].uri == ''", "PORT318", 17),
    (f"{V}['model'] == ''", "PORT318", 24),
    ("True", "PORT318", 0),
    (f"{V}['s'] == 3", "PORT319", 29),
    (f"{V}['n'] == '3'", "PORT319", 29),
    (f"{V}['b'] == 'true'", "PORT319", 29),
    (f"{V}['l'] > 3", "PORT319", 29),
    (f"{V}['n']", "PORT319", 0),
    (f"{V}['n'] && true", "PORT319", 29),
    (f"!{V}['s']", "PORT319", 0),
    (f"{V}['s'] + 1 == 'a'", "PORT319", 29),
    ("-'a' == 'a'", "PORT319", 0),
    ("'a' in 'abc'", "PORT319", 4),
    (f"int({V}['b']) == 1", "PORT319", 0),
    (f"{V}['s']['x'] == 1", "PORT319", 28),
    (f"{V}['n'].contains('1')", "PORT319", 29),
    ("1 ? true : false", "PORT319", 2),
]


@pytest.mark.parametrize("text", SOUND)
def test_a_sound_condition(text):
    assert check_condition(text, TYPES, {"model"}).problems == ()


@pytest.mark.parametrize(("text", "code", "position"), BROKEN)
def test_a_broken_condition(text, code, position):
    problems = check_condition(text, TYPES, {"model"}).problems
    assert [(problem.code, problem.position) for problem in problems] == [(code, position)]


def test_what_a_condition_uses():
    condition = check_condition(
        f"{V}['s'] == '' && inputs.artifacts['model'].uri == ''", TYPES, {"model"}
    )
    assert (condition.parameters, condition.artifacts) == ({"s"}, {"model"})


def test_long_conditions_cost_no_depth():
    text = " && ".join([f"{V}['b']"] * 3000) + " && " + "!" * 3000 + "true"
    assert check_condition(text, TYPES, ()).problems == ()


PLACEHOLDERS = [
    ("{{$}}", "", "", "", True),
    ("{{$.inputs.parameters['x']}}", "inputs", "parameters", "x", True),
    ('{{$.inputs.parameters["x"]}}', "inputs", "parameters", "x", True),
    ("{{$.inputs.artifacts['x']}}", "inputs", "artifacts", "x", True),
    ("{{$.inputs.artifacts['x'].uri}}", "inputs", "artifacts", "x", True),
    ("{{$.outputs.artifacts['x'].metadata['k']}}", "outputs", "artifacts", "x", True),
    ("{{$.outputs.parameters['x'].output_file}}", "outputs", "parameters", "x", True),
    ("{{$.pipeline_job_uuid}}", "", "", "", True),
    ("{{$.outputs.parameters['x']}}", "outputs", "parameters", "x", False),
    ("{{$.inputs.parameters['x'].path}}", "inputs", "parameters", "x", False),
    ("{{$.inputs.artifacts['x'].size}}", "inputs", "artifacts", "x", False),
    ("{{$.inputs.parameters.x}}", "", "", "", False),
    ("{{$.nothing}}", "", "", "", False),
]


@pytest.mark.parametrize(("text", "side", "kind", "name", "is_sound"), PLACEHOLDERS)
def test_a_placeholder(text, side, kind, name, is_sound):
    assert placeholders_in(f"a {text} b") == [(text, side, kind, name, is_sound)]


def test_placeholders_of_the_json_forms():
    text = (
        '{"IfPresent": {"InputName": "x", "Then": {"Concat": ["a", "{{$.inputs.parameters[\'y\']}}"]},'
        ' "Else": ["{{$.outputs.artifacts[\'z\'].path}}"]}}'
    )
    assert {found.name for found in placeholders_of_argument(text)} == {"x", "y", "z"}
    assert [f.is_sound for f in placeholders_of_argument('{"Concat": [')] == [False]
    assert [f.is_sound for f in placeholders_of_argument('{"Concat": ' + "[" * 50_000)] == [False]
    assert placeholders_of_argument("print({'Concat': 1})") == []
