"""Where people are asked to approve: one question at a time, beside the engine's own loop."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from intermodal.running import Answer, Ask
from intermodal_backends.local.agenda import Turn
from intermodal_backends.local.attempts import NEVER


@dataclass(eq=False)
class Question:
    """An approval that waits for an answer.

    Attributes:
        turn: Whose.
        number: The attempt's number, over all parts of the run.
        began: Monotonic seconds.
        deadline: When it is too late for an answer.
    """

    turn: Turn
    number: int
    began: float
    deadline: float = NEVER


class Desk:
    """Open questions, and the thread that asks them; the thread starts with the first one to ask.

    `wakeup` becomes readable when there is an answer. A thread that waits for a person is left behind when
    the run ends: nothing can end a read from a terminal.
    """

    def __init__(self, ask: Ask | None) -> None:
        self.open: list[Question] = []
        self._ask = ask
        self._questions: queue.SimpleQueue[tuple[Question, str, str]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Question, Answer]] = queue.SimpleQueue()
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._thread: threading.Thread | None = None

    @property
    def wakeup(self) -> int:
        """A descriptor to wait for."""
        return self._woken.fileno()

    @property
    def deadline(self) -> float:
        """The first one of those that are open."""
        return min((question.deadline for question in self.open), default=NEVER)

    def put(self, question: Question, instance: str, message: str, answer: Answer | None) -> None:
        """Open a question; `answer` was given beforehand, else somebody is asked."""
        self.open.append(question)
        if answer is not None:
            self._note(question, answer)
        elif self._ask is not None:
            self._questions.put((question, instance, message))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, args=(self._ask,), daemon=True)
                self._thread.start()

    def answered(self) -> list[tuple[Question, Answer]]:
        """The questions with their answers since the last time; those of no answer stay open."""
        self._clear()
        found: list[tuple[Question, Answer]] = []
        while not self._answers.empty():
            question, answer = self._answers.get()
            if question in self.open and answer != "nobody":
                self.open.remove(question)
                found.append((question, answer))
        return found

    def late(self, now: float) -> list[Question]:
        """The questions that got no answer in time; they are closed."""
        late = [question for question in self.open if question.deadline <= now]
        self.open = [question for question in self.open if question.deadline > now]
        return late

    def _work(self, ask: Callable[[str, str], bool | None]) -> None:
        while True:
            question, instance, message = self._questions.get()
            if question not in self.open:
                continue  # too late meanwhile
            said = ask(instance, message)
            # Who closes the terminal instead of answering does not approve.
            self._note(question, "approve" if said else "reject")

    def close(self) -> None:
        """Take no more answers."""
        self._woken.close()
        self._waker.close()

    def _note(self, question: Question, answer: Answer) -> None:
        self._answers.put((question, answer))
        with suppress(OSError):  # the run ended while somebody was asked
            self._waker.send(b"x")

    def _clear(self) -> None:
        try:
            while self._woken.recv(4096):
                continue
        except BlockingIOError:
            return
