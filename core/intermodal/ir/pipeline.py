"""The pipeline, and the nodes its body is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from intermodal.ir.actions import Action
from intermodal.ir.expressions import Expression, OutputRef
from intermodal.ir.node import Duration, Identifier, Node, PlainJson, Rule
from intermodal.ir.policies import (
    Cache,
    Join,
    Notification,
    Pairing,
    Resources,
    Retry,
    SecretVariable,
)
from intermodal.ir.schedule import Schedule
from intermodal.ir.types import AnyType, ParameterType, Type

IR_VERSION = 1


class Parameter(Node):
    """A parameter of the pipeline. Without `default` every run must give a value."""

    type: ParameterType = AnyType.of()
    required: bool = False
    default: PlainJson = None
    choices: tuple[PlainJson, ...] = ()
    help: str = ""


class Task(Node):
    """A unit of work.

    Attributes:
        id: Unique within the pipeline.
        inputs: Values for the action, by name.
        input_types: What the action takes, where it says so.
        outputs: What it gives, by name.
        after: Ids of nodes to wait for, apart from those whose outputs are used.
        join: When to run, by the states of the direct upstreams.
        guard: False means that this instance is skipped, whatever the join rule says.
        display_name: What people call it; the id if empty.
        reads: URIs of data assets it reads.
        writes: URIs of data assets it writes.
    """

    node: Literal["task"] = "task"
    id: Identifier
    action: Action
    inputs: Mapping[str, Expression] = field(default_factory=dict)
    input_types: Mapping[str, Type] = field(default_factory=dict)
    outputs: Mapping[str, Type] = field(default_factory=dict)
    after: tuple[Identifier, ...] = ()
    join: Join = Join.ALL_SUCCESS
    guard: Expression | None = None
    pairing: Pairing | None = None
    retry: Retry | None = None
    timeout: Duration | None = None
    cache: Cache | None = None
    resources: Resources | None = None
    pool: str | None = None
    pool_slots: Annotated[int, Rule(ge=1)] = 1
    priority: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[SecretVariable, ...] = ()
    notifications: tuple[Notification, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    display_name: str = ""
    docs: str = ""
    tracks: bool = False


class Arm(Node):
    """One way through a branch, taken when its condition holds or the chooser names it."""

    name: Identifier
    condition: Expression | None = None
    body: tuple[BodyNode, ...] = ()


class Branch(Node):
    """Choose between arms: the first whose condition holds, or those whose names `chooser` gives.

    `outputs` are merged: for each name, the outputs of which exactly one exists.
    """

    node: Literal["branch"] = "branch"
    id: Identifier
    arms: Annotated[tuple[Arm, ...], Rule(min_length=1)]
    chooser: Expression | None = None
    otherwise: tuple[BodyNode, ...] | None = None
    outputs: Mapping[str, tuple[OutputRef, ...]] = field(default_factory=dict)
    after: tuple[Identifier, ...] = ()


class Items(Node):
    """What a loop goes over: one list, or the product or zip of several."""

    lists: Annotated[tuple[Expression, ...], Rule(min_length=1)]
    combine: Literal["single", "product", "zip"] = "single"


class ForEach(Node):
    """Run a region once for each item. `outputs` are collected, in the order of the items."""

    node: Literal["for_each"] = "for_each"
    id: Identifier
    items: Items
    item_type: Type = AnyType.of()
    body: tuple[BodyNode, ...]
    max_parallel: Annotated[int | None, Rule(ge=1)] = None
    outputs: Mapping[str, OutputRef] = field(default_factory=dict)
    after: tuple[Identifier, ...] = ()


class Group(Node):
    """A named sub-graph. Its tasks stay visible outside."""

    node: Literal["group"] = "group"
    id: Identifier
    body: tuple[BodyNode, ...]
    outputs: Mapping[str, OutputRef] = field(default_factory=dict)
    after: tuple[Identifier, ...] = ()
    display_name: str = ""
    docs: str = ""


BodyNode = Annotated[Task | Branch | ForEach | Group, Rule(discriminator="node")]


class TaskDefaults(Node):
    """Policies for tasks that set none of their own."""

    retry: Retry | None = None
    timeout: Duration | None = None
    cache: Cache | None = None
    resources: Resources | None = None
    pool: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Tracking(Node):
    """Where runs are tracked; the profile says which server."""

    enabled: bool = True
    experiment: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class Concurrency(Node):
    """How much of a pipeline may run at once."""

    max_active_runs: Annotated[int | None, Rule(ge=1)] = None
    max_active_tasks: Annotated[int | None, Rule(ge=1)] = None


class Environment(Node):
    """What the tasks run in, apart from their code."""

    image: str | None = None
    packages: tuple[str, ...] = ()


class EdgeLabel(Node):
    """What is written at an edge between two tasks."""

    upstream: Identifier
    downstream: Identifier
    text: str


class GroupArrow(Node):
    """An edge that is drawn from or to a whole group; the tasks' own edges say the same."""

    upstream: Identifier
    downstream: Identifier


class HostedPipeline(Node):
    """What the pipeline is in another ecosystem, kept whole: its hosted tasks stand in that.

    Attributes:
        ecosystem: Whose pipeline it is; all tasks are hosted classes of the same.
        arguments: What its object is made with there, by name.
        groups: What the objects of its groups are made with, by the group's id and the argument's name.
        edge_labels: Texts at its edges.
        group_arrows: Which edges between tasks are drawn as one, from or to their groups.
    """

    ecosystem: str
    arguments: Mapping[str, Expression] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Expression]] = field(default_factory=dict)
    edge_labels: tuple[EdgeLabel, ...] = ()
    group_arrows: tuple[GroupArrow, ...] = ()


class Pipeline(Node):
    """A whole pipeline: what a compiler takes."""

    ir_version: Literal[1] = 1
    name: Identifier
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    parameters: Mapping[Identifier, Parameter] = field(default_factory=dict)
    schedule: Schedule | None = None
    defaults: TaskDefaults = TaskDefaults.of()
    environment: Environment = Environment.of()
    body: tuple[BodyNode, ...] = ()
    exit_tasks: tuple[Task, ...] = ()
    outputs: Mapping[str, Expression] = field(default_factory=dict)
    tracking: Tracking = Tracking.of()
    concurrency: Concurrency = Concurrency.of()
    notifications: tuple[Notification, ...] = ()
    hosted: HostedPipeline | None = None
