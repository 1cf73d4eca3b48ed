"""The program that an executor runs: the user's code as written, and a few lines that speak KFP.

It is plain Python for the standard library. Values come from the executor input, which KFP puts into the
last argument, and go into the file that the executor input names; that is what KFP's launcher and
kfp.local both read.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

from intermodal.frozen import Frozen
from intermodal.ir import ArtifactType, CapturedSource, PythonCall, Shell
from intermodal_compilers.kfp.encoding import (
    LARGE,
    Code,
    Wire,
    can_be_large,
    escape,
    is_json,
    parameter_type,
    write,
)
from intermodal_compilers.kfp.program_lines import (
    LINKED,
    SHOWN_WITH_ARTIFACTS,
    bracketed,
    call,
    mapping,
    polling,
    runtime_polling,
)
from intermodal_compilers.kfp.program_parts import PARTS
from intermodal_compilers.pysource import Value, docstring, inline, is_identifier, quote

EXECUTOR_INPUT = ("--executor-input", "{{$}}")

# Runs a program in which KFP must find no placeholders, for user code that has some in it.
LOADER = (
    'import sys; text = sys.orig_argv[2] = sys.argv.pop(1).replace("{{!$", "{{\\x24")'
    '.replace("{{!!", "{{!"); exec(compile(text, "<string>", "exec"))'
)

DEFAULT_STORE = ".intermodal/store"

MARKER = "# kfp.local runs this as a subprocess because it names kfp.dsl.executor_main."

_MODULES = (
    "datetime",
    "faulthandler",
    "itertools",
    "json",
    "linecache",
    "os",
    "re",
    "signal",
    "subprocess",
    "sys",
    "threading",
    "time",
    "traceback",
)


class Compute(Frozen):
    """Give values that are computed of what comes in; no code of the user's is called.

    Attributes:
        codes: The values by output.
        checks: Lines that come before.
    """

    codes: tuple[tuple[str, Code], ...]
    checks: tuple[str, ...] = ()


class RuntimeFacts(Frozen):
    """What a program that uses the runtime tells it, apart from what the run knows.

    Attributes:
        context: Literal arguments of `Context`.
        codes: Arguments of `Context` that are read from inputs, by name.
        parameters: Code that reads each pipeline parameter.
        tags: Labels of the tracked run.
        links: Whether to tell where the task is tracked, in the log and with its artifacts.
    """

    context: Mapping[str, str]
    codes: Mapping[str, Code]
    parameters: Mapping[str, Code]
    tags: Mapping[str, str]
    links: bool = False


class Request(Frozen):
    """What a program is made from. Equal requests give equal programs.

    Attributes:
        action: The function or command.
        inputs: Code that reads each input, by the action's own name for it.
        outputs: Types by name.
        output_keys: KFP's name of each output.
        embed: Whether the function's source comes along; else it is imported.
        docs: What to say about it that the source does not say itself.
        timeout: Seconds after which the attempt ends itself; 0 for never.
        store: Where large values are, if one may come in.
        runtime: None if the program needs no Intermodal on the worker.
        polls: Seconds between calls, and after which it gives up (0 for never), for a task that waits.
        variables: Environment variables to set, with the variables that their values are taken from.
        cache: Key, or empty text, and seconds that a result is good for (0 for ever), for the runtime.
    """

    action: PythonCall | Shell | Compute
    inputs: tuple[tuple[str, Code], ...]
    outputs: tuple[tuple[str, Wire], ...]
    output_keys: Mapping[str, str]
    embed: bool = True
    docs: str = ""
    timeout: float = 0.0
    store: str = ""
    runtime: RuntimeFacts | None = None
    polls: tuple[float, float] | None = None
    variables: tuple[tuple[str, str], ...] = ()
    cache: tuple[str, float] | None = None


def command_of(request: Request) -> list[str]:
    """The command of a container that runs the program."""
    text = program(request)
    command = ["python3", "-c", text]
    if "{{$" in text:
        command = ["python3", "-c", LOADER, escape(text)]
    if isinstance(request.action, Shell):
        command.append(escape(request.action.command))
    return command


def program(request: Request) -> str:
    """The program's text."""
    action = request.action
    top: list[str] = []
    name = "_main"
    if isinstance(action, PythonCall):
        top = _user_code(action, request.embed)
        while any(re.search(rf"\b{name}\b", line) for line in top):
            name += "_"
    if request.docs.strip() and not _says(action, request.docs):
        top = [*docstring(request.docs), *([""] if top else []), *top]
    main = _main(request, name)
    blank = ["", ""] if top else []
    return "\n".join([*top, *blank, *main, "", "", f"{name}()"]) + "\n"


def _says(action: PythonCall | Shell | Compute, docs: str) -> bool:
    if not isinstance(action, PythonCall) or action.source is None:
        return False
    lines = {line.strip().strip("\"'").strip() for line in action.source.function.splitlines()}
    return all(line.strip() in lines for line in inspect.cleandoc(docs).splitlines())


def _user_code(action: PythonCall, embed: bool) -> list[str]:
    if not embed or action.source is None:
        return [f"from {action.module} import {action.function.split('.')[0]}"]
    return _source_lines(action.source)


def _source_lines(source: CapturedSource) -> list[str]:
    """Imports, definitions and the function, one after the other, each as written."""
    lines = sorted(dict.fromkeys(source.imports), key=lambda line: "__future__" not in line)
    for text in (*source.definitions, source.function):
        is_block = text.lstrip().startswith(("def ", "async def ", "class ", "@"))
        gap = 2 if is_block or (lines and lines[-1].startswith((" ", "\t", ")", "]", "}"))) else 1
        if lines and (is_block or gap == 2 or _is_import(lines[-1])):
            lines += [""] * gap
        lines += text.rstrip("\n").split("\n")
    return lines


def _is_import(line: str) -> bool:
    return line.startswith(("import ", "from "))


def _main(request: Request, name: str) -> list[str]:
    body, needs = _body(request)
    head = f"def {name}():"
    if isinstance(request.action, PythonCall):
        head = f"def {name}(task={request.action.function}):"
    helpers = [line for part, lines in PARTS.items() if part in needs for line in ["", *lines]]
    text = "\n".join([*helpers, *body])
    shows_source = isinstance(request.action, PythonCall)
    starts = list(_TRACEBACK) if shows_source else []
    if request.timeout and shows_source:
        starts.append(_watchdog(request.timeout))
    text = "\n".join([*starts, *helpers, *body])
    modules = [m for m in _MODULES if re.search(rf"\b{m}\.", text)]
    lines = [*(f"import {module}" for module in modules)]
    if request.outputs:
        lines.append("from pathlib import Path")
    lines += ["", MARKER, *starts]
    lines += [*helpers, "", *body] if helpers else body
    return [
        head,
        '    """Run the task with what KFP gives; write what it returns for KFP to read."""',
    ] + [f"    {line}" if line else "" for line in lines]


_TRACEBACK = (
    'if hasattr(sys, "orig_argv"):  # tracebacks show the lines of this text',
    "    lines = sys.orig_argv[2].splitlines(keepends=True)",
    '    linecache.cache["<string>"] = (len(lines), None, lines, "<string>")',
    "    sys.excepthook = traceback.print_exception",
)


def _watchdog(timeout: float) -> str:
    """Ends the process from outside of Python's control, and shows where it was."""
    return f"faulthandler.dump_traceback_later({timeout!r}, exit=True)"


def _body(request: Request) -> tuple[list[str], set[str]]:
    """The lines that do the work, and the parts of the program that they use."""
    needs = {need for code in _all_codes(request) for need in code.needs}
    lines = ["execution = json.loads(sys.argv[-1])"]
    texts = [code.text for code in _all_codes(request)]
    if isinstance(request.action, Compute):
        texts += request.action.checks
    uses_values = any("values[" in text for text in texts)
    if uses_values:
        lines.append('values = execution["inputs"]["parameterValues"]')
    outputs, more = _outputs(request)
    needs |= more
    uses_store = bool(needs & {"load_value", "page"})
    if uses_store and request.runtime is None:
        place = quote(request.store or DEFAULT_STORE)
        lines.append(f'store = os.environ.get("INTERMODAL_STORE") or {place}')
    for name, taken_from in request.variables:
        lines.append(f"os.environ[{quote(name)}] = os.environ[{quote(taken_from)}]")
    if isinstance(request.action, Compute):
        lines += _computed(request.action)
    elif request.runtime is not None:
        lines += _runtime_call(request, request.runtime, uses_store=uses_store)
    elif request.polls is not None:
        is_shell = isinstance(request.action, Shell)
        tells = bool(request.outputs)
        lines += polling(request.inputs, request.polls, shell=is_shell, tells=tells)
        needs |= {"plain"} if is_shell else set()
    elif isinstance(request.action, Shell):
        lines += _shell_call(request)
        needs.add("plain")
    else:
        lines += call("result = ", "task", request.inputs)
    return [*lines, *outputs], _closed(needs)


def _all_codes(request: Request) -> list[Code]:
    codes = [code for _, code in request.inputs]
    if isinstance(request.action, Compute):
        codes += [code for _, code in request.action.codes]
    if request.runtime is not None:
        codes += [*request.runtime.codes.values(), *request.runtime.parameters.values()]
    return codes


def _computed(action: Compute) -> list[str]:
    if len(action.codes) == 1:
        return [*action.checks, f"result = {action.codes[0][1].text}"]
    codes = [(name, code.text) for name, code in action.codes]
    return [*action.checks, *mapping("result = {", codes, "}")]


def _closed(needs: set[str]) -> set[str]:
    """The parts with the parts that they use in turn."""
    found: set[str] = set()
    waiting = list(needs)
    while waiting:
        part = waiting.pop()
        if part not in found:
            found.add(part)
            text = "\n".join(PARTS[part])
            waiting += [other for other in PARTS if re.search(rf"\b{other}\(", text)]
    return found


def _shell_call(request: Request) -> list[str]:
    codes = [(name, code.text) for name, code in request.inputs]
    lines = mapping("inputs = {", codes, "}") if codes else []
    given = "**os.environ"
    if codes:
        lines.append(
            "texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in inputs.items()}"
        )
        given += ", **texts"
    return [
        *lines,
        "process = subprocess.Popen(",
        '    ["bash", "-c", plain(sys.argv[1])],',
        f"    env={{{given}}},",
        "    stdout=subprocess.PIPE,",
        "    start_new_session=True,",
        ")",
        *_shell_timeout(request.timeout),
        'line = b""',
        "for line in process.stdout:",
        '    print(line.decode("utf-8", "replace"), end="", flush=True)',
        "code = process.wait()",
        *(["timer.cancel()"] if request.timeout else []),
        "if code != 0:",
        '    sys.exit(f"the command ended with exit code {code}")',
        *(['result = line.decode("utf-8", "replace").rstrip("\\r\\n")'] if request.outputs else []),
        *(["result = json.loads(result)"] if _is_parsed(request.outputs) else []),
    ]


def _shell_timeout(timeout: float) -> list[str]:
    if not timeout:
        return []
    return [
        f"timer = threading.Timer({timeout!r}, os.killpg, (process.pid, signal.SIGKILL))",
        "timer.daemon = True",
        "timer.start()",
    ]


def _is_parsed(outputs: tuple[tuple[str, Wire], ...]) -> bool:
    return bool(outputs) and outputs[0][1].kind not in {"string", "timestamp"}


def _runtime_call(request: Request, runtime: RuntimeFacts, *, uses_store: bool) -> list[str]:
    action = request.action
    lines = ["from intermodal import runtime", ""]
    context = [f"{name}={quote(text)}" for name, text in runtime.context.items() if text]
    context += [f"{name}={code.text}" for name, code in runtime.codes.items()]
    if runtime.parameters:
        values = ", ".join(f"{quote(k)}: {code.text}" for k, code in runtime.parameters.items())
        context.append(f"parameters={{{values}}}")
    if runtime.tags:
        lines += mapping("tags = {", [(k, quote(v)) for k, v in runtime.tags.items()], "}")
        context.append("tags=tags")
    if runtime.links:
        lines += LINKED
        context += ["given=runs if own else {}", "on_tracked=link"]
        if not runtime.context.get("tracking"):
            context.append('tracking=own.get("endpoint", "")')
    lines += bracketed("context = runtime.Context(", context, ")")
    if uses_store:
        lines.append("store = context.store_uri")
    codes = [(name, code.text) for name, code in request.inputs]
    lines += mapping("inputs = {", codes, "}")
    is_shell = isinstance(action, Shell)
    tags = {name: _tag(type_, typed=is_shell) for name, type_ in request.outputs}
    lines.append(f"outputs = {inline(Value(tags))}")
    if request.polls is not None:
        return [*lines[:-1], *runtime_polling(request.polls, tells=bool(request.outputs))]
    given = "context=context, inputs=inputs, outputs=outputs"
    if request.cache is not None:
        key, ttl = request.cache
        policy = {"key": key or None, "ttl": ttl or None, "code": ""}
        lines.append(f"cache = {inline(Value(policy))}")
        given += ", cache=cache"
    if isinstance(action, PythonCall):
        unpack = f", unpack={quote(action.unpack)}" if action.unpack != "none" else ""
        lines.append(f"result = runtime.run(task, {given}{unpack})")
    else:
        if request.timeout:
            lines.insert(0, _watchdog(request.timeout))
        lines.append(f"result = runtime.run_shell(plain(sys.argv[1]), {given})")
    return lines


def _tag(type_: Wire, *, typed: bool) -> str:
    if isinstance(type_, ArtifactType):
        return type_.artifact
    return type_.kind if typed else "value"


def _outputs(request: Request) -> tuple[list[str], set[str]]:
    """The lines that write the outputs."""
    if not request.outputs:
        return [], set()
    needs: set[str] = set()
    values: list[tuple[str, str]] = []
    artifacts: list[tuple[str, str]] = []
    for name, type_ in request.outputs:
        given = _taken(request, name)
        key = request.output_keys[name]
        if isinstance(type_, ArtifactType):
            part, more = SHOWN.get(type_.artifact, ("", ""))
            needs |= {"artifact", part} - {""}
            artifacts.append((key, f"artifact({quote(key)}, {given}{more.format(given)})"))
            continue
        code = _written(type_, given, stores=request.runtime is not None)
        needs |= code.needs
        values.append((key, code.text))
    lines: list[str] = []
    written: list[str] = []
    links = request.runtime is not None and request.runtime.links
    if values:
        lines += mapping("values = {", values, "}")
        written.append('"parameterValues": values')
    if artifacts:
        lines += mapping("artifacts = {", artifacts, "}")
        lines += SHOWN_WITH_ARTIFACTS if links else ()
        written.append('"artifacts": artifacts')
    lines += [
        'file = Path(execution["outputs"]["outputFile"])',
        "file.parent.mkdir(parents=True, exist_ok=True)",
        f"file.write_text(json.dumps({{{', '.join(written)}}}, allow_nan=False))",
    ]
    return lines, needs


# Artifacts whose content KFP's user interface shows: the part that gets it, and how it is passed.
SHOWN = {
    "Metrics": ("load_value", ", numbers=load_value({})"),
    "Html": ("page", ", page=page({})"),
    "Markdown": ("page", ", page=page({})"),
}


def _taken(request: Request, name: str) -> str:
    """The expression of one output in what the call gave."""
    action = request.action
    if isinstance(action, Compute) and len(action.codes) > 1:
        return f"result[{quote(name)}]"
    unpack = action.unpack if isinstance(action, PythonCall) else "none"
    if unpack == "none":
        return "result"
    if request.runtime is None and unpack == "attributes":
        return f"result.{name}" if is_identifier(name) else f"getattr(result, {quote(name)})"
    return f"result[{quote(name)}]"


def _written(type_: Wire, given: str, *, stores: bool) -> Code:
    code = write(type_, given)
    if not stores or is_json(type_) or not can_be_large(type_):
        return code
    shape = {"LIST": "[{}]", "STRUCT": '{{"": {}}}'}.get(parameter_type(type_), "{}")
    large = shape.format(f"{quote(LARGE)} + dumped({given})")
    return Code(f"{large} if kept({given}) else {code.text}", code.needs | {"kept", "dumped"})
