"""Lines of emitted programs: calls and mappings laid out as formatters do, and polling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from intermodal_compilers.kfp.encoding import Code
from intermodal_compilers.pysource import WIDTH, is_identifier, quote

# Lines that tell what KFP itself has made in MLflow, and that show where a task is tracked.
LINKED = (
    'own = json.loads(os.environ.get("KFP_MLFLOW_CONFIG") or "{}")',
    'runs = {"run": own.get("parentRunId", ""), "task": os.environ.get("MLFLOW_RUN_ID", "")}',
    "pages = {}",
    "",
    "def link(page):",
    '    """Show where the task is tracked: in its log, and in the metadata of its artifacts."""',
    '    pages["tracking_url"] = page',
    '    print(f"tracked at {page}", flush=True)',
    "",
)
SHOWN_WITH_ARTIFACTS = (
    "for one in artifacts.values():",
    '    one["artifacts"][0]["metadata"].update(pages)',
)


def call(prefix: str, function: str, arguments: Iterable[tuple[str, Code]]) -> list[str]:
    """A call with keyword arguments; names that Python refuses go through a dict."""
    plain: list[str] = []
    odd: list[str] = []
    for name, code in arguments:
        if is_identifier(name):
            plain.append(f"{name}={code.text}")
        else:
            odd.append(f"{quote(name)}: {code.text}")
    if odd:
        plain.append(f"**{{{', '.join(odd)}}}")
    return bracketed(f"{prefix}{function}(", plain, ")")


def bracketed(opening: str, items: Sequence[str], closing: str) -> list[str]:
    """Items between brackets: on one line where they fit, else one a line."""
    one = f"{opening}{', '.join(items)}{closing}"
    if len(one) + 4 <= WIDTH and "\n" not in one:
        return [one]
    return [opening, *(f"    {item}," for item in items), closing]


def mapping(opening: str, codes: Iterable[tuple[str, str]], closing: str) -> list[str]:
    """A mapping of texts to expressions."""
    return bracketed(opening, [f"{quote(name)}: {text}" for name, text in codes], closing)


def polling(
    inputs: Sequence[tuple[str, Code]], polls: tuple[float, float], *, shell: bool, tells: bool
) -> list[str]:
    """Lines that call the check until it gives true; the last call is when the time has passed.

    Args:
        inputs: Code that reads each input.
        polls: Seconds between calls, and after which it gives up (0 for never).
        shell: Whether the check is a command, which comes as the first argument.
        tells: Whether the program says that it gave up, instead of failing.
    """
    if shell:
        codes = [(name, code.text) for name, code in inputs]
        lines = mapping("inputs = {", codes, "}") if codes else ["inputs = {}"]
        lines += [
            "texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in inputs.items()}",
            "",
            "def check():",
            '    command = ["bash", "-c", plain(sys.argv[1])]',
            "    return subprocess.run(command, env={**os.environ, **texts}).returncode == 0",
            "",
        ]
    else:
        lines = ["", "def check():", *(f"    {line}" for line in call("return ", "task", inputs))]
        lines.append("")
    return [*lines, *_until("check()", polls, tells=tells)]


def _until(check: str, polls: tuple[float, float], *, tells: bool) -> list[str]:
    interval, timeout = polls
    if not timeout:
        return [f"while not {check}:", f"    time.sleep({interval!r})"]
    late = (
        ["    if left <= 0:", "        result = False", "        break"]
        if tells
        else ["    if left <= 0:", f'        sys.exit("it did not come within {timeout:g} s")']
    )
    return [
        *(["result = True"] if tells else []),
        f"deadline = time.monotonic() + {timeout!r}",
        f"while not {check}:",
        "    left = deadline - time.monotonic()",
        *late,
        f"    time.sleep(min(left, {interval!r}))",
    ]


def runtime_polling(polls: tuple[float, float], *, tells: bool) -> list[str]:
    """The same by the runtime, for which all calls are one attempt."""
    lines = [
        "from intermodal.runtime.call import job_of",
        "from intermodal.runtime.events import log_end",
        "from intermodal.runtime.waiting import look",
        "",
        'job = job_of(task, {"return": "value"}, "none")',
        "looks = itertools.count()",
        "",
        "def check():",
        "    return look(job, context, inputs, [], first=next(looks) == 0)",
        "",
    ]
    ended = 'log_end(context.task, context.index, context.attempt, "{}")'
    for line in _until("check()", polls, tells=tells):
        text = line.lstrip()
        if text.startswith(("sys.exit", "result = False")):
            lines.append(line.replace(text, ended.format("skipped" if tells else "timed_out")))
        lines.append(line)
    return lines
