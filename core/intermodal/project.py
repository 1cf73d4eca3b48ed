"""A project's settings: `[tool.intermodal]` in pyproject.toml, or intermodal.toml, or the defaults."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, cast, get_args

from intermodal import registry
from intermodal.compiling import CodeMode, Settings
from intermodal.findings import Finding, FindingsError, Span, error
from intermodal.frozen import Frozen

OWN_FILE = "intermodal.toml"
SHARED_FILE = "pyproject.toml"
SHARED_TABLE = ("tool", "intermodal")

DEFAULT_TARGETS = ("airflow", "kfp", "prefect")
DEFAULT_SOURCES = "pipelines"
DEFAULT_OUT = "build"
SQLITE = "sqlite:///"
DEFAULT_STORE = ".intermodal/store"

Path_ = tuple[str, ...]


class Project(Frozen):
    """What a project says of itself.

    Attributes:
        root: The folder of the settings file, or the current one; sources are named relative to it.
        file: The settings file, if there is one.
        sources: Files and folders with pipelines, absolute.
        targets: What to compile to, as on the command line: `airflow@2.11`, `kfp`.
        out: The folder for compiled output, absolute.
        store: URI of the artifact store for runs on this machine.
        tracking: Tracking URI for runs on this machine; empty for none.
        pools: Slots by pool, for runs on this machine.
        settings: What compiling uses when no profile is named.
        profiles: Compiling settings by profile.
    """

    root: Path
    file: Path | None = None
    sources: tuple[Path, ...] = ()
    targets: tuple[str, ...] = DEFAULT_TARGETS
    out: Path = Path(DEFAULT_OUT)
    store: str = DEFAULT_STORE
    tracking: str = ""
    pools: Mapping[str, int] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    profiles: Mapping[str, Settings] = field(default_factory=dict)

    def profile(self, name: str | None) -> Settings:
        """The settings of a profile; those outside of profiles for None.

        Raises:
            FindingsError: PORT009, there is no such profile.
        """
        if name is None:
            return self.settings
        if name in self.profiles:
            return self.profiles[name]
        known = ", ".join(self.profiles) or "none"
        where = self.file.name if self.file else OWN_FILE
        raise FindingsError(
            [
                error(
                    "PORT009",
                    f"there is no profile `{name}`",
                    next=f"known profiles: {known}; add a table `profiles.{name}` to {where}",
                )
            ]
        )


def find_project(start: Path) -> Project:
    """The project that a folder belongs to: settings are looked for there and in its parents.

    Raises:
        FindingsError: PORT010 with everything that is wrong in the settings.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        own, shared = folder / OWN_FILE, folder / SHARED_FILE
        if own.is_file():
            return _read(own, ())
        if shared.is_file() and _mentions_us(shared):
            return _read(shared, SHARED_TABLE)
    return _defaults(start)


def _defaults(root: Path) -> Project:
    sources = root / DEFAULT_SOURCES
    return Project(
        root=root,
        sources=(sources,) if sources.is_dir() else (),
        out=root / DEFAULT_OUT,
        store=str(root / DEFAULT_STORE),
    )


def _mentions_us(file: Path) -> bool:
    try:
        return b"tool.intermodal" in file.read_bytes()
    except OSError as problem:
        raise FindingsError([_unreadable(file, problem)]) from problem


def _unreadable(file: Path, problem: Exception) -> Finding:
    return _broken(file, f"cannot be read: {problem}", 1, 1)


def _read(file: Path, table: Path_) -> Project:
    import tomllib

    try:
        text = file.read_text(encoding="utf-8")
        data: Any = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as problem:
        raise FindingsError([_unreadable(file, problem)]) from problem
    except tomllib.TOMLDecodeError as problem:
        raise FindingsError([_syntax(file, text, str(problem))]) from problem
    for key in table:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    reader = _Reader(file, text, table)
    project = reader.project(data)
    if reader.findings:
        raise FindingsError(reader.findings)
    return project


def _syntax(file: Path, text: str, message: str) -> Finding:
    what, _, place = message.rpartition(" (at ")
    numbers = re.fullmatch(r"line (\d+), column (\d+)\)", place)
    line, column = map(int, numbers.groups()) if numbers else (len(text.splitlines()), 1)
    return _broken(file, what or message, max(line, 1), column)


def _broken(file: Path, what: str, line: int, column: int) -> Finding:
    span = Span(file=file.name, line=line, column=column)
    return error("PORT010", f"`{file.name}`: {what}", span, next="correct the file")


class _Reader:
    """Reads the settings table strictly, and collects what is wrong with its place in the file."""

    def __init__(self, file: Path, text: str, table: Path_) -> None:
        self.file = file
        self.table = table
        self.lines = key_lines(text)
        self.findings: list[Finding] = []

    def project(self, data: Any) -> Project:
        project = _defaults(self.file.parent)
        if not isinstance(data, dict):
            self.wrong((), "is not a table")
            return project
        self.unknown_keys((), data, (*_TOP_LEVEL, "pools", "profiles"))
        read = self.fitting((), data, _TOP_LEVEL)
        root = project.root
        settings = Settings(
            code=read.get("code", "embed"),
            image=read.get("image", Settings.image),
            store=read.get("store", ""),
            tracking=read.get("tracking", ""),
            tracking_strict=read.get("tracking_strict", False),
        )
        return replace(
            project,
            file=self.file,
            sources=tuple(root / s for s in read["sources"])
            if "sources" in read
            else project.sources,
            targets=tuple(read.get("targets", DEFAULT_TARGETS)),
            out=root / read.get("out", DEFAULT_OUT),
            store=absolute_uri(read.get("store", DEFAULT_STORE), root),
            tracking=absolute_uri(read.get("tracking", ""), root),
            pools=self.pools(data.get("pools", {})),
            settings=settings,
            profiles=self.profiles(data.get("profiles", {}), settings),
        )

    def pools(self, data: Any) -> dict[str, int]:
        """Slots by pool."""
        if not isinstance(data, dict):
            self.wrong(("pools",), "is a table of slots by pool")
            return {}
        sizes: dict[str, int] = {}
        for name, size in data.items():
            if isinstance(size, int) and not isinstance(size, bool) and size > 0:
                sizes[name] = size
            else:
                self.wrong(("pools", name), f"is a whole number above 0, not {size!r}"[:200])
        return sizes

    def profiles(self, data: Any, base: Settings) -> dict[str, Settings]:
        """Profiles; what one leaves out is as outside of profiles."""
        if not isinstance(data, dict):
            self.wrong(("profiles",), "holds one table for each profile")
            return {}
        return {name: self.profile(name, table, base) for name, table in data.items()}

    def profile(self, name: str, data: Any, base: Settings) -> Settings:
        place = ("profiles", name)
        if not isinstance(data, dict):
            self.wrong(place, "is a table")
            return base
        targets = registry.names("compilers")
        self.unknown_keys(place, data, (*_PROFILE, *targets))
        read = self.fitting(place, data, _PROFILE)
        own = {t: self.target_table((*place, t), data[t]) for t in targets if t in data}
        return replace(base, **read, targets=own)

    def target_table(self, place: Path_, data: Any) -> dict[str, str]:
        """Settings that only one target knows; numbers and booleans are kept as text."""
        if not isinstance(data, dict):
            self.wrong(place, "is a table")
            return {}
        table: dict[str, str] = {}
        for key, value in data.items():
            if isinstance(value, bool):
                table[key] = "true" if value else "false"
            elif isinstance(value, (str, int, float)):
                table[key] = str(value)
            else:
                self.wrong((*place, key), "is text, a number, true or false")
        return table

    def fitting(self, place: Path_, data: Mapping[str, Any], table: Table) -> dict[str, Any]:
        """The values that fit, by key; what does not fit is found, and left out."""
        found: dict[str, Any] = {}
        for key, (fits, wanted) in table.items():
            if key in data and fits(data[key]):
                found[key] = data[key]
            elif key in data:
                self.wrong((*place, key), f"is {wanted}, not {data[key]!r}"[:200])
        return found

    def unknown_keys(self, place: Path_, data: Mapping[str, Any], known: Iterable[str]) -> None:
        known = list(known)
        for key in data:
            if key in known:
                continue
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            self.add((*place, key), "unknown key", f"{hint}known keys: {', '.join(sorted(known))}")

    def wrong(self, place: Path_, what: str) -> None:
        self.add(place, what, "correct the value")

    def add(self, place: Path_, what: str, next_step: str) -> None:
        full = (*self.table, *place)
        line = next(
            (self.lines[full[:n]] for n in range(len(full), 0, -1) if full[:n] in self.lines), 1
        )
        span = Span(file=self.file.name, line=line)
        self.findings.append(error("PORT010", f"`{'.'.join(full)}`: {what}", span, next=next_step))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and value in CODE_MODES


CODE_MODES = cast("tuple[CodeMode, ...]", get_args(CodeMode))

# Key -> whether a value fits, and what is wanted.
Table = Mapping[str, tuple[Callable[[Any], bool], str]]
_PROFILE: Table = {
    "code": (_is_code, f"one of {', '.join(CODE_MODES)}"),
    "image": (_is_text, "text"),
    "store": (_is_text, "text"),
    "tracking": (_is_text, "text"),
    "tracking_strict": (_is_flag, "true or false"),
}
_TOP_LEVEL: Table = {
    "sources": (_is_texts, "a list of paths"),
    "targets": (_is_texts, "a list of targets"),
    "out": (_is_text, "text"),
    **_PROFILE,
}


def absolute_uri(uri: str, root: Path) -> str:
    """A plain path, or that of an SQLite file, made absolute; any other URI stays as it is."""
    if uri.startswith(SQLITE):
        return f"{SQLITE}{root / uri.removeprefix(SQLITE)}"
    return uri if not uri or "://" in uri else str(root / uri)


_HEADER = re.compile(r"^\s*\[\[?\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def key_lines(text: str) -> dict[Path_, int]:
    """The line of each table and key, from 1; tomllib does not tell. Keys of inline tables have none."""
    table: Path_ = ()
    lines: dict[Path_, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _parts(text: str) -> Path_:
    return tuple(part.strip("\"'") for part in _PART.findall(text))
