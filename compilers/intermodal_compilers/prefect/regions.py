"""The statements of the flow function: calls of tasks, and functions for branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from intermodal.analysis import graph
from intermodal.analysis.setups import is_setup
from intermodal.analysis.waits import is_teardown
from intermodal.frozen import Frozen
from intermodal.ir import (
    BodyNode,
    Branch,
    Expression,
    ForEach,
    Join,
    ListType,
    Literal_,
    Noop,
    OutputRef,
    ParameterRef,
    Pipeline,
    RunFact,
    Task,
)
from intermodal_compilers.prefect.actions import own_inputs
from intermodal_compilers.prefect.control import Control
from intermodal_compilers.prefect.definitions import Definition
from intermodal_compilers.prefect.expressions import Wired, Wiring, future_name, wire
from intermodal_compilers.prefect.model import (
    Arms,
    Controlled,
    Round,
    Started,
    Statement,
    Submission,
)
from intermodal_compilers.prefect.names import variable
from intermodal_compilers.prefect.reader import Reader
from intermodal_compilers.pysource import Call, Expr, Name, Value, call, dict_of, list_of

LONGEST_NAME = 30

# Linters want no functions of these names: they look like digits.
AMBIGUOUS = ("l", "O", "I")


@dataclass
class Builder:
    """Writes the statements of a flow function.

    Attributes:
        pipeline: A pipeline without groups.
        control: What is known of its nodes.
        wiring: Names and futures.
        reader: Expressions.
        of_task: The task function of each task.
        futures: Variables of all futures so far.
        indexes: Variables that hold the places in the loops around, innermost last.
    """

    pipeline: Pipeline
    control: Control
    wiring: Wiring
    reader: Reader
    of_task: dict[str, Definition]
    indexes: list[str] = field(default_factory=list)
    futures: set[str] = field(default_factory=set)

    def body(
        self,
        nodes: Iterable[BodyNode],
        outputs: Mapping[str, tuple[OutputRef, ...]] | None = None,
        finish: Callable[[], None] = lambda: None,
    ) -> Started:
        """The statements for a body, and what it ends with.

        Args:
            nodes: The body's nodes.
            outputs: What the body gives, by name.
            finish: Called at the end; may add further statements.
        """
        around = self.wiring.submissions
        statements: list[Statement] = []
        self.wiring.submissions = statements
        ordered = graph.topological(sorted(nodes, key=_urgency))
        for node in ordered:
            self._node(node)
        finish()
        self.wiring.submissions = around
        leaves, others = self._ends(ordered, statements)
        given = {
            name: tuple(self.reader.output(reference) for reference in references)
            for name, references in (outputs or {}).items()
        }
        return Started(tuple(statements), leaves, others, given)

    def _ends(
        self, nodes: list[BodyNode], statements: list[Statement]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What nothing waits for, and what else has to end.

        A task that Prefect keeps from running gives up as soon as one that it waits for has failed,
        so that the end of the leaves does not mean that the others have ended.
        """
        own = [entry for entry in statements if isinstance(entry, (Submission, Controlled))]
        teardowns = {self.wiring.futures[node.id]: None for node in nodes if is_teardown(node)}
        waited: set[str] = set()
        settle: dict[str, None] = {}
        for entry in own:
            if entry.variable in teardowns:
                settle.update(dict.fromkeys(entry.upstreams))
                continue
            waited.update(entry.upstreams)
            if isinstance(entry, Submission) and len(entry.upstreams) > 1:
                settle.update(dict.fromkeys(entry.upstreams))
        for node in nodes:
            if isinstance(node, Task) and node.join is Join.ALWAYS:  # it does not wait for them
                early = [self.wiring.futures[up] for up in self.control.ups[node.id]]
                waited.update(early)
                settle.update(dict.fromkeys(early))
            inside = self._waited_inside(node)
            waited.update(inside)
            settle.update(inside)
        settle.update(teardowns)
        variables = [entry.variable for entry in own]
        leaves = tuple(v for v in variables if v not in waited and v not in teardowns)
        known = set(variables) - set(leaves)
        return leaves, tuple(name for name in settle if name in known)

    def _waited_inside(self, region: BodyNode) -> dict[str, None]:
        """Futures that tasks inside a region wait for."""
        if isinstance(region, Task):
            return {}
        inside = dict.fromkeys(graph.ids_inside(region))
        del inside[region.id]
        return {
            self.wiring.futures[up]: None
            for name in inside
            if not is_teardown(self.control.nodes[name])
            for up in self.control.ups[name]
            if up not in inside and up in self.wiring.futures
        }

    # --- nodes

    def _node(self, node: BodyNode) -> None:
        if isinstance(node, Task):
            self._task(node)
        elif isinstance(node, Branch):
            self._branch(node)
        elif isinstance(node, ForEach):
            self._loop(node)
        else:
            raise TypeError(f"group `{node.id}` was not dissolved")

    def _task(self, task: Task) -> None:
        definition = self.of_task[task.id]
        if task.id in self.control.joined:
            statement: Statement = self._controlled(task, definition)
        else:
            statement = self._plain(task, definition)
        self.wiring.submissions.append(statement)

    def _plain(self, task: Task, definition: Definition) -> Submission:
        """`task.submit(...)`: Prefect's own rule is that of `all_success`."""
        wired = {
            name: wire(self.wiring, value, f"input `{name}` of task `{task.id}`", task.span)
            for name, value in task.inputs.items()
        }
        chosen = self._future(task.id, definition.name)
        if definition.gives_whole:
            self.wiring.whole.add(task.id)
        data = tuple(dict.fromkeys(future for value in wired.values() for future in value.futures))
        if isinstance(task.action, Noop):
            ordering, wired = data, dict[str, Wired]()
        else:
            ordering = ()
        ups = (self.wiring.futures[up] for up in task.after)
        after = tuple(dict.fromkeys((*ordering, *ups)))
        return Submission(
            variable=chosen,
            task=definition.name,
            options=definition.options_of(task),
            arguments={definition.parameter(name): value.expr for name, value in wired.items()},
            wait_for=after,
            upstreams=tuple(dict.fromkeys((*data, *after))),
        )

    def _controlled(self, task: Task, definition: Definition) -> Controlled:
        """`submit(task, ...)`: the task decides when all before it has ended."""
        ups = self._upstreams(task)
        self.reader.marks = definition.runtime
        self.reader.certain = self._certain(task)
        given = own_inputs(task)
        inputs = {
            definition.parameter(name): self._input(value, task) for name, value in given.items()
        }
        lazy = any(isinstance(value, _Later) for value in inputs.values())
        made = {
            name: value.expr if isinstance(value, _Later) else self._now(value, lazy=lazy)
            for name, value in inputs.items()
        }
        guard = None if task.guard is None else self.reader.truth(task.guard, task.span)
        chosen = self._future(task.id, definition.name)
        if definition.gives_whole:
            self.wiring.whole.add(task.id)
        options = definition.options_of(task)
        function: Expr = Name(definition.name)
        if options:
            function = Call(Name(f"{definition.name}.with_options"), (), options)
        return Controlled(
            variable=chosen,
            task=function,
            inputs=dict_of(made),
            lazy=lazy,
            join=self._rule(task),
            upstreams=ups,
            guard=guard,
            given=() if task.guard is None else tuple(self.reader.given(task.guard)),
            index=self.indexes[-1] if self.indexes else "",
            names=self._function_names(chosen),
        )

    def _certain(self, node: BodyNode) -> frozenset[str]:
        """What has surely succeeded when a node runs."""
        strict = not isinstance(node, Task) or node.join is Join.ALL_SUCCESS
        return frozenset(self.control.ups[node.id]) if strict else frozenset()

    def _upstreams(self, node: BodyNode) -> tuple[str, ...]:
        ups = self.control.ups[node.id]
        if isinstance(node, Task) and node.join is Join.ALWAYS:
            ups = graph.data_upstreams(node)
        return tuple(self.wiring.futures[up] for up in ups if up in self.wiring.futures)

    def _input(self, value: Expression, task: Task) -> _Later | Expr:
        """An input as it stands in a mapping that is made now, or later."""
        match value:
            case Literal_() | ParameterRef():
                return self.reader.read(value)
            case OutputRef():
                output = self.reader.output(value)
                if isinstance(output, Name):
                    return output
        known = value.op == "item" or (
            isinstance(value, RunFact) and value.fact in ("pipeline", "state")
        )
        if known:
            return self.reader.read(value)
        return _Later(self.reader.read(value, task.span))

    def _now(self, value: Expr, *, lazy: bool) -> Expr:
        """A future stands for its value only in a mapping that is made at once."""
        is_future = isinstance(value, Name) and value.path in self.futures
        return call("value_of", value) if lazy and is_future else value

    def _rule(self, task: Task) -> Expr | None:
        ups = self.control.ups[task.id]
        if is_teardown(task):
            setups = [name for name in ups if is_setup(self.control.nodes[name])]
            return call("teardown_of", *(Name(self.wiring.futures[name]) for name in setups))
        needed = self.control.setups.get(task.id, ())
        if needed and task.join is not Join.ALWAYS:
            futures = [Name(self.wiring.futures[name]) for name in needed]
            return call("with_setups", Name(task.join.value), *futures)
        return None if task.join is Join.ALL_SUCCESS else Name(task.join.value)

    def _future(self, node: str, task: str) -> str:
        chosen = self.wiring.names.give(future_name(node, task))
        self.wiring.futures[node] = chosen
        self.futures.add(chosen)
        return chosen

    def _function_names(self, future: str) -> tuple[str, str]:
        stem = future.replace("_future", "")
        return self.wiring.names.give(f"{stem}_inputs"), self.wiring.names.give(f"{stem}_guard")

    # --- regions

    def _region(
        self, node: Branch | ForEach, prelude: str, inputs: dict[str, Expr], *, lazy: bool
    ) -> Controlled:
        chosen = self._future(node.id, prelude)
        named = Call(Name(f"{prelude}.with_options"), (), {"name": Value(node.id)})
        return Controlled(
            variable=chosen,
            task=named if node.id != prelude else Name(prelude),
            inputs=dict_of(inputs),
            lazy=lazy,
            upstreams=self._upstreams(node),
            index=self.indexes[-1] if self.indexes else "",
            names=self._function_names(chosen),
        )

    def _branch(self, node: Branch) -> None:
        function = self._function(node.id)
        self.reader.marks = False
        bodies = [(arm.name, arm.condition, arm.body) for arm in node.arms]
        if node.otherwise is not None:
            bodies.append(("otherwise", None, node.otherwise))
        arms: list[tuple[Expr | None, Started]] = []
        functions: list[tuple[str, str]] = []
        for name, condition, nodes in bodies:
            self.reader.certain = self._certain(node)
            test = None if condition is None else self.reader.truth(condition, node.span)
            arms.append((test, self.body(nodes, self._merged(node, nodes))))
            if node.chooser is not None:
                functions.append((name, self._function(f"{node.id}_{name}")))
        self.reader.certain = self._certain(node)
        chooser = None if node.chooser is None else self.reader.inside(node.chooser, node.span)
        has_last = chooser is not None and node.otherwise is not None
        otherwise = functions.pop()[1] if has_last else ""
        self.wiring.submissions.append(
            Arms(
                function=function,
                docs=f"Branch `{node.id}`." if _is_printable(node.id) else "",
                arms=tuple(arms),
                names=tuple(self.wiring.names.give(f"{function}_test") for _ in arms),
                chooser=chooser,
                functions=tuple(functions),
                otherwise=otherwise,
            )
        )
        self.wiring.submissions.append(
            self._region(node, "run_branch", {"body": Name(function)}, lazy=False)
        )

    def _merged(self, node: Branch, nodes: Iterable[BodyNode]) -> dict[str, tuple[OutputRef, ...]]:
        """What an arm adds to the outputs of its branch."""
        inside = {name for inner in nodes for name in graph.ids_inside(inner)}
        found = {
            name: tuple(reference for reference in references if reference.node in inside)
            for name, references in node.outputs.items()
        }
        return {name: references for name, references in found.items() if references}

    def _loop(self, node: ForEach) -> None:
        function = self._function(node.id)
        item = self.wiring.names.give("item")
        index = self.wiring.names.give("index")
        self.reader.items[node.id] = item
        outer = self.indexes[-1] if self.indexes else ""
        self.reader.certain, self.reader.marks = self._certain(node), False
        items, lazy = self._items(node)
        self.indexes.append(index)
        body = self.body(node.body, {name: (ref,) for name, ref in node.outputs.items()})
        self.indexes.pop()
        docs = f"A round of loop `{node.id}`."
        self.wiring.submissions.append(Round(function, docs, item, index, body))
        inputs: dict[str, Expr] = {"body": Name(function), "items": items}
        if node.outputs:
            inputs["collect"] = list_of(Value(name) for name in node.outputs)
        if outer:
            inputs["index"] = Name(outer)
        if node.max_parallel is not None:
            inputs["at_once"] = Value(node.max_parallel)
        self.wiring.submissions.append(self._region(node, "run_loop", inputs, lazy=lazy))

    def _items(self, node: ForEach) -> tuple[Expr, bool]:
        """What a loop goes over, and whether that is known only when its upstreams have ended."""
        lists = [self.reader.inside(value, node.span) for value in node.items.lists]
        lazy = any(
            not isinstance(part, (Literal_, ParameterRef)) and part.op != "item"
            for value in node.items.lists
            for part in graph.parts(value)
        )
        if node.items.combine == "product":
            return call("product_of", *lists), lazy
        if node.items.combine == "zip":
            return call("zip_of", *lists), lazy
        only = node.items.lists[0]
        is_list = (isinstance(only, Literal_) and isinstance(only.value, list)) or (
            isinstance(only, ParameterRef)
            and isinstance(self.pipeline.parameters[only.name].type, ListType)
        )
        return (lists[0] if is_list else call("items_of", lists[0])), lazy

    def _function(self, text: str) -> str:
        wanted = variable(text)[:LONGEST_NAME]
        return self.wiring.names.give(f"{wanted}_" if wanted in AMBIGUOUS else wanted)


class _Later(Frozen):
    """An input that has to be computed when the upstreams have ended."""

    expr: Expr


def _urgency(node: BodyNode) -> int:
    return -(node.priority or 0) if isinstance(node, Task) else 0


def _is_printable(text: str) -> bool:
    return text.isprintable()
