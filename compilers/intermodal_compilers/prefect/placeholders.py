"""Text that Prefect leaves alone: `{{ name }}` in `prefect.yaml` is a template when it is deployed."""

from __future__ import annotations

import re

# Prefect's own pattern (prefect.utilities.templating.PLACEHOLDER_CAPTURE_REGEX).
PLACEHOLDER = re.compile(r"{{\s*[\w\.\-\[\]$]+\s*}}")

# A placeholder with no value is replaced by nothing, after everything else has been looked at.
NOTHING = "{{ intermodal.nothing }}"


def has_placeholder(text: str) -> bool:
    """Whether Prefect would take part of the text for a template."""
    return PLACEHOLDER.search(text) is not None


def literal_text(text: str) -> str:
    """Text that is the given one again once Prefect has filled in its templates.

    The braces of each placeholder are kept apart by another one that stands for nothing. Prefect looks
    for placeholders once, before it replaces any, so that what comes out is not looked at again.
    """
    return PLACEHOLDER.sub(lambda found: "{" + NOTHING + found.group(0)[1:], text)
