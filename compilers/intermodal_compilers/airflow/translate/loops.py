"""Expanded tasks as loops with one task inside."""

from __future__ import annotations

from intermodal.ir import (
    BodyNode,
    Expression,
    ForEach,
    Hosted,
    Index,
    ItemRef,
    Items,
    Join,
    ListOf,
    Literal_,
    MapOf,
    OutputRef,
    Task,
)
from intermodal_compilers.airflow.translate.context import Context, hosted_of, loop_of
from intermodal_compilers.airflow.translate.functions import plain_function
from intermodal_compilers.airflow.translate.kinds import is_made_by_decorator
from intermodal_compilers.airflow.translate.parameters import is_json
from intermodal_compilers.airflow.translate.sources import read


def unexpanded(task: Task, context: Context) -> tuple[Task, Items] | None:
    """The task as one instance of it, and what the loop goes over; None with a finding where it cannot be."""
    action = hosted_of(task)
    if task.join is not Join.ALL_SUCCESS:
        _refuse(
            task,
            context,
            f"an expanded task with the join rule `{task.join.value}` is none of its own",
        )
        return None
    item = ItemRef.of(loop=loop_of(task.id))
    if action.expand_maps is not None:
        lists: list[Expression | None] = [_list(action.expand_maps, context)]
        arguments = _from_maps(action, item)
    else:
        lists = [_list(value, context) for value in action.expand.values()]
        arguments = _from_lists(action, item)
    if arguments is None or None in lists:
        _refuse(task, context, "what it is expanded over is known only when Airflow runs it")
        return None
    given = tuple(one for one in lists if one is not None)
    if any("{{" in repr(one) for one in given):
        context.templated.add(loop_of(task.id))
    items = Items.of(lists=given, combine="product" if len(given) > 1 else "single")
    single = action.model_copy(update={"arguments": arguments, "expand": {}, "expand_maps": None})
    return task.model_copy(update={"action": single}), items


def loop_around(nodes: list[Task], items: Items, after: tuple[str, ...]) -> BodyNode:
    """The loop; what its task gives is collected."""
    task = nodes[0]
    return ForEach.of(
        id=loop_of(task.id),
        items=items,
        body=tuple(nodes),
        outputs={name: OutputRef.of(node=task.id, output=name) for name in task.outputs},
        after=after,
        span=task.span,
    )


def _refuse(task: Task, context: Context, why: str) -> None:
    context.fail(
        f"`{task.id}` cannot be expanded here",
        task.span,
        why,
        "expand it over a list or over what another task returns, without a trigger rule",
    )


def _list(value: Expression, context: Context) -> Expression | None:
    """The list of items; None where it is code."""
    if isinstance(value, (ListOf, MapOf, OutputRef, Index)):
        return context.resolved(value)
    found = read(value)
    if not isinstance(found, (list, dict)):
        return None
    return Literal_.of(value=found) if is_json(found) else None


def _from_lists(action: Hosted, item: Expression) -> dict[str, Expression]:
    names = list(action.expand)
    if len(names) == 1:
        return _added(action, {names[0]: item})
    parts = {
        name: Index.of(base=item, key=Literal_.of(value=position))
        for position, name in enumerate(names)
    }
    return _added(action, dict(parts))


def _from_maps(action: Hosted, item: Expression) -> dict[str, Expression] | None:
    """Arguments for maps of them; None where nobody knows their names before the run."""
    maps = read(action.expand_maps)
    names: list[str] | None = None
    if isinstance(maps, list) and maps and all(isinstance(one, dict) for one in maps):
        same = all(one.keys() == maps[0].keys() for one in maps)
        names = list(maps[0]) if same else None
    if names is None and is_decorated(action):
        names = _required(action)
        if names is None:
            return {**action.arguments, "op_kwargs": item} if _is_free(action) else None
    if names is None:
        return None
    parts: dict[str, Expression] = {
        name: Index.of(base=item, key=Literal_.of(value=name)) for name in names
    }
    return _added(action, parts)


def _required(action: Hosted) -> list[str] | None:
    """Names of what a function takes, if there is no choice what to give."""
    source = action.arguments.get("python_callable")
    found = plain_function(source) if source is not None and source.op == "source" else None
    if found is None or found.defaulted or found.node.args.kwarg:
        return None
    given = read(action.arguments.get("op_kwargs"))
    known = set(given) if isinstance(given, dict) else set()
    return [one.arg for one in found.parameters if one.arg not in known]


def _is_free(action: Hosted) -> bool:
    return read(action.arguments.get("op_kwargs")) in (None, {})


def is_decorated(action: Hosted) -> bool:
    """Whether a decorator made the class: then the arguments are those of its function."""
    return is_made_by_decorator(action.class_path)


def _added(action: Hosted, parts: dict[str, Expression]) -> dict[str, Expression]:
    if not is_decorated(action):
        return {**action.arguments, **parts}
    given = action.arguments.get("op_kwargs")
    known: dict[str, Expression] = {}
    if isinstance(given, MapOf):
        known = dict(given.entries)
    elif isinstance(given, Literal_) and isinstance(given.value, dict):
        known = {name: Literal_.of(value=value) for name, value in given.value.items()}
    return {**action.arguments, "op_kwargs": MapOf.of(entries={**known, **parts})}
