"""Pipelines that hold the same difficult text wherever control flow and policies let a user write some."""

from __future__ import annotations

import builtins
import keyword
import shlex

from hypothesis import strategies as st

from intermodal.ir import (
    AnyType,
    Approval,
    Arm,
    Branch,
    Cache,
    CapturedSource,
    Compare,
    Container,
    DateFormat,
    Default,
    ForEach,
    Format,
    Group,
    Index,
    InputRef,
    ItemRef,
    Items,
    ListOf,
    Literal_,
    Logic,
    MapOf,
    MapType,
    Notification,
    OnData,
    OnEvent,
    OptionalType,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    RunFact,
    Schedule,
    SecretRef,
    SecretVariable,
    Shell,
    StringType,
    Task,
    TriggerRun,
    Wait,
)

MARK = "Qz9x"
"""Begins every difficult text, so that it can be found again in what a compiler writes."""

PIECES = [
    *("'", '"', '"""', "'''", "\\", "\\'", "\n", "\r", "\t", "#", ";", "%s", "{0}", "{", "}"),
    *("{{ ds }}", "{% raw %}", "{% endraw %}", "{#", "{{$.x}}", "{{$}}", "{$.x}", "{{!$", "}}"),
    *("$(id)", "`id`", "${HOME}", "<b>", "&amp;", "]]>", "*", "!", ": ", "- ", "&&", "||"),
    *("\u2028", "\u2029", "\x85", "\x0c", "\x7f", "é", "\U0001f600", " ", "a"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: MARK + "".join(pieces))
WORDS = sorted({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "self", "cls"})

TEXT, ANY = StringType(), AnyType()
SOURCE = "def keep(x=None, y=None):\n    return x\n"
KEEP = PythonCall(module="jobs", function="keep", source=CapturedSource(function=SOURCE))
LOOKING = PythonCall(
    module="jobs",
    function="look",
    source=CapturedSource(function="def look(x):\n    return bool(x)\n"),
)


def literal(value):
    return Literal_(value=value)


def keep(id_, value, *, type_=ANY, **more):
    """A task that gives its input."""
    return Task(id=id_, action=KEEP, inputs={"x": value}, outputs={"return": type_}, **more)


def pipeline(body, text="", **more):
    """A pipeline with the parameters that the bodies below use."""
    parameters = {
        "given": Parameter(type=TEXT, default=text, help=text),
        "table": Parameter(type=MapType(), default={text: text}),
        "maybe": Parameter(type=OptionalType(item=TEXT)),
    }
    return Pipeline(name="hostile", parameters=parameters, body=tuple(body), **more)


def values_of(text):
    """Every expression that holds text, by the id of the task that is given it."""
    given = ParameterRef(name="given")
    return {
        "formatted": Format(parts=(literal(text), given, literal(text))),
        "mapped": MapOf(entries={text: given, "plain": literal({text: [text]})}),
        "listed": ListOf(items=(literal(text), given)),
        "fallen_back": Default(value=ParameterRef(name="maybe"), fallback=literal(text)),
        "picked": Index(base=ParameterRef(name="table"), key=literal(text)),
        "equal": Compare(operator="==", left=given, right=literal(text)),
        "within": Compare(operator="in", left=given, right=literal([text])),
        "both": Logic(
            operator="and", operands=(Compare(operator="!=", left=given, right=literal("")), given)
        ),
    }


EXPECTED = {
    "formatted": lambda text: text * 3,
    "mapped": lambda text: {text: text, "plain": {text: [text]}},
    "listed": lambda text: [text, text],
    "fallen_back": lambda text: text,
    "picked": lambda text: text,
    "equal": lambda text: True,
    "within": lambda text: True,
    "both": lambda text: True,
}
"""What each of them gives where `given` is the text, too."""


def computed(text):
    """Inputs that are computed of text."""
    return pipeline([keep(name, value) for name, value in values_of(text).items()], text)


def dated(pattern):
    """A date pattern."""
    date = RunFact(fact="logical_date")
    return pipeline([keep("dated", DateFormat(base=date, pattern=pattern))])


def chosen(text, *, is_native=False):
    """Branches: by comparisons with text, and by a chooser; a guard, and items of loops.

    Args:
        text: The text.
        is_native: Compare with a parameter that is known to be text.
    """
    given = ParameterRef(name="given")
    same = Compare(operator="==", left=given, right=literal(text))
    first = Branch(
        id="first",
        arms=(Arm(name="same", condition=same, body=(keep("yes", literal(text)),)),),
        otherwise=(keep("no", literal(text)),),
    )
    if is_native:
        return pipeline([first], text)
    by_name = Branch(
        id="by_name",
        arms=tuple(Arm(name=word, body=(keep(f"arm_{word}", literal(text)),)) for word in ARMS),
        chooser=Default(value=ParameterRef(name="maybe"), fallback=literal(ARMS[0])),
    )
    return pipeline([first, by_name, keep("guarded", literal(text), guard=same)], text)


ARMS = ("None", "class", "print", "list", "lambda", "arms", "name")


def looped(text):
    """Items of a loop, and a group's names."""
    each = ForEach(
        id="each",
        items=Items(lists=(literal([text, text + text]),)),
        item_type=TEXT,
        body=(keep("inner", ItemRef(loop="each")),),
        outputs={"kept": OutputRef(node="inner")},
    )
    pairs = ForEach(
        id="pairs",
        items=Items(lists=(ParameterRef(name="table"),)),
        body=(
            keep("pair", ItemRef(loop="pairs")),
            keep("about", Format(parts=(literal(text), OutputRef(node="pair")))),
        ),
    )
    return pipeline([each, pairs], text)


def grouped(text):
    """Names and documentation of a group."""
    inside = keep("inside", literal(text), display_name=text, docs=text)
    return pipeline([Group(id="group", body=(inside,), display_name=text, docs=text)])


def notified(text, on=("failure", "success")):
    """Notifications of tasks and of the pipeline."""
    channels = ("log", f"email:{text}", f"webhook:{text}", f"slack:{text}")
    notices = tuple(Notification(on=o, channel=c, message=text) for o in on for c in channels)
    return pipeline([keep("told", literal(1), notifications=notices)], notifications=notices)


def secret(text):
    """Names and keys of secrets."""
    reference = SecretRef(name=text, key=text)
    variable = SecretVariable(variable="TOKEN", secret=reference)
    command = Shell(command="true")
    inputs = {"token": Format(parts=(literal(text), reference))}
    return pipeline(
        [
            keep("secret", reference, secrets=(variable,)),
            Task(id="command", action=command, inputs=inputs, secrets=(variable,)),
        ]
    )


def cached(text):
    """A key of the cache."""
    return pipeline([keep("cached", literal(text), cache=Cache(key=text))])


def pooled(text):
    """A pool's name."""
    return pipeline([keep("pooled", literal(1), pool=text)])


def waiting(text):
    """Inputs of a check, by a function and by a command."""
    function = Task(
        id="function",
        action=Wait(check=LOOKING, interval=1),
        inputs={"x": literal(text)},
    )
    command = Task(
        id="command",
        action=Wait(check=Shell(command=f"true {shlex.quote(text)}"), interval=1),
        inputs={"x": literal(text)},
        environment={"E": text},
    )
    return pipeline([function, command])


def triggering(text):
    """Parameters of another pipeline's run."""
    parameters = {
        text: literal(text),
        "deep": literal({text: [text]}),
        "given": ParameterRef(name="given"),
    }
    return pipeline(
        [Task(id="start", action=TriggerRun(pipeline="other", parameters=parameters))], text
    )


def approving(message, text):
    """An approval."""
    action = Approval(message=message, approvers=(text,))
    return pipeline([Task(id="approve", action=action)], text)


def exiting(text):
    """An exit task's inputs."""
    said = Format(parts=(literal(text), RunFact(fact="state")))
    return pipeline(
        [keep("work", literal(1))],
        exit_tasks=(keep("last", said), keep("fixed", literal(text))),
    )


def asset_pipeline(text):
    """Assets, and an event's name."""
    triggers = (OnData(assets=(text,)), OnEvent(event=text))
    return pipeline(
        [keep("moved", literal(1), reads=(text,), writes=(text,))],
        schedule=Schedule(triggers=triggers),
    )


def named(word):
    """A word as the name of everything that has one."""
    value = Format(parts=(ParameterRef(name=word), OutputRef(node=word), RunFact(fact="run_id")))
    loop = ForEach(
        id=f"{word}_loop",
        items=Items(lists=(literal([1, 2]),)),
        body=(
            Task(
                id=f"{word}_inner",
                action=KEEP,
                inputs={"x": ItemRef(loop=f"{word}_loop"), "y": value},
                outputs={"return": ANY},
            ),
        ),
    )
    choice = Branch(
        id=f"{word}_branch",
        arms=(
            Arm(
                name=word,
                condition=Logic(
                    operator="and",
                    operands=(
                        Compare(operator="==", left=ParameterRef(name=word), right=literal("a")),
                        Compare(operator="!=", left=OutputRef(node=word), right=literal("b")),
                    ),
                ),
                body=(keep(f"{word}_arm", value),),
            ),
        ),
    )
    return Pipeline(
        name=word,
        parameters={word: Parameter(type=TEXT, default="a")},
        body=(keep(word, ParameterRef(name=word)), loop, choice, Group(id=f"{word}_g", body=())),
    )


TOKEN = SecretRef(name="token", key="k")
SAID = Format(parts=(literal("t="), TOKEN))
IS_TOKEN = Compare(operator="==", left=TOKEN, right=literal("x"))


def _one(action, **more):
    return pipeline([Task(id="t", action=action, **more)])


def _items(value):
    items = Items(lists=(value,))
    return pipeline([ForEach(id="l", items=items, body=(keep("t", ItemRef(loop="l")),))])


def _branch(**fields):
    arm = Arm(name="a", condition=fields.pop("condition", None), body=(keep("t", literal(1)),))
    return pipeline([Branch(id="b", arms=(arm,), **fields)])


def _container(**fields):
    return Container(image="i", command=(literal("c"),), **fields)


SECRETS = {
    "condition": lambda: _branch(condition=IS_TOKEN),
    "guard": lambda: pipeline([keep("t", literal(1), guard=IS_TOKEN)]),
    "input": lambda: pipeline([keep("t", SAID)]),
    "inside": lambda: pipeline([keep("t", MapOf(entries={"a": TOKEN, "b": SAID}))]),
    "fallback": lambda: pipeline(
        [keep("t", Default(value=ParameterRef(name="maybe"), fallback=TOKEN))]
    ),
    "check": lambda: _one(Wait(check=LOOKING, interval=1), inputs={"x": SAID}),
    "exit": lambda: pipeline([keep("t", literal(1))], exit_tasks=(keep("e", SAID),)),
    "variable": lambda: _one(_container(), secrets=(SecretVariable(variable="V", secret=TOKEN),)),
    "items": lambda: _items(ListOf(items=(TOKEN,))),
    "output": lambda: pipeline([keep("t", literal(1))], outputs={"o": SAID}),
    "parameters": lambda: _one(TriggerRun(pipeline="other", parameters={"a": TOKEN})),
    "question": lambda: _one(Approval(message=SAID)),
    "command": lambda: _one(_container(args=(SAID,))),
    "word": lambda: _one(_container(args=(InputRef(name="x"),)), inputs={"x": SAID}),
}
"""A secret in each place where one may stand."""

EXPOSED = ("items", "output", "parameters", "question", "command", "word")
"""Those of them where an engine would keep the secret or show it."""
