"""Results as JUnit XML: one test case for each pipeline, target and profile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from intermodal.findings import Finding, Severity

# What XML 1.0 cannot hold in any form.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Case(NamedTuple):
    """One row of the report: what was compiled for what, and what was found."""

    group: str
    name: str
    findings: tuple[Finding, ...]


def junit(cases: Sequence[Case]) -> str:
    """The document; warnings and notes are told, only errors fail a case."""
    failed = sum(any(_is_error(f) for f in case.findings) for case in cases)
    head = f'name="intermodal" tests="{len(cases)}" failures="{failed}" errors="0"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {head}>",
            f"  <testsuite {head}>",
            *(line for case in cases for line in _case(case)),
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(case: Case) -> list[str]:
    head = f"    <testcase classname={_attribute(case.group)} name={_attribute(case.name)}"
    errors = [f for f in case.findings if _is_error(f)]
    others = [f for f in case.findings if not _is_error(f)]
    if not case.findings:
        return [f"{head}/>"]
    lines = [f"{head}>"]
    if errors:
        message = f"{errors[0].code}: {errors[0].what}"
        said = "\n\n".join(_said(f) for f in errors)
        lines.append(
            f'      <failure type="{errors[0].code}" message={_attribute(message)}>'
            f"{_text(said)}</failure>"
        )
    if others:
        said = "\n\n".join(_said(f) for f in others)
        lines.append(f"      <system-out>{_text(said)}</system-out>")
    return [*lines, "    </testcase>"]


def _said(finding: Finding) -> str:
    place = f"{finding.span}\n" if finding.span else ""
    parts = [f"{place}{finding.severity}[{finding.code}]: {finding.what}"]
    parts += [
        f"{label}: {said}" for label, said in (("why", finding.why), ("next", finding.next)) if said
    ]
    return "\n".join(parts)


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _attribute(text: str) -> str:
    return quoteattr(_FORBIDDEN.sub("\ufffd", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))
