"""The catalogue of finding codes: what `port explain CODE` tells.

Ranges: 0xx reading files and the command line, 1xx the IR and authoring, 2xx what a target cannot do,
3xx linting a target's own format, 4xx artifacts, 5xx tracking, 6xx running, 7xx engines and
conformance. A code is never reused for another meaning.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A code's caption and its long story."""

    title: str
    story: str


CODES: dict[str, Code] = {
    # 0xx: files and the command line
    "PORT001": Code(
        "file not found",
        "The path given does not exist or cannot be read. Give the path of a Python file with a "
        "@pipeline function, of a YAML or JSON file in the IR's own form, or of a folder of them.",
    ),
    "PORT002": Code(
        "file cannot be read as text",
        "Pipelines are UTF-8 text. The file is binary, in another encoding, or larger than the limit "
        "of 10 MiB.",
    ),
    "PORT003": Code(
        "syntax error",
        "The file is not valid Python, YAML or JSON. The span is where the parser stopped.",
    ),
    "PORT004": Code(
        "no pipeline in the file",
        "A Python source must hold at least one function decorated with @pipeline at module level.",
    ),
    "PORT005": Code(
        "the file raised while it was loaded",
        "Python sources are imported to trace their pipelines. An exception left the file itself; the "
        "place is the last line of the file that was running.",
    ),
    "PORT006": Code(
        "output cannot be written",
        "The output folder is not writable, is a file, or the disk is full. Nothing was changed: files "
        "are written beside their place and moved into it only when all of them are complete.",
    ),
    "PORT007": Code(
        "unknown target",
        "Targets are found by entry point. `port targets` lists those installed and their versions.",
    ),
    "PORT008": Code(
        "compiled output on disk is out of date",
        "`port compile --check` compiled again and compared. Run `port compile` and commit the result.",
    ),
    "PORT009": Code(
        "wrong use of the command line",
        "An argument does not fit. `port COMMAND --help` shows examples.",
    ),
    "PORT010": Code(
        "project configuration is wrong",
        "`[tool.intermodal]` in pyproject.toml, or intermodal.toml, has an unknown key or a value of "
        "the wrong type.",
    ),
    # 1xx: IR and authoring
    "PORT100": Code(
        "unknown field",
        "The IR is closed: a field it does not know is an error, so that a typing mistake cannot "
        "change a pipeline in silence. `port schema` prints the JSON Schema.",
    ),
    "PORT101": Code("missing field", "A field that has no default is absent."),
    "PORT102": Code("value of the wrong type", "The value does not fit the field's type in the IR."),
    "PORT103": Code(
        "newer IR version",
        "The document was written by a newer Intermodal. Reading it here could lose what this version "
        "does not know; upgrade Intermodal.",
    ),
    "PORT104": Code(
        "cycle",
        "Tasks wait for each other in a circle, so none of them could ever start.",
    ),
    "PORT105": Code(
        "dangling reference",
        "An expression or an ordering edge names a parameter, task or output that does not exist.",
    ),
    "PORT106": Code("duplicate id", "Task ids are unique within a pipeline, regions included."),
    "PORT107": Code(
        "types do not fit",
        "What a task gives is not what the next one takes. Integers fit where floats are taken; "
        "nothing else is converted in silence.",
    ),
    "PORT108": Code(
        "reference out of scope",
        "A task inside a loop or a branch arm can be used outside only through what the region "
        "collects or merges, because outside there may be none, or many, of it.",
    ),
    "PORT109": Code("invalid name or id", "Ids hold letters, digits, `_`, `-` and `.`, and start with a letter or `_`."),
    "PORT110": Code(
        "a handle was used as a value",
        "While a pipeline function is traced, a task's result is a handle: it stands for a value that "
        "exists only when the pipeline runs. It cannot be measured, iterated, compared in an `if` or "
        "turned into text. Do that inside a task.",
    ),
    "PORT111": Code(
        "a task must be a module-level function",
        "Workers import a task by module and name, or get its source. Lambdas, nested functions and "
        "closures have neither.",
    ),
    "PORT112": Code(
        "a task closes over a local variable",
        "The value would be lost on the worker. Pass it as a parameter.",
    ),
    "PORT113": Code(
        "mutable default",
        "A default list, dict or set is shared between calls, and is not what a worker would see.",
    ),
    "PORT114": Code(
        "two tasks of one name",
        "Two different functions make tasks with one id; the trace could not tell them apart.",
    ),
    "PORT115": Code(
        "unsupported annotation",
        "An input or output annotation is not a type that travels between tasks.",
    ),
    "PORT116": Code("wrong call", "A task or pipeline was called with arguments its signature does not take."),
    "PORT117": Code(
        "the pipeline function raised",
        "The function decorated with @pipeline is executed once to trace it. It raised; the place is "
        "its own line.",
    ),
    "PORT118": Code("invalid setting", "A policy has a value that no engine could honour."),
    "PORT119": Code("unused task result", "A task's output is used by nothing."),
    "PORT120": Code(
        "source cannot be embedded",
        "With `code = embed` a function's source travels inside the compiled artefact. This one needs "
        "something that cannot be captured from its file; use `--code import`.",
    ),
    "PORT121": Code(
        "a local module must be importable on the worker",
        "The embedded function imports a module that is part of your project, not of an installed "
        "package. It is not embedded.",
    ),
    # 2xx: what a target cannot do
    "PORT200": Code(
        "not supported by the target",
        "The target has no way to express this, native or lowered, so compiling it would change what "
        "the pipeline does. `port targets` shows what each target supports.",
    ),
    "PORT201": Code(
        "supported by lowering",
        "The target has no construct of its own for this; the compiler builds it from others.",
    ),
    "PORT202": Code("name changed for the target", "The target forbids the name, so a safe one is used; the original stays as the display name."),
    "PORT203": Code("over a size limit of the target", "The target would refuse this object, or fail when it runs."),
    "PORT204": Code("value not supported by the target", "The target has the setting, but not with this value."),
    "PORT205": Code("Intermodal is needed on the worker", "Artifacts, tracking and typed values of a task use the runtime."),
    # 3xx: target formats
    "PORT300": Code("not a valid document of the target", "The target's own schema refuses it."),
    # 4xx: artifacts
    "PORT400": Code("artifact not found", "The store has no such artifact version."),
    "PORT401": Code("artifact content does not match its hash", "The bytes in the store are not those that were written."),
    "PORT402": Code("no serialiser for the type", "Register one, or return a type that has one."),
    "PORT403": Code(
        "pickled artifact",
        "cloudpickle is the last resort: such a file runs code when it is read, and may not open under "
        "another Python or library version.",
    ),
    "PORT404": Code("artifact store cannot be used", "The store's URI is wrong, its filesystem package is missing, or access was refused."),
    # 5xx: tracking
    "PORT500": Code("tracking is unavailable", "Records were kept in the run's spool; the task went on."),
    # 6xx: running
    "PORT600": Code("task failed", "The task's function raised; the traceback is its own."),
    "PORT601": Code("task timed out", "The attempt ran longer than its timeout and was ended."),
    "PORT602": Code("run not found", "The store holds no run of that id."),
    "PORT603": Code("parameter value is wrong", "A value given with -p does not fit the parameter's type or choices, or is missing."),
    "PORT604": Code("run was interrupted", "The store is consistent; `port run --resume RUN` goes on."),
    "PORT605": Code("worker process died", "The task's process was killed or crashed outside Python."),
    # 7xx: engines and conformance
    "PORT700": Code("engine is not installed", "`port engines install NAME` makes its environment."),
    "PORT701": Code("engine installation failed", "The installer's own message is shown."),
    "PORT702": Code("unknown engine", "`port engines list` shows those known."),
    "PORT703": Code("traces differ", "The same case did not do the same on this engine."),
}
