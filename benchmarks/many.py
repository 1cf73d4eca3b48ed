"""A pipeline of many tasks: chains of fifty calls of one function, side by side."""

from pathlib import Path

from intermodal.authoring.load import load_source
from intermodal.ir import OutputRef, Pipeline, Task


def pipeline_of(count: int) -> Pipeline:
    """`count` tasks of one function, traced once and repeated."""
    source = Path(__file__).with_name("three_tasks.py")
    loaded = load_source(source, source.parent)
    first, second, _ = loaded.pipelines[0].body
    assert isinstance(first, Task)
    assert isinstance(second, Task)
    body = [first]
    body += [
        second.model_copy(
            update={"id": f"total_{n}", "inputs": {"numbers": OutputRef(node="load")}}
            if n % 50 == 1
            else {
                "id": f"total_{n}",
                "inputs": {"numbers": OutputRef(node="load")},
                "after": (f"total_{n - 1}",),
            }
        )
        for n in range(1, count)
    ]
    return loaded.pipelines[0].model_copy(update={"name": "many", "body": tuple(body)})
