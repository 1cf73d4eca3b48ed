"""`when`, `choose`, `for_each` and `group`: regions of a pipeline, written as `with` blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, NoReturn, Self

from intermodal import ir
from intermodal.authoring.blocks import (
    block,
    check_beside,
    check_different_arms,
    check_only_arms,
    without_with,
)
from intermodal.authoring.drafts import BranchDraft, GroupDraft, LoopDraft
from intermodal.authoring.handles import Handle, TaskHandle, as_expression, wrong
from intermodal.authoring.options import COUNT, DOCUMENTED, checked
from intermodal.authoring.spans import caller_span
from intermodal.authoring.tracing import Body, RegionDraft, Tracer, current_tracer
from intermodal.findings import FindingsError, error


class When(TaskHandle):
    """A branch by conditions. Its own block is the first arm."""

    _draft: BranchDraft

    def __init__(self, tracer: Tracer, draft: BranchDraft) -> None:
        super().__init__(tracer, draft, {})
        self._block: Any = None
        self._missing = without_with("when")
        tracer.findings.append(self._missing)

    def __enter__(self) -> Self:
        if self._missing in self._tracer.findings:
            self._tracer.findings.remove(self._missing)
        self._block = self._tracer.collecting(self._draft.arms[0][2])
        self._block.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._block.__exit__(kind, problem, traceback)

    @block
    def elsewhen(self, condition: Any) -> Iterator[When]:
        """The tasks that run if no condition before holds, but this one does."""
        check_beside(self._tracer, self._draft, "elsewhen")
        if self._draft.otherwise is not None:
            wrong("`elsewhen` after `otherwise`", "put `otherwise` last")
        body = Body(self._draft)
        expression = as_expression(self._tracer, condition)
        self._draft.arms.append((f"elsewhen_{len(self._draft.arms)}", expression, body))
        with self._tracer.collecting(body):
            yield self

    @block
    def otherwise(self) -> Iterator[When]:
        """The tasks that run if no condition holds."""
        with _otherwise(self._tracer, self._draft):
            yield self

    def merge(self, *alternatives: Any) -> Handle:
        """The result of the one of these, each from another arm, that ran."""
        return _merged(self._tracer, self._draft, alternatives)


class Choice(TaskHandle):
    """A branch by names: the arms that a value names are taken."""

    _draft: BranchDraft

    @block
    def arm(self, name: str) -> Iterator[Choice]:
        """The tasks that run if the value names this arm."""
        if not isinstance(name, str) or any(name == known for known, _, _ in self._draft.arms):
            wrong(f"`arm` takes no {name!r}", "give each arm a name of its own, as text")
        check_beside(self._tracer, self._draft, "arm")
        body = Body(self._draft)
        self._draft.arms.append((name, None, body))
        with self._tracer.collecting(body):
            yield self

    @block
    def otherwise(self) -> Iterator[Choice]:
        """The tasks that run if the value names no arm."""
        with _otherwise(self._tracer, self._draft):
            yield self

    def merge(self, *alternatives: Any) -> Handle:
        """The result of the one of these, each from another arm, that ran."""
        return _merged(self._tracer, self._draft, alternatives)


def when(condition: Any, *, id: str | None = None, after: Any = ()) -> When:
    """Run the tasks of the block if a condition holds.

    ```python
    with when(scores["f1"] >= floor) as good:
        chosen = promote(model)
    with good.otherwise():
        kept = keep_current()
    announce(good.merge(chosen, kept))
    ```
    """
    tracer = tracer_for("when")
    expression = as_expression(tracer, condition)
    draft = BranchDraft(*_identity(tracer, id, "when"), after=after_list(after))
    draft.arms.append(("when", expression, Body(draft)))
    tracer.place(draft)
    return When(tracer, draft)


@block
def choose(value: Any, *, id: str | None = None, after: Any = ()) -> Iterator[Choice]:
    """Run the arms that a value names: text, or a list of texts.

    ```python
    with choose(size_of(rows)) as way:
        with way.arm("small"):
            train_here(rows)
        with way.arm("large"):
            train_there(rows)
    ```
    """
    tracer = tracer_for("choose")
    draft = BranchDraft(*_identity(tracer, id, "choose"), after=after_list(after))
    draft.chooser = as_expression(tracer, value)
    tracer.place(draft)
    yield Choice(tracer, draft, {})
    check_only_arms(draft)
    if not draft.arms:
        wrong("`choose` without arms", "write `with way.arm('name'):` inside its block")


@block
def for_each(
    *lists: Any,
    combine: Literal["zip", "product"] = "zip",
    max_parallel: int | None = None,
    id: str | None = None,
    after: Any = (),
) -> Iterator[Any]:
    """Run the tasks of the block once for each item of a list.

    Over several lists it goes by their items side by side (`zip`, which ends with the shortest), or by all
    their combinations (`product`): `with for_each(regions, years, combine="product") as (region, year):`.
    A dict is gone over by pairs: `item[0]` is the key.
    """
    tracer = tracer_for("for_each")
    draft = new_loop(tracer, lists, combine, max_parallel, id=id or "for_each", after=after)
    with tracer.collecting(draft.body):
        yield loop_items(tracer, draft)


def new_loop(
    tracer: Tracer,
    lists: tuple[Any, ...],
    combine: str,
    max_parallel: int | None,
    *,
    id: str,
    after: Any = (),
) -> LoopDraft:
    """Place a loop."""
    if not lists or combine not in ("zip", "product"):
        wrong("`for_each` has nothing to go over", "give it lists, and combine='zip' or 'product'")
    limit = checked({"max_parallel": COUNT}, {"max_parallel": max_parallel}, "a loop")
    expressions = tuple(_list_of(tracer, value) for value in lists)
    draft = LoopDraft(*_identity(tracer, id, id), after=after_list(after))
    draft.fields.update(limit)
    how = "single" if len(lists) == 1 else combine
    draft.items = ir.Items.of(lists=expressions, combine=how)
    draft.body.region = draft
    tracer.place(draft)
    return draft


def loop_items(tracer: Tracer, draft: LoopDraft) -> Any:
    """What stands for the current item; a tuple where there are several lists."""
    item = Handle(tracer, ir.ItemRef.of(loop=draft.id), f"the item of `{draft.id}`")
    if draft.items.combine == "single":
        return item
    return tuple(item[position] for position in range(len(draft.items.lists)))


@block
def group(
    name: str, *, display_name: str | None = None, docs: str | None = None, after: Any = ()
) -> Iterator[TaskHandle]:
    """Put the tasks of the block under a name. They can be used outside it as before."""
    tracer = tracer_for("group")
    settings = checked(DOCUMENTED, {"display_name": display_name, "docs": docs}, "a group")
    draft = new_group(tracer, name, settings, after)
    with tracer.collecting(draft.body):
        yield TaskHandle(tracer, draft, {})


def new_group(
    tracer: Tracer, name: str, settings: Mapping[str, Any], after: Any = ()
) -> GroupDraft:
    """Place a group."""
    identity, fields = _identity(tracer, name, name)
    draft = GroupDraft(identity, {**fields, **settings}, after_list(after))
    draft.body.region = draft
    tracer.place(draft)
    return draft


def collect(result: Any) -> Handle:
    """The results of a task in a loop, one for each item, as a list to use after the loop.

    Items for which the task did not run are left out. A task in nested loops gives a list of lists.
    """
    tracer = tracer_for("collect")
    reference = _output_of(tracer, result, "collect")
    loops = 0
    for region in _left(tracer, reference):
        if isinstance(region, LoopDraft):
            reference = _given(region.id, region.outputs, reference, reference)
            loops += 1
        elif isinstance(region, BranchDraft):
            reference = _given(region.id, region.outputs, reference, (reference,))
    if not loops:
        _uncollected(tracer, reference)
    return Handle(tracer, reference, f"the results of `{reference.node}`")


def after_list(after: Any) -> list[str]:
    """Ids of the nodes in an `after=` option: of tasks and regions, or of what gives an output.

    Raises:
        FindingsError: If something in it is no task result.
    """
    given = after if isinstance(after, (list, tuple)) else (after,)
    return list(dict.fromkeys(_node_of(item) for item in given))


def _node_of(item: Any) -> str:
    if isinstance(item, ir.OutputRef):
        return item.node
    if isinstance(item, TaskHandle):
        return item._draft.id
    if isinstance(item, Handle) and isinstance(item._expression, ir.OutputRef):
        return item._expression.node
    if isinstance(item, Handle) and (loop := _loop_of(item._expression)):
        return loop
    return wrong(
        "`after` takes results of task calls, and regions",
        "write `after=[load()]`, or `after=[item]` for all of the loop that goes by that item",
    )


def _loop_of(expression: ir.Expression) -> str | None:
    """The loop whose item this is; of several lists each gives an entry of it."""
    if isinstance(expression, ir.Index):
        expression = expression.base
    return expression.loop if isinstance(expression, ir.ItemRef) else None


def tracer_for(what: str) -> Tracer:
    """The tracer of the pipeline that is being written.

    Raises:
        FindingsError: There is none.
    """
    tracer = current_tracer()
    if tracer is None:
        raise FindingsError(
            [
                error(
                    "PORT116",
                    f"`{what}(...)` was called outside a pipeline",
                    caller_span(),
                    next="call it in a function decorated with `@pipeline`",
                )
            ]
        )
    return tracer


def _uncollected(tracer: Tracer, reference: ir.OutputRef) -> NoReturn:
    draft = tracer.drafts[reference.node]
    if isinstance(draft, LoopDraft):
        wrong(
            "`collect` of what is a list already", "use it itself: `map` and `collect` give lists"
        )
    loop = next((region for region in draft.regions() if isinstance(region, LoopDraft)), None)
    if loop is not None:
        wrong(
            f"`collect` of `{draft.id}` stands inside its loop `{loop.id}`",
            "call it after the block of the loop has ended; inside, use the result itself",
            "the list is there when all items are done",
        )
    wrong(f"`collect` of `{draft.id}`, which stands in no loop", "use the result itself")


@contextmanager
def _otherwise(tracer: Tracer, draft: BranchDraft) -> Iterator[None]:
    check_beside(tracer, draft, "otherwise")
    if draft.otherwise is not None:
        wrong("a second `otherwise` of one branch", "write its tasks into the first")
    draft.otherwise = Body(draft)
    with tracer.collecting(draft.otherwise):
        yield


def _merged(tracer: Tracer, draft: BranchDraft, alternatives: tuple[Any, ...]) -> Handle:
    references = tuple(_output_of(tracer, value, "merge") for value in alternatives)
    for reference in references:
        if draft not in tracer.drafts[reference.node].regions():
            wrong(
                f"`merge` of `{reference.node}`, which stands outside `{draft.id}`",
                "merge results of tasks in the branch's own blocks",
            )
    check_different_arms(tracer, draft, references)
    if not references:
        wrong("`merge` of nothing", "give it a result of each arm")
    name = "return" if not draft.outputs else f"return_{len(draft.outputs) + 1}"
    draft.outputs[name] = references
    merged = ir.OutputRef.of(node=draft.id, output=name)
    return Handle(tracer, merged, f"what `{draft.id}` gives")


def _left(tracer: Tracer, reference: ir.OutputRef) -> list[RegionDraft]:
    """The regions around a result that have been left since, innermost first."""
    around: set[int] = set()
    region = tracer.here.region
    while region is not None:
        around.add(id(region))
        region = region.home.region
    regions = tracer.drafts[reference.node].regions()
    return [region for region in regions if id(region) not in around]


def _given(
    region: str, outputs: dict[str, Any], reference: ir.OutputRef, value: Any
) -> ir.OutputRef:
    """A reference to what a region gives; the same value is given once."""
    known = next((name for name, given in outputs.items() if given == value), None)
    own = reference.node if reference.output == "return" else reference.output
    name = known or _free(own, outputs)
    outputs[name] = value
    return ir.OutputRef.of(node=region, output=name)


def _free(name: str, taken: Mapping[str, Any]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    return free


def _output_of(tracer: Tracer, value: Any, what: str) -> ir.OutputRef:
    expression = as_expression(tracer, value)
    if not isinstance(expression, ir.OutputRef):
        wrong(
            f"`{what}` takes results of tasks",
            "return it from a task in the block: a value written here, an item, or an entry `[...]` is no "
            "result of one",
        )
    return expression


def _list_of(tracer: Tracer, value: Any) -> ir.Expression:
    """What a loop goes over: a handle, a list or a dict."""
    if isinstance(value, range):
        value = list(value)
    if not isinstance(value, (Handle, ir.Node, list, tuple, dict)):
        wrong(
            f"a loop goes over no `{type(value).__name__}`",
            "give it a list, a dict, a parameter or a task's result",
        )
    return as_expression(tracer, value)


def _identity(tracer: Tracer, id: str | None, base: str) -> tuple[str, dict[str, Any]]:
    """The id and the span of a new region."""
    span = caller_span()
    return tracer.new_id(id or base, span, explicit=False), {"span": span}
