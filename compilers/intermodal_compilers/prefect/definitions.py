"""The task functions of a flow file: one for all the calls that can share it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from intermodal.analysis.needs import needs_runtime
from intermodal.compiling import Settings
from intermodal.findings import Finding, error
from intermodal.ir import (
    ArtifactType,
    Container,
    Noop,
    Pipeline,
    PythonCall,
    Shell,
    Task,
    Type,
)
from intermodal_compilers.prefect.actions import may_use_runtime
from intermodal_compilers.prefect.arguments import is_plain_argument
from intermodal_compilers.prefect.control import Control, gives_whole
from intermodal_compilers.prefect.policies import (
    cache_options,
    notification_options,
    retry_options,
    tags,
)
from intermodal_compilers.pysource import Expr, Value, list_of

Key = tuple[object, ...]

# What fits on a line with its quotes and indent.
LONGEST_DOCS = 78


@dataclass
class Definition:
    """Tasks that share one function of the flow file.

    Attributes:
        tasks: The tasks, in order.
        runtime: Whether they call Intermodal's runtime.
        joined: Whether they decide themselves if they run.
        pipeline: The pipeline's name.
        looped: Whether they stand in loops.
        name: The Python name of the Prefect task.
        parameters: Python names of its parameters by input; None if it takes `**inputs`.
        common: Options that all tasks share, by name.
    """

    tasks: list[Task]
    runtime: bool
    joined: bool = False
    pipeline: str = ""
    looped: bool = False
    name: str = ""
    parameters: dict[str, str] | None = None
    common: dict[str, Expr] = field(default_factory=dict)
    own: dict[str, dict[str, Expr]] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        """The first of the tasks: they are alike."""
        return self.tasks[0]

    @property
    def gives_whole(self) -> bool:
        """Whether what it gives is its one output, not a mapping of outputs."""
        return gives_whole(self.task)

    def parameter(self, name: str) -> str:
        """The Python name of the parameter for an input."""
        return name if self.parameters is None else self.parameters[name]

    def options_of(self, task: Task) -> Mapping[str, Expr]:
        """The arguments of `with_options` for one of the tasks."""
        return self.own.get(task.id, {})

    def settle_options(self, docs: str = "") -> None:
        """Split the options of the tasks into those of `@task` and those of `with_options`.

        Args:
            docs: The text that Prefect takes as the description anyway.
        """
        every = {task.id: self._options(task, docs) for task in self.tasks}
        first, *others = every.values()
        self.common = {
            key: value
            for key, value in first.items()
            if all(key in other and other[key] == value for other in others)
        }
        self.own = {
            id_: {key: value for key, value in options.items() if key not in self.common}
            for id_, options in every.items()
        }

    def take_docs(self) -> str:
        """The description that all tasks share, if it is one plain line: a docstring says the same."""
        shared = self.common.get("description")
        text = shared.value if isinstance(shared, Value) else ""
        plain = text.isprintable() and not {'"', "\\"} & set(text) and text == text.strip()
        if not text or not plain or len(text) > LONGEST_DOCS:
            return ""
        del self.common["description"]
        return str(text)

    def _options(self, task: Task, docs: str) -> dict[str, Expr]:
        options: dict[str, Expr] = {}
        if task.id != self.name:
            options["name"] = Value(task.id)
        if task.display_name and task.display_name != task.id:
            # Prefect fills in fields of a run's name; doubled braces are plain ones.
            shown = task.display_name.replace("{", "{{").replace("}", "}}")
            options["task_run_name"] = Value(shown)
        if task.docs.strip() and task.docs.strip() != docs.strip():
            options["description"] = Value(task.docs)
        marks = [*tags(task.labels, task.owners), *(f"reads:{uri}" for uri in task.reads)]
        if marks:
            options["tags"] = list_of(Value(mark) for mark in marks)
        joined, looped = self.joined, self.looped
        caching = {} if self.runtime else cache_options(task, self.pipeline, joined=joined)
        hooks = notification_options(task, self.pipeline, joined=joined, looped=looped)
        return {**options, **caching, **retry_options(task.retry), **hooks}


def group(
    tasks: Iterable[Task], pipeline: Pipeline, settings: Settings, control: Control
) -> list[Definition]:
    """Tasks that can share a function, together; in the order of their first tasks."""
    tracked = bool(settings.tracking) and pipeline.tracking.enabled
    found: dict[Key, Definition] = {}
    for task in tasks:
        runtime = may_use_runtime(task) and needs_runtime(task, tracking=tracked)
        joined, looped = task.id in control.joined, bool(control.loops.get(task.id))
        key = (*_key(task, runtime=runtime), joined, looped, *_kept(task, runtime=runtime))
        if key in found:
            found[key].tasks.append(task)
        else:
            found[key] = Definition([task], runtime, joined, pipeline.name, looped)
    return list(found.values())


def _key(task: Task, *, runtime: bool) -> Key:
    """Equal for tasks that one function can serve."""
    outputs = tuple((name, _shown(type_)) for name, type_ in task.outputs.items())
    process = (task.timeout, tuple(sorted(task.environment.items())))
    inputs = tuple(task.inputs)
    match task.action:
        case PythonCall(module=module, function=function, unpack=unpack, source=source):
            # Functions of one text may use other ones that only have the same name.
            text = (source.function, source.imports, source.definitions) if source else ()
            odd = inputs if any(not is_plain_argument(name) for name in inputs) else ()
            return ("python", module, function, text, unpack, odd, outputs, process, runtime)
        case Noop():
            return ("noop",)
        case action:
            return (
                action.kind,
                repr(action),
                repr(task.resources),
                inputs,
                outputs,
                process,
                runtime,
            )


def _kept(task: Task, *, runtime: bool) -> Key:
    """What stands around the function, or in its call of the runtime."""
    cache = repr(task.cache) if runtime else ""
    return (task.pool, task.pool_slots, task.writes, repr(task.secrets), cache)


def _shown(type_: Type) -> str:
    return type_.artifact if isinstance(type_, ArtifactType) else repr(type_)


def action_findings(task: Task) -> list[Finding]:
    """Errors about values of the action that Prefect has no place for."""
    findings: list[Finding] = []
    if isinstance(task.action, Container):
        for name, type_ in (*task.input_types.items(), *task.outputs.items()):
            if isinstance(type_, ArtifactType):
                findings.append(
                    error(
                        "PORT204",
                        f"`{name}` of container task `{task.id}` is an artifact",
                        task.span,
                        why="containers started from Prefect take and give plain values only for now",
                        next="pass text, or use a Python or shell task",
                    )
                )
    command = task.action.command if isinstance(task.action, Shell) else ""
    texts = [command, *task.environment.values()]
    if any("\0" in text for text in texts):
        findings.append(
            error(
                "PORT204",
                f"task `{task.id}` has a null character in its command or environment",
                task.span,
                why="no operating system can start a process with it",
                next="remove it",
            )
        )
    return findings
