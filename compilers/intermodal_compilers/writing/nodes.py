"""Tasks, one statement each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from intermodal import ir
from intermodal.analysis.connection_calls import JSON, TEXT
from intermodal.authoring.requests import ROWS
from intermodal_compilers.pysource import (
    Attribute,
    Call,
    Expr,
    Lines,
    Name,
    Value,
    call,
    dict_of,
    is_identifier,
    layout,
    list_of,
)
from intermodal_compilers.writing.expressions import Expressions
from intermodal_compilers.writing.functions import Definition, Functions, kept_as_it_is
from intermodal_compilers.writing.ids import Ids
from intermodal_compilers.writing.names import ModuleNames
from intermodal_compilers.writing.places import Places
from intermodal_compilers.writing.policies import duration, task_options, texts
from intermodal_compilers.writing.raw import raw
from intermodal_compilers.writing.statements import assigned
from intermodal_compilers.writing.variables import Variables

TRIGGER_WORDS = frozenset({"wait", "id", "options"})
CONTENT_TYPE = "Content-Type"
WAIT_WORDS = frozenset({"every", "timeout", "soft_fail"})


@dataclass
class Tasks:
    """Writes the tasks of one pipeline.

    Attributes:
        place: The place of the pipeline in the module.
        names: Names of the module.
        functions: The functions that tasks call.
        expressions: Writes expressions.
        places: Where nodes stand.
        variables: The pipeline's variables.
        siblings: Functions of the module's pipelines, by the pipelines' names.
        ids: Ids given so far.
        setups: Setup tasks that a teardown marks as such.
    """

    place: int
    names: ModuleNames
    functions: Functions
    expressions: Expressions
    places: Places
    variables: Variables
    siblings: Mapping[str, str]
    ids: Ids = field(default_factory=Ids)
    setups: set[str] = field(default_factory=set)

    def lines(self, task: ir.Task, indent: int, *, exiting: bool = False) -> list[str]:
        """The statement of a task, and what marks it as a setup or a teardown."""
        made = self.call(task)
        if exiting:
            made = self._on_exit(made)
        target = self._variable(task)
        if task.pairing is None or (task.pairing.role == "setup" and task.id in self.setups):
            return assigned(made, target, indent)
        whole = assigned(self._paired(made, task.pairing), target, indent)
        if len(whole) == 1:
            return whole
        target = target or self.variables.make(task.id, "task")
        return assigned(made, target, indent) + layout(
            self._paired(Name(target), task.pairing), indent=indent
        )

    def call(self, task: ir.Task) -> Call:
        """What makes the task."""
        definition = self.functions.by_use.get((self.place, task.id))
        match task.action:
            case ir.PythonCall() if definition is not None:
                made = self.function_call(task, definition)
            case ir.Wait() if definition is not None and _is_plain_wait(task):
                made = self._wait(task, task.action, definition)
            case ir.Shell() if _is_plain_shell(task):
                made = self._shell(task, task.action)
            case ir.Container(image=str() as image) if image:
                made = self._container(task, task.action)
            case ir.Noop() if not task.outputs and not task.inputs:
                made = self._other(task, "noop", (), {})
            case ir.Approval() if not task.outputs and not task.inputs and task.timeout is None:
                made = self._approval(task, task.action)
            case ir.TriggerRun() if self._can_trigger(task, task.action):
                made = self._trigger(task, task.action)
            case ir.Sql() if _is_plain_statement(task, task.action):
                made = self._sql(task, task.action)
            case ir.Http() if _is_plain_request(task, task.action):
                made = self._http(task, task.action)
            case ir.Hosted() if self._can_host(task, task.action):
                made = self._hosted(task, task.action)
            case _:
                made = self._raw(task)
        return made

    def function_call(self, task: ir.Task, definition: Definition) -> Call:
        """`train.with_options(...)(rows, trees=trees)`."""
        args, keywords = self.arguments(task, definition)
        return Call(self.chosen(task, definition), args, keywords)

    def chosen(self, task: ir.Task, definition: Definition, identity: str | None = None) -> Expr:
        """The function, with the options that this task alone has.

        Args:
            task: The task.
            definition: Its function.
            identity: Its id, where it is known already that it has to be said; "" where it has not.
        """
        options = definition.own((self.place, task.id))
        if identity is None:
            identity = self.identity(task, definition)
        if identity and len(definition.options) == 1:
            definition.common = {"id": Value(identity), **definition.common}
        elif identity:
            options = {"id": Value(identity), **options}
        options |= self._graph_options(task)
        function = Name(definition.name)
        if not options:
            return function
        return Call(Attribute(function, "with_options"), (), options)

    def identity(self, task: ir.Task, definition: Definition) -> str:
        """The id, if it has to be said; "" if it comes by itself."""
        known = self.ids.functions.get(definition.base, definition)
        if known is definition and self.ids.by_itself(definition.base, task.id):
            self.ids.functions[definition.base] = definition
            return ""
        self.ids.explicit(task.id)
        return task.id

    def arguments(
        self, task: ir.Task, definition: Definition, skip: int = 0
    ) -> tuple[tuple[Expr, ...], dict[str, Expr]]:
        """What the function is called with: values of the run by position, others by name."""
        known = definition.unit.function.arguments if definition.unit else ()
        by_place = [each.name for each in known if not each.by_name]
        order = [each.name for each in known] or list(task.inputs)
        args: list[Expr] = []
        keywords: dict[str, Expr] = {}
        for number, name in enumerate(order[skip:], skip):
            if name not in task.inputs:
                continue
            made = self.expressions.written(task.inputs[name])
            follows = len(args) + skip == number and not keywords and number < len(by_place)
            if follows and made.handle and by_place[number] == name:
                args.append(made.expr)
            else:
                keywords[name] = made.expr
        return tuple(args), keywords

    def _variable(self, task: ir.Task) -> str:
        self.expressions.outputs[task.id] = task.outputs
        if task.id not in self.places.wanted:
            return ""
        used = any((task.id, output) in self.places.used for output in task.outputs)
        made = self.variables.make(task.id, "result" if used else "task")
        self.expressions.name(task.id, made)
        return made

    def _on_exit(self, made: Call) -> Call:
        return Call(Name(self.names.ours("on_exit")), (made.function, *made.args), made.keywords)

    def _paired(self, made: Expr, pairing: ir.Pairing) -> Call:
        """The task, marked as what it is of a pair."""
        if pairing.role == "setup":
            return call(Attribute(made, "as_setup"))
        partners = [self.expressions.waited(each) for each in pairing.partners]
        if not partners:
            return call(Attribute(made, "as_teardown"))
        setups = partners[0] if len(partners) == 1 else list_of(partners)
        return call(Attribute(made, "as_teardown"), setups=setups)

    def _graph_options(self, task: ir.Task) -> dict[str, Expr]:
        """What hangs on other tasks."""
        options: dict[str, Expr] = {}
        if task.guard is not None:
            options["guard"] = self.expressions.condition(task.guard)
        return options | self.after(task.id)

    def after(self, node: str) -> dict[str, Expr]:
        """The option `after`, for edges that no `>>` can say."""
        early = self.places.early.get(node, ())
        if not early:
            return {}
        waited = [self.expressions.waited(each) for each in early]
        return {"after": waited[0] if len(waited) == 1 else list_of(waited)}

    def _other(
        self, task: ir.Task, name: str, args: tuple[Expr, ...], keywords: dict[str, Expr]
    ) -> Call:
        """A call of one of the functions that make other tasks than Python's."""
        identity = {} if self.ids.by_itself(name, task.id) else {"id": Value(task.id)}
        if identity:
            self.ids.by_itself(task.id, task.id)
        options = task_options(task, self.names, None) | self._graph_options(task)
        function = Name(self.names.ours(name))
        return Call(function, args, {**keywords, **identity, **options})

    def _inputs(self, task: ir.Task) -> dict[str, Expr]:
        if not task.inputs:
            return {}
        return {"inputs": self._values(task.inputs)}

    def _shell(self, task: ir.Task, action: ir.Shell) -> Call:
        keywords = self._inputs(task)
        if "return" in task.outputs:
            keywords["returns"] = self.functions.types.option(task.outputs["return"])
        return self._other(task, "shell", (Lines(action.command, whole=True),), keywords)

    def _container(self, task: ir.Task, action: ir.Container) -> Call:
        alone = _named_by_themselves(task, action)
        words = {
            name: [self._word(each, task, alone) for each in getattr(action, name)]
            for name in ("command", "args")
        }
        keywords: dict[str, Expr] = {k: list_of(given) for k, given in words.items() if given}
        inputs = {n: self.expressions.of(v) for n, v in task.inputs.items() if n not in alone}
        if inputs:
            keywords["inputs"] = dict_of(inputs)
        if task.outputs:
            keywords["outputs"] = self._types(task.outputs)
        return self._other(task, "container", (Value(action.image),), keywords)

    def _word(self, word: ir.Expression, task: ir.Task, alone: frozenset[str]) -> Expr:
        """A word of a container's command."""
        if isinstance(word, ir.InputRef) and word.name in alone:
            return self.expressions.of(task.inputs[word.name])
        parts = word.parts if isinstance(word, ir.Format) else (word,)
        plain = all(isinstance(part, (ir.Literal_, ir.InputRef, ir.PathRef)) for part in parts)
        return self.expressions.of(word) if plain else raw(word, self.names)

    def _types(self, given: Mapping[str, ir.Type]) -> Expr:
        return dict_of({name: self.functions.types.option(type_) for name, type_ in given.items()})

    def _approval(self, task: ir.Task, action: ir.Approval) -> Call:
        keywords: dict[str, Expr] = {}
        if action.approvers:
            keywords["approvers"] = texts(action.approvers)
        if action.timeout is not None:
            keywords["timeout"] = duration(action.timeout)
        message = self.expressions.of(action.message)
        return self._other(task, "approval", (message,), keywords)

    def _can_trigger(self, task: ir.Task, action: ir.TriggerRun) -> bool:
        plain = all(is_identifier(name) for name in action.parameters)
        return plain and not TRIGGER_WORDS & set(action.parameters) and not task.outputs

    def _trigger(self, task: ir.Task, action: ir.TriggerRun) -> Call:
        sibling = self.siblings.get(action.pipeline)
        other: Expr = Name(sibling) if sibling else Value(action.pipeline)
        keywords: dict[str, Expr] = {"wait": Value(True)} if action.wait else {}
        if not self.ids.by_itself(f"trigger_{action.pipeline}", task.id):
            self.ids.by_itself(task.id, task.id)
            keywords["id"] = Value(task.id)
        options = task_options(task, self.names, None) | self._graph_options(task)
        if options:
            keywords["options"] = dict_of(options)
        for name, value in action.parameters.items():
            keywords[name] = self.expressions.of(value)
        return Call(Name(self.names.ours("trigger")), (other,), keywords)

    def _wait(self, task: ir.Task, action: ir.Wait, definition: Definition) -> Call:
        args, keywords = self.arguments(task, definition)
        check = self.chosen(task, definition)
        keywords["every"] = duration(action.interval)
        if action.timeout is not None:
            keywords["timeout"] = duration(action.timeout)
        if action.soft_fail:
            keywords["soft_fail"] = Value(True)
        return Call(Name(self.names.ours("wait_until")), (check, *args), keywords)

    def _sql(self, task: ir.Task, action: ir.Sql) -> Call:
        statement = action.statement.value if isinstance(action.statement, ir.Literal_) else ""
        keywords: dict[str, Expr] = {"connection": Value(action.connection)}
        if action.parameters:
            keywords["parameters"] = self._values(action.parameters)
        return self._other(task, "sql", (Lines(statement, whole=True),), keywords)

    def _http(self, task: ir.Task, action: ir.Http) -> Call:
        keywords: dict[str, Expr] = {}
        if action.method != "GET":
            keywords["method"] = Value(action.method)
        headers = {
            name: value
            for name, value in action.headers.items()
            if name != CONTENT_TYPE or value != ir.Literal_.of(value=_kind_of(action.body))
        }
        if headers:
            keywords["headers"] = self._values(headers)
        if action.body is not None:
            keywords["body"] = self.expressions.of(action.body)
        if action.connection is not None:
            keywords["connection"] = Value(action.connection)
        return self._other(task, "http", (self.expressions.of(action.url),), keywords)

    def _can_host(self, task: ir.Task, action: ir.Hosted) -> bool:
        gives_all = task.outputs.get("return") and all(
            isinstance(type_, ir.AnyType) for type_ in task.outputs.values()
        )
        if task.inputs or task.input_types or not gives_all:
            return False
        path = action.class_path
        if action.class_source is not None:
            made = self.functions.sources.of(action.class_source)
            return made is not None and path == action.class_source.text
        return "." in path and all(map(is_identifier, path.split(".")))

    def _hosted(self, task: ir.Task, action: ir.Hosted) -> Call:
        """`hosted("some.where.Operator", id="copy", arguments={...})`."""
        self.ids.by_itself(task.id, task.id)
        keywords: dict[str, Expr] = {"id": Value(task.id)}
        kind: Expr = Value(action.class_path)
        if action.class_source is not None:
            kind = self.expressions.of(action.class_source)
        if action.class_source is not None or action.class_path.split(".")[0] != action.ecosystem:
            keywords["ecosystem"] = Value(action.ecosystem)
        if action.arguments:
            keywords["arguments"] = self._values(action.arguments)
        if action.expand:
            keywords["expand"] = self._values(action.expand)
        if action.expand_maps is not None:
            keywords["expand_maps"] = self.expressions.of(action.expand_maps)
        others = tuple(name for name in task.outputs if name != "return")
        keywords |= {"outputs": texts(others)} if others else {}
        keywords |= {"packages": texts(action.packages)} if action.packages else {}
        options = task_options(task, self.names, None) | self._graph_options(task)
        return Call(Name(self.names.ours("hosted")), (kind,), {**keywords, **options})

    def _values(self, given: Mapping[str, ir.Expression]) -> Expr:
        return dict_of({name: self.expressions.of(value) for name, value in given.items()})

    def _raw(self, task: ir.Task) -> Call:
        """`action(ir.Sql(...), id="rows")`, for what has no function of its own."""
        keywords = self._inputs(task)
        if task.outputs:
            keywords["outputs"] = self._types(task.outputs)
        if task.input_types:
            keywords["takes"] = self._types(task.input_types)
        if isinstance(task.action, ir.Hosted):
            self.functions.findings.append(
                kept_as_it_is(task, f"no function makes a task of this kind: `{task.action.kind}`")
            )
        return self._other(task, "action", (raw(task.action, self.names),), keywords)


def _is_plain_shell(task: ir.Task) -> bool:
    named = all(is_identifier(name) for name in task.inputs)
    command = task.action.command if isinstance(task.action, ir.Shell) else ""
    return named and set(task.outputs) <= {"return"} and bool(command)


def _is_plain_wait(task: ir.Task) -> bool:
    return not task.outputs and not WAIT_WORDS & set(task.inputs)


def _named_by_themselves(task: ir.Task, action: ir.Container) -> frozenset[str]:
    """Inputs that get their names by standing in the command: all whose names are of that kind, or none."""
    named = [name for name in task.inputs if re.fullmatch(r"arg_\d+", name)]
    words = [word for word in (*action.command, *action.args) if isinstance(word, ir.InputRef)]
    order = [word.name for word in words if word.name in named]
    first = len(task.inputs) - len(named)
    known = order == [f"arg_{number}" for number in range(first, first + len(named))]
    values = [task.inputs[name] for name in named]
    plain = not any(isinstance(value, (ir.Literal_, ir.ListOf, ir.MapOf)) for value in values)
    return frozenset(named) if known and plain else frozenset()


def _is_plain_statement(task: ir.Task, action: ir.Sql) -> bool:
    statement = action.statement.value if isinstance(action.statement, ir.Literal_) else None
    plain = isinstance(statement, str) and bool(statement)
    return plain and not task.inputs and task.outputs == {"return": ROWS}


def _is_plain_request(task: ir.Task, action: ir.Http) -> bool:
    """Whether `http` makes such a request: with a body it always says of what kind that is."""
    told = any(name.lower() == CONTENT_TYPE.lower() for name in action.headers)
    plain = not task.inputs and task.outputs == {"return": ir.StringType.of()}
    return plain and (told or action.body is None)


def _kind_of(body: ir.Expression | None) -> str | None:
    """What `http` says of a body by itself; None where that hangs on what gives it."""
    match body:
        case ir.Literal_(value=str()) | ir.Format() | ir.DateFormat():
            return TEXT
        case ir.Literal_() | ir.ListOf() | ir.MapOf() | ir.ParameterRef() | ir.Index():
            return JSON
        case _:
            return None
