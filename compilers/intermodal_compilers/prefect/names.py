"""Names in a flow file: which are taken, and safe ones for what users named otherwise."""

from __future__ import annotations

import re

from intermodal_compilers.pysource import is_identifier

# What Prefect or pydantic keep for themselves among the parameters of a flow or a task.
PREFECT_ARGUMENTS = frozenset({"return_state", "wait_for", "self", "cls"})
MODEL_ARGUMENTS = frozenset({"model_config"})

# What the flow function itself uses; its parameters and variables must leave these alone.
FLOW_BODY = frozenset(
    {
        "wait",
        "pick",
        "all",
        "leaf",
        "leaves",
        "Completed",
        "outside_schedule",
        "run_id",
        "ValueError",
    }
)

# Names that mean something in the part of a flow file that is ours.
OURS = FLOW_BODY | frozenset(
    {
        "Annotated",
        "Any",
        "Field",
        "Literal",
        "Mapping",
        "NO_CACHE",
        "SCHEDULE_END",
        "SCHEDULE_START",
        "Sequence",
        "ThreadPoolTaskRunner",
        "Timestamp",
        "context",
        "datetime",
        "flow",
        "flow_run",
        "runtime",
        "task",
        "task_run",
        # builtins that annotations and bodies use
        "bool",
        "dict",
        "float",
        "getattr",
        "int",
        "list",
        "str",
    }
)


class Names:
    """Names given out so far; each is given once."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self._taken = set(taken)
        self._counts: dict[str, int] = {}

    def is_free(self, name: str) -> bool:
        """Whether nobody has the name yet."""
        return name not in self._taken

    def keep(self, name: str) -> None:
        """Take exactly this name."""
        self._taken.add(name)

    def give(self, wanted: str) -> str:
        """The wanted name, or the same with the next free number."""
        name = wanted
        while name in self._taken:
            self._counts[wanted] = self._counts.get(wanted, 1) + 1
            name = f"{wanted}_{self._counts[wanted]}"
        self._taken.add(name)
        return name


def variable(text: str) -> str:
    """A Python name that looks like the text; different texts may give the same."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    if not name or name[0].isdigit():
        name = f"_{name}"
    return name if is_identifier(name) else f"{name}_"


def parameter_variable(text: str, reserved: frozenset[str] = frozenset()) -> str:
    """A name that a flow's parameter may have: what Prefect builds of it forbids leading underscores."""
    name = variable(text).lstrip("_") or "parameter"
    if name[0].isdigit():
        name = f"parameter_{name}"
    forbidden = PREFECT_ARGUMENTS | MODEL_ARGUMENTS | FLOW_BODY | {"flow_run"} | reserved
    return f"{name}_" if name in forbidden or not is_identifier(name) else name
