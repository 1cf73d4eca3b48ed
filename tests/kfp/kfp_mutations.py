"""Small mistakes made in `good.yaml`, each with the one finding it must give.

`loads` says what kfp's own loader does with the same text. Measured with kfp 2.17.0 on Python 3.11:
`kfp.components.load_component_from_text(text)` returned a component for every case where it is
True, and raised where it is False. So cycles, unknown producers, missing components, executors and
required inputs, type mismatches, bad conditions and bad names all pass the loader.
"""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    """`old`, which good.yaml holds so many `times`, becomes `new`; `code` is found at line `at`."""

    name: str
    old: str
    new: str
    code: str
    at: str
    loads: bool = True
    times: int = 1


M = Mutation

DOCUMENT = [
    M("tab", "  name: good\n", "\tname: good\n", "PORT300", "name: good", loads=False),
    M("unclosed", "constant: well done", "constant: [well done", "PORT300", "taskInfo:", loads=False),
    M("third document", "---\nplatforms:", "---\na: 1\n---\nplatforms:", "PORT300", "# PIPELINE DEFINITION", loads=False),
    M("unknown field", "  name: good\nroot", "  name: good\n  owner: me\nroot", "PORT301", "owner: me", loads=False),
    M("misspelled field", "        dependentTasks:\n        - evaluate", "        dependantTasks:\n        - evaluate", "PORT301", "dependantTasks:", loads=False),
    M("unknown executor field", "image: python:3.12\n    exec-say", "image: python:3.12\n        ports: [80]\n    exec-say", "PORT301", "ports: [80]"),
    M("unknown platform field", "          activeDeadlineSeconds: 600\n", "          activeDeadline: 600\n", "PORT333", "activeDeadline: 600"),
    M("text for number", "maxRetryCount: 3", "maxRetryCount: three", "PORT302", "maxRetryCount: three", loads=False),
    M("number for text", "description: Everything a spec may hold.", "description: 3", "PORT302", "description: 3", loads=False),
    M("mapping for list", "        dependentTasks:\n        - evaluate", "        dependentTasks:\n          evaluate: true", "PORT302", "dependentTasks:", loads=False),
    M("key read as true", "          labels:\n              disk", "          labels:\n              on", "PORT302", "on: ssd", loads=False),
    M("unknown enum name", "strategy: ALL_UPSTREAM_TASKS_COMPLETED", "strategy: ALL_DONE", "PORT302", "strategy: ALL_DONE", loads=False),
    M("unknown parameter type", "        length:\n          parameterType: LIST", "        length:\n          parameterType: ARRAY", "PORT302", "parameterType: ARRAY", loads=False),
    M("date", "constant: well done", "constant: 2026-01-01", "PORT302", "constant: 2026-01-01", loads=False),
    M("bad duration", "backoffDuration: 30s", "backoffDuration: 30", "PORT302", "backoffDuration: 30", loads=False),
    M("two implementations", "  comp-tidy:\n    executorLabel: exec-tidy", "  comp-tidy:\n    dag: {}\n    executorLabel: exec-tidy", "PORT302", "executorLabel: exec-tidy", loads=False),
    M("key twice", "          name: comp-join\n", "          name: comp-tidy\n          name: comp-join\n", "PORT303", "name: comp-join"),
    M("big integer", "constant: 50\n", "constant: 9007199254740993\n", "PORT331", "constant: 9007199254740993"),
]  # fmt: skip

NAMES = [
    M("pipeline name missing", "  name: good\nroot", "root", "PORT304", "pipelineInfo:", loads=False),
    M("pipeline name upper-case", "  name: good\nroot", "  name: My Pipeline\nroot", "PORT304", "name: My Pipeline"),
    M("component without prefix", "comp-tidy", "tidy-component", "PORT323", "tidy-component:", times=2),
    M("environment variable", "        - name: MODE", "        - name: MODE OF", "PORT326", "- name: MODE OF"),
    M("schema version", "schemaVersion: 2.1.0", "schemaVersion: 2.0.0", "PORT338", "schemaVersion: 2.0.0"),
    M("long description", "Everything a spec may hold.", "x" * 1025, "PORT327", "description: " + "x" * 1025),
]  # fmt: skip

GRAPH = [
    M("cycle by order", "      fetch:\n        componentRef:", "      fetch:\n        dependentTasks: [train]\n        componentRef:", "PORT305", "dependentTasks: [train]"),
    M("waits for itself", "        dependentTasks:\n        - loop", "        dependentTasks:\n        - loop\n        - join", "PORT305", "- join"),
    M("unknown task to wait for", "        dependentTasks:\n        - loop", "        dependentTasks:\n        - loop\n        - lop", "PORT306", "- lop"),
    M("unknown producer", "outputArtifactKey: model\n                producerTask: train", "outputArtifactKey: model\n                producerTask: trian", "PORT306", "producerTask: trian"),
    M("producer of another DAG", "outputParameterKey: score\n                producerTask: evaluate", "outputParameterKey: score\n                producerTask: praise", "PORT306", "producerTask: praise"),
    M("unknown output", "outputParameterKey: score\n", "outputParameterKey: scores\n", "PORT307", "outputParameterKey: scores"),
    M("missing component", "          name: comp-evaluate\n", "          name: comp-evaluat\n", "PORT308", "name: comp-evaluat"),
    M("no component", "        componentRef:\n          name: comp-fetch\n", "", "PORT308", "fetch:"),
    M("missing executor", "executorLabel: exec-join", "executorLabel: exec-joni", "PORT309", "executorLabel: exec-joni"),
    M("unused executor", "    exec-tidy:\n", "    exec-idle:\n      container:\n        image: a\n    exec-tidy:\n", "PORT310", "exec-idle:"),
    M("unused component", "  comp-tidy:\n", "  comp-idle:\n    executorLabel: exec-tidy\n  comp-tidy:\n", "PORT310", "comp-idle:"),
    M("data without order", "        dependentTasks:\n        - evaluate\n", "", "PORT316", "score:"),
    M("component in itself", "      tasks:\n        describe:\n          componentRef:\n            name: comp-describe-2\n          inputs:\n            parameters:\n              name:\n                componentInputParameter: item\n                parameterExpressionSelector", "      tasks:\n        again:\n          componentRef:\n            name: comp-raw-loop\n          inputs:\n            parameters:\n              item:\n                componentInputParameter: item\n        describe:\n          componentRef:\n            name: comp-describe-2\n          inputs:\n            parameters:\n              name:\n                componentInputParameter: item\n                parameterExpressionSelector", "PORT334", "name: comp-raw-loop"),
    M("component that cannot run", "  comp-describe-2:\n    executorLabel: exec-describe\n", "  comp-describe-2:\n", "PORT339", "comp-describe-2:"),
    M("two exit tasks", "      train:\n        componentRef:", "      tidy-2:\n        componentRef:\n          name: comp-tidy\n        dependentTasks: [join]\n        triggerPolicy:\n          strategy: ALL_UPSTREAM_TASKS_COMPLETED\n      train:\n        componentRef:", "PORT335", "strategy: ALL_UPSTREAM_TASKS_COMPLETED"),
    M("task after an exit task", "      raw-loop:\n        componentRef:", "      raw-loop:\n        dependentTasks: [tidy]\n        componentRef:", "PORT335", "dependentTasks: [tidy]"),
    M("final status without exit", "        triggerPolicy:\n          strategy: ALL_UPSTREAM_TASKS_COMPLETED\n", "", "PORT335", "status:"),
]  # fmt: skip

VALUES = [
    M("required parameter missing", "            trees:\n              runtimeValue:\n                constant: 50\n", "", "PORT311", "train:"),
    M("required artifact missing", "        inputs:\n          artifacts:\n            model:\n              taskOutputArtifact:\n                outputArtifactKey: model\n                producerTask: train\n", "", "PORT311", "evaluate:"),
    M("unknown input of the component", "            trees:\n              runtimeValue:\n", "            depth:\n              runtimeValue:\n                constant: 3\n            trees:\n              runtimeValue:\n", "PORT312", "depth:"),
    M("unknown input of the DAG", "componentInputParameter: limit", "componentInputParameter: limits", "PORT312", "componentInputParameter: limits"),
    M("artifact taken as parameter", "outputParameterKey: names\n                producerTask: load\n        iteratorPolicy", "outputParameterKey: rows\n                producerTask: load\n        iteratorPolicy", "PORT313", "outputParameterKey: rows"),
    M("number into text", "componentInputParameter: mode\n        retry", "componentInputParameter: limit\n        retry", "PORT314", "mode:"),
    M("text into number", "componentInputParameter: limit", "componentInputParameter: mode", "PORT314", "limit:"),
    M("double into integer", "    outputDefinitions:\n      parameters:\n        score:\n          parameterType: NUMBER_DOUBLE\n  comp-fetch", "    outputDefinitions:\n      parameters:\n        score:\n          parameterType: BOOLEAN\n  comp-fetch", "PORT314", "score:"),
    M("artifact of another type", "schemaTitle: system.Dataset\n            schemaVersion: 0.0.1\n      parameters:\n        rate:", "schemaTitle: system.Model\n            schemaVersion: 0.0.1\n      parameters:\n        rate:", "PORT315", "rows:"),
    M("one artifact for a list", "          isArtifactList: true\n      parameters:\n        lengths:", "      parameters:\n        lengths:", "PORT315", "reports:"),
    M("text for a number", "constant: 50\n", "constant: fifty\n", "PORT329", "constant: fifty"),
    M("fraction for an integer", "constant: 50\n", "constant: 50.5\n", "PORT329", "constant: 50.5"),
    M("true for a number", "constant: 50\n", "constant: true\n", "PORT329", "constant: true"),
    M("default of another type", "defaultValue: 100", "defaultValue: many", "PORT329", "defaultValue: many"),
    M("default not a literal", "defaultValue: fast\n          isOptional: true\n          literals", "defaultValue: medium\n          isOptional: true\n          literals", "PORT329", "defaultValue: medium"),
    M("no value", "            trees:\n              runtimeValue:\n                constant: 50\n", "            trees: {}\n", "PORT341", "trees: {}"),
    M("no type", "        trees:\n          parameterType: NUMBER_INTEGER", "        trees: {}", "PORT342", "trees: {}"),
    M("placeholder in a constant", "score {{$.inputs.parameters['score']}} is low", "score {{$.inputs.parameters['scores']}} is low", "PORT324", "constant: score {{$.inputs.parameters['scores']}} is low"),
]  # fmt: skip

FLOW = [
    M("condition cut off", "inputs.parameter_values['score'] > 0.1", "inputs.parameter_values['score'] >", "PORT317", "condition: inputs.parameter_values['score'] >"),
    M("condition in Python", "inputs.parameter_values['score'] > 0.1", "inputs.parameter_values['score'] > 0.1 and true", "PORT317", "condition: inputs.parameter_values['score'] > 0.1 and true"),
    M("condition on unknown input", "inputs.parameter_values['score'] > 0.1", "inputs.parameter_values['scor'] > 0.1", "PORT318", "condition: inputs.parameter_values['scor'] > 0.1"),
    M("condition on a bare name", "inputs.parameter_values['score'] > 0.1", "score > 0.1", "PORT318", "condition: score > 0.1"),
    M("condition compares types", "inputs.parameter_values['score'] > 0.1", "inputs.parameter_values['score'] == 'high'", "PORT319", "condition: inputs.parameter_values['score'] == 'high'"),
    M("condition is a number", "inputs.parameter_values['score'] > 0.1", "inputs.parameter_values['score']", "PORT319", "condition: inputs.parameter_values['score']"),
    M("loop over unknown input", "inputParameter: names", "inputParameter: nams", "PORT320", "inputParameter: nams"),
    M("loop fills unknown input", "itemInput: item\n", "itemInput: itm\n", "PORT320", "itemInput: itm"),
    M("loop items not JSON", "raw: '[{\"name\": \"a\"}, {\"name\": \"b\"}]'", "raw: 'a, b'", "PORT320", "raw: 'a, b'"),
    M("loop item of another type", "raw: '[{\"name\": \"a\"}, {\"name\": \"b\"}]'", "raw: '[{\"name\": \"a\"}, 7]'", "PORT329", "raw: '[{\"name\": \"a\"}, 7]'"),
    M("loop too long", "raw: '[{\"name\": \"a\"}, {\"name\": \"b\"}]'", "raw: '" + str([{}] * 500) + "'", "PORT327", "raw: '" + str([{}] * 500) + "'"),
    M("output from unknown task", "            producerSubtask: check", "            producerSubtask: chekc", "PORT321", "producerSubtask: chekc"),
    M("one of from unknown task", "                producerSubtask: blame", "                producerSubtask: balme", "PORT321", "producerSubtask: balme"),
    M("output not declared", "  outputDefinitions:\n    parameters:\n      label:\n        parameterType: STRING\nschema", "schema", "PORT321", "label:"),
    M("output declared only", "    outputs:\n      parameters:\n        label:\n          valueFromParameter:\n            outputParameterKey: label\n            producerSubtask: check\n", "", "PORT321", "label:"),
    M("output of another type", "      label:\n        parameterType: STRING\nschema", "      label:\n        parameterType: NUMBER_DOUBLE\nschema", "PORT314", "valueFromParameter:"),
    M("collected but not a list", "        length:\n          parameterType: LIST", "        length:\n          parameterType: NUMBER_INTEGER", "PORT322", "length:"),
    M("bad selector", 'parseJson(string_value)["name"]', "item.name", "PORT337", "parameterExpressionSelector: item.name"),
    M("half a second", "backoffDuration: 30s", "backoffDuration: 1.5s", "PORT328", "backoffDuration: 1.5s"),
    M("negative retries", "maxRetryCount: 3", "maxRetryCount: -1", "PORT328", "maxRetryCount: -1"),
    M("negative parallelism", "parallelismLimit: 2", "parallelismLimit: -2", "PORT328", "parallelismLimit: -2"),
]  # fmt: skip

EXECUTORS = [
    M("no image", "      container:\n        image: busybox:1.36\n    exec-train", "      container:\n        args: [a]\n    exec-train", "PORT330", "container:"),
    M("empty executor", "    exec-tidy:\n      container:\n        image: busybox:1.36\n", "    exec-tidy: {}\n", "PORT330", "exec-tidy: {}"),
    M("importer without a URI", "        artifactUri:\n          constant: s3://bucket/rows.csv\n", "", "PORT330", "importer:"),
    M("importer of unknown parameter", "          constant: s3://bucket/rows.csv\n", "          runtimeParameter: uri\n", "PORT312", "runtimeParameter: uri"),
    M("placeholder of unknown parameter", "        - '{{$.inputs.parameters[''trees'']}}'", "        - '{{$.inputs.parameters[''tree'']}}'", "PORT324", "- '{{$.inputs.parameters[''tree'']}}'"),
    M("placeholder of unknown artifact", "{{$.outputs.artifacts[''report''].path}}", "{{$.outputs.artifacts[''reprt''].path}}", "PORT324", "- '{{$.outputs.artifacts[''reprt''].path}}'"),
    M("placeholder of unknown output", "{{$.outputs.parameters[''length''].output_file}}", "{{$.outputs.parameters[''report''].output_file}}", "PORT324", "- '{{$.outputs.parameters[''report''].output_file}}'"),
    M("condition of IfPresent", '"InputName": "rows"', '"InputName": "row"', "PORT324", "- '{\"IfPresent\": {\"InputName\": \"row\", \"Then\": [\"--rows\", \"{{$.inputs.artifacts[''rows''].path}}\"]}}'"),
    M("placeholder without quotes", "        - '{{$.inputs.parameters[''trees'']}}'", "        - '{{$.inputs.parameters[trees]}}'", "PORT325", "- '{{$.inputs.parameters[trees]}}'"),
    M("placeholder of an unknown fact", "{{$.pipeline_job_name}}", "{{$.pipeline_nick_name}}", "PORT325", "- '{{$.pipeline_nick_name}}'"),
    M("cpu", "resourceCpuLimit: 500m", "resourceCpuLimit: half", "PORT340", "resourceCpuLimit: half"),
    M("memory", "resourceMemoryLimit: 2Gi", "resourceMemoryLimit: 2 GB", "PORT340", "resourceMemoryLimit: 2 GB"),
    M("accelerators", "resourceCount: '1'", "resourceCount: one", "PORT340", "resourceCount: one"),
    M("resolver", "      importer:\n        artifactUri:\n          constant: s3://bucket/rows.csv\n        typeSchema:\n          schemaTitle: system.Dataset\n          schemaVersion: 0.0.1\n", "      resolver: {}\n", "PORT336", "resolver: {}"),
    M("platform executor", "        exec-train:\n          nodeSelector", "        exec-trian:\n          nodeSelector", "PORT332", "exec-trian:"),
    M("platform input", "              componentInputParameter: mode\n        exec", "              componentInputParameter: mod\n        exec", "PORT333", "componentInputParameter: mod"),
    M("platform output", "pvcNameParameter:\n              taskOutputParameter:\n                outputParameterKey: names", "pvcNameParameter:\n              taskOutputParameter:\n                outputParameterKey: nams", "PORT333", "taskOutputParameter:"),
    M("platform deadline", "activeDeadlineSeconds: 600", "activeDeadlineSeconds: -1", "PORT333", "activeDeadlineSeconds: -1"),
]  # fmt: skip

MUTATIONS = [*DOCUMENT, *NAMES, *GRAPH, *VALUES, *FLOW, *EXECUTORS]
