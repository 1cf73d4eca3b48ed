"""What a tracked flow tells the tracker when it ends, and how it links to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal_compilers.prefect.model import FlowParameter
from intermodal_compilers.pyimports import Import
from intermodal_compilers.pysource import INDENT, Expr, Name, Value, call, dict_of, layout

CLOSE_RUN = "close_tracked_run"
"""The hook of a flow that tells the tracker how the run ended."""

LINK = "link_to_tracker"
"""What shows the tracker's page of a task with its task run."""

TRACKED_NAMES = frozenset({CLOSE_RUN, LINK, "create_link_artifact", "get_client", "url_for"})
"""Names at the top of a flow file that is tracked."""


def closing_imports() -> Iterator[Import]:
    """What the functions use."""
    yield Import("intermodal", "runtime")
    yield Import("prefect.artifacts", "create_link_artifact")
    yield Import("prefect.client.orchestration", "get_client")
    yield Import("prefect.runtime", "flow_run")
    yield Import("prefect.utilities.urls", "url_for")


def link_lines() -> list[str]:
    """The function that links a task run to its page."""
    return [
        f"def {LINK}(page: str) -> None:",
        f'{INDENT}"""Show where a task is tracked; a process of its own is no task run."""',
        f"{INDENT}if task_run.id:",
        f'{INDENT * 2}create_link_artifact(page, "Tracked task")',
    ]


def closing_lines(fields: Mapping[str, Expr], parameters: Iterable[FlowParameter]) -> list[str]:
    """The hook; Prefect's runner calls it, too, for flow runs that were killed or cancelled."""
    renamed = {p.variable: Value(p.name) for p in parameters if p.name != p.variable}
    given = Name("parameters" if renamed else "run.parameters")
    own: dict[str, Expr] = {
        "pipeline": fields["pipeline"],
        "run_id": Name("run_id"),
        "task": Value(""),
        "parameters": given,
    }
    made = call("runtime.Context", **{**own, **fields, "run_link": Name("link")})
    lines = [
        "with get_client(sync_client=True) as client:",
        f"{INDENT}# What a hook is given may be older than the last start.",
        f"{INDENT}run = client.read_flow_run(ended_run.id)",
        "again = run.run_count > 1",
        'run_id = f"{run.id}-{run.run_count}" if again else str(run.id)',
        'link = url_for("flow-run", obj_id=run.id) or ""',
    ]
    if renamed:
        lines += layout(dict_of(renamed), prefix="names = ")
        lines += [
            "parameters = {",
            f"{INDENT}names.get(name, name): value for name, value in run.parameters.items()",
            "}",
        ]
    lines += [
        *layout(made, prefix="context = "),
        'ended = "succeeded" if state.is_completed() else state.type.value.lower()',
        "page = runtime.close_run(context, ended)",
        "if page and flow_run.id:",
        f'{INDENT}create_link_artifact(page, "Tracked run")',
    ]
    return [
        f"def {CLOSE_RUN}(_flow, ended_run, state) -> None:",
        f'{INDENT}"""Tell the tracker how the flow run ended, and link to what it shows."""',
        *(f"{INDENT}{line}" for line in lines),
    ]
