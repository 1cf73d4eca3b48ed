"""From a pipeline's nodes to the tasks of a DAG: branches, loops, groups, guards and join rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from intermodal.analysis import graph
from intermodal.analysis.expressions import map_expression
from intermodal.analysis.typing import TypeChecker
from intermodal.compiling import Target
from intermodal.ir import (
    Action,
    Approval,
    BodyNode,
    Branch,
    Container,
    Expression,
    ForEach,
    Group,
    Hosted,
    Http,
    ItemRef,
    Join,
    Noop,
    OutputRef,
    Pairing,
    Pipeline,
    Sql,
    Task,
    TaskState,
    TriggerRun,
    Type,
    Wait,
)
from intermodal_compilers.airflow.dialects import DIALECTS
from intermodal_compilers.airflow.plan import Plan, Unit, Work
from intermodal_compilers.airflow.region import Region
from intermodal_compilers.airflow.shape import Member, Shape

End = Callable[[], str]


def plan_of(pipeline: Pipeline, target: Target) -> Plan:
    """The plan of a valid pipeline."""
    from intermodal_compilers.airflow.exits import add_exits

    structure = Structure(pipeline, target)
    structure.add_body(pipeline.body, Region())
    if pipeline.exit_tasks:
        add_exits(structure)
    return structure.plan


class Structure:
    """The plan while it is made.

    Attributes:
        ends: By the key of a task, branch or loop, what gives the unit that ends as it does.
        outputs: By key and output, what an output of a branch or loop has become.
        partly: Loops whose outputs may be used although some of their tasks failed.
    """

    def __init__(self, pipeline: Pipeline, target: Target) -> None:
        self.pipeline = pipeline
        self.target = str(target)
        self.dialect = DIALECTS[target.version]
        self.shape = Shape(pipeline)
        self.types = TypeChecker(pipeline, self.shape.nodes)
        self.plan = Plan()
        self.ends: dict[str, End] = {}
        self.leaf_units: dict[str, Callable[[], list[str]]] = {}
        self.outputs: dict[tuple[str, str], Expression] = {}
        self.partly = frozenset(_used_of_failed(self.shape))
        self._ids = {*self.shape.nodes}
        self._behind: dict[tuple[str, str], bool] = {}

    # Regions

    def add_body(
        self, body: Iterable[BodyNode], region: Region, inherited: tuple[str, ...] = ()
    ) -> None:
        """Add the nodes of a body, in an order to create them in.

        Args:
            body: The nodes.
            region: Where they stand.
            inherited: Units that those of them wait for that wait for nothing else here.
        """
        from intermodal_compilers.airflow.branches import add_branch
        from intermodal_compilers.airflow.joins import add_task
        from intermodal_compilers.airflow.loops import add_loop

        nodes = graph.topological(body)
        inside = {name for node in nodes for name in graph.ids_inside(node)}
        for node in nodes:
            more = () if inside & {*self.shape.ups(node), *graph.upstreams(node)} else inherited
            match node:
                case Group():
                    self._add_group(node, region, more)
                case Branch():
                    add_branch(self, node, region, more)
                case ForEach():
                    add_loop(self, node, region, more)
                case Task():
                    add_task(self, node, region, more)

    def _add_group(self, group: Group, region: Region, inherited: tuple[str, ...]) -> None:
        name = region.key(group.id)
        changed = {"id": name}
        if group.display_name and self.dialect.is_airflow_2:  # its groups have no such name
            parts = (group.display_name, group.docs.strip())
            changed |= {"display_name": "", "docs": "\n\n".join(part for part in parts if part)}
        self.plan.groups[name] = group.model_copy(update=changed)
        waits = [self.end(up, region) for up in self.shape.expanded(group.after)]
        heads = tuple(dict.fromkeys((*inherited, *waits)))
        self.add_body(group.body, region.inside_group(name), heads)

    # Units

    def helper_id(self, base: str, what: str) -> str:
        """An id for a task that the user did not write."""
        name = f"{base}__{what}"
        while name in self._ids:
            name += "_"
        self._ids.add(name)
        return name

    def add(
        self,
        work: Work | None,
        name: str,
        waits: Iterable[str],
        region: Region,
        *,
        rule: Join = Join.ALL_SUCCESS,
        outputs: Mapping[str, Type] | None = None,
        docs: str = "",
    ) -> Unit:
        """Add a task that the user did not write."""
        task = Task.of(id=name, action=Noop.of(), outputs=outputs or {}, docs=docs)
        unit = Unit(task, tuple(dict.fromkeys(waits)), rule, region.place, work)
        unit.index = region.index
        return self.add_unit(unit)

    def add_unit(self, unit: Unit) -> Unit:
        """Add a task."""
        self.plan.units[unit.id] = unit
        return unit

    def gated(self, ups: Iterable[str], region: Region) -> tuple[str, ...]:
        """Upstreams, with the region's gate unless they wait for it themselves."""
        waits = tuple(dict.fromkeys(ups))
        if not region.gate or (waits and all(self.is_behind(up, region.gate) for up in waits)):
            return waits
        return (region.gate, *waits)

    def is_behind(self, unit: str, gate: str) -> bool:
        """Whether a unit runs only if the gate lets it."""
        known = self._behind.get((unit, gate))
        if known is None:
            found = self.plan.units[unit]
            known = gate in found.waits or (
                found.rule is Join.ALL_SUCCESS
                and any(self.is_behind(up, gate) for up in found.waits)
            )
            self._behind[unit, gate] = known
        return known

    # References

    def end(self, node: str, region: Region) -> str:
        """The unit that ends as a task, branch or loop does."""
        return self.ends[region.key(node)]()

    def ups(self, node: Member, region: Region, inherited: Iterable[str] = ()) -> tuple[str, ...]:
        """The units that a node waits for."""
        named = (self.end(up, region) for up in self.shape.ups(node))
        return tuple(dict.fromkeys((*named, *inherited)))

    def resolved(self, expression: Expression, region: Region) -> Expression:
        """The expression with its references to what they have become here."""

        def change(part: Expression) -> Expression:
            match part:
                case OutputRef():
                    node, output = self.shape.resolve(part.node, part.output)
                    key = region.key(node)
                    if isinstance(self.shape.nodes[node], (Branch, ForEach)):
                        self.ends[key]()
                    found = self.outputs.get((key, output))
                    return found or OutputRef.of(node=key, output=output, span=part.span)
                case TaskState():
                    return TaskState.of(node=self.end(part.node, region), span=part.span)
                case ItemRef(loop=loop):
                    return region.items.get(loop, part)
                case _:
                    return part

        return map_expression(expression, change)

    def type_of(self, expression: Expression) -> Type:
        """The type of an expression as the user wrote it."""
        return self.types.type_of(expression)

    def task_here(self, task: Task, region: Region) -> Task:
        """The task as it stands here: its id and what it refers to."""
        key = region.key(task.id)
        changed: dict[str, object] = {
            "id": key,
            "inputs": {name: self.resolved(e, region) for name, e in task.inputs.items()},
            "action": self._action_here(task.action, region),
        }
        if task.pairing is not None:
            partners = tuple(region.key(name) for name in task.pairing.partners)
            changed["pairing"] = Pairing.of(role=task.pairing.role, partners=partners)
        if key != task.id:
            path = "".join("[*]" if part is None else f"[{part}]" for part in region.index)
            changed["display_name"] = f"{task.id}{path}"
        return task.model_copy(update=changed)

    def _action_here(self, action: Action, region: Region) -> Action:
        def here(parts: Iterable[Expression]) -> tuple[Expression, ...]:
            return tuple(self.resolved(part, region) for part in parts)

        match action:
            case Container(command=command, args=args):
                return action.model_copy(update={"command": here(command), "args": here(args)})
            case Approval(message=message):
                return action.model_copy(update={"message": self.resolved(message, region)})
            case Sql(statement=statement, parameters=values):
                query: dict[str, object] = {
                    "statement": self.resolved(statement, region),
                    "parameters": {key: self.resolved(e, region) for key, e in values.items()},
                }
                return action.model_copy(update=query)
            case Http(url=url, headers=headers, body=body):
                request: dict[str, object] = {
                    "url": self.resolved(url, region),
                    "headers": {key: self.resolved(e, region) for key, e in headers.items()},
                    "body": None if body is None else self.resolved(body, region),
                }
                return action.model_copy(update=request)
            case TriggerRun(parameters=values):
                changed = {key: self.resolved(value, region) for key, value in values.items()}
                return action.model_copy(update={"parameters": changed})
            case Wait(check=check):
                return action.model_copy(update={"check": self._action_here(check, region)})
            case Hosted(arguments=arguments, expand=expand, expand_maps=maps):
                made: dict[str, object] = {
                    "arguments": {key: self.resolved(e, region) for key, e in arguments.items()},
                    "expand": {key: self.resolved(e, region) for key, e in expand.items()},
                    "expand_maps": None if maps is None else self.resolved(maps, region),
                }
                return action.model_copy(update=made)
            case _:
                return action

    def output_units(self, expressions: Iterable[Expression]) -> Iterator[str]:
        """Units that resolved expressions refer to."""
        for reference in graph.references(expressions):
            yield reference.node

    def ends_among(self, expressions: Iterable[Expression]) -> list[str]:
        """Units that end regions, among those that resolved expressions refer to."""
        return [name for name in self.output_units(expressions) if self.plan.units[name].work]

    def region_leaves(self, body: Iterable[BodyNode], region: Region) -> list[str]:
        """The units that decide how a region ends."""
        found: list[str] = []
        for node in self.shape.leaves(body):
            key = region.key(node.id)
            found += self.leaf_units[key]() if key in self.leaf_units else [self.ends[key]()]
        return found


def _used_of_failed(shape: Shape) -> Iterator[str]:
    """What gives outputs to tasks that may run after failures."""
    for node in shape.nodes.values():
        if not isinstance(node, Task) or (
            node.join is Join.ALL_SUCCESS and node.id not in shape.exits
        ):
            continue
        for reference in graph.references(graph.expressions(node)):
            if isinstance(reference, OutputRef):
                yield shape.resolve(reference.node, reference.output)[0]
