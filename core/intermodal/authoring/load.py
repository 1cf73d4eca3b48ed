"""Loading pipelines from files: Python sources are imported and traced, YAML and JSON are read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from intermodal.authoring.pipelines import PipelineFunction
from intermodal.authoring.spans import shown_below, shown_path, traceback_span
from intermodal.findings import Finding, FindingsError, Span, error, errors_of
from intermodal.frozen import Frozen
from intermodal.ir import Pipeline

MAX_BYTES = 10 * 1024 * 1024
SUFFIXES = (".py", ".yaml", ".yml", ".json")


class Loaded(Frozen):
    """Pipelines found in a source, and findings about it."""

    pipelines: tuple[Pipeline, ...] = ()
    findings: tuple[Finding, ...] = ()


def load_source(path: Path, root: Path) -> Loaded:
    """Load a file, or every pipeline file below a folder (files without pipelines are skipped there).

    Args:
        path: A `.py`, `.yaml`, `.yml` or `.json` file, or a folder.
        root: The project's root: modules are named, and places shown, relative to it.
    """
    root = root.resolve()
    with shown_below(root):
        return _load(path, root)


def _load(path: Path, root: Path) -> Loaded:
    resolved = path.resolve()
    if resolved.is_dir():
        return _load_folder(resolved, root)
    if not resolved.exists():
        return Loaded(
            findings=(
                error(
                    "PORT001",
                    f"no file or folder `{path}`",
                    next="check the path; it is relative to where you are",
                ),
            )
        )
    if resolved.suffix not in SUFFIXES:
        return Loaded(
            findings=(
                error(
                    "PORT001",
                    f"`{path}` is no pipeline file",
                    next=f"give a file ending in {', '.join(SUFFIXES)}",
                ),
            )
        )
    return _load_file(resolved, root)


def _load_folder(folder: Path, root: Path) -> Loaded:
    files = [
        f for f in sorted(folder.rglob("*")) if f.suffix in SUFFIXES and not _is_hidden(f, folder)
    ]
    pipelines: list[Pipeline] = []
    findings: list[Finding] = []
    for file in files:
        if not _mentions_pipeline(file):
            continue
        loaded = _load_file(file, root)
        pipelines += loaded.pipelines
        findings += loaded.findings
    if not pipelines and not errors_of(findings):
        findings.append(
            error(
                "PORT004",
                f"no pipeline below `{shown_path(str(folder))}`",
                next="decorate a function with `@pipeline`",
            )
        )
    return Loaded(tuple(pipelines), tuple(findings))


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith((".", "__pycache__")) for part in file.relative_to(folder).parts)


def _mentions_pipeline(file: Path) -> bool:
    """Whether a file in a folder is meant as a pipeline; other Python and YAML files lie there too."""
    if file.stat().st_size > MAX_BYTES:
        return False
    content = file.read_bytes()
    marker = b"@pipeline" if file.suffix == ".py" else b"ir_version"
    return marker in content or (
        b".pipeline" in content and file.suffix == ".py" and PRODUCT in content
    )


PRODUCT = b"intermodal"


def _load_file(file: Path, root: Path) -> Loaded:
    text, findings = _read_text(file)
    if text is None:
        return Loaded(findings=tuple(findings))
    if file.suffix != ".py":
        from intermodal.ir.read import read  # brings the YAML library, which Python sources spare

        pipeline, findings = read(text, shown_path(str(file)), locate=True)
        return Loaded((pipeline,) if pipeline else (), tuple(findings))
    return _load_python(file, text, root)


def _read_text(file: Path) -> tuple[str | None, list[Finding]]:
    span = Span(file=shown_path(str(file)))
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size <= MAX_BYTES else b""
    except OSError as problem:
        reason = problem.strerror or str(problem)
        return None, [
            error("PORT001", f"cannot read `{span.file}`: {reason}", next="check its permissions")
        ]
    if size > MAX_BYTES:
        what = f"`{span.file}` has {size / 1024 / 1024:.0f} MiB; pipelines are at most 10 MiB"
        return None, [error("PORT002", what, next="give the pipeline's source, not data")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        what = f"`{span.file}` is not UTF-8 text: byte {problem.start} cannot be read"
        return None, [error("PORT002", what, next="save it as UTF-8, or give another file")]
    if "\0" in text:
        what = f"`{span.file}` holds null bytes; it is a binary file"
        return None, [error("PORT002", what, next="give a text file")]
    return text, []


def _load_python(file: Path, text: str, root: Path) -> Loaded:
    shown = shown_path(str(file))
    try:
        compile(text, str(file), "exec", dont_inherit=True)
    except SyntaxError as problem:
        span = Span(file=shown, line=problem.lineno or 1, column=problem.offset or 1)
        return Loaded(
            findings=(error("PORT003", f"syntax error: {problem.msg}", span, next="correct it"),)
        )
    except (ValueError, RecursionError, MemoryError) as problem:
        what = f"`{shown}` cannot be compiled: {problem}"
        return Loaded(
            findings=(error("PORT003", what, Span(file=shown), next="simplify the file"),)
        )
    try:
        module = _import(file, root)
    except FindingsError as problem:
        return Loaded(findings=problem.findings)
    except (Exception, SystemExit) as problem:
        return Loaded(findings=(_raised(problem, file, shown),))
    return _trace(module, file, shown, root)


def _raised(problem: BaseException, file: Path, shown: str) -> Finding:
    missing = isinstance(problem, ModuleNotFoundError)
    return error(
        "PORT005",
        f"`{shown}` raised {type(problem).__name__} while it was loaded: {problem}",
        traceback_span(problem.__traceback__, file),
        next="install that package, or run from your project's root"
        if missing
        else "correct the file",
    )


def _trace(module: ModuleType, file: Path, shown: str, root: Path) -> Loaded:
    functions = [
        value
        for value in vars(module).values()
        if isinstance(value, PipelineFunction) and value.function.__code__.co_filename == str(file)
    ]
    if not functions:
        finding = error(
            "PORT004",
            f"`{shown}` holds no pipeline",
            Span(file=shown),
            next="decorate a function with `@pipeline`, at module level",
        )
        return Loaded(findings=(finding,))
    pipelines: list[Pipeline] = []
    findings: list[Finding] = []
    for function in dict.fromkeys(functions):
        pipeline, found = function.trace(root)
        pipelines += [pipeline] if pipeline else []
        findings += found
    return Loaded(tuple(pipelines), tuple(dict.fromkeys(findings)))


def module_name(file: Path, root: Path) -> tuple[str, Path]:
    """The name a worker can import the file by, and the folder that must be on its path."""
    if file.is_relative_to(root):
        parts = file.relative_to(root).with_suffix("").parts
        if all(part.isidentifier() for part in parts):
            return ".".join(parts), root
    return file.stem, file.parent


def _import(file: Path, root: Path) -> ModuleType:
    """Execute the file as a fresh module under the name by which workers import it."""
    name, folder = module_name(file, root)
    for place in (str(file.parent), str(folder)):
        if place not in sys.path:
            sys.path.insert(0, place)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise FindingsError(
            [error("PORT001", f"`{file}` cannot be imported", next="give a `.py` file")]
        )
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module
