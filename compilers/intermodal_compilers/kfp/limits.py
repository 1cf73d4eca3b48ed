"""How deep DAGs may stand in each other, and how long conditions may be: beyond, findings."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.analysis import graph
from intermodal.findings import Finding, Span, error
from intermodal.ir import Branch, Pipeline
from intermodal_compilers.kfp.scopes import Scope

# Argo stops at 100 templates in each other; the pipeline's own and those of a task take some.
DEEPEST = 80
# The backend gives a condition to its driver as one argument, of which Linux takes 128 KiB.
MOST_COMPARISONS = 250
# The condition of each arm says that none of those before it holds: all together grow with the square.
MOST_ARMS = 100


class BeyondLimits(Exception):  # noqa: N818 - it is told as a finding
    """What the pipeline asks for is more than KFP takes."""

    def __init__(self, node: str, what: str, why: str, next: str) -> None:
        super().__init__(what)
        self.node, self.what, self.why, self.next = node, what, why, next

    def finding(self, target: str, span: Span | None) -> Finding:
        """The finding, at the node's place."""
        return error("PORT204", f"{target} {self.what}", span, why=self.why, next=self.next)


def check_depth(node: str, scope: Scope) -> None:
    """Refuse a region in a DAG that stands deep in others already."""
    if scope.depth >= DEEPEST:
        raise BeyondLimits(
            node,
            f"cannot run `{node}` as deep in conditions and loops as it stands",
            f"each condition that a task inherits from the tasks before it is a DAG in theirs, and "
            f"KFP's engine stops at 100; here it would be in {scope.depth} of them",
            "let it wait by the rule `none_failed`, or compute what these conditions have in common "
            "in one task and give that as the guard",
        )


def check_comparisons(node: str, count: int) -> None:
    """Refuse a condition of very many comparisons."""
    if count > MOST_COMPARISONS:
        raise BeyondLimits(
            node,
            f"cannot decide by {count} comparisons whether `{node}` runs",
            f"a task runs by the conditions of all that it waits for, and a condition of KFP, which "
            f"is one argument, holds about {MOST_COMPARISONS} comparisons",
            "let it wait by the rule `none_failed`, or compute in one task whether it is to run",
        )


def arm_findings(pipeline: Pipeline, target: str) -> Iterator[Finding]:
    """A finding for each branch of very many conditions."""
    for placed in graph.walk(pipeline):
        branch = placed.node
        if isinstance(branch, Branch) and branch.chooser is None and len(branch.arms) > MOST_ARMS:
            yield error(
                "PORT204",
                f"{target} cannot choose between the {len(branch.arms)} conditions of branch "
                f"`{branch.id}`",
                branch.span or pipeline.span,
                why="the condition of each arm also says that none of those before it holds, which "
                f"grows with the square of the arms: more than {MOST_ARMS} are too long",
                next="compute the name of the arm in a task, and choose by it",
            )
