"""The ids that authoring gives by itself, foreseen, so that only others are written."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Ids:
    """Ids given so far in one pipeline, as its tracer counts them."""

    given: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    functions: dict[str, object] = field(default_factory=dict)

    def by_itself(self, base: str, wanted: str) -> bool:
        """Whether a node called `base` gets the id `wanted`; if so, it has got it."""
        name, count = base, self.counts.get(base, 0)
        while True:
            count += 1
            name = base if count == 1 else f"{base}_{count}"
            if name not in self.given:
                break
        if name != wanted:
            return False
        self.counts[base] = count
        self.given.add(name)
        return True

    def explicit(self, wanted: str) -> None:
        """Note an id that the pipeline says itself."""
        self.given.add(wanted)

    def function(self, base: str, function: object) -> bool:
        """Whether ids made of `base` are this function's; another one may have them."""
        return self.functions.setdefault(base, function) is function
