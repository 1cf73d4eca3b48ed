"""What a deployment asks of its work pool: job variables, as far as the pool's type has them.

Job variables are per flow run, which is one process or container for all tasks of the flow. The names
are those of the base job templates that Prefect 3 ships
(`prefect/server/api/collections_data/views/aggregate-worker-metadata.json`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from intermodal.compiling import Settings
from intermodal.findings import Finding, error, note
from intermodal.frozen import Frozen
from intermodal.ir import Container, Pipeline, Resources, Task


class Pool(Frozen):
    """A type of work pool: whether it takes an image, and its variables for resources, by IR field."""

    image: bool = True
    resources: Mapping[str, str] | None = None


POOLS: Mapping[str, Pool] = {
    "process": Pool(image=False),
    "docker": Pool(resources={"memory_limit": "mem_limit"}),
    "kubernetes": Pool(
        resources={
            "cpu": "cpu_request",
            "cpu_limit": "cpu_limit",
            "memory": "memory_request",
            "memory_limit": "memory_limit",
        }
    ),
    "ecs": Pool(),
    "azure-container-instance": Pool(),
    "cloud-run": Pool(),
    "cloud-run-v2": Pool(),
    "vertex-ai": Pool(),
}
FIELDS = ("cpu", "cpu_limit", "memory", "memory_limit")
UNITS = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}


def job_variables(
    pipeline: Pipeline, tasks: Iterable[Task], settings: Settings, findings: list[Finding]
) -> dict[str, Any]:
    """The job variables; findings get an error for what the pool's type cannot honour."""
    kind = settings.of_target("prefect", "work_pool_type", "process")
    pool = POOLS.get(kind)
    if pool is None:
        findings.append(
            error(
                "PORT204",
                f"`{kind}` is not a type of work pool that is known here",
                pipeline.span,
                next=f"set `prefect.work_pool_type` to one of {', '.join(POOLS)}",
            )
        )
        return {}
    variables: dict[str, Any] = {}
    if pool.image:
        image = pipeline.environment.image or settings.image
        if (
            image != Settings.image
        ):  # which has no Prefect in it; Prefect's own is the better default
            variables["image"] = image
        if pipeline.environment.packages:
            packages = " ".join(pipeline.environment.packages)
            variables["env"] = {"EXTRA_PIP_PACKAGES": packages}
    elif pipeline.environment.image:
        findings.append(_no_image(pipeline, kind))
    return {**variables, **_resources(tasks, kind, pool, findings)}


def _no_image(pipeline: Pipeline, kind: str) -> Finding:
    return error(
        "PORT204",
        f"a Prefect work pool of type `{kind}` runs flows in no image",
        pipeline.environment.span or pipeline.span,
        why="its worker starts them as processes in its own environment",
        next="set `prefect.work_pool_type` to `docker` or `kubernetes`, or leave the image out",
    )


def _resources(
    tasks: Iterable[Task], kind: str, pool: Pool, findings: list[Finding]
) -> dict[str, Any]:
    known = pool.resources or {}
    largest: dict[str, str] = {}
    asking: list[Task] = []
    for task in tasks:
        if task.resources is None or isinstance(task.action, Container):
            continue
        asking.append(task)
        findings.extend(_refusals(task, task.resources, kind, known))
        for field in FIELDS:
            wanted = getattr(task.resources, field)
            if wanted is not None and field in known:
                text = wanted if isinstance(wanted, str) else cpu_text(wanted)
                if size(text) > size(largest.get(field, "0")):
                    largest[field] = text
    if largest:
        findings.append(_per_flow_run(asking[0], largest))
    return {known[field]: _for_pool(kind, text) for field, text in largest.items()}


def _refusals(
    task: Task, resources: Resources, kind: str, known: Mapping[str, str]
) -> Iterator[Finding]:
    refused = [f for f in FIELDS if getattr(resources, f) is not None and f not in known]
    if not refused:
        return
    shown = ", ".join(f"`{field}`" for field in refused)
    yield error(
        "PORT204",
        f"{shown} of task `{task.id}` cannot be had from a Prefect work pool of type `{kind}`",
        resources.span or task.span,
        why="the work pool has no such job variable, and the tasks of a flow run share one process",
        next="set `prefect.work_pool_type` to `kubernetes`, or leave the resources out",
    )


def _per_flow_run(task: Task, largest: Mapping[str, str]) -> Finding:
    shown = ", ".join(f"{field} {text}" for field, text in largest.items())
    return note(
        "PORT201",
        f"resources are asked for each flow run, not for each task: {shown}",
        task.span,
        why="all tasks of a Prefect flow run share one container; it gets the largest of their values",
    )


def container_limits(resources: Resources | None) -> dict[str, int]:
    """What Docker is asked for a container of its own, by the names of Docker's Python package."""
    if resources is None:
        return {}
    limits: dict[str, int] = {}
    if resources.cpu is not None:
        limits["cpu_shares"] = max(2, round(resources.cpu * 1024))  # relative; 1024 is one core
    if resources.cpu_limit is not None:
        limits["nano_cpus"] = round(resources.cpu_limit * 1e9)
    if resources.memory is not None:
        limits["mem_reservation"] = int(size(resources.memory))
    if resources.memory_limit is not None:
        limits["mem_limit"] = int(size(resources.memory_limit))
    return limits


def size(quantity: str) -> float:
    """A Kubernetes quantity as a number."""
    match = re.fullmatch(r"([\d.]+)([A-Za-z]*)", quantity)
    return float(match.group(1)) * UNITS[match.group(2)] if match else 0.0


def cpu_text(cores: float) -> str:
    """Cores as a Kubernetes quantity: `2`, `500m`."""
    return str(int(cores)) if cores == int(cores) else f"{round(cores * 1000)}m"


def _for_pool(kind: str, text: str) -> str:
    """Docker takes bytes, Kubernetes its own units."""
    return str(int(size(text))) if kind == "docker" else text
