"""A pipeline of Airflow's classes in neutral terms: its settings, its tasks one by one, then its edges."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.validate import validate
from intermodal.ecosystems import Translated
from intermodal.findings import errors_of
from intermodal.ir import (
    BodyNode,
    Branch,
    Environment,
    Expression,
    ForEach,
    Group,
    Hosted,
    Items,
    Noop,
    OutputRef,
    Pipeline,
    Task,
)
from intermodal_compilers.airflow.hosted.packages import provider_of
from intermodal_compilers.airflow.translate import dag
from intermodal_compilers.airflow.translate.branches import guard_of
from intermodal_compilers.airflow.translate.context import AIRFLOW, Context, loop_of
from intermodal_compilers.airflow.translate.endings import with_one_ending
from intermodal_compilers.airflow.translate.fitting import fitted, without_watchers
from intermodal_compilers.airflow.translate.hosting import RAN
from intermodal_compilers.airflow.translate.keeping import kept_task, to_keep
from intermodal_compilers.airflow.translate.loops import loop_around, unexpanded
from intermodal_compilers.airflow.translate.parameters import parameters_of
from intermodal_compilers.airflow.translate.policies import apply_policies
from intermodal_compilers.airflow.translate.sources import read
from intermodal_compilers.airflow.translate.table import translator_of


def translate_pipeline(pipeline: Pipeline, target: str, *, keep_hosted: bool = False) -> Translated:
    """The pipeline with neutral actions in place of Airflow's classes; see `Ecosystem.translate`."""
    made = translate_tasks(pipeline, target)
    if keep_hosted and (kept := to_keep(made.context)):
        made = translate_tasks(pipeline, target, kept)
    context = made.context
    settled = dag.settle(context.pipeline, context)
    environment = _with_packages(pipeline, context.kept)
    body = tuple(made.nodes(context.pipeline.body))
    found = settled.model_copy(
        update={"body": body, "exit_tasks": made.exit_tasks(), "environment": environment}
    )
    found = with_one_ending(fitted(found, context), context)
    if context.packages:
        _tell_packages(context)
    if not errors_of(context.findings):
        context.findings += errors_of(validate(found))
    wrong = bool(errors_of(context.findings))
    return Translated(None if wrong else found, tuple(context.findings))


def translate_tasks(
    pipeline: Pipeline, target: str, kept: frozenset[str] = frozenset()
) -> TranslatedTasks:
    """The tasks of a pipeline in neutral terms, each by itself; those of `kept` stay Airflow's."""
    before = Context(pipeline, target)
    pipeline = without_watchers(pipeline, before)
    context = Context(
        pipeline,
        target,
        parameters=pipeline.parameters,
        findings=list(before.findings),
        kept=kept,
    )
    if pipeline.hosted is not None:
        context.parameters = parameters_of(pipeline, context)
        context.dag_settings = dag.rendering_of(pipeline)
        native = context.dag_settings.get("render_template_as_native_obj")
        context.native_templates = read(native) is True
    made = TranslatedTasks(context)
    made.translate_all()
    return made


def is_airflow(task: Task) -> bool:
    """Whether a task is of one of Airflow's classes."""
    return isinstance(task.action, Hosted) and task.action.ecosystem == AIRFLOW


class TranslatedTasks:
    """The tasks of one pipeline as they are translated, and how they stand together."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.made: dict[str, Task] = {}
        self.items: dict[str, Items] = {}

    def translate_all(self) -> None:
        """Every task, those before it first: what they give has a type then."""
        tasks = list(self.context.tasks.values())
        for node in graph.topological(tasks):
            assert isinstance(node, Task)
            known = len(self.context.findings)
            made = self._translated(node) if is_airflow(node) else self._adapted(node)
            if errors_of(self.context.findings[known:]):
                self.context.hosting.add(node.id)
            self.made[node.id] = made
            for name, type_ in made.outputs.items():
                self.context.types[node.id, name] = type_

    def _translated(self, task: Task) -> Task:
        self.context.reader = task.id
        settled = apply_policies(task, self.context)
        if self.context.is_looped(task.id):
            found = unexpanded(settled, self.context)
            if found is None:
                return settled.model_copy(update={"action": Noop.of(), "outputs": {}})
            settled, self.items[task.id] = found
        if task.id in self.context.kept:
            return kept_task(settled, self.context)
        return translator_of(settled)(settled, self.context)

    def _adapted(self, task: Task) -> Task:
        """A task that is none of Airflow's, with what it takes of those that are."""
        self.context.reader = task.id
        adapted: Task = self.context.adapted(task)
        return adapted

    # Edges

    def nodes(self, body: Iterable[BodyNode]) -> Iterator[BodyNode]:
        """The nodes of a body with their translated tasks, markers and loops."""
        for node in body:
            if isinstance(node, Task):
                yield from self._placed(node)
            elif isinstance(node, Group):
                yield self._group(node)
            elif isinstance(node, ForEach):
                yield self._loop(node)
            else:
                yield self._branch(node)

    def exit_tasks(self) -> tuple[Task, ...]:
        """The exit tasks, translated."""
        return tuple(self.made[task.id] for task in self.context.pipeline.exit_tasks)

    def _branch(self, branch: Branch) -> Branch:
        arms = tuple(
            arm.model_copy(
                update={
                    "body": tuple(self.nodes(arm.body)),
                    "condition": self.context.adapted(arm.condition),
                }
            )
            for arm in branch.arms
        )
        rest = branch.otherwise
        updates = {
            "arms": arms,
            "otherwise": None if rest is None else tuple(self.nodes(rest)),
            "chooser": self.context.adapted(branch.chooser),
            "outputs": self.context.adapted(branch.outputs),
        }
        return branch.model_copy(update=updates)

    def _group(self, group: Group) -> Group:
        hosted = self.context.pipeline.hosted
        arguments = hosted.groups.get(group.id, {}) if hosted else {}
        shown, docs = read(arguments.get("group_display_name")), read(arguments.get("tooltip"))
        updates: dict[str, Any] = {"body": tuple(self.nodes(group.body))}
        updates |= {"display_name": shown} if isinstance(shown, str) else {}
        updates |= {"docs": docs} if isinstance(docs, str) else {}
        return group.model_copy(update=updates)

    def _loop(self, loop: ForEach) -> ForEach:
        """A loop that holds the tasks of an expanded group."""
        self.context.reader = ""
        lists = tuple(self.context.adapted(self.context.resolved(one)) for one in loop.items.lists)
        body = tuple(self.nodes(loop.body))
        collected = self.context.collected.get(loop.id, {})
        first = self.context.roots[loop.id]
        known = set(graph.data_upstreams(body[0])) if [body[0].id] == [*first] else set()
        updates = {
            "items": loop.items.model_copy(update={"lists": lists}),
            "body": body,
            "outputs": {**self._outputs(loop), **collected},
            "after": tuple(
                name for up in loop.after for name in self._ends(up) if name not in known
            ),
        }
        return loop.model_copy(update=updates)

    def _outputs(self, loop: ForEach) -> Mapping[str, Expression]:
        """What a loop collects, of tasks that are loops themselves by now, too."""
        self.context.reader = next(iter(self.context.roots.get(loop.id, ())), "")
        adapted: Mapping[str, Expression] = self.context.adapted(loop.outputs)
        return adapted

    def _placed(self, task: Task) -> Iterator[BodyNode]:
        made = self.made[task.id]
        guard = guard_of(task.id, self.context, made.guard)
        if task.id in self.items:
            inner = made.model_copy(update={"after": (), "guard": guard})
            marker = [skip_marker(task.id)] if self._skips(task.id) else []
            after = self._after(task, inner, self.items[task.id].lists)
            yield loop_around([inner, *marker], self.items[task.id], after)
            return
        made = made.model_copy(update={"guard": guard})
        yield made.model_copy(update={"after": self._after(task, made)})
        if self._skips(task.id):
            yield skip_marker(task.id)

    def _skips(self, task: str) -> bool:
        return task in self.context.skipping and RAN in self.made[task].outputs

    def _after(self, task: Task, made: Task, lists: Iterable[Expression] = ()) -> tuple[str, ...]:
        """Ids of what a task waits for, apart from what its inputs say."""
        known = set(graph.data_upstreams(made)) | {ref.node for ref in graph.references(lists)}
        found: dict[str, None] = {}
        for up in graph.upstreams(task):
            outer = self.context.loop_between(up, task.id)
            for name in [outer] if outer else self._ends(up):
                if name not in known:
                    found[name] = None
        return tuple(found)

    def _ends(self, task: str) -> Iterator[str]:
        """What to wait for in place of a task: its loop, or the marker that is skipped when it skips itself."""
        if task in self.items:
            yield loop_of(task)
        elif task in self.made and self._skips(task):
            yield marker_of(task)
        else:
            yield task


def marker_of(task: str) -> str:
    """The id of the task that stands for another one's skipping itself."""
    return f"{task}_ran"


def skip_marker(task: str) -> Task:
    """A task that is skipped if another one skipped itself: what waits for that one waits for this."""
    guard = OutputRef.of(node=task, output=RAN)
    return Task.of(id=marker_of(task), action=Noop.of(), guard=guard)


def _with_packages(pipeline: Pipeline, kept: Container[str]) -> Environment:
    """What the tasks run in, with what classes say that they need which are not kept."""
    found = dict.fromkeys(pipeline.environment.packages)
    for task in graph.tasks(pipeline):
        if isinstance(task.action, Hosted) and task.id not in kept:
            found |= dict.fromkeys(task.action.packages)
    return pipeline.environment.model_copy(update={"packages": tuple(found)})


def _tell_packages(context: Context) -> None:
    providers = {provider_of(path) for path in context.packages} - {""}
    names = ["apache-airflow", *(f"apache-airflow-providers-{one}" for one in sorted(providers))]
    context.tell(
        "PORT207",
        f"tasks of `{context.pipeline.name}` run classes of Airflow in their own process",
        f"where they run, these have to be installed: {', '.join(names)}",
        "give connections and Variables as AIRFLOW_CONN_... and AIRFLOW_VAR_... there",
    )
