"""Variables of a pipeline function, named after what they hold."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from intermodal_compilers.writing.names import BUILTINS, next_free, variable

VERBS = frozenset(
    (
        *(
            "build",
            "calculate",
            "clean",
            "collect",
            "compute",
            "count",
            "create",
            "download",
            "extract",
        ),
        *("fetch", "filter", "generate", "get", "give", "list", "load", "make", "parse", "prepare"),
        *("pull", "query", "read", "render", "retrieve", "return", "select"),
    )
)
"""First words of functions that are named after what they give."""


@dataclass
class Variables:
    """The variables so far.

    Attributes:
        around: Names that they must not hide.
        short: Last parts of ids that only one has: `clean` of `prepare.clean`.
        taken: Their names, and those of parameters.
    """

    around: Container[str]
    short: Container[str] = ()
    taken: set[str] = field(default_factory=set)

    def make(self, wanted: str, kind: str) -> str:
        """A new variable.

        Args:
            wanted: What it is named after: an id.
            kind: What is added where that is the name of something else, such as the function.
        """
        last = wanted.rpartition(".")[2]
        base = variable(last if last in self.short else wanted)
        choices = [base]
        verb, _, rest = base.partition("_")
        if kind == "result" and verb.lower() in VERBS and len(rest) > 1 and not rest[0].isdigit():
            choices.append(variable(rest))
        if base != variable(wanted):
            choices.append(variable(wanted))
        if base.endswith(kind):
            kind = "run"
        if base != kind:
            choices.append(f"{base.rstrip('_')}_{kind}")
        return self.first(choices)

    def first(self, choices: Iterable[str]) -> str:
        """The first of these names that is free."""
        made = next_free(choices, self.taken, self.around, BUILTINS)
        self.taken.add(made)
        return made


def singular(plural: str) -> str:
    """What one of several is called; "item" where the name does not tell."""
    if len(plural) > 4 and plural.endswith("ies"):
        return f"{plural[:-3]}y"
    if len(plural) > 3 and plural.endswith("s") and not plural.endswith(("ss", "us", "is")):
        return plural[:-1]
    return "item"
