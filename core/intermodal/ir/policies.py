"""Policies: how a task is run, apart from what it does."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from intermodal.ir.expressions import SecretRef
from intermodal.ir.node import Duration, Node, Rule


class Join(StrEnum):
    """When a task runs, by the states of its direct upstreams. The definitions are Airflow's."""

    ALL_SUCCESS = "all_success"
    ALL_DONE = "all_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    ALL_FAILED = "all_failed"
    ALL_SKIPPED = "all_skipped"
    NONE_SKIPPED = "none_skipped"
    ALWAYS = "always"


class Retry(Node):
    """Start again after a failed attempt.

    Attributes:
        max: Attempts after the first one.
        delay: Pause before the second attempt.
        factor: Each further pause is this many times the one before.
        ceiling: The longest pause.
        jitter: Share of the pause by which it may vary, 0 to 1.
    """

    max: Annotated[int, Rule(ge=0, le=1000)]
    delay: Duration = timedelta(0)
    factor: Annotated[float, Rule(ge=1.0)] = 1.0
    ceiling: Duration | None = None
    jitter: Annotated[float, Rule(ge=0.0, le=1.0)] = 0.0


class Cache(Node):
    """Reuse the outputs of an earlier attempt with the same key.

    The key is made from the code and the inputs unless `key` names one.
    """

    enabled: bool = True
    ttl: Duration | None = None
    key: str | None = None


QUANTITY_PATTERN = r"^\d+(\.\d+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?$"
Quantity = Annotated[str, Rule(pattern=QUANTITY_PATTERN)]


class Resources(Node):
    """What a task needs of its machine; quantities are Kubernetes's (`2Gi`, `500m`)."""

    cpu: Annotated[float | None, Rule(gt=0)] = None
    memory: Quantity | None = None
    cpu_limit: Annotated[float | None, Rule(gt=0)] = None
    memory_limit: Quantity | None = None
    gpu: Annotated[int | None, Rule(ge=1)] = None
    gpu_type: str | None = None
    disk: Quantity | None = None


class Notification(Node):
    """Tell somebody when a task or the pipeline reaches a state.

    Attributes:
        on: After the last attempt (`failure`, `success`), or after each one that will be repeated.
        channel: `log`, `email:ADDRESS`, or `webhook:NAME` and `slack:NAME`, where the secret NAME holds
            the URL that takes a JSON object with the key `text`.
        message: What to say; by default which task of which pipeline came to that state.
    """

    on: Literal["failure", "success", "retry"]
    channel: str
    message: str | None = None


class SecretVariable(Node):
    """An environment variable of the task whose value is a secret."""

    variable: str
    secret: SecretRef


class Pairing(Node):
    """A task's place in a setup/teardown pair."""

    role: Literal["setup", "teardown"]
    partners: tuple[str, ...] = ()
