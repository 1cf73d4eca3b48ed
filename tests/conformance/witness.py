"""What the cases' own functions use to say that they ran: events in the log that traces are made of.

It needs the standard library only, so that emitted code with no runtime on the worker is checked too.
Shell tasks use it as a program: `python3 "$WITNESS" start NAME` and `python3 "$WITNESS" end NAME VALUE`.
"""

import json
import os
import signal
import sys
import time
from contextlib import contextmanager


def write(event, task, **fields):
    """Append one event; a single write to a file opened for appending is not torn."""
    path = os.environ.get("INTERMODAL_EVENTS")
    if not path:
        return
    line = {
        "event": event,
        "task": task,
        "index": [],
        "time": time.time(),
        "pid": os.getpid(),
        "source": "witness",
    }
    data = json.dumps({**line, **fields}) + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, data.encode())
    finally:
        os.close(handle)


def starts(task, index=()):
    """How often the task has started in this run, the present attempt included."""
    path = os.environ.get("INTERMODAL_EVENTS")
    if not path or not os.path.exists(path):
        return 0
    with open(path, encoding="utf-8") as file:
        events = [json.loads(line) for line in file]
    return sum(
        event["event"] == "start"
        and event["task"] == task
        and event["index"] == list(index)
        and event.get("source") == "witness"
        for event in events
    )


@contextmanager
def attempt(task, index=()):
    """Log the start and the end of an attempt; call what it gives on the result, to log that.

    A task inside loops says which instance it is: the positions of its items, outermost first.
    """
    outputs = {}

    def seen(value, name="return"):
        outputs[name] = value
        return value

    place = {"index": list(index)}
    write("start", task, **place)
    try:
        yield seen
    except BaseException as problem:
        write("end", task, outcome="failed", error=type(problem).__name__, **place)
        raise
    write("end", task, outcome="succeeded", outputs=outputs, **place)


# Faults that a task can inject into itself, inside its `attempt`.


def fail_first(times, task, index=()):
    """Raise in the first so many attempts."""
    number = starts(task, index)
    if number <= times:
        raise RuntimeError(f"attempt {number} of {task} fails as it was told to")


def exit_hard(status=3):
    """End the process without a word: no exception, no cleaning up."""
    sys.stdout.flush()
    os._exit(status)


def kill_self():
    """Die as if the machine ran out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def hang(seconds=600):
    """Do nothing for long, in steps, so that whatever interrupts Python is noticed."""
    end = time.time() + seconds
    while time.time() < end:
        time.sleep(0.05)


def wrong_type():
    """Something that fits no annotation of a value."""
    return object()


if __name__ == "__main__":
    what, name, *value = sys.argv[1:]
    if what == "start":
        write("start", name)
    else:
        outputs = {"return": json.loads(value[0])} if value else {}
        write(
            "end",
            name,
            outcome="succeeded" if what == "end" else "failed",
            outputs=outputs,
        )
