"""Building and running small pipelines over the functions in `local_tasks`."""

from datetime import UTC, datetime

import local_tasks  # noqa: F401 - as loading a pipeline does: workers are forked with it

from intermodal.analysis.validate import validate
from intermodal.ir import (
    AnyType,
    ArtifactType,
    OutputRef,
    Pipeline,
    PythonCall,
    Shell,
    Task,
)
from intermodal.running import RunOptions
from intermodal_backends.local import run_pipeline

VALUE = {"return": AnyType()}
FRAME = {"return": ArtifactType(artifact="Dataset")}


def task(function, *after, id=None, unpack="none", outputs=VALUE, **fields):
    return Task(
        id=id or function,
        action=PythonCall(module="local_tasks", function=function, unpack=unpack),
        outputs=outputs,
        after=after,
        **fields,
    )


def shell(id, command, **fields):
    return Task(id=id, action=Shell(command=command), **fields)


def ref(node, output="return"):
    return OutputRef(node=node, output=output)


class Runner:
    """Runs pipelines in a store of its own; keeps the progress it was told of."""

    def __init__(self, folder):
        self.folder = folder
        self.store = folder / "store"
        self.told = []

    def __call__(self, *body, given=None, options=None, **fields):
        pipeline = Pipeline(name="p", body=body, **fields)
        assert validate(pipeline) == []
        self.told = []
        usual = {"store": str(self.store), "workers": 2, "grace": 0.3, "on_event": self.told.append}
        usual["now"] = lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        return run_pipeline(pipeline, given or {}, RunOptions(**{**usual, **(options or {})}))


def states(result):
    return {name: instance.state for name, instance in result.trace.instances.items()}


def attempts(result):
    return {name: instance.attempts for name, instance in result.trace.instances.items()}


def output(result, name):
    return result.trace.instances[name].outputs["return"]
