"""The functions of the tasks that structure a DAG: choices, checks, items, what loops gather."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from intermodal.ir import (
    Join,
    ListType,
    Literal_,
    Type,
)
from intermodal_compilers.airflow.formulas import Formula
from intermodal_compilers.airflow.functions import OWN_NAMES, SKIP, negated, written
from intermodal_compilers.airflow.plan import (
    Check,
    Choose,
    Collect,
    Collected,
    Decide,
    Give,
    ListItems,
    Say,
    Unit,
)
from intermodal_compilers.airflow.python_tasks import (
    Written,
    output_settings,
)
from intermodal_compilers.airflow.views import TaskView
from intermodal_compilers.pysource import (
    Call,
    Expr,
    Name,
    Operation,
    Value,
    call,
    dict_of,
    layout,
    list_of,
    tuple_of,
)


def write_work(unit: Unit, view: TaskView) -> Written:
    """The function of a task that the user did not write."""
    formula = Formula(view, set(OWN_NAMES))
    work = unit.work
    writer: Callable[..., Written] = WRITERS[type(work)]
    return writer(unit, work, formula, view)


def _write_choose(unit: Unit, work: Choose, formula: Formula, view: TaskView) -> Written:
    docs = "The arms to take." if work.by_name else "The tasks to go on with."
    if work.chooser is not None:
        return written(unit, view, formula, _lines_of_chooser(work, formula), docs=docs)
    lines: list[str] = []
    rest = list(work.otherwise)
    for way in work.ways:
        if way.condition is None:
            rest = list(way.heads)
            break
        condition = formula.condition(way.condition)
        lines += formula.statements()
        formula.lines, formula.fetched = [], []
        lines += layout(condition, prefix="if ", suffix=":", around=1)
        lines += layout(Value(list(way.heads)), prefix="return ", indent=1, around=1)
    lines += layout(Value(rest), prefix="return ", around=1)
    return written(unit, view, formula, lines, docs=docs)


def _lines_of_chooser(work: Choose, formula: Formula) -> list[str]:
    assert work.chooser is not None
    chosen = formula.value(work.chooser)
    arms = {way.name: list(way.heads) for way in work.ways}
    formula.helpers.add("as_names")
    heads = "[head for name in as_names({}) for head in arms[name]]"
    from intermodal_compilers.pysource import inline

    lines = [*formula.statements(), *layout(Value(arms), prefix="arms = ", around=1)]
    text = heads.format(inline(chosen))
    if not work.otherwise:
        return [*lines, f"return {text}"]
    lines.append(f"heads = {text}")
    return [*lines, *layout(Value(list(work.otherwise)), prefix="return heads or ", around=1)]


def _write_check(unit: Unit, work: Check, formula: Formula, view: TaskView) -> Written:
    docs = "Whether to go on."
    lines: list[str] = []
    holds = formula.condition(work.condition)
    known = [Name(n) for n, leaf in formula.leaves.items() if leaf.op == "output"]
    if work.only_if_known and known:
        missing: Expr = (
            Operation("is", (known[0], Value(None)))
            if len(known) == 1
            else Operation("in", (Value(None), tuple_of(known)))
        )
        known_line = "    return" if work.skips_itself else "    return True"
        lines = [*layout(missing, prefix="if ", suffix=":", around=1), known_line]
    lines += formula.statements()
    if work.skips_itself:
        formula.helpers.add("AirflowSkipException")
        lines += [*layout(negated(holds), prefix="if ", suffix=":", around=1), SKIP]
        docs = "Skipped unless the condition holds."
    else:
        lines += layout(holds, prefix="return ", around=1)
    return written(unit, view, formula, lines, docs=docs)


def _write_give(unit: Unit, work: Give, formula: Formula, view: TaskView) -> Written:
    values = {name: formula.value(e) for name, e in work.values.items()}
    only = values.get("return") if len(values) == 1 else None
    lines = [
        *formula.statements(),
        *layout(dict_of(values) if only is None else only, prefix="return ", around=1),
    ]
    settings = output_settings(unit.task)
    return written(unit, view, formula, lines, docs=work.docs, settings=settings)


def _write_items(unit: Unit, work: ListItems, formula: Formula, view: TaskView) -> Written:
    docs = "What the loop goes over."
    lists: list[Expr] = []
    for part in work.lists:
        value = formula.value(part)
        if view.may_be_reference(part):
            formula.helpers.add("loaded")
            value = call("loaded", value)
        plain = isinstance(view.type_of(part), ListType) or (
            isinstance(part, Literal_) and isinstance(part.value, list)
        )
        if not plain:
            formula.helpers.add("as_items")
            value = call("as_items", value)
        lists.append(value)
    lines = formula.statements()
    if work.combine == "single":
        return written(
            unit, view, formula, [*lines, *layout(lists[0], prefix="return ", around=1)], docs=docs
        )
    module = "itertools" if work.combine == "product" else ""
    combined: Expr = (
        call("itertools.product", *lists)
        if work.combine == "product"
        else Call(Name("zip"), tuple(lists), {"strict": Value(False)})
    )
    lines += layout(combined, prefix="combined = ", around=1)
    lines.append("return [list(item) for item in combined]")
    return written(unit, view, formula, lines, docs=docs, helpers={module} if module else None)


def _write_collect(unit: Unit, work: Collect, formula: Formula, view: TaskView) -> Written:
    docs = "What the iterations gave." if work.outputs else "Ends as the loop does."
    lines: list[str] = []
    items = None if work.items is None else formula.value(work.items)
    ways: list[Expr] = []
    if items is not None and not isinstance(work.items, Literal_):
        ways.append(Operation("is", (items, Value(None))))
    if work.any_done is not None:
        done = Operation("is", (formula.value(work.any_done), Value(None)))
        ways.append(done if items is None else Operation("and", (items, done)))
    if ways:
        test = ways[0] if len(ways) == 1 else Operation("or", tuple(ways))
        formula.helpers.add("AirflowSkipException")
        lines += [
            *layout(test, prefix="if ", suffix=":", around=1),
            SKIP,
        ]
    values = {
        name: _gathered(output, work, items, formula, view) for name, output in work.outputs.items()
    }
    lines = [*formula.statements(), *lines]
    if values:
        only = values.get("return") if len(values) == 1 else None
        lines += layout(dict_of(values) if only is None else only, prefix="return ", around=1)
    elif not ways:
        lines.append("return None")
    return written(unit, view, formula, lines, docs=docs, settings=output_settings(unit.task))


def _gathered(
    output: Collected, work: Collect, items: Expr | None, formula: Formula, view: TaskView
) -> Expr:
    """The list of what the iterations gave."""
    reference = output.mapped
    if reference is None:
        values = list_of([formula.value(value) for value in output.single])
        if work.keeps_none:
            return values
        formula.helpers.add("given")
        return call("given", values)
    assert reference.op == "output"
    unit = view.plan.units[reference.node]
    key = () if reference.output == "return" else (Value(reference.output),)
    if work.keeps_none and may_be_none(output.type):
        count = Value(work.length) if items is None else call("len", items)
        formula.helpers.add("outputs_of")
        return call("outputs_of", Value(unit.id), *key, count=count)
    formula.helpers.add("outputs_of")
    return call("outputs_of", Value(unit.id), *key)


def may_be_none(type_: Type) -> bool:
    """Whether a task that gives such an output may give null."""
    return type_.kind in ("any", "optional")


BAD = 'if "failed" in states or "upstream_failed" in states:'
SKIPPED = 'if "skipped" in states:'
FAIL = "    raise AirflowFailException"

# What a join rule makes of the states that it looks at; a task goes on where none of the tests holds.
RULES: Mapping[Join, tuple[tuple[str, str], ...]] = {
    Join.ALL_SUCCESS: ((BAD, FAIL), (SKIPPED, SKIP)),
    Join.ALL_DONE: (),
    Join.NONE_FAILED: ((BAD, FAIL),),
    Join.NONE_FAILED_MIN_ONE_SUCCESS: ((BAD, FAIL), ('if "succeeded" not in states:', SKIP)),
    Join.ONE_SUCCESS: (
        ('if "succeeded" in states:', "    return"),
        (BAD, FAIL),
        (SKIPPED, SKIP),
    ),
    Join.ONE_FAILED: (('if "failed" not in states and "upstream_failed" not in states:', SKIP),),
    Join.ONE_DONE: (('if "succeeded" not in states and "failed" not in states:', SKIP),),
    Join.ALL_FAILED: (('if "succeeded" in states or "skipped" in states:', SKIP),),
    Join.ALL_SKIPPED: (('if set(states) != {"skipped"}:', SKIP),),
    Join.NONE_SKIPPED: ((SKIPPED, SKIP),),
}


def _write_decide(unit: Unit, work: Decide, formula: Formula, view: TaskView) -> Written:
    docs = "Decides whether to go on, by how others ended."
    lines: list[str] = []
    if work.first:
        alone = list_of([view.state_of(name) for name in work.first])
        lines += layout(alone, prefix="states = ", around=1)
        lines += [SKIPPED, SKIP]
    tests = RULES[work.rule]
    if tests:
        states = list_of([view.state_of(name) for name in work.ups])
        lines += layout(states, prefix="states = ", around=1)
    for test, outcome in tests:
        lines += [test, outcome]
    helpers = {"state_of"}
    helpers |= {word for word in ERRORS if any(word in line for line in lines)}
    return written(unit, view, formula, lines or ["return None"], docs=docs, helpers=helpers)


ERRORS = ("AirflowFailException", "AirflowSkipException")


def _write_say(unit: Unit, work: Say, formula: Formula, view: TaskView) -> Written:
    lines = layout(Value(work.text), prefix="return ", around=1)
    return written(unit, view, formula, lines, docs=work.docs)


WRITERS: Mapping[type, Callable[..., Written]] = {
    Check: _write_check,
    Choose: _write_choose,
    Collect: _write_collect,
    Decide: _write_decide,
    Give: _write_give,
    ListItems: _write_items,
    Say: _write_say,
}
