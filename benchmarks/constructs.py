"""How compile time grows when a pipeline of one construct doubles; prints the factors as JSON."""

import json
import time
from collections.abc import Callable

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings, Target
from intermodal.findings import errors_of
from intermodal.ir import (
    Arm,
    BodyNode,
    Branch,
    CapturedSource,
    Compare,
    Expression,
    ForEach,
    Group,
    IntegerType,
    ItemRef,
    Items,
    Join,
    ListOf,
    Literal_,
    OutputRef,
    Parameter,
    ParameterRef,
    Pipeline,
    PythonCall,
    Task,
)

SIZE = 400
NUMBER = ParameterRef.of(name="n")
STEP = PythonCall.of(
    module="m",
    function="step",
    source=CapturedSource.of(function="def step(value=1):\n    return value\n"),
)


def step(name: str, value: Expression = NUMBER, *after: str, guard: int | None = None) -> Task:
    """A task that gives its value; `guard` is what the parameter must be above."""
    return Task.of(
        id=name,
        action=STEP,
        inputs={"value": value},
        outputs={"return": IntegerType.of()},
        after=after,
        guard=None if guard is None else above(guard),
        join=Join.ALL_SUCCESS if guard is None else Join.NONE_FAILED,
    )


def above(limit: int) -> Expression:
    """Whether the parameter is above a limit."""
    return Compare.of(operator=">", left=NUMBER, right=Literal_.of(value=limit))


def output(node: str, name: str = "return") -> OutputRef:
    """An output of a node."""
    return OutputRef.of(node=node, output=name)


def after(number: int, name: str) -> tuple[str, ...]:
    """The node before, if there is one."""
    return (f"{name}{number - 1}",) if number else ()


def branch(number: int) -> Branch:
    """A branch of two arms that waits for the one before it."""
    arm, other = f"arm{number}", f"other{number}"
    return Branch.of(
        id=f"branch{number}",
        arms=(Arm.of(name="yes", condition=above(number), body=(step(arm),)),),
        otherwise=(step(other),),
        outputs={"merged": (output(arm), output(other))},
        after=after(number, "branch"),
    )


def loop(number: int) -> ForEach:
    """A loop that waits for the one before it."""
    name = f"loop{number}"
    return ForEach.of(
        id=name,
        items=Items.of(lists=(Literal_.of(value=[1, 2]),)),
        item_type=IntegerType.of(),
        body=(step(f"each{number}", ItemRef.of(loop=name)),),
        outputs={"all": output(f"each{number}")},
        after=after(number, "loop"),
    )


def group(number: int) -> Group:
    """A group that waits for the one before it."""
    inner = f"inner{number}"
    return Group.of(
        id=f"group{number}",
        body=(step(inner), step(f"last{number}", output(inner))),
        outputs={"given": output(f"last{number}")},
        after=after(number, "group"),
    )


def joined(count: int) -> list[BodyNode]:
    """Tasks beside each other whose outputs one task takes."""
    names = [f"part{number}" for number in range(count)]
    listed = ListOf.of(items=tuple(map(output, names)))
    return [*map(step, names), step("joined", listed)]


CONSTRUCTS: dict[str, Callable[[int], list[BodyNode]]] = {
    "guards beside each other": lambda n: [step(f"t{k}", guard=k) for k in range(n)],
    "guards in a chain": lambda n: [
        step(f"t{k}", NUMBER, *after(k, "t"), guard=k) for k in range(n)
    ],
    "branches": lambda n: [branch(k) for k in range(n // 2)],
    "loops": lambda n: [loop(k) for k in range(n // 2)],
    "groups": lambda n: [group(k) for k in range(n // 2)],
    "a join": joined,
}


def seconds(body: list[BodyNode], target: Target) -> float:
    """The processor time of a compilation: the shortest of three."""
    parameters = {"n": Parameter.of(type=IntegerType.of(), default=3)}
    pipeline = Pipeline.of(name="constructs", body=tuple(body), parameters=parameters)
    times = []
    for _ in range(3):
        began = time.process_time()
        compiled = compile_pipeline(pipeline, target, Settings())
        times.append(time.process_time() - began)
        assert not errors_of(compiled.findings), compiled.findings[:3]
    return min(times)


def main() -> None:
    found: dict[str, float] = {}
    for name in ("airflow", "kfp", "prefect"):
        target, _ = registry.resolve_target(name)
        assert target is not None
        seconds(joined(10), target)
        for construct, made in CONSTRUCTS.items():
            small, large = (seconds(made(n), target) for n in (SIZE, 2 * SIZE))
            found[f"{construct}, {name}"] = large / small
    print(json.dumps(found))


if __name__ == "__main__":
    main()
