"""The part of the standard library, pendulum and YAML that files use to put DAGs together."""

from __future__ import annotations

import ast
import copy
import itertools
import os.path
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path, PurePath
from typing import Any
from zoneinfo import ZoneInfo

from intermodal_compilers.airflow.importer import iterators, records, regexes, surroundings
from intermodal_compilers.airflow.importer.files import open_file, parse_data, resolve
from intermodal_compilers.airflow.importer.iteration import items_of
from intermodal_compilers.airflow.importer.machine import Machine
from intermodal_compilers.airflow.importer.plain import holds_unknown
from intermodal_compilers.airflow.importer.releases import release
from intermodal_compilers.airflow.importer.values import (
    Arguments,
    External,
    Function,
    Instance,
    Native,
    RaisedError,
    Scope,
    Unknown,
    UserClass,
)

Handler = Callable[[Machine, Arguments, ast.AST, Scope], Any]
MOST_ITEMS = 10_000
CLOCK = "depends on the clock"
CHANCE = "depends on chance"


def _zone(name: Any) -> Any:
    if isinstance(name, tzinfo):
        return name
    try:
        return UTC if name in ("UTC", "utc") else ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError):
        return None


def _pendulum_datetime(*values: int, tz: Any = "UTC", tzinfo: Any = None, **named: int) -> datetime:
    return datetime(*values, **named, tzinfo=_zone(tzinfo or tz))  # type: ignore[misc,arg-type]


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _duration(**named: float) -> timedelta:
    years, months = named.pop("years", 0), named.pop("months", 0)
    return timedelta(**named) + timedelta(days=365 * years + 30 * months)


def _bounded(many: Iterable[Any]) -> list[Any]:
    """The items, if they are not too many.

    Raises:
        OverflowError: They are.
    """
    found = list(itertools.islice(many, MOST_ITEMS + 1))
    if len(found) > MOST_ITEMS:
        raise OverflowError("too many combinations to work out")
    return found


# Functions of plain values that give what Python's own do.
PURE: dict[str, Callable[..., Any]] = {
    "datetime.datetime": datetime,
    "datetime.date": date,
    "datetime.time": time,
    "datetime.timedelta": timedelta,
    "datetime.datetime.strptime": datetime.strptime,
    "datetime.datetime.fromisoformat": datetime.fromisoformat,
    "datetime.datetime.combine": datetime.combine,
    "pendulum.datetime": _pendulum_datetime,
    "pendulum.DateTime": _pendulum_datetime,
    "pendulum.duration": _duration,
    "pendulum.timezone": _zone,
    "pendulum.tz.timezone": _zone,
    "pytz.timezone": _zone,
    "zoneinfo.ZoneInfo": _zone,
    "airflow.utils.timezone.datetime": _pendulum_datetime,
    "airflow.sdk.timezone.datetime": _pendulum_datetime,
    "os.path.join": os.path.join,
    "os.path.basename": os.path.basename,
    "os.path.dirname": os.path.dirname,
    "os.path.splitext": os.path.splitext,
    "os.path.split": os.path.split,
    "os.path.normpath": os.path.normpath,
    "os.path.abspath": os.path.normpath,
    "os.path.realpath": os.path.normpath,
    "os.fspath": str,
    "datetime.timezone": timezone,
    "pendulum.parse": lambda text: _with_zone(datetime.fromisoformat(text)),
    "pathlib.Path": Path,
    "pathlib.PurePath": PurePath,
    "packaging.version.parse": release,
    "packaging.version.Version": release,
    "textwrap.dedent": textwrap.dedent,
    "inspect.cleandoc": lambda value: textwrap.dedent(value).strip(),
    "itertools.chain": lambda *lists: [item for one in lists for item in one],
    "itertools.product": lambda *lists, repeat=1: _bounded(
        itertools.product(*lists, repeat=repeat)
    ),
    "json.dumps": __import__("json").dumps,
}
# Functions of any values at all, unknown ones among them.
LOOSE: dict[str, Callable[..., Any]] = {
    "copy.copy": lambda value: shallow(value),  # noqa: PLW0108 - defined below
    "collections.OrderedDict": dict,
    "typing.cast": lambda _, value: value,
    "typing.NewType": lambda _, value: value,
    "itertools.chain": PURE["itertools.chain"],
    "itertools.chain.from_iterable": lambda lists: [item for one in lists for item in one],
    "itertools.product": PURE["itertools.product"],
    "itertools.combinations": lambda many, size: _bounded(itertools.combinations(many, size)),
    "itertools.pairwise": lambda many: list(itertools.pairwise(many)),
    "itertools.zip_longest": lambda *many: list(itertools.zip_longest(*many)),
    "operator.itemgetter": lambda key: Native("itemgetter", lambda one: one[key]),
}
CLOCKS = frozenset(
    {
        "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today",
        "datetime.date.today", "pendulum.now", "pendulum.today", "pendulum.yesterday", "time.time",
        "airflow.utils.timezone.utcnow", "airflow.utils.dates.days_ago", "airflow.sdk.timezone.utcnow",
        "pendulum.tomorrow", "time.time_ns", "time.strftime", "time.localtime", "time.gmtime",
    }
)  # fmt: skip


def call_standard(
    machine: Machine, path: str, arguments: Arguments, node: ast.AST, scope: Scope
) -> tuple[bool, Any]:
    """Whether the function is known here, and what it gives."""
    special = SPECIAL.get(path)
    if special is not None:
        return True, special(machine, arguments, node, scope)
    if path in CLOCKS:
        return True, machine.unknown(CLOCK, node, scope)
    if path.startswith(("random.", "uuid.uuid", "secrets.")):
        return True, machine.unknown(CHANCE, node, scope)
    how = PURE.get(path)
    values = [*arguments.positional, *arguments.named.values()]
    if how is None or any(holds_unknown(v) and not isinstance(v, tzinfo) for v in values):
        how = LOOSE.get(path)
        if how is None:
            return False, None
    if arguments.rest is not None:
        return True, machine.unknown(arguments.rest.reason, node, scope)
    try:
        return True, how(*arguments.positional, **arguments.named)
    except (TypeError, ValueError, OverflowError, AttributeError) as problem:
        if any(holds_unknown(v) for v in values):
            return True, machine.unknown("made of unknown values", node, scope)
        raise RaisedError(
            type(problem).__name__, str(problem), scope.module.span(node)
        ) from problem


def _deep_copy(_: Machine, arguments: Arguments, __: ast.AST, ___: Scope) -> Any:
    return copied(arguments.positional[0]) if arguments.positional else None


def shallow(value: Any) -> Any:
    """`copy.copy`, of a container or an object of the user's."""
    if isinstance(value, dict | list | set):
        return copy.copy(value)
    return Instance(value.of, dict(value.names)) if isinstance(value, Instance) else value


def copied(value: Any, made: dict[int, Any] | None = None) -> Any:
    """A deep copy of the containers; whatever is no plain data stays itself."""
    known: dict[int, Any] = {} if made is None else made
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, Instance) and "name" not in value.of.names:
        known[id(value)] = copy_of = Instance(value.of, {})
        copy_of.names.update({name: copied(one, known) for name, one in value.names.items()})
        return copy_of
    if isinstance(value, dict):
        found: dict[Any, Any] = {}
        known[id(value)] = found
        found.update({key: copied(item, known) for key, item in value.items()})
        return found
    if isinstance(value, list):
        listed: list[Any] = []
        known[id(value)] = listed
        listed.extend(copied(item, known) for item in value)
        return listed
    return value


def _exists(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    found = resolve(machine, arguments.get("path", 0), scope)
    return True if found else machine.unknown("a file outside the repository", node, scope)


def _listdir(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    found = resolve(machine, arguments.get("path", 0), scope)
    if found is None or not found.is_dir():
        return machine.unknown("a folder outside the repository", node, scope)
    return sorted(one.name for one in itertools.islice(found.iterdir(), MOST_ITEMS))


def _glob(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    pattern = arguments.get("pathname", 0)
    fixed = re.match(r"[^*?\[]*/", pattern) if isinstance(pattern, str) else None
    folder = resolve(machine, fixed[0], scope) if fixed else None
    rest = pattern[fixed.end() :] if fixed else ""
    if folder is None or not rest or ".." in rest.split("/"):
        return machine.unknown("files outside the repository", node, scope)
    try:
        listed = itertools.islice(folder.glob(rest), MOST_ITEMS)
        return sorted(str(one) for one in listed)
    except (OSError, ValueError, NotImplementedError, RuntimeError):
        return machine.unknown("a folder that cannot be listed", node, scope)


def _partial(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    function, *first = arguments.positional

    def run(*more: Any, **named: Any) -> Any:
        whole = Arguments([*first, *more], arguments.named | named)
        return machine.call(function, whole, node, scope)

    return Native(getattr(function, "name", "partial"), run)


def _wraps(_: Machine, arguments: Arguments, __: ast.AST, ___: Scope) -> Any:
    wrapped = arguments.positional[0] if arguments.positional else None

    def run(wrapper: Any) -> Any:
        if isinstance(wrapper, Function) and isinstance(wrapped, Function):
            wrapper.name = wrapped.name
        return wrapper

    return Native("wraps", run)


def _reduce(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    function, values, *first = arguments.positional
    items = items_of(machine, values, node, scope)
    if isinstance(items, Unknown):
        return items
    many = [*first, *items]
    result = many[0] if many else None
    for item in many[1:]:
        result = machine.call(function, Arguments([result, item], {}), node, scope)
    return result


def _default_dict(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    first = arguments.get("default_factory", 0)
    made: defaultdict[Any, Any] = defaultdict(
        None if first is None else lambda: machine.call(first, Arguments([], {}), node, scope)
    )
    for value in arguments.positional[1:]:
        if isinstance(value, dict):
            made.update(value)
    return made


def _named_tuple(_: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`namedtuple("T", "a b")`: a class with those fields."""
    name, fields = arguments.get("typename", 0), arguments.get("field_names", 1)
    if isinstance(fields, str):
        fields = fields.replace(",", " ").split()
    names = [f[0] if isinstance(f, tuple) and f else f for f in fields or ()]
    span = scope.module.span(node)
    base = External("typing.NamedTuple")
    fields = [str(n) for n in names]
    return UserClass(str(name), [base], {}, scope.module, span, span.line, fields)


def _import_module(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`importlib.import_module("a.b")`, also of a name relative to a package."""
    from intermodal_compilers.airflow.importer.imports import module_value

    name, package = arguments.get("name", 0), arguments.get("package", 1)
    if not isinstance(name, str) or not isinstance(package, str | None):
        return machine.unknown("a module whose name is not known", node, scope)
    level = len(name) - len(name.lstrip("."))
    if level:
        around = (package or "").split(".")
        name = ".".join([*around[: len(around) - level + 1], name.lstrip(".")])
    return module_value(machine, name, scope)


def _search_path(machine: Machine, arguments: Arguments, _: ast.AST, __: Scope) -> Any:
    """`sys.path.append(...)` and its kin: folders of the repository are searched from here on."""
    for value in arguments.positional:
        add_to_path(machine, value)


def add_to_path(machine: Machine, value: Any) -> None:
    """Search a folder, or several, for the modules that are imported from here on."""
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, str | PurePath):
            folder = Path(os.path.normpath(one))
            if machine.sources.inside(folder):
                machine.search.append(folder)


def _operator(op: ast.operator) -> Handler:
    def run(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
        from intermodal_compilers.airflow.importer.operations import binary

        left, right = arguments.positional
        return binary(machine, left, right, op, node, scope)

    return run


def _namespace(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
    """`SimpleNamespace(a=1)`: an object with those attributes."""
    if arguments.rest is not None or arguments.positional:
        return machine.unknown("an object that is not known", node, scope)
    span = scope.module.span(node)
    kind = UserClass("SimpleNamespace", [], {}, scope.module, span, span.line)
    return machine.made(Instance(kind, dict(arguments.named)))


def _data(kind: str) -> Handler:
    def run(machine: Machine, arguments: Arguments, node: ast.AST, scope: Scope) -> Any:
        value = arguments.positional[0] if arguments.positional else None
        return parse_data(machine, value, kind, node, scope)

    return run


SPECIAL: dict[str, Handler] = {
    "copy.deepcopy": _deep_copy,
    "collections.defaultdict": _default_dict,
    "collections.namedtuple": _named_tuple,
    "typing.NamedTuple": _named_tuple,
    "importlib.import_module": _import_module,
    "sys.path.append": _search_path,
    "sys.path.insert": _search_path,
    "sys.path.extend": _search_path,
    "site.addsitedir": _search_path,
    "os.path.exists": _exists,
    "os.path.isfile": _exists,
    "os.listdir": _listdir,
    "glob.glob": _glob,
    "functools.partial": _partial,
    "functools.wraps": _wraps,
    "functools.reduce": _reduce,
    "json.load": _data("json"),
    "json.loads": _data("json"),
    "yaml.safe_load": _data("yaml"),
    "yaml.load": _data("yaml"),
    "tomllib.load": _data("toml"),
    "tomllib.loads": _data("toml"),
    "types.SimpleNamespace": _namespace,
    "argparse.Namespace": _namespace,
    "types.MappingProxyType": lambda _, a, __, ___: a.positional[0],
    "operator.rshift": _operator(ast.RShift()),
    "operator.lshift": _operator(ast.LShift()),
    "operator.add": _operator(ast.Add()),
    "operator.or_": _operator(ast.BitOr()),
    "builtins.open": lambda m, a, n, s: open_file(m, a.get("file", 0), n, s),
    **iterators.HANDLERS,
    **surroundings.HANDLERS,
    **records.HANDLERS,
    **regexes.HANDLERS,
}
