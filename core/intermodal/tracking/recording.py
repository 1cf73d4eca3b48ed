"""Recording what is more than a number or a text: mappings, tables, figures, data, models.

What is in memory is written to the log's payload at once, so that the task may change it afterwards.
Nothing here raises; what cannot be recorded becomes a note.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from intermodal.runtime.secrets import hide_secrets
from intermodal.tracking import values
from intermodal.tracking.log import Noting
from intermodal.tracking.records import Artifact, Environment, LoggedModel, Text, now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from intermodal.tracking.log import EventLog


def mapping(log: EventLog, data: Any, name: Any) -> None:
    """Record a mapping or list as a file of JSON, or of YAML if the name ends so."""
    if not log.is_open:
        return
    with Noting(log, f"mapping {values.shown(name)}"):
        place = values.relative_path(name)
        text = hide_secrets(_written(data, PurePosixPath(place).suffix.lower()))
        log.add(Text(place, text, now()))


def table(log: EventLog, data: Any, name: Any) -> None:
    """Record a table; a second one of the name adds its rows to the first."""
    if not log.is_open:
        return
    from intermodal.tracking.tables import Table, table_of

    with Noting(log, f"table {values.shown(name)}"):
        place = PurePosixPath(values.relative_path(name))
        if place.suffix.lower() != ".json":
            raise values.UnrecordableError("the name of a table ends in `.json`")
        found = table_of(data)
        before = log.tables.get(str(place))
        if before is not None:
            found = Table.from_json(before.read_text(encoding="utf-8")).followed_by(found)
        target = log.payload(place.name)
        target.write_text(found.to_json(), encoding="utf-8")
        log.tables[str(place)] = target
        _add_file(log, target, place, "table")


def figure(log: EventLog, drawn: Any, name: Any) -> None:
    """Record a figure as a picture, or as a page if it is an interactive one."""
    if not log.is_open:
        return
    from intermodal.tracking import figures

    with Noting(log, f"figure {values.shown(name)}"):
        place = PurePosixPath(figures.file_name(drawn, values.relative_path(name)))
        target = log.payload(place.name)
        figures.save(drawn, target)
        _add_file(log, target, place, "")


def dataset(log: EventLog, data: Any, name: Any, context: Any) -> None:
    """Record data that the task used; the data itself stays where it is."""
    if not log.is_open:
        return
    from intermodal.tracking.datasets import describe

    called = name if name is not None else getattr(data, "uri", type(data).__name__)
    with Noting(log, f"dataset {values.shown(called)}"):
        checked = None if name is None else values.checked_name(name)
        log.add(describe(log, data, checked, values.text_of(context)))


def model(log: EventLog, given: Any, name: Any, flavor: str, params: Any, tags: Any) -> None:
    """Record a model: by reference if the store has it, else its files."""
    if not log.is_open:
        return
    with Noting(log, f"model {values.shown(name)}"):
        record = LoggedModel(
            values.checked_name(name), "", "", now(), "", flavor, _texts(params), _texts(tags)
        )
        uri = getattr(given, "uri", None) or log.uri_of(given)
        if uri is None and isinstance(given, str) and len(urlsplit(given).scheme) > 1:
            uri = given
        if uri is not None:
            place = values.text_of(uri)
            log.add(replace(record, uri=place, sha256=log.hashes.get(place, "")))
            return
        if isinstance(given, str | os.PathLike):
            log.add(replace(record, path=log.copied(given)))
            return
        from intermodal.tracking import saving

        saved = saving.save(log, given, record)
        log.add(saved)
        log.saved.append((given, saved))


def environment(log: EventLog, facts: Mapping[str, str], packages: Mapping[str, str]) -> None:
    """Record what the attempt runs on."""
    if facts or packages:
        log.add(Environment(facts, now(), packages))


def _add_file(log: EventLog, target: Path, place: PurePosixPath, role: str) -> None:
    folder = "" if str(place.parent) == "." else str(place.parent)
    log.add(Artifact(log.place_of(target), folder, now(), role))


def _texts(items: Any) -> dict[str, str]:
    pairs = dict(items or {}).items()
    return {values.checked_name(key): values.text_of(value) for key, value in pairs}


def _written(data: Any, suffix: str) -> str:
    """The text of a mapping or list; what the form cannot hold is written as its text."""
    from intermodal.tracking.tables import cell

    plain = cell(data)
    if not isinstance(plain, dict | list):
        raise values.UnrecordableError(f"a {type(data).__name__} is no mapping and no list")
    if suffix not in (".yaml", ".yml"):
        return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        import yaml
    except ImportError:
        raise values.UnrecordableError("YAML needs the package `pyyaml` on the worker") from None
    return str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
