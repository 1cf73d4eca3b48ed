"""Retries, resources, timeouts, labels and names of machines: how KFP writes a task's policies."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from intermodal.analysis import graph
from intermodal.analysis.connection_calls import connection_of
from intermodal.compiling import Settings
from intermodal.findings import Finding, error, note, warning
from intermodal.frozen import Frozen
from intermodal.ir import Container, PythonCall, Resources, Retry, SecretRef, Shell, Task, Wait

GPU = "nvidia.com/gpu"
SECRET_KEY = "value"  # noqa: S105 - the key in a Kubernetes secret, where the pipeline names none
LONGEST_PAUSE = 315_576_000_000
"""Seconds that a protobuf duration can hold."""

SDK_CEILING = 3600
"""Seconds that KFP takes for the longest pause where a policy names none."""

_LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_NOT_IN_NAME = re.compile(r"[^a-z0-9.-]+")
_NOT_IN_KEY = re.compile(r"[^A-Za-z0-9._-]+")


class RetryPlan(Frozen):
    """A retry policy in KFP's whole seconds."""

    count: int
    delay: int
    factor: float
    ceiling: int


@dataclass
class Machine:
    """What an executor is beside its program.

    Attributes:
        environment: Variables of the container.
        resources: Fields of `ResourceSpec`, by their JSON names.
        kubernetes: Fields of the Kubernetes platform's configuration of the executor.
    """

    environment: tuple[tuple[str, str], ...] = ()
    resources: Mapping[str, Any] = field(default_factory=dict)
    kubernetes: Mapping[str, Any] = field(default_factory=dict)

    def key(self) -> str:
        """Equal for equal machines."""
        return f"{self.environment!r}{self.resources!r}{self.kubernetes!r}"


def is_vertex(settings: Settings) -> bool:
    """Whether the output is for Vertex AI, which takes one document only."""
    return settings.of_target("kfp", "vertex").lower() in {"true", "1", "yes"}


def retry_plan(retry: Retry) -> RetryPlan:
    """The policy, with pauses rounded up to whole seconds."""
    delay = math.ceil(retry.delay.total_seconds())
    if retry.ceiling is not None:
        ceiling = math.ceil(retry.ceiling.total_seconds())
    else:
        largest = min(float(LONGEST_PAUSE), _power(delay, retry.factor, retry.max - 1))
        ceiling = max(SDK_CEILING, math.ceil(largest))
    return RetryPlan(retry.max, delay, retry.factor, ceiling)


def _power(delay: int, factor: float, exponent: int) -> float:
    try:
        return delay * factor ** max(0, exponent)
    except OverflowError:
        return float(LONGEST_PAUSE)


def policy_findings(task: Task, settings: Settings, target: str) -> Iterator[Finding]:
    """What KFP's fields cannot hold of a task's policies."""
    if task.retry is not None:
        yield from _retry_findings(task, task.retry, target)
    if task.resources is not None:
        yield from _resource_findings(task, task.resources, settings, target)
    for name, value in task.environment.items():
        if "{{$" in value or "\x00" in value:
            yield error(
                "PORT204",
                f"{target} cannot hold the value of variable `{name}` of `{task.id}`",
                task.span,
                why="it holds a placeholder of KFP, or a null byte",
                next="pass it as an input",
            )
    if isinstance(task.action, Wait):
        yield from _wait_findings(task, task.action, target)
    for secret in secrets_of(task):
        yield from _secret_findings(task, secret, target)
    if is_vertex(settings):
        yield from _vertex_findings(task, target)


def _retry_findings(task: Task, retry: Retry, target: str) -> Iterator[Finding]:
    span = retry.span or task.span
    for name, pause in (("delay", retry.delay), ("ceiling", retry.ceiling)):
        if pause is not None and pause.microseconds:
            yield warning(
                "PORT204",
                f"{target} rounds the retry {name} of `{task.id}` up to "
                f"{math.ceil(pause.total_seconds())} s",
                span,
                why="KFP's pauses are whole seconds",
                next="write whole seconds",
            )


def _resource_findings(
    task: Task, resources: Resources, settings: Settings, target: str
) -> Iterator[Finding]:
    kind = resources.gpu_type
    if kind is not None and "/" not in kind and not is_vertex(settings):
        yield error(
            "PORT204",
            f"{target} does not know the accelerator `{kind}` of `{task.id}`",
            resources.span or task.span,
            why="Kubernetes knows accelerators by the resource that their driver offers",
            next=f"write `gpu_type='{GPU}'` or another such resource, or set `kfp.vertex`",
        )


def _wait_findings(task: Task, action: Wait, target: str) -> Iterator[Finding]:
    if not isinstance(action.check, PythonCall | Shell):
        yield error(
            "PORT204",
            f"{target} cannot poll for `{task.id}`",
            task.span,
            why="only a function or a command can be called again and again in one pod",
            next="check it in a Python function",
        )
    if task.retry is not None and task.retry.max and action.timeout is not None:
        yield error(
            "PORT204",
            f"{target} cannot keep `{task.id}` from being retried when its time has passed",
            task.span,
            why="KFP retries whatever failed",
            next="leave the retries or the timeout of the wait out",
        )


def _secret_findings(task: Task, secret: SecretRef, target: str) -> Iterator[Finding]:
    name = secret_name(secret.name)
    if name != secret.name or secret.key is None:
        yield note(
            "PORT202",
            f"{target}: secret `{secret.name}` is the key `{secret.key or SECRET_KEY}` of the "
            f"Kubernetes secret `{name}`",
            task.span,
            why="a Kubernetes secret has keys, and a name of lower-case letters, digits and dashes",
            next=f"create it with `kubectl create secret generic {name} "
            f"--from-literal={secret.key or SECRET_KEY}=…`",
        )


def _vertex_findings(task: Task, target: str) -> Iterator[Finding]:
    why = "it is a setting of the Kubernetes platform, whose document Vertex AI does not load"
    if task.timeout is not None and isinstance(task.action, Container):
        yield error(
            "PORT204",
            f"{target} on Vertex AI cannot end the container of `{task.id}` after its timeout",
            task.span,
            why=why,
            next="run the command under `timeout`, or leave the timeout out",
        )
    if secrets_of(task):
        yield error(
            "PORT204",
            f"{target} on Vertex AI cannot give `{task.id}` its secrets",
            task.span,
            why=why,
            next="read them from Secret Manager inside the task",
        )
    if task.labels or task.owners:
        yield warning(
            "PORT204",
            f"{target} on Vertex AI leaves out the labels and owners of `{task.id}`",
            task.span,
            why=why,
            next="label the pipeline job when you submit it",
        )


def machine(task: Task, settings: Settings) -> Machine:
    """What a task's executor needs beside its program."""
    kubernetes: dict[str, Any] = {}
    if not is_vertex(settings):
        if task.timeout is not None and isinstance(task.action, Container):
            kubernetes["activeDeadlineSeconds"] = math.ceil(task.timeout.total_seconds())
        metadata = pod_metadata(task)
        if metadata:
            kubernetes["podMetadata"] = metadata
        mounted = [_secret_env(secret, variable) for secret, variable in _mounted(task)]
        if mounted:
            kubernetes["secretAsEnv"] = mounted
    resources = _resources(task.resources) if task.resources is not None else {}
    return Machine(tuple(task.environment.items()), resources, kubernetes)


def secret_variables(task: Task) -> tuple[tuple[str, str], ...]:
    """Environment variables that a program sets, with those that it takes them from."""
    return tuple((one.variable, secret_variable(one.secret)) for one in task.secrets)


def _mounted(task: Task) -> list[tuple[SecretRef, str]]:
    """The secrets that a task needs, with the environment variables that they come in."""
    if isinstance(task.action, Container):
        return [(one.secret, one.variable) for one in task.secrets]
    return [(secret, secret_variable(secret)) for secret in secrets_of(task)]


def _secret_env(secret: SecretRef, variable: str) -> dict[str, Any]:
    """A variable from a Kubernetes secret, as `kubernetes.use_secret_as_env` writes it."""
    name = secret_name(secret.name)
    return {
        "secretName": name,
        "secretNameParameter": {"runtimeValue": {"constant": name}},
        "keyToEnv": [{"secretKey": secret.key or SECRET_KEY, "envVar": variable}],
        "optional": False,
    }


def secret_name(name: str) -> str:
    """The name of the Kubernetes secret: lower case with dashes."""
    return _NOT_IN_NAME.sub("-", name.lower()).strip("-.")[:253].strip("-.") or "secret"


def secret_variable(secret: SecretRef) -> str:
    """The environment variable that a worker finds a secret in."""
    from intermodal.runtime.secrets import variable_of

    return variable_of(secret.name, secret.key)


def secrets_of(task: Task) -> list[SecretRef]:
    """The secrets that a task's inputs and variables use, each once."""
    found = [
        SecretRef.of(name=part.name, key=part.key)
        for value in graph.expressions(task)
        for part in graph.parts(value)
        if isinstance(part, SecretRef)
    ]
    found += [SecretRef.of(name=one.secret.name, key=one.secret.key) for one in task.secrets]
    if connection := connection_of(task):
        found.append(SecretRef.of(name=connection))
    return list(dict.fromkeys(found))


def pod_metadata(task: Task) -> dict[str, dict[str, str]]:
    """Labels of the pod where Kubernetes takes them, annotations for everything else."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    for name, value in task.labels.items():
        if _LABEL_KEY.fullmatch(name) and _LABEL_VALUE.fullmatch(value):
            labels[name] = value
        else:
            annotations[_annotation_key(name)] = value
    if task.owners:
        annotations["intermodal/owners"] = ", ".join(task.owners)
    if task.docs and isinstance(task.action, Container):
        annotations["intermodal/docs"] = task.docs
    metadata = {"labels": labels, "annotations": annotations}
    return {name: entries for name, entries in metadata.items() if entries}


def _annotation_key(name: str) -> str:
    if _LABEL_KEY.fullmatch(name):
        return name
    return "intermodal/" + (_NOT_IN_KEY.sub("_", name).strip("._-")[:63].strip("._-") or "label")


def _resources(resources: Resources) -> dict[str, Any]:
    """Quantities as Kubernetes writes them, which is what KFP 2.4 and later read."""
    given: dict[str, Any] = {
        "resourceCpuRequest": _cpu(resources.cpu),
        "resourceCpuLimit": _cpu(resources.cpu_limit),
        "resourceMemoryRequest": resources.memory,
        "resourceMemoryLimit": resources.memory_limit,
    }
    if resources.gpu is not None or resources.gpu_type is not None:
        given["accelerator"] = {
            "resourceType": resources.gpu_type or GPU,
            "resourceCount": str(resources.gpu or 1),
        }
    return {name: value for name, value in given.items() if value is not None}


def _cpu(cores: float | None) -> str | None:
    if cores is None:
        return None
    return str(int(cores)) if cores == int(cores) else f"{math.ceil(cores * 1000)}m"
