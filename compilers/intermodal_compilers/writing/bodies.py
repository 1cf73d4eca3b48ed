"""The body of a pipeline function: tasks, `with` blocks of regions, and ordering edges."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from intermodal import ir
from intermodal.analysis import graph
from intermodal_compilers.pysource import (
    INDENT,
    Attribute,
    Call,
    Expr,
    Lines,
    Name,
    Subscript,
    Value,
    call,
    is_identifier,
    layout,
)
from intermodal_compilers.writing import edges
from intermodal_compilers.writing.functions import Definition
from intermodal_compilers.writing.names import variable
from intermodal_compilers.writing.nodes import Tasks
from intermodal_compilers.writing.places import Path
from intermodal_compilers.writing.raw import raw
from intermodal_compilers.writing.statements import assigned, ordered
from intermodal_compilers.writing.variables import singular


@dataclass
class Bodies:
    """Writes what a pipeline's function holds."""

    tasks: Tasks

    def body(self, nodes: Iterable[ir.BodyNode], path: Path, indent: int) -> list[str]:
        """The statements of one body, edges last; `pass` where there are none."""
        lines = [line for node in _ordered(nodes) for line in self._node(node, path, indent)]
        return lines + self._edges(path, indent, apart=bool(lines)) or [f"{INDENT * indent}pass"]

    def exits(self, tasks: Sequence[ir.Task], indent: int) -> list[str]:
        """The exit tasks."""
        lines = [
            line
            for task in _ordered(tasks)
            if isinstance(task, ir.Task)
            for line in self.tasks.lines(task, indent, exiting=True)
        ]
        return lines + self._edges((("", "exit"),), indent, apart=bool(lines))

    def _edges(self, path: Path, indent: int, *, apart: bool) -> list[str]:
        variables, ranks = self.tasks.expressions.tasks, self.tasks.expressions.ranks
        known = sorted(self.tasks.places.edges.get(path, ()), key=lambda edge: ranks[edge[0]])
        waits = [
            (variables[later], [variables[each] for each in sorted(earlier, key=ranks.__getitem__)])
            for later, earlier in known
        ]
        lines = [
            line
            for statement in edges.statements(waits, len(INDENT) * indent)
            for line in ordered(statement, indent)
        ]
        return ["", *lines] if lines and apart else lines

    def _node(self, node: ir.BodyNode, path: Path, indent: int) -> list[str]:
        match node:
            case ir.Task():
                return self.tasks.lines(node, indent)
            case ir.Group():
                return self._group(node, path, indent)
            case ir.ForEach():
                return self._mapped(node, indent) or self._loop(node, path, indent)
            case ir.Branch() if node.chooser is not None:
                return self._choice(node, node.chooser, path, indent)
            case ir.Branch():
                return self._when(node, path, indent)

    def _group(self, node: ir.Group, path: Path, indent: int) -> list[str]:
        self.tasks.ids.by_itself(node.id, node.id)
        options: dict[str, Expr] = {}
        if node.display_name:
            options["display_name"] = Value(node.display_name)
        if node.docs:
            options["docs"] = Lines(node.docs, whole=True)
        target = self._target(node.id, "group")
        entry = Call(
            Name(self.tasks.names.ours("group")),
            (Value(node.id),),
            {**options, **self.tasks.after(node.id)},
        )
        lines = _with(entry, target, indent)
        lines += self.body(node.body, (*path, (node.id, "")), indent + 1)
        for output, reference in node.outputs.items():
            self._give(node.id, output, self.tasks.expressions.reference(reference))
        return lines

    def _loop(self, node: ir.ForEach, path: Path, indent: int) -> list[str]:
        expressions = self.tasks.expressions
        keywords: dict[str, Expr] = {}
        if node.items.combine == "product":
            keywords["combine"] = Value("product")
        if node.max_parallel is not None:
            keywords["max_parallel"] = Value(node.max_parallel)
        keywords |= self._identity("for_each", node.id) | self.tasks.after(node.id)
        lists = tuple(self._list(given) for given in node.items.lists)
        variables = tuple(self._item(given) for given in node.items.lists)
        single = node.items.combine == "single"
        expressions.items[node.id] = variables[0] if single else variables
        shown = variables[0] if single else f"({', '.join(variables)})"
        loop = Call(Name(self.tasks.names.ours("for_each")), lists, keywords)
        lines = _with(loop, shown if self._uses_item(node) else "", indent)
        lines += self.body(node.body, (*path, (node.id, "")), indent + 1)
        for output, reference in node.outputs.items():
            self._collect(node.id, output, expressions.reference(reference))
        return lines

    def _uses_item(self, node: ir.ForEach) -> bool:
        """Whether anything names the item, or waits for the loop."""
        if node.id in self.tasks.places.waited:
            return True
        inner = (each for child in node.body for each in _everything(child))
        values = (value for each in inner for value in graph.expressions(each))
        return any(
            isinstance(part, ir.ItemRef) and part.loop == node.id
            for value in values
            for part in graph.parts(value)
        )

    def _mapped(self, node: ir.ForEach, indent: int) -> list[str]:
        """A loop of one task, as `task.map(...)`; nothing where it is no such loop."""
        task = node.body[0] if len(node.body) == 1 else None
        definition = None
        if isinstance(task, ir.Task) and isinstance(task.action, ir.PythonCall):
            definition = self.tasks.functions.by_use.get((self.tasks.place, task.id))
        if not isinstance(task, ir.Task) or definition is None or definition.unit is None:
            return []
        by_place = [each.name for each in definition.unit.function.arguments if not each.by_name]
        over = by_place[: len(node.items.lists)]
        if not _is_mapped(node, task, over):
            return []
        if f"each_{task.id}" != node.id or "max_parallel" in task.inputs:
            return []
        return self._map(node, task, definition, over, indent)

    def _map(
        self,
        node: ir.ForEach,
        task: ir.Task,
        definition: Definition,
        over: Sequence[str],
        indent: int,
    ) -> list[str]:
        tasks = self.tasks
        tasks.ids.by_itself(node.id, node.id)
        # The loop's id is made of the task's, so that a number added to that would be lost in it.
        identity = tasks.identity(task, definition) or (
            "" if definition.base == task.id else task.id
        )
        tasks.expressions.outputs[task.id] = task.outputs
        tasks.places.early[task.id] = tasks.places.early.get(node.id, ())
        lists = tuple(self._list(given) for given in node.items.lists)
        named = {
            name: tasks.expressions.of(value)
            for name, value in task.inputs.items()
            if name not in over
        }
        if node.max_parallel is not None:
            named["max_parallel"] = Value(node.max_parallel)
        made = Call(Attribute(tasks.chosen(task, definition, identity), "map"), lists, named)
        wanted = {node.id, task.id} & tasks.places.wanted
        target = tasks.variables.make(task.id, "results") if wanted else ""
        if target:
            tasks.expressions.name(node.id, target)
            for output, reference in node.outputs.items():
                self._give(node.id, output, _part(target, reference.output))
        return assigned(made, target, indent)

    def _when(self, node: ir.Branch, path: Path, indent: int) -> list[str]:
        expressions = self.tasks.expressions
        first, *others = node.arms
        condition = expressions.of(first.condition or ir.Literal_.of(value=True))
        keywords = self._identity("when", node.id) | self.tasks.after(node.id)
        needed = bool(others or node.otherwise is not None or self._merges(node))
        target = self._target(node.id, "branch", needed=needed)
        entry = Call(Name(self.tasks.names.ours("when")), (condition,), keywords)
        lines = _with(entry, target, indent)
        lines += self.body(first.body, (*path, (node.id, first.name)), indent + 1)
        for arm in others:
            condition = expressions.of(arm.condition or ir.Literal_.of(value=True))
            lines += _with(call(Attribute(Name(target), "elsewhen"), condition), "", indent)
            lines += self.body(arm.body, (*path, (node.id, arm.name)), indent + 1)
        lines += self._otherwise(node, target, path, indent)
        return lines + self._merged(node, target, indent)

    def _choice(
        self, node: ir.Branch, chooser: ir.Expression, path: Path, indent: int
    ) -> list[str]:
        keywords = self._identity("choose", node.id) | self.tasks.after(node.id)
        target = self._target(node.id, "branch", needed=True)
        value = self.tasks.expressions.of(chooser)
        lines = _with(
            Call(Name(self.tasks.names.ours("choose")), (value,), keywords), target, indent
        )
        for arm in node.arms:
            lines += _with(call(Attribute(Name(target), "arm"), Value(arm.name)), "", indent + 1)
            lines += self.body(arm.body, (*path, (node.id, arm.name)), indent + 2)
        lines += self._otherwise(node, target, path, indent + 1)
        return lines + self._merged(node, target, indent)

    def _otherwise(self, node: ir.Branch, target: str, path: Path, indent: int) -> list[str]:
        if node.otherwise is None:
            return []
        lines = _with(call(Attribute(Name(target), "otherwise")), "", indent)
        return lines + self.body(node.otherwise, (*path, (node.id, "otherwise")), indent + 1)

    def _merges(self, node: ir.Branch) -> Mapping[str, tuple[ir.OutputRef, ...]]:
        """The branch's outputs that something uses."""
        used = self.tasks.places.used
        return {name: given for name, given in node.outputs.items() if (node.id, name) in used}

    def _merged(self, node: ir.Branch, target: str, indent: int) -> list[str]:
        """`result = way.merge(first, second)` for each output."""
        lines: list[str] = []
        for output, references in self._merges(node).items():
            given = [self.tasks.expressions.value(reference) for reference in references]
            named = "merged" if output.startswith("return") else variable(output)
            result = self.tasks.variables.first([named])
            merged = Call(Attribute(Name(target), "merge"), tuple(given))
            lines += assigned(merged, result, indent)
            self.tasks.expressions.given[node.id, output] = Name(result)
        return lines

    def _target(self, node: str, kind: str, *, needed: bool = False) -> str:
        """The variable of a region, if there has to be one."""
        if not needed and node not in self.tasks.places.wanted:
            return ""
        plain = kind == "branch" and re.fullmatch(r"(when|choose)(_\d+)?", node)
        made = self.tasks.variables.make("way" if plain else node, "way" if plain else kind)
        self.tasks.expressions.name(node, made)
        return made

    def _identity(self, base: str, wanted: str) -> dict[str, Expr]:
        if self.tasks.ids.by_itself(base, wanted):
            return {}
        self.tasks.ids.by_itself(wanted, wanted)
        return {"id": Value(wanted)}

    def _list(self, given: ir.Expression) -> Expr:
        """What a loop goes over: lists and dicts as they are, other literals as nodes."""
        literal = isinstance(given, ir.Literal_) and not isinstance(given.value, (list, dict))
        return raw(given, self.tasks.names) if literal else self.tasks.expressions.of(given)

    def _item(self, given: ir.Expression) -> str:
        match given:
            case ir.ParameterRef(name=name) | ir.OutputRef(node=name):
                wanted = singular(name)
            case _:
                wanted = "item"
        others = ["each", "entry"] if wanted == "item" else []
        return self.tasks.variables.first([variable(wanted), *others, "item"])

    def _give(self, node: str, output: str, made: Expr | None) -> None:
        if made is not None:
            self.tasks.expressions.given[node, output] = made

    def _collect(self, node: str, output: str, made: Expr | None) -> None:
        collect = self.tasks.names.ours
        if isinstance(made, Call) and made.function == Name(collect("collect")):
            made = made.args[0]  # what stands in loops in loops is collected at once
        self._give(node, output, call(collect("collect"), made) if made is not None else None)


def _ordered(nodes: Iterable[ir.BodyNode]) -> list[ir.BodyNode]:
    """The nodes so that each comes after what it waits for, those on a circle last; else as they are."""
    given = list(nodes)
    sorted_ = graph.topological(given)
    known = {node.id for node in sorted_}
    return sorted_ + [node for node in given if node.id not in known]


def _part(target: str, output: str) -> Expr:
    if output == "return":
        return Name(target)
    plain = is_identifier(output)
    return Attribute(Name(target), output) if plain else Subscript(Name(target), Value(output))


def _is_mapped(node: ir.ForEach, task: ir.Task, over: Sequence[str]) -> bool:
    """Whether the loop is what `map` makes: items by position, nothing else of the loop in it."""
    if node.items.combine == "product" or len(over) < len(node.items.lists) or task.after:
        return False
    item = ir.ItemRef.of(loop=node.id)
    items: list[ir.Expression] = [item]
    if node.items.combine == "zip":
        items = [
            ir.Index.of(base=item, key=ir.Literal_.of(value=place))
            for place in range(len(node.items.lists))
        ]
    plain = [task.inputs.get(name) for name in over]
    if task.pairing is not None or plain != items or not set(over) <= set(task.inputs):
        return False
    if any(reference.node != task.id for reference in node.outputs.values()):
        return False
    others = [value for name, value in task.inputs.items() if name not in over]
    others += [] if task.guard is None else [task.guard]
    return not any(isinstance(part, ir.ItemRef) for value in others for part in graph.parts(value))


def _everything(node: ir.BodyNode) -> Iterator[ir.BodyNode]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(child for _, body in graph.regions(current) for child in body)


def _with(entry: Expr, target: str, indent: int) -> list[str]:
    suffix = f" as {target}:" if target else ":"
    return layout(entry, prefix="with ", suffix=suffix, indent=indent)
