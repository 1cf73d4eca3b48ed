"""Functions of an emitted file that tell Intermodal's runtime whose run it is."""

from __future__ import annotations

from collections.abc import Mapping

from intermodal_compilers.pysource import (
    INDENT,
    Attribute,
    Expr,
    Name,
    Operation,
    Subscript,
    Value,
    call,
    layout,
)

Facts = Mapping[str, str | dict[str, str]]
"""The fields of the run's context that are the same for all runs, with `loops`, `tracked` and
`strict`: "yes" or "".
"""

CLOSE_RUN = "close_tracked_run"
"""The callback of a DAG that tells the tracker how the run ended."""

FIXED = ("target", "store", "tracking", "experiment", "tags")

POSITIONS = (
    "    own = task_instance.map_index",
    "    positions = tuple(own if part is None else part for part in index)",
)

SHOW_PAGE = (
    "",
    "    def show_page(url):",
    '        """Keep where the task is tracked; Intermodal\'s plugin makes a link of it."""',
    '        task_instance.xcom_push("tracking_url", url)',
    "",
)


def run_context_lines(facts: Facts) -> list[str]:
    """The function that gives the context of a task's attempt."""
    fields: dict[str, Expr] = {"pipeline": Value(facts["pipeline"])}
    found = ("run_id", "task", "attempt", "parameters", "link")
    places = {name: PLACES[name] for name in found}
    loops, tracked = bool(facts.get("loops")), bool(facts.get("tracked"))
    docs = "What the tasks' runtime knows of this run."
    if loops:
        places["task"] = Operation("or", (Name("task_id"), places["task"]))
        places["index"] = Name("positions")
        docs = "What the runtime knows of this run; None stands for the position in a mapped list."
    links = _links(str(facts["target"])) if tracked else {}
    strict = {"strict": Value(value=True)} if facts.get("strict") else {}
    context = call("runtime.Context", **{**fields, **places, **_fixed(facts), **strict, **links})
    return [
        "def run_context(task_id=None, *index):" if loops else "def run_context():",
        f'    """{docs}"""',
        "    from intermodal import runtime",
        "",
        "    context = get_current_context()",
        '    task_instance = context["ti"]',
        *(POSITIONS if loops else ()),
        *(SHOW_PAGE if tracked else ()),
        *layout(context, prefix="return ", indent=1),
    ]


def close_run_lines(facts: Facts) -> list[str]:
    """The function that makes the callbacks of a DAG."""
    # If no task has run, Airflow tells no more than the run's id.
    given = call("context.get", Value("params"), Value({}))
    fields: dict[str, Expr] = {
        "pipeline": Value(facts["pipeline"]),
        "run_id": PLACES["run_id"],
        "task": Value(""),
        "parameters": call("dict", given),
    }
    run = call("runtime.Context", **{**fields, **_fixed(facts)})
    return [
        f"def {CLOSE_RUN}(state):",
        '    """A callback that tells the tracker how the run ended."""',
        "",
        "    def close(context):",
        f"{INDENT * 2}from intermodal import runtime",
        "",
        *layout(run, prefix="run = ", indent=2),
        f"{INDENT * 2}runtime.close_run(run, state)",
        "",
        "    return close",
    ]


def _fixed(facts: Facts) -> dict[str, Expr]:
    return {name: Value(facts[name]) for name in FIXED if facts.get(name)}


def _links(target: str) -> dict[str, Expr]:
    """The page of the run, which that of the task begins with, and what gets the tracker's page."""
    rest = "&task_id=" if target.startswith("airflow@2") else "/tasks/"
    parts = call(Attribute(PLACES["link"], "partition"), Value(rest))
    return {"run_link": Subscript(parts, Value(0)), "on_tracked": Name("show_page")}


def _place(text: str) -> Expr:
    """An expression of the function's own."""
    base, _, key = text.partition(":")
    if base == "context":
        return Subscript(Name("context"), Value(key))
    return Attribute(Name("task_instance"), key)


PLACES: Mapping[str, Expr] = {
    "run_id": _place("context:run_id"),
    "task": _place("ti:task_id"),
    "attempt": _place("ti:try_number"),
    "parameters": call("dict", _place("context:params")),
    "link": _place("ti:log_url"),
}
