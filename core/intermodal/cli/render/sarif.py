"""Findings as SARIF 2.1.0, which code scanning services show beside the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from intermodal import __version__
from intermodal.codes import CODES
from intermodal.findings import Finding, Severity, Span

# OASIS Standard, section 3.27.10.
LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif(findings: Sequence[Finding]) -> dict[str, Any]:
    """One run of one tool, with a rule for each code that was found."""
    codes = sorted({finding.code for finding in findings})
    index = {code: position for position, code in enumerate(codes)}
    driver = {
        "name": "Intermodal",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    results = [_result(finding, index[finding.code]) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    title, story = CODES[code]
    return {
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": story},
        "help": {"text": f"{story} `port explain {code}` tells more."},
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    said = [
        finding.what,
        finding.why and f"Why: {finding.why}",
        finding.next and f"Next: {finding.next}",
    ]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": LEVEL[finding.severity],
        "message": {"text": "\n".join(part for part in said if part)},
    }
    if finding.span is not None:
        result["locations"] = [{"physicalLocation": _place(finding.span)}]
    return result


def _place(span: Span) -> dict[str, Any]:
    uri = quote(span.file.replace("\\", "/"))
    artifact: dict[str, Any] = {"uri": f"file://{uri}"} if uri.startswith("/") else {"uri": uri}
    return {
        "artifactLocation": artifact,
        "region": {"startLine": max(span.line, 1), "startColumn": max(span.column, 1)},
    }
