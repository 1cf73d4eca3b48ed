"""What branches and short circuits decide, as guards of the tasks after them."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.ir import (
    Compare,
    Default,
    Expression,
    Join,
    Literal_,
    Logic,
    OutputRef,
    Task,
)
from intermodal_compilers.airflow.translate.context import Choice, Context, hosted_of, loop_of
from intermodal_compilers.airflow.translate.hosting import CHOSEN, choice_output, host
from intermodal_compilers.airflow.translate.python_tasks import choosing_task
from intermodal_compilers.airflow.translate.sources import read


def branch_task(task: Task, context: Context) -> Task:
    """A function that says which of the tasks after it run."""
    return choosing_task(task, context, "list")


def branch_operator(task: Task, context: Context) -> Task:
    """An operator of Airflow's that chooses among the tasks after it."""
    context.choices[task.id] = Choice("list", CHOSEN)
    return host(task, context, result="chosen")


def short_circuit_operator(task: Task, context: Context) -> Task:
    """A class of the user's own that says whether the tasks after it run."""
    output = choice_output(task.id, "truth", context)
    given = hosted_of(task).arguments.get("ignore_downstream_trigger_rules")
    context.choices[task.id] = Choice("truth", output, given is None or read(given) is True)
    return host(task, context, result="truth")


def short_circuit_task(task: Task, context: Context) -> Task:
    """A function that says whether the tasks after it run."""
    given = hosted_of(task).arguments.get("ignore_downstream_trigger_rules")
    made = choosing_task(task, context, "truth")
    choice = context.choices[task.id]
    far = given is None or read(given) is True
    context.choices[task.id] = Choice(choice.form, choice.output, far)
    return made


def guard_of(task: str, context: Context, own: Expression | None = None) -> Expression | None:
    """The condition under which its own guard and choices before it let a task run; None if there are none."""
    terms = [*([] if own is None else [own]), *_terms(task, context)]
    if len(terms) < 2:
        return terms[0] if terms else None
    return Logic.of(operator="and", operands=tuple(terms))


def _terms(task: str, context: Context) -> Iterator[Expression]:
    pairing = context.tasks[task].pairing
    is_teardown = pairing is not None and pairing.role == "teardown"
    for chooser, choice in context.choices.items():
        near = task in context.downstream[chooser]
        if _is_many(chooser, task, context):
            if near:
                _refuse(chooser, task, context)
            continue
        if choice.form == "truth" and not is_teardown:
            if near or (choice.far and task in context.all_downstream(chooser)):
                yield _given(chooser, choice, task, context, Literal_.of(value=True))
        elif choice.form != "truth" and near:
            names = _names(chooser, task, context)
            everything = Literal_.of(value=names)
            given = _given(chooser, choice, task, context, everything)
            yield _any_of([_chosen(name, choice, given) for name in names])


def _is_many(chooser: str, task: str, context: Context) -> bool:
    """Whether there are several choices for one task: the chooser is expanded, or stands in a loop."""
    return context.is_expanded(chooser) or bool(context.loop_between(chooser, task))


def _refuse(chooser: str, task: str, context: Context) -> None:
    context.fail(
        f"`{chooser}` decides many times whether `{task}` runs",
        context.tasks[chooser].span,
        "it is expanded, and each instance may choose otherwise",
        f"let `{chooser}` choose once, or stand in the same expanded group as `{task}`",
    )


def _chosen(name: str, choice: Choice, given: Expression) -> Expression:
    literal = Literal_.of(value=name)
    if choice.form == "text":
        return Compare.of(operator="==", left=given, right=literal)
    return Compare.of(operator="in", left=literal, right=given)


def _any_of(terms: list[Expression]) -> Expression:
    return terms[0] if len(terms) == 1 else Logic.of(operator="or", operands=tuple(terms))


def _names(chooser: str, task: str, context: Context) -> list[str]:
    """Names by which a choice lets a task run: its own, and those of tasks and groups on the way to it."""
    ways = [
        one
        for one in context.downstream[chooser]
        if one == task or task in context.all_downstream(one)
    ]
    groups = [
        name
        for name, roots in context.roots.items()
        if set(roots) & set(ways) and name not in map(loop_of, roots)
    ]
    return [*sorted(ways, key=lambda one: one != task), *groups]


def _given(
    chooser: str, choice: Choice, task: str, context: Context, otherwise: Expression
) -> Expression:
    """What was chosen; where nobody chose, since the chooser did not run, only the join rules count."""
    reference = OutputRef.of(node=chooser, output=choice.output)
    between = context.all_upstream(task) & context.all_downstream(chooser)
    if all(context.tasks[one].join is Join.ALL_SUCCESS for one in (task, *between)):
        return reference
    return Default.of(value=reference, fallback=otherwise)
