"""A cell of the table counts what is printed."""

from intermodal.cli.matrix import verdict
from intermodal.findings import error, warning


def test_a_finding_that_is_there_twice_is_printed_and_counted_once():
    twice = error("PORT200", "no pools", next="leave it out")
    assert verdict([twice, twice, warning("PORT204", "slow")]) == "1 error"
