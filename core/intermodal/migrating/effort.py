"""How much work is left: a simple model, stated in the report so that anybody can put in other numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from intermodal.importing import Support

# Minutes of a person who knows the pipeline.
PIPELINE = 5
TASK: Mapping[Support, int] = {"native": 0, "lowered": 2, "hosted": 5, "hole": 20}
REFUSAL = 30

STATED = (
    f"{PIPELINE} minutes to look through each pipeline, "
    f"{TASK['lowered']} for each lowered task, {TASK['hosted']} for each hosted one, "
    f"{TASK['hole']} for each hole, and {REFUSAL} for each reason for which a target refuses a pipeline"
)


def minutes(supports: Iterable[Support], refusals: int) -> int:
    """Minutes left for one pipeline.

    Args:
        supports: What its tasks become.
        refusals: Different reasons for which targets refuse it.
    """
    return PIPELINE + sum(TASK[support] for support in supports) + REFUSAL * refusals


def shown(total: int) -> str:
    """Minutes as people say them: `40 min`, `6.5 h`, `12 days` (of 8 hours)."""
    if total < 90:
        return f"{total} min"
    hours = total / 60
    if hours < 24:
        return f"{hours:.1f} h"
    return f"{hours / 8:,.0f} days"
