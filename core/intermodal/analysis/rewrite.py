"""Rebuilding a pipeline with some of its nodes changed."""

from __future__ import annotations

from collections.abc import Callable

from intermodal.ir import BodyNode, Branch, ForEach, Group, Pipeline, Task


def map_tasks(pipeline: Pipeline, change: Callable[[Task], Task]) -> Pipeline:
    """The pipeline with `change` applied to every task, exit tasks included."""
    changed = map_nodes(pipeline, lambda node: change(node) if isinstance(node, Task) else node)
    exits = tuple(change(task) for task in pipeline.exit_tasks)
    return changed.model_copy(update={"exit_tasks": exits})


def map_nodes(pipeline: Pipeline, change: Callable[[BodyNode], BodyNode]) -> Pipeline:
    """The pipeline with `change` applied to every node of its body, those inside a region first."""
    body = tuple(_map_node(node, change) for node in pipeline.body)
    return pipeline.model_copy(update={"body": body})


def _map_node(node: BodyNode, change: Callable[[BodyNode], BodyNode]) -> BodyNode:
    match node:
        case Task():
            return change(node)
        case ForEach() | Group():
            body = tuple(_map_node(child, change) for child in node.body)
            return change(node.model_copy(update={"body": body}))
        case Branch():
            arms = tuple(
                arm.model_copy(
                    update={"body": tuple(_map_node(child, change) for child in arm.body)}
                )
                for arm in node.arms
            )
            otherwise = (
                None
                if node.otherwise is None
                else tuple(_map_node(child, change) for child in node.otherwise)
            )
            return change(node.model_copy(update={"arms": arms, "otherwise": otherwise}))
