"""Runs emitted specs as kfp.local does, without kfp: placeholders filled in text, numbers as doubles.

Programs run in this process, apart from those of shell tasks, so that a property can run hundreds.
"""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

RECORD = []
"""What the tasks of a test saw."""


def run_spec(text, folder, arguments=None):
    """Run every task; gives the outputs of all tasks, and those of the pipeline."""
    spec = next(yaml.safe_load_all(text))
    message = json_format.ParseDict(spec, pb.PipelineSpec())
    spec = json_format.MessageToDict(message)
    root = spec["root"]
    given = dict(arguments or {})
    for name, parameter in root.get("inputDefinitions", {}).get("parameters", {}).items():
        given.setdefault(name, parameter.get("defaultValue"))
    done = {}
    waiting = dict(root.get("dag", {}).get("tasks", {}))
    while waiting:
        ready = [n for n, t in waiting.items() if set(t.get("dependentTasks", ())) <= done.keys()]
        for name in ready:
            done[name] = _run_task(spec, name, waiting.pop(name), given, done, folder / name)
    outputs = {}
    for kind, selectors in root.get("dag", {}).get("outputs", {}).items():
        for name, chosen in selectors.items():
            one = chosen.get("valueFromParameter") or chosen["artifactSelectors"][0]
            key = one.get("outputParameterKey") or one["outputArtifactKey"]
            outputs[name] = done[one["producerSubtask"]][kind][key]
    return done, outputs


def _run_task(spec, name, task, given, done, folder):
    component = spec["components"][task["componentRef"]["name"]]
    executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    execution = {"inputs": {}, "outputs": {"outputFile": str(folder / "executor_output.json")}}
    for kind, field in (("parameters", "parameterValues"), ("artifacts", "artifacts")):
        for key, source in task.get("inputs", {}).get(kind, {}).items():
            execution["inputs"].setdefault(field, {})[key] = _value(source, given, done, kind)
        for key, definition in component.get("outputDefinitions", {}).get(kind, {}).items():
            place = {"outputFile": str(folder / key)}
            if kind == "artifacts":
                one = {"name": key, "uri": str(folder / key), "type": definition["artifactType"]}
                place = {"artifacts": [one]}
            execution["outputs"].setdefault(kind, {})[key] = place
    _fill_inputs(execution)
    words = [*executor.get("command", []), *executor.get("args", [])]
    _execute([_filled(word, execution) for word in words], executor.get("env", []))
    return _outputs(execution, component)


def _value(source, given, done, kind):
    if "runtimeValue" in source:
        return source["runtimeValue"]["constant"]
    if kind == "artifacts":
        found = source["taskOutputArtifact"]
        return done[found["producerTask"]]["artifacts"][found["outputArtifactKey"]]
    if "componentInputParameter" in source:
        return given[source["componentInputParameter"]]
    found = source["taskOutputParameter"]
    return done[found["producerTask"]]["parameters"][found["outputParameterKey"]]


def _fill_inputs(execution):
    """Values that are texts may refer to the run and to each other, in KFP."""
    values = execution["inputs"].get("parameterValues", {})
    for key, value in values.items():
        if isinstance(value, str):
            values[key] = _filled(value, execution)


def _filled(word, execution):
    facts = {"{{$}}": json.dumps(execution), "{{$.pipeline_job_uuid}}": "run-7"}
    for placeholder, value in facts.items():
        word = word.replace(placeholder, value)
    for path in re.findall(r"\{\{\$\.(.*?)\}\}", word):
        word = word.replace("{{$." + path + "}}", _looked_up(path, execution))
    return word


def _looked_up(path, execution):
    side, kind, name, *rest = [part for part in re.split(r"\.|\[|\]|'", path) if part]
    if side == "inputs" and kind == "parameters":
        value = execution["inputs"].get("parameterValues", {}).get(name)
        return value if isinstance(value, str) else json.dumps(value)
    place = execution.get(side, {}).get(kind, {}).get(name)
    if kind == "artifacts" and place:
        return place["artifacts"][0]["uri"]
    return place["outputFile"] if place and rest == ["output_file"] else "null"


def _execute(words, variables):
    environment = {one["name"]: one["value"] for one in variables}
    own_process = ("subprocess.Popen", "faulthandler.")
    is_program = words[:2] == ["python3", "-c"]
    if environment or not is_program or any(word in words[2] for word in own_process):
        subprocess.run(
            [sys.executable if word == "python3" else word for word in words],
            check=True,
            env={**os.environ, **environment},
            capture_output=True,
        )
        return
    with (
        patch.object(sys, "argv", ["-c", *words[3:]]),
        patch.object(sys, "orig_argv", list(words)),
        patch.object(sys, "excepthook", sys.excepthook),
        redirect_stdout(io.StringIO()),
    ):
        exec(compile(words[2], "<string>", "exec"), {"__name__": "__main__"})


def _outputs(execution, component):
    path = Path(execution["outputs"]["outputFile"])
    written = json.loads(path.read_text()) if path.exists() else {}
    json_format.ParseDict(written, pb.ExecutorOutput())
    found = {"parameters": {}, "artifacts": written.get("artifacts", {})}
    kinds = component.get("outputDefinitions", {}).get("parameters", {})
    for key, place in execution["outputs"].get("parameters", {}).items():
        kind = kinds[key]["parameterType"]
        file = Path(place["outputFile"])
        value = written.get("parameterValues", {}).get(key)
        if file.exists():
            value = file.read_text() if kind == "STRING" else json.loads(file.read_text())
        found["parameters"][key] = _doubles(value)
    return found


def _doubles(value):
    """Numbers as protobuf has them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [_doubles(item) for item in value]
    if isinstance(value, dict):
        return {key: _doubles(item) for key, item in value.items()}
    return value
