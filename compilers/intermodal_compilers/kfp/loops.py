"""Loops: KFP's parameter iterator over a list in the specification, an input, or one that a task makes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from intermodal.analysis import graph
from intermodal.analysis.loop_items import literal_items
from intermodal.findings import error
from intermodal.ir import (
    BooleanType,
    Branch,
    Compare,
    ForEach,
    ListType,
    Literal_,
    Logic,
    Noop,
    OutputRef,
    ParameterRef,
    StringType,
    Task,
)
from intermodal_compilers.kfp.build import Build
from intermodal_compilers.kfp.encoding import (
    LIST,
    Code,
    EachOf,
    Numbered,
    Wire,
    constant,
    is_json,
    json_text,
    parameter_type,
    write,
)
from intermodal_compilers.kfp.gates import TRUE, Atom, Gate, atom, conjoin
from intermodal_compilers.kfp.limits import check_depth
from intermodal_compilers.kfp.model import (
    DagPlan,
    InputPlan,
    IteratorPlan,
    RunParameter,
    TaskOutput,
    TaskPlan,
)
from intermodal_compilers.kfp.names import Names, dashed
from intermodal_compilers.kfp.scopes import Location, Scope, Value, wait
from intermodal_compilers.kfp.tasks import TaskLowering

if TYPE_CHECKING:
    from intermodal_compilers.kfp.regions import RegionLowering

RAN, EACH_RAN = "ran", "each-ran"
"""Outputs of a loop that tell whether the last tasks in it ran."""

MOST_ITEMS = 475
"""Iterations beyond which KFP's open-source backend fails (kubeflow/pipelines#13422)."""


@dataclass
class LoopLowering:
    """Lowers the loops of one pipeline."""

    build: Build
    tasks: TaskLowering
    regions: RegionLowering

    def lower(self, loop: ForEach, scope: Scope, known: frozenset[Gate]) -> None:
        """Put a loop into a DAG."""
        if not loop.body:
            return
        literal = literal_items(loop)
        if literal is not None and not self._fits(loop, len(literal)):
            return
        if loop.outputs and literal is not None and not literal:
            self._nothing(loop, scope)
            return
        if literal is None and (loop.outputs or self._may_skip(loop)):
            told = self._guarded(loop, scope, known)
        else:
            told = self._build(loop, scope, known, literal, None)
        if told is not None:
            self._note_run(loop, scope, told)

    def _may_skip(self, loop: ForEach) -> bool:
        """Whether something waits for the loop, and nothing in it may run."""
        inside = loop.body if loop.id in self.build.waited else ()
        return any(
            isinstance(node, Branch) or (isinstance(node, Task) and node.guard is not None)
            for node in inside
        )

    def _build(
        self,
        loop: ForEach,
        scope: Scope,
        known: frozenset[Gate],
        literal: list[Any] | None,
        items: Value | None,
    ) -> Value | None:
        """Put a loop into a DAG; `items` is its list, if a task has made it already.

        Returns:
            What tells of each iteration whether it ran, if anybody has to know.
        """
        build = self.build
        name = dashed(loop.id)
        check_depth(loop.id, scope)
        items_value: Value | None = None
        needs_outside = self._takes_outputs(loop)
        wire: Wire
        raw: str | None = None
        if literal is not None:
            wire, raw = self._raw(loop, literal)
        elif items is not None:
            items_value, wire = items, self._item_wire(loop)
        elif (direct := self._direct(loop, scope)) is not None:
            items_value, wire = direct
        else:
            listed = self._listed(loop, scope)["items"]
            items_value, wire = listed, self._item_wire(loop)
        is_task_output = items_value is not None and isinstance(
            scope.source_of(items_value), TaskOutput
        )
        around = scope
        if needs_outside or is_task_output:
            # kfp.local gives a loop the item for whatever it takes from a task beside it.
            around = self.regions.wrapper(scope, f"loop-{name}", loop.id)
        plan = TaskPlan(build.task_names.take(f"for-loop-{name}"[:100]), loop.id, dag=DagPlan())
        # The backend knows an item by what its name begins with, and only beside its own loop.
        item = build.item_names.take(f"loop-item-{name}"[:120])
        inner = Scope(cast("DagPlan", plan.dag), around, plan, is_loop=True)
        inner.keys.take(item)
        items_input = ""
        if items_value is not None:
            source = around.source_of(items_value)
            items_input = cast("RunParameter", source).name
            plan.inputs[items_input] = InputPlan(items_input, LIST, source)
            inner.keys.take(items_input)
        plan.iterator = IteratorPlan(
            item, parameter_type(wire), items_input, raw, loop.max_parallel or 0
        )
        build.add(around, plan)
        outermost = plan if around is scope else cast("TaskPlan", around.task)
        location = Location(scope, outermost)
        build.locations[loop.id] = location
        for up in graph.upstreams(loop):
            if up in build.locations:
                build.after(location, up)
        is_stored = any(
            isinstance(part, OutputRef) and part.node in build.runtime_tasks
            for one in loop.items.lists
            for part in graph.parts(one)
        )
        build.items[loop.id] = Value(
            inner, RunParameter(item), wire, f"{name}-item", False, is_stored
        )
        self.regions.body(loop.body, inner, known)
        self._collect(loop, inner, around, scope)
        return self._tell_run(loop, inner, around, scope)

    def _guarded(self, loop: ForEach, scope: Scope, known: frozenset[Gate]) -> Value | None:
        """A loop that may go over nothing, with outputs: KFP collects none then, not an empty list."""
        build = self.build
        made = self._listed(loop, scope)
        helper = cast("TaskOutput", made["any"].source).task
        build.produced[helper, "any"] = made["any"]
        gate = atom(Atom("output", helper, "any", "==", "true"))
        group = self.regions.skippable(loop.id, scope, gate, "[]")
        told = self._build(loop, group.inner, known, None, made["items"])
        build.locations[loop.id] = Location(scope, cast("TaskPlan", group.outer.task))
        for output in loop.outputs:
            value = build.produced.get((loop.id, output))
            if value is not None:
                build.produced[loop.id, output] = group.let_out(value)
        for up in graph.upstreams(loop):
            if up in build.locations:
                build.after(build.locations[loop.id], up)
        return None if told is None else group.let_out(told)

    def _nothing(self, loop: ForEach, scope: Scope) -> None:
        """A loop over an empty list: all that remains are its empty outputs."""
        build = self.build
        plan = TaskPlan(build.task_names.take(dashed(loop.id)), loop.id)
        build.locations[loop.id] = Location(scope, plan)
        for up in graph.upstreams(loop):
            if up in build.locations:
                build.after(build.locations[loop.id], up)
        codes = {name: Code("[]") for name in loop.outputs}
        wires: dict[str, Wire] = {name: ListType.of(item=StringType.of()) for name in codes}
        for name, value in self.tasks.computing(plan, scope, codes, wires).items():
            build.produced[loop.id, name] = value

    def _collect(self, loop: ForEach, inner: Scope, around: Scope, scope: Scope) -> None:
        build = self.build
        for name, reference in loop.outputs.items():
            value = build.output(reference.node, reference.output, inner)
            if value.is_artifact:
                value = self.tasks.pack(value)
            hint = f"{dashed(loop.id)}-{name}"
            value = Value(value.home, value.source, value.wire, hint, False, value.is_stored)
            found = inner.export((cast("TaskOutput", value.source),), value)
            if around is not scope:
                found = around.export((cast("TaskOutput", found.source),), found)
            build.produced[loop.id, name] = found

    def _tell_run(self, loop: ForEach, inner: Scope, around: Scope, scope: Scope) -> Value | None:
        """Of each iteration, whether a leaf of it ran: only the iterations know."""
        gate = self.regions.leaves_run(loop.body)
        if gate == TRUE or loop.id not in self.build.waited:
            return None
        value = self.regions.tell_run(f"{dashed(loop.id)}-ran", inner, gate)
        found = inner.export((cast("TaskOutput", value.source),), value)
        if around is not scope:
            found = around.export((cast("TaskOutput", found.source),), found)
        return found

    def _note_run(self, loop: ForEach, scope: Scope, told: Value) -> None:
        """The loop ends as succeeded if a leaf ran in any iteration, or there was none."""
        build = self.build
        build.produced[loop.id, EACH_RAN] = told
        each = OutputRef.of(node=loop.id, output=EACH_RAN)
        none = Compare.of(operator="==", left=each, right=Literal_.of(value=[]))
        some = Compare.of(operator="in", left=Literal_.of(value=True), right=each)
        value = Logic.of(operator="or", operands=(none, some))
        name = f"{dashed(loop.id)}-any-ran"
        made = self.tasks.compute(name, scope, {RAN: (value, BooleanType.of())})
        build.produced[loop.id, RAN] = made[RAN]
        own = atom(Atom("output", loop.id, RAN, "==", "true"))
        build.runs[loop.id] = conjoin((build.runs.get(loop.id, TRUE), own))

    # --- items

    def _fits(self, loop: ForEach, count: int) -> bool:
        if count <= MOST_ITEMS:
            return True
        self.build.findings.append(
            error(
                "PORT204",
                f"{self.build.target} cannot run the {count} iterations of `{loop.id}`",
                loop.span,
                why=f"its open-source backend fails beyond about {MOST_ITEMS} "
                "(kubeflow/pipelines#13422)",
                next="loop over batches of items, and over the items of a batch inside a task",
            )
        )
        return False

    def _is_numbered(self, loop: ForEach) -> bool:
        """Whether its items travel with their positions, as JSON text."""
        return loop.id in self.build.facts.numbered

    def _item_wire(self, loop: ForEach) -> Wire:
        type_ = self.build.types.item_type(loop)
        return Numbered(type_) if self._is_numbered(loop) else type_

    def _raw(self, loop: ForEach, items: list[Any]) -> tuple[Wire, str]:
        """How literal items travel, and the JSON text of their list."""
        type_ = self.build.types.item_type(loop)
        if self._is_numbered(loop):
            texts = [json_text([position, item]) for position, item in enumerate(items)]
            return Numbered(type_), json.dumps(texts, ensure_ascii=False)
        wired = [constant(item, type_) for item in items]
        return type_, json.dumps(wired, ensure_ascii=False)

    def _direct(self, loop: ForEach, scope: Scope) -> tuple[Value, Wire] | None:
        """A list that KFP itself can go over."""
        build = self.build
        if loop.items.combine != "single" or self._is_numbered(loop):
            return None
        one = loop.items.lists[0]
        type_ = build.types.type_of(one)
        if not isinstance(type_, ListType) or is_json(type_):
            return None
        if isinstance(one, ParameterRef):
            return build.parameter(one.name), type_.item
        if isinstance(one, OutputRef) and one.node not in build.runtime_tasks:
            value = build.output(one.node, one.output, scope)
            if value.wire == type_:
                return value, type_.item
        return None

    def _listed(self, loop: ForEach, scope: Scope) -> dict[str, Value]:
        """The items as a task makes them: numbered, so that every task knows its position."""
        build = self.build
        plan = TaskPlan(
            build.task_names.take(f"{dashed(loop.id)}-items"[:100]), f"items of {loop.id}"
        )
        location = Location(scope, plan)
        inputs = {f"list_{number}": one for number, one in enumerate(loop.items.lists, start=1)}
        task = Task.of(id=loop.id, action=Noop.of(), inputs=inputs)
        given, findings = self.tasks.reader.inputs_of(task, scope)
        build.findings += findings
        keys = Names()
        for one in given:
            one.take_keys(keys)
            for found in one.plans(scope):
                plan.inputs[found.key] = found
                if isinstance(found.source, TaskOutput):
                    wait(plan, found.source.task)
        for up in graph.upstreams(loop):
            if up in build.locations:
                build.after(location, up)
        codes = [self.tasks.reader.code(one, uses_runtime=False) for one in given]
        lists = [f"listed({code.text})" for code in codes]
        needs = frozenset().union(*(code.needs for code in codes)) | {"listed", "dumped"}
        items = {
            "single": lists[0] if lists else "[]",
            "product": f"map(list, itertools.product({', '.join(lists)}))",
            "zip": f"map(list, zip({', '.join(lists)}))",
        }[loop.items.combine]
        text = f"[dumped([n, item]) for n, item in enumerate({items})]"
        if not self._is_numbered(loop):
            written = write(build.types.item_type(loop), "item", 1)
            text, needs = f"[{written.text} for item in {items}]", needs | written.needs
        checks = (
            f"items = {text}",
            f"if len(items) > {MOST_ITEMS}:",
            f'    sys.exit(f"{{len(items)}} items; KFP runs at most {MOST_ITEMS} iterations")',
        )
        code = Code("items", needs)
        # The elements are in the form in which they travel already.
        wires: dict[str, Wire] = {"items": EachOf(StringType.of())}
        codes_by_name = {"items": code}
        if loop.outputs or self._may_skip(loop):
            wires["any"], codes_by_name["any"] = BooleanType.of(), Code("bool(items)")
        return self.tasks.computing(plan, scope, codes_by_name, wires, checks)

    def _takes_outputs(self, loop: ForEach) -> bool:
        """Whether anything in it uses a task outside of it, apart from waiting for it."""
        inside = set(graph.ids_inside(loop))
        stack = list(loop.body)
        while stack:
            node = stack.pop()
            if any(up not in inside for up in graph.data_upstreams(node)):
                return True
            if any(up in self.build.runs for up in node.after if up not in inside):
                return True
            stack.extend(child for _, body in graph.regions(node) for child in body)
        return False
