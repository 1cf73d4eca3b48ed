"""What a hosted class may hold that no file of Airflow's can."""

from __future__ import annotations

from collections.abc import Iterator

from intermodal.findings import Finding, error
from intermodal_compilers.airflow.hosted.model import Step


def no_function(step: Step) -> Finding:
    """A decorated class without a function."""
    return error(
        "PORT204",
        f"`{step.task.id}` has no function to decorate",
        step.task.span,
        why=f"`@{step.decorator}` makes a task of a function, which is its `python_callable`",
        next="give the function as a source expression",
    )


def asset_findings(steps: list[Step], target: str) -> Iterator[Finding]:
    """A class of `@asset` among others, or of a function that is not the file's own."""
    for step in steps:
        if step.decorator.startswith("asset") and (len(steps) > 1 or step.called is not None):
            yield error(
                "PORT204",
                f"{target} cannot make `{step.task.id}` with `@asset`",
                step.task.span,
                why="`@asset` makes a DAG of one task, of a function that the file itself defines",
                next="make it a pipeline of its own, or use `@task` with `outlets`",
            )


def no_class(step: Step) -> Finding:
    """A class that no import gives."""
    return error(
        "PORT204",
        f"`{step.task.id}` is of no class that can be imported: {step.hosted.class_path[:80]!r}",
        step.task.span,
        why="a class's path is its module and its name, joined by dots",
        next="give its full path",
    )


def no_arguments(step: Step) -> Finding:
    """Arguments of a decorated function that cannot be written one by one."""
    return error(
        "PORT204",
        f"the arguments that `{step.task.id}` calls its function with are not known one by one",
        step.task.span,
        why="`op_args` has to be a list, `op_kwargs` a map, and a mapped function takes no `op_args`",
        next="give them so",
    )
