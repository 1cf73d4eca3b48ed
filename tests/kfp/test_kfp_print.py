"""Printing of specs: whatever the data holds, YAML readers give it back."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from intermodal_compilers.kfp.spec_print import BLOCK, COMPACT, Style, document

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.text("ab \n\t:#-{}[],'\"\\|>&*!%@`\r\x85\u2028\x00\ufeff🎉é0.1y", max_size=20),
    st.sampled_from(["yes", "Null", "1.0", "2.1.0", "1e3", "0x1", "12:30:00", "~", "-", "--a", "=", "<<", "2001-01-01"]),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        TEXTS,
        st.booleans(),
        st.none(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)


@given(MAPPINGS, st.dictionaries(TEXTS, st.sampled_from([{"a": "b"}, {"a": [1], "c": {"d": "e\nf"}}]), min_size=1))  # fmt: skip
def test_yaml_reads_back_what_was_printed(value, components):
    value = {**value, "components": components}
    for style in (BLOCK, COMPACT, *(Style(width) for width in range(10, 60, 7))):
        assert yaml.safe_load(document(value, style)) == value


def test_code_is_a_literal_block_whatever_it_holds():
    code = 'if "🎉":  \n\n    x = "{{$}}"\t# é\n'
    assert document({"a": {"b": [code]}}) == (
        'a:\n  b:\n  - |\n    if "🎉":  \n\n        x = "{{$}}"\t# é\n'
    )


def test_equal_components_are_written_once():
    one = {"executorLabel": "exec-a", "inputDefinitions": {"parameters": {"n": {"x": "y" * 80}}}}
    text = document({"components": {"comp-a": one, "comp-b": one, "comp-c": {"z": 1}}}, COMPACT)
    assert text.count("exec-a") == 1
    assert "  comp-a: &comp-a\n    executorLabel: exec-a\n" in text
    assert "  comp-b: *comp-a\n  comp-c: {z: 1}\n" in text
