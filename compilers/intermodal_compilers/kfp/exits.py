"""Exit tasks: the body in a DAG of its own, and what runs when that has ended, however it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from intermodal.analysis import graph
from intermodal.findings import Finding, error
from intermodal.ir import ForEach, OutputRef
from intermodal_compilers.kfp.build import EXIT_HANDLER, Build
from intermodal_compilers.kfp.model import DagPlan, TaskPlan
from intermodal_compilers.kfp.regions import RegionLowering
from intermodal_compilers.kfp.scopes import Scope, wait

EXIT_TASKS = "exit-tasks"


@dataclass
class ExitLowering:
    """Lowers the exit tasks of one pipeline."""

    build: Build
    regions: RegionLowering
    beside: frozenset[str] = frozenset()

    def first(self) -> frozenset[str]:
        """Nodes whose outputs exit tasks use, and all before them: they stand beside the body."""
        nodes = {node.id: node for node in self.build.pipeline.body}
        exits = {task.id for task in self.build.pipeline.exit_tasks}
        beside = nodes.keys() - exits

        def before(name: str) -> list[str]:
            return [up for up in graph.upstreams(nodes[name]) if up in beside]

        used = {up for task in self.build.pipeline.exit_tasks for up in graph.data_upstreams(task)}
        return frozenset(graph.reached(used & beside, before))

    def handler(self, first: frozenset[str]) -> Scope:
        """The DAG for the body, after what stands beside it."""
        build = self.build
        self.beside = first
        build.exit_handler = build.task_names.take(EXIT_HANDLER)
        plan = TaskPlan(build.exit_handler, build.pipeline.name, dag=DagPlan())
        for one in build.root.dag.tasks:
            wait(plan, one.name)
        build.add(build.root, plan)
        return Scope(cast("DagPlan", plan.dag), build.root, plan)

    def lower(self, handler: Scope) -> None:
        """Put the exit tasks beside the body; several of them, or a condition, go into one DAG.

        KFP's open-source backend runs one exit task for each task.
        """
        build = self.build
        tasks = build.pipeline.exit_tasks
        found = list(self.findings())
        build.findings += found
        if found:
            return
        before = len(build.root.dag.tasks)
        if len(tasks) == 1 and tasks[0].guard is None:
            self.regions.body(tasks, build.root, frozenset())
            hook = next(
                (
                    one
                    for one in build.root.dag.tasks[before:]
                    if one.name == build.names[tasks[0].id]
                ),
                None,
            )
            if hook is None:
                return
        else:
            scope = self.regions.wrapper(build.root, EXIT_TASKS, EXIT_TASKS)
            self.regions.body(tasks, scope, frozenset())
            hook = cast("TaskPlan", scope.task)
        hook.runs_always = True
        # KFP's open-source backend hooks an exit task to each task that it waits for.
        hook.waits_for.clear()
        wait(hook, cast("TaskPlan", handler.task).name)

    def findings(self) -> Iterator[Finding]:
        """What an exit task cannot use, or do."""
        build = self.build
        exits = {task.id for task in build.pipeline.exit_tasks}
        for task in build.pipeline.exit_tasks:
            for reference in graph.references(graph.expressions(task)):
                if reference.node in exits or reference.node in self.beside:
                    continue
                what = (
                    f"an output of `{reference.node}`"
                    if isinstance(reference, OutputRef)
                    else f"the state of `{reference.node}`"
                )
                yield error(
                    "PORT204",
                    f"{build.target} cannot give {what} to the exit task `{task.id}`",
                    reference.span or task.span,
                    why="a DAG that failed has no outputs in KFP, and an exit task is told how the "
                    "whole body ended, not each task of it",
                    next="use `run.state`, or pass the value through storage of your own",
                )
        for node in build.nodes.values():
            if isinstance(node, ForEach):
                yield error(
                    "PORT204",
                    f"{build.target} cannot run the loop `{node.id}` in a pipeline with exit tasks",
                    node.span,
                    why="KFP's backend fails on a loop inside an exit handler, which the body "
                    "becomes (kubeflow/pipelines#12390)",
                    next="loop inside a task, or drop the exit task on this target",
                )
