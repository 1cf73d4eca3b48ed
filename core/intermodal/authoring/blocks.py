"""`with` blocks of regions, and whether they and what they merge stand where they must."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import ParamSpec, TypeVar

from intermodal import ir
from intermodal.authoring.drafts import BranchDraft
from intermodal.authoring.handles import wrong
from intermodal.authoring.spans import caller_span
from intermodal.authoring.tracing import Tracer, current_tracer
from intermodal.findings import Finding, FindingsError, error

P = ParamSpec("P")
T = TypeVar("T")


class Block(AbstractContextManager[T]):
    """A `with` block of a pipeline.

    Until it is entered there is a finding: without `with`, its tasks would silently stand outside it.
    """

    def __init__(self, inner: AbstractContextManager[T], name: str) -> None:
        self._inner = inner
        self._tracer = current_tracer()
        self._missing = without_with(name)
        if self._tracer is not None:
            self._tracer.findings.append(self._missing)

    def __enter__(self) -> T:
        if self._tracer is not None and self._missing in self._tracer.findings:
            self._tracer.findings.remove(self._missing)
        return self._inner.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._inner.__exit__(kind, problem, traceback)


def block(function: Callable[P, Iterator[T]]) -> Callable[P, Block[T]]:
    """`contextmanager`, for regions."""
    entering = contextmanager(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Block[T]:
        return Block(entering(*args, **kwargs), function.__name__)

    return call


def without_with(name: str) -> Finding:
    """The finding about a region that is called, but not entered."""
    return error(
        "PORT116",
        f"`{name}(...)` stands without `with`",
        caller_span(),
        why="the tasks below it would not belong to it",
        next=f"write `with ...{name}(...):`, and indent its tasks"
        if name in ("otherwise", "elsewhen", "arm")
        else f"write `with {name}(...):`, and indent its tasks",
    )


def check_beside(tracer: Tracer, draft: BranchDraft, what: str) -> None:
    """The arms of a branch stand beside each other, in the block where the branch stands."""
    if tracer.here is not draft.home:
        wrong(
            f"`{what}` of `{draft.id}` stands inside another block",
            f"indent it as the branch itself, after the other block has ended: `with ...{what}(...):`",
            "its tasks would belong to the branch, and not to the block around it",
        )


def check_only_arms(choice: BranchDraft) -> None:
    """Tasks of a `choose` stand in its arms."""
    following = choice.home.drafts[choice.home.drafts.index(choice) + 1 :]
    if following:
        raise FindingsError(
            [
                error(
                    "PORT116",
                    f"`{draft.id}` stands in the block of `{choice.id}`, but in none of its arms",
                    draft.fields["span"],
                    why="it would run whichever arm is taken",
                    next="move it into `with way.arm(...)`, or out of the block",
                )
                for draft in following
            ]
        )


def check_different_arms(
    tracer: Tracer, draft: BranchDraft, references: tuple[ir.OutputRef, ...]
) -> None:
    """Of what is merged, one runs: no two stand in the same arm."""
    arms: dict[int, str] = {}
    for reference in references:
        node = tracer.drafts[reference.node]
        homes = [node.home, *(region.home for region in node.regions())]
        arm = next(home for home in homes if home.region is draft)
        first = arms.setdefault(id(arm), reference.node)
        if first != reference.node:
            wrong(
                f"`merge` of `{first}` and `{reference.node}`, which stand in the same arm of `{draft.id}`",
                "give `merge` one result of each arm; merge twice for two results",
                "both of them run, and only one could be given",
            )
