"""Findings as annotations of GitHub Actions, printed to the job's log."""

from __future__ import annotations

from collections.abc import Sequence

from intermodal.findings import Finding, Severity

COMMAND = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github(findings: Sequence[Finding]) -> str:
    """One workflow command per line."""
    return "\n".join(_annotation(finding) for finding in findings)


def _annotation(finding: Finding) -> str:
    properties: dict[str, str | int] = {}
    if finding.span is not None:
        properties = {
            "file": finding.span.file,
            "line": finding.span.line,
            "col": finding.span.column,
        }
    properties["title"] = finding.code
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    said = [finding.what, finding.why, finding.next and f"next: {finding.next}"]
    message = "\n".join(part for part in said if part)
    return f"::{COMMAND[finding.severity]} {listed}::{_data(message)}"


# The runner's own escapes: actions/toolkit, packages/core/src/command.ts.
def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
