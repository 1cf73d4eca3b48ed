"""Functions that the pipelines of these tests call."""

import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from intermodal.artifacts import Metrics


class Pair(NamedTuple):
    left: int
    right: str


def one() -> int:
    return 1


def add(a: int, b: int) -> int:
    return a + b


def total(values: list[int]) -> int:
    return sum(values)


def double(item: int) -> int:
    return 2 * item


def echo(value):
    return value


def pair() -> Pair:
    return Pair(3, "x")


def fail() -> int:
    print("before the fall")
    return _divide(1, 0)


def _divide(a: int, b: int) -> int:
    return a // b


def fail_inside_library() -> object:
    import json

    return json.loads("{")


def fail_as_we_do() -> object:
    """As when a task asks a registry that is away: raised in our own code, from another exception."""
    import intermodal
    from intermodal.runtime.problems import InfrastructureError

    names: dict[str, object] = {"InfrastructureError": InfrastructureError}
    exec(compile(OURS, str(Path(intermodal.__file__).parent / "ours.py"), "exec"), names)
    return names["ask"]()  # type: ignore[operator]


OURS = """
def ask():
    try:
        raise ConnectionRefusedError("no")
    except OSError as problem:
        raise InfrastructureError("the registry is away [PORT560]") from problem
"""


def fail_for(item: int, bad: int) -> int:
    if item == bad:
        raise ValueError(f"bad {item}")
    return item


def wrong_type() -> int:
    return "three"  # type: ignore[return-value]


def mark_and_fail_first(folder: str) -> str:
    """Fails at the first attempt."""
    mark = Path(folder, "seen")
    if mark.exists():
        return "second"
    mark.touch()
    raise RuntimeError("first")


def fail_unless(path: str) -> int:
    if not Path(path).exists():
        raise RuntimeError(f"{path} is not there")
    return 7


def count_calls(path: str) -> int:
    with Path(path).open("a") as file:
        file.write("x")
    return len(Path(path).read_text())


def hang() -> None:
    time.sleep(60)


def hang_stubbornly() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(60)


def hang_with_child(path: str) -> None:
    """Leaves the id of a process of its own, which must not live on."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
        os._exit(0)
    Path(path).write_text(str(child))
    time.sleep(60)


def exit_hard_with_child(path: str) -> None:
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    Path(path).write_text(str(child))
    os._exit(3)


def exit_hard_tracked() -> None:
    from intermodal import tracking

    tracking.log_metric("m", 1.0)
    os._exit(3)


def exit_hard() -> None:
    os._exit(3)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exit_softly() -> None:
    sys.exit(0)


def process_id() -> int:
    return os.getpid()


def big(size: int) -> list[int]:
    return list(range(size))


def length(values: list[int]) -> int:
    return len(values)


def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2, 3]})


def rows(data: pd.DataFrame) -> int:
    return len(data)


def score(data: pd.DataFrame) -> Metrics:
    return Metrics(rows=len(data), share=0.5)


def later(moment: datetime, by: timedelta) -> datetime:
    return (moment + by).astimezone(UTC)


def environment(name: str) -> str:
    return os.environ.get(name, "")


def use_secret(token: str) -> int:
    print("the token is", token)
    return len(token)


def leak_secret(token: str) -> int:
    raise RuntimeError(f"cannot log in with {token}")


def talk() -> None:
    print("to stdout")
    print("to stderr", file=sys.stderr)


def nothing() -> None:
    pass


def interrupt_engine(pid: int) -> None:
    os.kill(pid, signal.SIGINT)
    time.sleep(60)


def come(path: str, calls: int) -> bool:
    """True from the call of this number on; counts its calls in a file."""
    return count_calls(path) >= calls


def fail_to_look(path: str) -> bool:
    """Raises at the first call."""
    if count_calls(path) == 1:
        raise RuntimeError("cannot look")
    return True


def touch(path: str) -> bool:
    Path(path).touch()
    return True


def hold(path: str, item: object = None) -> int:
    """How many others are at it at the same time, at most, as seen from here."""
    mine = Path(path, f"{os.getpid()}-{time.monotonic_ns()}")
    mine.touch()
    time.sleep(0.05)
    most = len(list(Path(path).iterdir()))
    mine.unlink()
    return most


def exit_hard_for(item: int, bad: int) -> int:
    if item == bad:
        os._exit(3)
    return item


def kill_for(item: int, bad: int) -> int:
    if item == bad:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def hang_for(item: int, bad: int) -> int:
    if item == bad:
        time.sleep(60)
    return item


def wrong_for(item: int, bad: int) -> int:
    return "x" if item == bad else item  # type: ignore[return-value]


def frame_of(item: int) -> pd.DataFrame:
    return pd.DataFrame({"a": range(item)})


def sizes(frames: list[pd.DataFrame]) -> list[int]:
    return [len(data) for data in frames]


def sizes_by_name(frames: dict[str, pd.DataFrame]) -> dict[str, int]:
    return {name: len(data) for name, data in frames.items()}
