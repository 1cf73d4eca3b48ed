"""Lint executors, the placeholders in them, and the platform spec that configures them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from intermodal.findings import Severity
from intermodal_compilers.kfp.lint_model import (
    Component,
    DagInput,
    Executor,
    Kind,
    Spec,
    Task,
    value_or_parameter,
)
from intermodal_compilers.kfp.placeholders import (
    Placeholder,
    placeholders_in,
    placeholders_of_argument,
)
from intermodal_compilers.kfp.problems import Path, Problem, listed

KINDS = {"parameters": (Kind.PARAMETER,), "artifacts": (Kind.ARTIFACT,), "any": tuple(Kind)}

ENV_NAME = re.compile(r"[-._A-Za-z][-._A-Za-z0-9]*")
CPU = re.compile(r"(\d+(\.\d*)?|\.\d+)m?")
MEMORY = re.compile(r"(\d+(\.\d*)?|\.\d+)([KMGTPE]i?|k)?")
COUNT = re.compile(r"\d+")
QUANTITIES = {
    "resource_cpu_limit": ("resourceCpuLimit", CPU),
    "resource_cpu_request": ("resourceCpuRequest", CPU),
    "resource_memory_limit": ("resourceMemoryLimit", MEMORY),
    "resource_memory_request": ("resourceMemoryRequest", MEMORY),
}

# The fields of kfp_kubernetes.KubernetesExecutorConfig, kfp-kubernetes 2.17.0.
KUBERNETES_SETTINGS = {
    "activeDeadlineSeconds", "configMapAsEnv", "configMapAsVolume", "emptyDirMounts",
    "enabledSharedMemory", "fieldPathAsEnv", "genericEphemeralVolume", "imagePullPolicy",
    "imagePullSecret", "nodeAffinity", "nodeSelector", "podAffinity", "podMetadata", "pvcMount",
    "secretAsEnv", "secretAsVolume", "securityContext", "tolerations",
}  # fmt: skip

Texts = list[tuple[Path, str]]


def check_executors(spec: Spec) -> Iterator[Problem]:
    """Executors by themselves, then with the components that use them."""
    users = _users(spec)
    tasks_of = _tasks_of(spec)
    for executor in spec.executors.values():
        yield from _check_executor(executor)
        for path, found in _references(executor):
            yield from _check_placeholder(executor, path, found, users[executor.name], tasks_of)
        for name, path in _runtime_parameters(executor):
            for component in users[executor.name]:
                if name not in component.inputs[Kind.PARAMETER]:
                    what = (
                        f"Executor `{executor.name}` takes the parameter `{name}`, which "
                        f"`{component.name}` does not declare."
                    )
                    yield Problem("PORT312", path, what)
                    break
    yield from _check_platforms(spec, users, tasks_of)


def executor_inputs(spec: Spec) -> dict[str, frozenset[str]]:
    """By executor: the inputs that its placeholders and its platform settings name."""
    names: dict[str, set[str]] = defaultdict(set)
    for executor in spec.executors.values():
        for _, text in _texts(executor):
            names[executor.name].update(
                f.name for f in placeholders_of_argument(text) if f.side == "inputs"
            )
    return {name: frozenset(found) for name, found in names.items()}


def _users(spec: Spec) -> dict[str, list[Component]]:
    users: dict[str, list[Component]] = defaultdict(list)
    for component in spec.components.values():
        users[component.executor].append(component)
    return users


def _tasks_of(spec: Spec) -> dict[str, list[tuple[Component, Task]]]:
    tasks: dict[str, list[tuple[Component, Task]]] = defaultdict(list)
    for dag, task in spec.tasks():
        tasks[task.component].append((dag, task))
    return tasks


def _check_executor(executor: Executor) -> Iterator[Problem]:
    name, message = executor.name, executor.message
    path = (*executor.path, _json_name(executor.kind))
    if executor.kind == "container":
        container = message.container
        if not container.image:
            yield Problem("PORT330", path, f"The container of `{name}` has no image.")
        yield from _check_environment(name, container, path)
        yield from _check_resources(name, container.resources, (*path, "resources"))
    elif executor.kind == "importer":
        if value_or_parameter(message.importer.artifact_uri) is None:
            yield Problem("PORT330", path, f"The importer `{name}` has no `artifactUri`.")
        if not message.importer.type_schema.WhichOneof("kind"):
            yield Problem("PORT330", path, f"The importer `{name}` has no `typeSchema`.")
    elif executor.kind == "resolver":
        what = f"`{name}` is a resolver, which the open-source backend does not run."
        yield Problem("PORT336", path, what, severity=Severity.WARNING)
    elif not executor.kind:
        what = f"Executor `{name}` is neither a container nor an importer."
        yield Problem("PORT330", executor.path, what)


def _json_name(kind: str) -> str:
    return {"custom_job": "customJob"}.get(kind, kind)


def _check_environment(name: str, container: Any, path: Path) -> Iterator[Problem]:
    for index, variable in enumerate(container.env):
        if not ENV_NAME.fullmatch(variable.name):
            what = f"`{variable.name}` is not a name for an environment variable of `{name}`."
            yield Problem("PORT326", (*path, "env", index, "name"), what)


def _check_resources(name: str, resources: Any, path: Path) -> Iterator[Problem]:
    values = [
        (getattr(resources, field), (*path, json_name), pattern)
        for field, (json_name, pattern) in QUANTITIES.items()
    ]
    count = resources.accelerator.resource_count
    values.append((count, (*path, "accelerator", "resourceCount"), COUNT))
    for text, place, pattern in values:
        if text and not placeholders_in(text) and not pattern.fullmatch(text):
            what = f"`{place[-1]}: {text}` of `{name}` is not a quantity."
            yield Problem("PORT340", place, what)


def _texts(executor: Executor) -> Texts:
    """Every text of an executor in which placeholders are replaced."""
    if executor.kind == "importer":
        return _importer_texts(executor)
    if executor.kind != "container":
        return []
    container = executor.message.container
    path = (*executor.path, "container")
    texts: Texts = [((*path, "image"), container.image)]
    for field in ("command", "args"):
        texts.extend(((*path, field, i), text) for i, text in enumerate(getattr(container, field)))
    texts.extend(((*path, "env", i, "value"), item.value) for i, item in enumerate(container.env))
    resources, at = container.resources, (*path, "resources")
    texts.extend(
        ((*at, json_name), getattr(resources, field))
        for field, (json_name, _) in QUANTITIES.items()
    )
    accelerator, at = resources.accelerator, (*path, "resources", "accelerator")
    texts.append(((*at, "resourceType"), accelerator.resource_type))
    texts.append(((*at, "resourceCount"), accelerator.resource_count))
    return [(place, text) for place, text in texts if text]


def _importer_texts(executor: Executor) -> Texts:
    from google.protobuf import json_format

    texts: Texts = []
    metadata = json_format.MessageToDict(executor.message.importer.metadata)
    waiting: list[tuple[Path, Any]] = [((*executor.path, "importer", "metadata"), metadata)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, str):
            texts.append((path, node))
        elif isinstance(node, list):
            waiting.extend(((*path, index), item) for index, item in enumerate(node))
        elif isinstance(node, dict):
            texts.extend(((*path, key), key) for key in node)
            waiting.extend(((*path, key), item) for key, item in node.items())
    return texts


def _runtime_parameters(executor: Executor) -> Iterator[tuple[str, Path]]:
    if executor.kind == "importer":
        source = value_or_parameter(executor.message.importer.artifact_uri)
        if isinstance(source, DagInput):
            yield source.name, (*executor.path, "importer", "artifactUri", "runtimeParameter")


def _references(executor: Executor) -> Iterator[tuple[Path, Placeholder]]:
    for path, text in _texts(executor):
        seen: set[Placeholder] = set()
        for found in placeholders_of_argument(text):
            if found not in seen:
                seen.add(found)
                yield path, found


def _check_placeholder(
    executor: Executor,
    path: Path,
    found: Placeholder,
    users: list[Component],
    tasks_of: dict[str, list[tuple[Component, Task]]],
) -> Iterator[Problem]:
    if not found.is_sound:
        is_typo = found.text.startswith(
            ("{{$.inputs", "{{$.outputs", "IfPresent")
        ) or not found.text.startswith("{{$")
        severity = Severity.ERROR if is_typo else Severity.WARNING
        what = f"Executor `{executor.name}` holds `{found.text}`, which no runner fills."
        yield Problem("PORT325", path, what, severity=severity)
    if not found.side:
        return
    for component in users:
        slots = component.inputs if found.side == "inputs" else component.outputs
        if any(found.name in slots[kind] for kind in KINDS[found.kind]):
            continue
        given_by = tasks_of[component.name] if found.side == "inputs" else []
        if given_by and all(task.has_argument(found.name) for _, task in given_by):
            continue
        noun = f"{found.kind.removesuffix('s')} {found.side.removesuffix('s')}".replace("any ", "")
        what = (
            f"Executor `{executor.name}` uses the {noun} `{found.name}`, which "
            f"`{component.name}` does not have."
        )
        names = (name for kind in KINDS[found.kind] for name in slots[kind])
        yield Problem("PORT324", path, what, next=f"It has: {listed(names)}.")
        return


def _check_platforms(
    spec: Spec,
    users: dict[str, list[Component]],
    tasks_of: dict[str, list[tuple[Component, Task]]],
) -> Iterator[Problem]:
    platform_spec = spec.messages.platform
    if platform_spec is None:
        return
    for platform, message in sorted(platform_spec.platforms.items()):
        base: Path = (1, "platforms", platform, "deploymentSpec", "executors")
        for name, struct in sorted(message.deployment_spec.executors.items()):
            path = (*base, name)
            if name not in spec.executors:
                what = f"The platform spec configures the executor `{name}`, which is missing."
                yield Problem("PORT332", path, what)
                continue
            if platform == "kubernetes":
                yield from _check_kubernetes(name, struct, path)
            scopes = [scope for component in users[name] for scope in tasks_of[component.name]]
            yield from _check_platform_references(spec, struct, path, scopes)


def _check_kubernetes(name: str, struct: Any, path: Path) -> Iterator[Problem]:
    for key, value in struct.items():
        if key not in KUBERNETES_SETTINGS:
            what = f"The Kubernetes platform has no setting `{key}` (executor `{name}`)."
            yield Problem("PORT333", (*path, key), what, severity=Severity.WARNING)
        elif key == "activeDeadlineSeconds" and not _is_positive_integer(value):
            what = f"`activeDeadlineSeconds` of `{name}` is not a whole number above zero."
            yield Problem("PORT333", (*path, key), what)


def _is_positive_integer(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"0*[1-9]\d*", value) is not None
    return isinstance(value, float) and value.is_integer() and value > 0


def _check_platform_references(
    spec: Spec, struct: Any, path: Path, scopes: list[tuple[Component, Task]]
) -> Iterator[Problem]:
    """Inputs and outputs that platform settings name live in the DAG around the task."""
    from google.protobuf import json_format

    waiting: list[tuple[Path, Any]] = [(path, json_format.MessageToDict(struct))]
    while waiting:
        at, node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(((*at, index), item) for index, item in enumerate(node))
        if not isinstance(node, dict):
            continue
        waiting.extend(((*at, key), item) for key, item in node.items())
        name = node.get("componentInputParameter")
        if isinstance(name, str) and name:
            yield from _check_platform_input(name, (*at, "componentInputParameter"), scopes)
        output = node.get("taskOutputParameter")
        if isinstance(output, dict):
            yield from _check_platform_output(spec, output, (*at, "taskOutputParameter"), scopes)


def _check_platform_input(
    name: str, path: Path, scopes: list[tuple[Component, Task]]
) -> Iterator[Problem]:
    for dag, task in scopes:
        if name not in dag.inputs[Kind.PARAMETER] and not task.has_argument(name):
            what = (
                f"A platform setting takes the parameter `{name}`, which "
                f"{dag.title} does not declare."
            )
            yield Problem("PORT333", path, what)
            return


def _check_platform_output(
    spec: Spec, output: dict[str, Any], path: Path, scopes: list[tuple[Component, Task]]
) -> Iterator[Problem]:
    producer, key = str(output.get("producerTask", "")), str(output.get("outputParameterKey", ""))
    for dag, _ in scopes:
        task = (dag.tasks or {}).get(producer)
        component = spec.components.get(task.component) if task else None
        if component is None or key not in component.outputs[Kind.PARAMETER]:
            what = (
                f"A platform setting takes `{key}` of task `{producer}`, which "
                f"{dag.title} does not have."
            )
            yield Problem("PORT333", path, what)
            return
