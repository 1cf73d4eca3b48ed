"""Notifications of a run: what is said when, sent beside the engine's loop so that nothing waits for them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from intermodal.findings import Finding, Span, warning
from intermodal.ir import Notification, Pipeline
from intermodal.runtime.notify import send

PATIENCE = 15.0
"""Seconds that the end of a run waits for messages on their way."""

SAID: Mapping[str, str] = {
    "failure": "failed",
    "success": "succeeded",
    "retry": "will be retried",
}


class Notices:
    """Sends notifications, one after the other, in a thread that starts with the first one.

    Args:
        pipeline: Whose run.
        environment: Where secrets are.
        tell: Takes messages to the log: an instance id, empty for the pipeline, and the message.
    """

    def __init__(
        self, pipeline: Pipeline, environment: Mapping[str, str], tell: Callable[[str, str], None]
    ) -> None:
        self._pipeline = pipeline
        self._environment = environment
        self._tell = tell
        self._findings: list[Finding] = []
        self._outgoing: queue.SimpleQueue[tuple[str, str, Span | None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._on_its_way = ""

    def of_task(self, instance: str, notifications: Iterable[Notification], on: str) -> None:
        """Say that a task instance came to a state."""
        self._say(instance, notifications, on, f"{instance} of {self._pipeline.name} {SAID[on]}")

    def of_pipeline(self, on: str) -> None:
        """Say how the run ended."""
        said = f"{self._pipeline.name} {SAID[on]}"
        self._say("", self._pipeline.notifications, on, said)

    def close(self) -> list[Finding]:
        """Wait until all are sent, and tell of those that could not be."""
        if self._thread is not None:
            self._outgoing.put(None)
            until = time.monotonic() + PATIENCE
            self._thread.join(max(0.0, until - time.monotonic()))
            if self._thread.is_alive():
                self._findings.append(_unsent(self._on_its_way, "it takes too long", None))
        return self._findings

    def _say(
        self, instance: str, notifications: Iterable[Notification], on: str, said: str
    ) -> None:
        for notification in notifications:
            if notification.on != on:
                continue
            message = notification.message or said
            if notification.channel == "log":
                self._tell(instance, message)
                continue
            self._outgoing.put((notification.channel, message, notification.span))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while (item := self._outgoing.get()) is not None:
            channel, message, span = item
            self._on_its_way = channel
            problem = send(channel, message, self._environment)
            if problem:
                self._findings.append(_unsent(channel, problem, span))


def _unsent(channel: str, why: str, span: Span | None) -> Finding:
    return warning("PORT610", f"the notification to `{channel}` was not sent", span, why=why)
