"""What a tracked flow tells the tracker when it ends, and how it links to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from intermodal_compilers.prefect.model import FlowParameter
from intermodal_compilers.pyimports import Import
from intermodal_compilers.pysource import INDENT, Expr, Name, Value, call, dict_of, layout

CLOSE_RUN = "close_tracked_run"
"""The hook of a flow that tells the tracker how the run ended."""

LINK = "link_to_tracker"
"""What shows the tracker's pages with the runs of Prefect."""

TRACKED_NAMES = frozenset(
    {
        CLOSE_RUN,
        LINK,
        "FlowRunContext",
        "TaskRunContext",
        "create_link_artifact",
        "get_client",
        "url_for",
    }
)
"""Names at the top of a flow file that is tracked."""


def closing_imports() -> Iterator[Import]:
    """What the functions use."""
    yield Import("intermodal", "runtime")
    yield Import("prefect.artifacts", "create_link_artifact")
    yield Import("prefect.client.orchestration", "get_client")
    yield Import("prefect.context", "FlowRunContext")
    yield Import("prefect.context", "TaskRunContext")
    yield Import("prefect.utilities.urls", "url_for")


def link_lines() -> list[str]:
    """The function that shows a page with the run of the flow or of a task."""
    return [
        f'def {LINK}(page: str, text: str = "Tracked task") -> None:',
        f'{INDENT}"""Show a page of the tracker, where Prefect knows to which run it belongs."""',
        f"{INDENT}if FlowRunContext.get() or TaskRunContext.get():",
        f"{INDENT * 2}create_link_artifact(page, text)",
    ]


def closing_lines(fields: Mapping[str, Expr], parameters: Iterable[FlowParameter]) -> list[str]:
    """The hook; its arguments have the names by which Prefect's runner calls it where a flow was killed."""
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
        f"{INDENT}run = client.read_flow_run(flow_run.id)",
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
        "if page:",
        f'{INDENT}{LINK}(page, "Tracked run")',
    ]
    return [
        f"def {CLOSE_RUN}(flow, flow_run, state) -> None:",
        f'{INDENT}"""Tell the tracker how the flow run ended, and link to what it shows."""',
        *(f"{INDENT}{line}" for line in lines),
    ]
