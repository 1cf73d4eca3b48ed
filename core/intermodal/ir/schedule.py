"""Schedules: when an engine starts a pipeline."""

from __future__ import annotations

from typing import Annotated, Literal

from intermodal.ir.node import Duration, Node, Rule, Timestamp


class Cron(Node):
    """At the times of a five-field cron expression, in a time zone (IANA name)."""

    kind: Literal["cron"] = "cron"
    expression: str
    timezone: str = "UTC"


class Interval(Node):
    """Every so often."""

    kind: Literal["interval"] = "interval"
    every: Duration


class OnData(Node):
    """When data assets have been updated: any of them, or all."""

    kind: Literal["data"] = "data"
    assets: Annotated[tuple[str, ...], Rule(min_length=1)]
    require: Literal["any", "all"] = "all"


class OnEvent(Node):
    """When an outside event of this name arrives."""

    kind: Literal["event"] = "event"
    event: str


class Manual(Node):
    """Only when somebody starts it."""

    kind: Literal["manual"] = "manual"


Trigger = Annotated[Cron | Interval | OnData | OnEvent | Manual, Rule(discriminator="kind")]


class Schedule(Node):
    """A pipeline's triggers and the window they hold for."""

    triggers: Annotated[tuple[Trigger, ...], Rule(min_length=1)]
    start: Timestamp | None = None
    end: Timestamp | None = None
    catch_up: bool = False
    jitter: Duration | None = None
