"""Findings as JSON data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from intermodal.findings import Finding


def finding_data(finding: Finding) -> dict[str, Any]:
    """One finding; absent parts are left out."""
    return finding.to_data()


def to_json(data: Any) -> str:
    """JSON for a machine that a person may read too; no newline at the end."""
    return json.dumps(data, indent=2, ensure_ascii=False)


def findings_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings in order."""
    return [finding_data(finding) for finding in findings]
