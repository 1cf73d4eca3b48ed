# ruff: noqa: ANN001, ANN201, ANN202, ANN204, ARG001, F821, N818, S310
# mypy: ignore-errors
"""Functions for control flow that a compiled flow file carries when it needs them.

Read as text like `prelude.py`, and laid out for 88 columns. A controlled task waits for all that comes
before it, however that ends, and then decides itself whether it runs: so everything that is independent
runs side by side, and nothing in the flow function ever blocks.
"""

import functools
import itertools
import json
import os
import re
import smtplib
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from prefect import allow_failure, pause_flow_run, task
from prefect.blocks.system import Secret
from prefect.cache_policies import NO_CACHE
from prefect.concurrency.sync import concurrency
from prefect.deployments import run_deployment
from prefect.events import emit_event
from prefect.exceptions import FlowPauseTimeout
from prefect.futures import PrefectFuture, wait
from prefect.input import RunInput
from prefect.logging import get_logger
from prefect.runtime import flow_run, task_run
from prefect.states import Completed, Failed, State
from prefect.utilities.annotations import quote
from prefect.utilities.hashing import hash_objects

from intermodal.runtime.stored import load_value

GOOD = ("succeeded", "cached")
BAD = ("failed", "upstream_failed")
SUCCESSES = {"Cached": "cached", "Skipped": "skipped"}


def state_of(future: PrefectFuture) -> str:
    """How a task has ended, in one word."""
    state = future.state
    if state.is_completed():
        return SUCCESSES.get(state.name, "succeeded")
    return (
        "upstream_failed" if state.name in ("UpstreamFailed", "NotReady") else "failed"
    )


def value_of(future: PrefectFuture, output: str | None = None) -> Any:
    """What a task gave, or one of its outputs; None if there is none."""
    if output is not None:
        return outputs_of(future).get(output)
    return future.result() if state_of(future) in GOOD else None


def outputs_of(future: PrefectFuture) -> Mapping[str, Any]:
    """The outputs of a task that has several; a loop has some even if it failed."""
    kept = future.state.data
    given = future.result() if state_of(future) in GOOD else getattr(kept, "result", 0)
    return given if isinstance(given, Mapping) else {}


def has_output(output: Any) -> bool:
    """Whether there is an output: of a task, or one of several as (future, name)."""
    if isinstance(output, tuple):
        future, name = output
        return name in outputs_of(future)
    return state_of(output) in GOOD


def output_of(output: Any) -> Any:
    """The value of an output that exists."""
    future, name = output if isinstance(output, tuple) else (output, None)
    return value_of(future, name)


def all_success(states: Sequence[str]) -> str:
    """Run if all succeeded."""
    if any(state in BAD for state in states):
        return "upstream_failed"
    return "skipped" if "skipped" in states else "run"


def all_done(states: Sequence[str]) -> str:
    """Run however they ended."""
    return "run"


def always(states: Sequence[str]) -> str:
    """Run, without waiting for anything but data."""
    return "run"


def none_failed(states: Sequence[str]) -> str:
    """Run if they succeeded or were skipped."""
    return "upstream_failed" if any(state in BAD for state in states) else "run"


def none_failed_min_one_success(states: Sequence[str]) -> str:
    """Run if one succeeded and the others were at most skipped."""
    if any(state in BAD for state in states):
        return "upstream_failed"
    return "run" if any(state in GOOD for state in states) else "skipped"


def one_success(states: Sequence[str]) -> str:
    """Run if one succeeded."""
    if any(state in GOOD for state in states):
        return "run"
    return "upstream_failed" if any(state in BAD for state in states) else "skipped"


def one_failed(states: Sequence[str]) -> str:
    """Run if one failed."""
    return "run" if any(state in BAD for state in states) else "skipped"


def one_done(states: Sequence[str]) -> str:
    """Run if one ran to its end."""
    ran = any(state in GOOD or state == "failed" for state in states)
    return "run" if ran else "skipped"


def all_failed(states: Sequence[str]) -> str:
    """Run if none succeeded or was skipped."""
    return "run" if all(state in BAD for state in states) else "skipped"


def all_skipped(states: Sequence[str]) -> str:
    """Run if all were skipped."""
    return "run" if all(state == "skipped" for state in states) else "skipped"


def none_skipped(states: Sequence[str]) -> str:
    """Run if none was skipped."""
    return "skipped" if "skipped" in states else "run"


def teardown_of(*setups: PrefectFuture) -> Callable[[Sequence[str]], str]:
    """Run, however the rest ended, if one of the setups succeeded."""

    def rule(states: Sequence[str]) -> str:
        words = [state_of(setup) for setup in setups]
        if not words or any(word in GOOD for word in words):
            return "run"
        skipped = all(word == "skipped" for word in words)
        return "skipped" if skipped else "upstream_failed"

    return rule


def with_setups(
    rule: Callable[[Sequence[str]], str], *setups: PrefectFuture
) -> Callable[[Sequence[str]], str]:
    """Follow a rule if all setups succeeded."""

    def stricter(states: Sequence[str]) -> str:
        verdict = all_success([state_of(setup) for setup in setups])
        return rule(states) if verdict == "run" else verdict

    return stricter


class Step(NamedTuple):
    """What a controlled task needs to decide whether it runs, and to run."""

    inputs: Any
    join: Callable[[Sequence[str]], str]
    upstreams: Sequence[PrefectFuture]
    guard: Callable[[], Any] | None
    given: Sequence[Any]
    index: tuple[int, ...]


def submit(
    controlled,
    inputs,
    *,
    join=all_success,
    upstreams=(),
    guard=None,
    given=(),
    index=(),
) -> PrefectFuture:
    """Submit a controlled task.

    `inputs` may be a function, called when all `upstreams` have ended. `guard` counts as
    soon as the outputs `given` exist. `index` is the task's place in the loops around it.
    """
    if index:
        name = controlled.task_run_name or plain_name(controlled.name)
        place = "".join(f"[{position}]" for position in index)
        controlled = controlled.with_options(task_run_name=name + place)
    step = Step(inputs, join, list(upstreams), guard, given, index)
    return controlled.submit(
        quote(step), wait_for=[allow_failure(upstream) for upstream in upstreams]
    )


def plain_name(text: str) -> str:
    """Text as the name of a task run, in which braces are fields to fill in."""
    return text.replace("{", "{{").replace("}", "}}")


def joined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a task decide whether it runs by the states of what it waited for."""

    @functools.wraps(function)
    def call(step: Step) -> Any:
        try:
            verdict = verdict_of(step)
            if verdict == "skipped":
                return Completed(name="Skipped", message="its conditions do not hold")
            if verdict == "upstream_failed":
                return Failed(
                    name="UpstreamFailed", message="something it waits for failed"
                )
            inputs = step.inputs() if callable(step.inputs) else step.inputs
        except Exception as error:
            return Failed(name="NotEvaluated", message=repr(error), data=error)
        return function(**{name: own_value(given) for name, given in inputs.items()})

    del call.__wrapped__  # Prefect would take the function's parameters for the task's
    return call


def own_value(given: Any) -> Any:
    """The value of a future, anything else as it is."""
    return value_of(given) if isinstance(given, PrefectFuture) else given


def verdict_of(step: Step) -> str:
    """`run`, `skipped` or `upstream_failed`; a guard goes before the join rule."""
    known = step.guard is not None and all(has_output(output) for output in step.given)
    if known and not step.guard():
        return "skipped"
    states = [state_of(upstream) for upstream in step.upstreams]
    verdict = step.join(states) if states else "run"
    if verdict == "run" and step.guard is not None and not known and not step.guard():
        return "skipped"
    return verdict


def worth_retrying(_task, _run, state) -> bool:
    """Whether a failure was the task's own, and another attempt may help."""
    own = state.name not in ("UpstreamFailed", "NotEvaluated")
    return own and not isinstance(state.data, GaveUp)


class GaveUp(Exception):
    """What was waited for did not come, or was refused: trying again makes no sense."""


class Part(NamedTuple):
    """What a branch or a round of a loop has started.

    Its `leaves` say how it ends; all `others` have to end too. Each output has
    alternatives, of which the first that exists counts.
    """

    leaves: Sequence[PrefectFuture] = ()
    others: Sequence[PrefectFuture] = ()
    outputs: Mapping[str, Sequence[Any]] = {}


def end_of(parts: Sequence[Part]) -> str:
    """Wait for parts, and say how they ended together."""
    wait([future for part in parts for future in (*part.leaves, *part.others)])
    states = [state_of(leaf) for part in parts for leaf in part.leaves]
    if not states:
        return "run" if parts else "skipped"
    return none_failed_min_one_success(states)


@task(cache_policy=NO_CACHE)
@joined
def run_branch(body):
    """Start the arms that are taken; end as they end."""
    parts = body()
    verdict = end_of(parts)
    if verdict == "upstream_failed":
        return Failed(name="Inside", message="a task inside failed")
    if verdict == "skipped":
        return Completed(
            name="Skipped", message="no arm was taken, or all of it skipped"
        )
    merged: dict[str, Any] = {}
    for part in parts:
        for name, outputs in part.outputs.items():
            existing = [output for output in outputs if has_output(output)]
            if existing:
                merged.setdefault(name, output_of(existing[0]))
    return merged


def start_arms(chosen: Any, arms: Mapping[str, Callable], otherwise=None) -> list[Part]:
    """Start the arms that were chosen by name: one, several, or none."""
    names = chosen if isinstance(chosen, list) else [] if chosen is None else [chosen]
    for name in names:
        if name not in arms:
            raise ValueError(f"no arm is called {name!r}; there are {', '.join(arms)}")
    if not names:
        return [] if otherwise is None else [otherwise()]
    return [arms[name]() for name in names]


@task(cache_policy=NO_CACHE)
@joined
def run_loop(body, items, collect=(), index=(), at_once=200):
    """Start a round for each item, at most `at_once` together; end as they end."""

    def round_of(context, item, place):
        part = context.run(body, item, place)
        return part, end_of([part])

    contexts = [copy_context() for _ in items]
    places = [(*index, position) for position in range(len(items))]
    with ThreadPoolExecutor(max(1, min(at_once, len(items)))) as pool:
        rounds = list(pool.map(round_of, contexts, items, places))
    collected = {
        name: [
            output_of(one)
            for part, _ in rounds
            for one in part.outputs[name]
            if has_output(one)
        ]
        for name in collect
    }
    verdict = end_of([part for part, _ in rounds]) if rounds else "run"
    if verdict == "upstream_failed":
        return Failed(name="Inside", message="a task inside failed", data=collected)
    if verdict == "skipped":
        message = "all rounds were skipped"
        return Completed(name="Skipped", message=message, data=collected)
    return collected


def items_of(items: Any) -> list[Any]:
    """What a loop goes over, as a list; a mapping gives its pairs."""
    if isinstance(items, Mapping):
        return [[key, item] for key, item in items.items()]
    if not isinstance(items, list | tuple):
        raise TypeError(f"{items!r} is no list to go over")
    return list(items)


def product_of(*lists: Any) -> list[Any]:
    """All combinations of the items of several lists."""
    return [list(items) for items in itertools.product(*map(items_of, lists))]


def zip_of(*lists: Any) -> list[Any]:
    """The items of several lists in step, as long as the shortest lasts."""
    return [list(items) for items in zip(*map(items_of, lists), strict=False)]


def run_state(leaves: Sequence[PrefectFuture]) -> str:
    """How the run ended so far."""
    return "failed" if any(state_of(leaf) in BAD for leaf in leaves) else "succeeded"


def look_inside(given: Any) -> Any:
    """What an artifact holds; anything else as it is."""
    return load_value(given, context().store_uri)


def text_of(*parts: Any) -> str:
    """The parts as one text; what is not text is written as JSON."""
    words = [part if isinstance(part, str) else json.dumps(part) for part in parts]
    return "".join(words)


def element_of(base: Any, key: Any) -> Any:
    """`base[key]`, or None where there is no base."""
    return None if base is None else base[key]


def first_of(given: Any, fallback: Any) -> Any:
    """What is given, or the fallback where that is missing."""
    return fallback if given is None else given


def compares(left: Any, operator: str, right: Any) -> bool:
    """A comparison in which times with different offsets are points in time."""
    left, right = as_moments(left, right)
    match operator:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "in":
            return left in right
        case _:
            return left not in right


def as_moments(left: Any, right: Any) -> tuple[Any, Any]:
    """Both as moments if both are such in ISO 8601, with their offsets."""
    try:
        moments = datetime.fromisoformat(left), datetime.fromisoformat(right)
    except (TypeError, ValueError):
        return left, right
    return moments if all(moment.tzinfo for moment in moments) else (left, right)


def shifted(moment: str, by: timedelta) -> str:
    """A moment in ISO 8601, so much later."""
    return (datetime.fromisoformat(moment) + by).isoformat()


def formatted(moment: str, pattern: str) -> str:
    """A moment in ISO 8601 by a pattern."""
    return datetime.fromisoformat(moment).strftime(pattern)


def logical_date_of_run() -> str:
    """The moment for which the run was scheduled."""
    return flow_run.scheduled_start_time.isoformat()


def secret_of(name: str, key: str | None = None) -> str:
    """A secret: an environment variable, or a Prefect Secret block of that name."""
    words = [name] if key is None else [name, key]
    plain = [re.sub(r"\W", "_", word, flags=re.ASCII).upper() for word in words]
    variable = "INTERMODAL_SECRET_" + "_".join(plain)
    if variable in os.environ:
        return os.environ[variable]
    held = Secret.load(re.sub("[^a-z0-9]+", "-", name.lower())).get()
    if key is None:
        return held if isinstance(held, str) else json.dumps(held)
    return (json.loads(held) if isinstance(held, str) else held)[key]


class Variables(Mapping):
    """Environment variables; those that are secrets are read when they are used."""

    def __init__(self, plain: Mapping[str, str], secrets: Mapping[str, tuple]) -> None:
        self.plain, self.secrets = plain, secrets

    def __getitem__(self, name: str) -> str:
        held = self.secrets.get(name)
        return self.plain[name] if held is None else secret_of(*held)

    def __iter__(self):
        return iter({**self.plain, **self.secrets})

    def __len__(self) -> int:
        return len({**self.plain, **self.secrets})


def waiting(
    interval: float,
    timeout: float | None = None,
    limit: float | None = None,
    skips: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Call a function every `interval` seconds until it gives something true.

    After `timeout` seconds the task is failed for good, or skipped; after `limit` seconds
    only this attempt has failed.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.monotonic()
            while not (result := function(*args, **kwargs)):
                spent = time.monotonic() - began
                if limit is not None and spent + interval > limit:
                    time.sleep(max(0, limit - spent))
                    raise TimeoutError(f"not there within {limit} seconds")
                if timeout is not None and spent + interval > timeout:
                    time.sleep(max(0, timeout - spent))
                    if skips:
                        message = f"not there within {timeout} seconds"
                        return Completed(name="Skipped", message=message)
                    raise GaveUp(f"not there within {timeout} seconds")
                time.sleep(interval)
            return result

        return call

    return decorate


def succeeds(function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """Whether a command ends with exit code 0."""
    try:
        function(*args, **kwargs)
    except RuntimeError as error:
        print(error)
        return False
    return True


def trigger_run(
    deployment: str, parameters: Mapping[str, Any], to_its_end: bool
) -> str:
    """Start a run of another flow's deployment, and give its id."""
    timeout = None if to_its_end else 0
    run = run_deployment(deployment, parameters=dict(parameters), timeout=timeout)
    if to_its_end and not run.state.is_completed():
        raise RuntimeError(f"{deployment} ended as {run.state.name}")
    return str(run.id)


def in_pool(
    name: str, slots: int = 1
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Take slots of one of Prefect's concurrency limits, if there is one of that name."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with concurrency(name, occupy=slots):
                return function(*args, **kwargs)

        return call

    return decorate


def in_turn(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let only so many tasks work at once."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with TURNS:
            return function(*args, **kwargs)

    return call


def writes(*assets: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Tell Prefect of the data that a task has written, for flows that wait for it."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            for asset in () if isinstance(result, State) else assets:
                emit_event("asset.written", {"prefect.resource.id": f"asset.{asset}"})
            return result

        return call

    return decorate


def tell(channel: str, message: str, rest: str | None = None) -> Callable[..., None]:
    """A hook of a task that sends a message; with `rest`, its place in loops is between."""

    def hook(_task, run, state) -> None:
        place = re.search(r"(\[\d+\])*$", run.name).group()
        whole = message if rest is None else f"{message}{place}{rest}"
        if state.name not in ("Skipped", "UpstreamFailed"):
            send(channel, whole)

    return hook


def tell_retry(*hooks: Callable[..., None]) -> Callable[..., bool]:
    """Call hooks when an attempt failed and another will follow."""

    def before_retry(task, run, state) -> bool:
        if not worth_retrying(task, run, state):
            return False
        for hook in hooks:
            hook(task, run, state)
        return True

    return before_retry


def tell_of_flow(channel: str, message: str) -> Callable[..., None]:
    """A hook of a flow that sends a message."""

    def hook(flow, flow_run, state) -> None:  # Prefect may give them by name
        if state.name != "Skipped":
            send(channel, message)

    return hook


def send(channel: str, message: str) -> None:
    """Send a message; a run goes on if that fails."""
    kind, _, name = channel.partition(":")
    try:
        if kind == "log":
            get_logger("notifications").info(message)
        elif kind == "email":
            send_mail(name, message)
        else:
            body = json.dumps({"text": message}).encode()
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(secret_of(name), body, headers)
            urllib.request.urlopen(request, timeout=5).close()
    except Exception as error:
        why = f"{type(error).__name__}: a message to {channel} was not sent"
        get_logger("notifications").warning(why)


def send_mail(address: str, message: str) -> None:
    """Send a mail through the server of INTERMODAL_SMTP_URL, which asks for encryption."""
    server = urlsplit(os.environ["INTERMODAL_SMTP_URL"])
    mail = EmailMessage()
    mail["To"], mail["Subject"] = address, " ".join(message.split())[:200]
    mail["From"] = os.environ.get("INTERMODAL_SMTP_FROM") or "intermodal@localhost"
    mail.set_content(message)
    secure = server.scheme == "smtps"
    kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
    with kind(server.hostname, server.port or (465 if secure else 587)) as connection:
        if not secure and connection.ehlo() and connection.has_extn("starttls"):
            connection.starttls()
        if server.username:
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(mail)


def same_key(key: str) -> Callable[..., str]:
    """A cache key that is the same whatever the inputs are."""
    return lambda _context, _arguments: key


def step_key(source: str, key: str | None = None) -> Callable[..., str | None]:
    """The cache key of a controlled task: `key`, or its source and its inputs.

    There is none if the task does not run: a skip is nothing to reuse.
    """

    def of_step(_context, arguments) -> str | None:
        step = arguments["step"]
        if verdict_of(step) != "run":
            return None
        if key is not None:
            return f"{key}{list(step.index)}"
        inputs = step.inputs() if callable(step.inputs) else step.inputs
        given = {name: own_value(value) for name, value in inputs.items()}
        return hash_objects(source, given)

    return of_step


class Answer(RunInput):
    """What a person says to a question."""

    approve: bool = False


ASKING = threading.Lock()
YEAR = 365 * 24 * 3600


def ask(message: str, timeout: float | None = None) -> None:
    """Pause the flow run until a person answers, one question after the other.

    Tasks that run go on meanwhile, and so do those that wait for them.
    """
    name = task_run.name
    with ASKING:
        try:
            given = pause_flow_run(
                Answer.with_initial_data(description=message),
                timeout=timeout or YEAR,
                poll_interval=2,
                key=name,
            )
        except FlowPauseTimeout as error:
            raise GaveUp("nobody answered in time") from error
    if not given.approve:
        raise GaveUp("it was not approved")
