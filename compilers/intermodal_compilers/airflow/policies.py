"""Policies of a task as arguments of its operator, and what Airflow refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from intermodal.findings import Finding, error
from intermodal.ir import Container, Resources, Retry, Task
from intermodal_compilers.airflow.dialects import Dialect
from intermodal_compilers.pysource import Call, Expr, Value, call

# Pauses are capped by Airflow at a day; `retry_exponential_backoff` starts at a second.
LONGEST_PAUSE = timedelta(days=1)


def task_keywords(task: Task, image: str | None, dialect: Dialect) -> dict[str, Expr]:
    """What the task's operator or decorator takes, in the order that it is printed."""
    keywords: dict[str, Expr] = {}
    if task.display_name and task.display_name != task.id:
        keywords["task_display_name"] = Value(task.display_name)
    if task.retry is not None:
        keywords |= retry_keywords(task.retry, dialect)
    if task.timeout is not None:
        keywords["execution_timeout"] = Value(task.timeout)
    if task.pool is not None:
        keywords["pool"] = Value(task.pool)
    if task.pool_slots != 1:
        keywords["pool_slots"] = Value(task.pool_slots)
    if task.priority is not None:
        # Airflow's default adds up the priorities downstream.
        keywords |= {"priority_weight": Value(task.priority), "weight_rule": Value("absolute")}
    if task.owners:
        keywords["owner"] = Value(", ".join(task.owners))
    if not isinstance(task.action, Container) and (config := pod_override(task.resources, image)):
        keywords["executor_config"] = config
    if docs := documentation(task):
        keywords["doc_md"] = Value(docs)
    return keywords


def documentation(task: Task) -> str:
    """The task's docs, with its labels, for which Airflow's tasks have no field, as a last line."""
    labels = ", ".join(f"{key}:{value}" if value else key for key, value in task.labels.items())
    return "\n\n".join(part for part in (task.docs.strip(), labels and f"Labels: {labels}") if part)


def retry_keywords(retry: Retry, dialect: Dialect) -> dict[str, Expr]:
    """`retries`, `retry_delay` and the backoff; the delay is always said, its default is 5 minutes."""
    keywords: dict[str, Expr] = {"retries": Value(retry.max)}
    if retry.max == 0:
        return keywords
    grows = retry.factor != 1 and retry.delay > timedelta(0)
    delay = retry.delay if grows or retry.ceiling is None else min(retry.delay, retry.ceiling)
    keywords["retry_delay"] = Value(delay)
    if not grows:
        return keywords
    factor = int(retry.factor) if retry.factor == int(retry.factor) else retry.factor
    keywords["retry_exponential_backoff"] = Value(factor if dialect.any_factor else True)
    if retry.ceiling is not None:
        keywords["max_retry_delay"] = Value(retry.ceiling)
    return keywords


def retry_findings(task: Task, target: str, dialect: Dialect) -> Iterator[Finding]:
    """What Airflow cannot do of a retry policy."""
    retry = task.retry
    if retry is None or retry.max == 0:
        return
    span = retry.span or task.span
    if retry.factor not in (1, 2) and not dialect.any_factor:
        yield error(
            "PORT204",
            f"{target} cannot multiply the pause between attempts of `{task.id}` by {retry.factor:g}",
            span,
            why="before 3.2 Airflow's exponential backoff only doubles",
            next="use factor 1 or 2, or compile for airflow@3.2 or later",
        )
    if retry.jitter and (retry.factor == 1 or retry.delay == timedelta(0)):
        yield error(
            "PORT204",
            f"{target} cannot vary the equal pauses between attempts of `{task.id}`",
            span,
            why="only Airflow's exponential backoff has jitter",
            next="set a factor of 2, or leave the jitter out",
        )
    if retry.delay > LONGEST_PAUSE and retry.factor != 1:
        yield error(
            "PORT204",
            f"{target} cannot pause for more than a day between attempts of `{task.id}`",
            span,
            why="Airflow caps the pauses of its exponential backoff at 24 hours",
            next="set a factor of 1, or a shorter delay",
        )


def resource_findings(task: Task, target: str) -> Iterator[Finding]:
    """What Airflow cannot do of a resource policy."""
    resources = task.resources
    if resources is None:
        return
    span = resources.span or task.span
    if resources.gpu_type and "/" not in resources.gpu_type:
        yield error(
            "PORT204",
            f"{target} cannot choose a GPU of type `{resources.gpu_type}` for `{task.id}`",
            span,
            why="a pod asks for GPUs by a resource name; models are node labels that each cloud "
            "names differently",
            next="write the resource's name, such as `nvidia.com/gpu`",
        )
    if isinstance(task.action, Container) and (resources.gpu or resources.disk):
        yield error(
            "PORT204",
            f"{target} cannot give the container of `{task.id}` a GPU or disk space",
            span,
            why="DockerOperator takes processors and memory only",
            next="leave them out",
        )


def pod_override(resources: Resources | None, image: str | None) -> Call | None:
    """`pod(image=..., requests=..., limits=...)`, a function of the emitted file."""
    requests, limits = _quantities(resources) if resources else ({}, {})
    if not (requests or limits or image):
        return None
    return call(
        "pod",
        image=Value(image) if image else None,
        requests=Value(requests) if requests else None,
        limits=Value(limits) if limits else None,
    )


def container_keywords(resources: Resources | None) -> dict[str, Expr]:
    """What DockerOperator takes of a resource policy: shares of processors, bytes of memory."""
    keywords: dict[str, Expr] = {}
    if resources is None:
        return keywords
    cpu = resources.cpu or resources.cpu_limit
    memory = resources.memory_limit or resources.memory
    if cpu:
        keywords["cpus"] = Value(cpu)
    if memory:
        keywords["mem_limit"] = Value(bytes_of(memory))
    return keywords


UNITS: Mapping[str, float] = {
    "m": 0.001,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}


def bytes_of(quantity: str) -> int:
    """A Kubernetes quantity as a number of bytes."""
    number = quantity.rstrip("mkMGTi")
    return int(float(number) * UNITS.get(quantity[len(number) :], 1))


def _quantities(resources: Resources) -> tuple[dict[str, str], dict[str, str]]:
    requests = {
        "cpu": _cpu(resources.cpu),
        "memory": resources.memory,
        "ephemeral-storage": resources.disk,
    }
    limits = {"cpu": _cpu(resources.cpu_limit), "memory": resources.memory_limit}
    if resources.gpu:
        limits[resources.gpu_type or "nvidia.com/gpu"] = str(resources.gpu)
    return (
        {key: value for key, value in requests.items() if value},
        {key: value for key, value in limits.items() if value},
    )


def _cpu(cores: float | None) -> str | None:
    if cores is None:
        return None
    return str(int(cores)) if cores == int(cores) else f"{round(cores * 1000)}m"


def timeout_findings(task: Task, target: str) -> Iterator[Finding]:
    """Airflow takes a timeout of nothing for no timeout."""
    if task.timeout is not None and task.timeout == timedelta(0):
        yield error(
            "PORT204",
            f"{target} cannot end `{task.id}` after no time at all",
            task.span,
            why="Airflow takes a timeout of 0 for none",
            next="give it at least a second",
        )
