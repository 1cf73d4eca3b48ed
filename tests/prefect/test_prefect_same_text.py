"""Functions of one text that use different ones of the same name: each task keeps its own."""

from __future__ import annotations

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.ir import AnyType, CapturedSource, Pipeline, PythonCall, Task


def asking(name, answer):
    """A task whose function asks another one, which is called the same in both."""
    source = CapturedSource.of(
        function="def ask():\n    return answer()\n",
        definitions=(f"def answer():\n    return {answer!r}\n",),
    )
    call = PythonCall.of(module="m", function="ask", source=source)
    return Task.of(id=name, action=call, outputs={"return": AnyType.of()})


def test_each_task_keeps_what_its_function_uses():
    pipeline = Pipeline.of(name="p", body=(asking("one", "first"), asking("two", "second")))
    target, _ = registry.resolve_target("prefect")
    compiled = compile_pipeline(pipeline, target, Settings())
    text = "\n".join(compiled.files.values())
    assert "'first'" in text.replace('"', "'")
    assert "'second'" in text.replace('"', "'")
