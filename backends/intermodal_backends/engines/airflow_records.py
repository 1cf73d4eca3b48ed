"""What Airflow's database says of a run: states, tries, times, return values.

Read with plain SQL: the columns are the same in all versions that we drive, and the file is there, too,
when the process that ran the DAG is not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from intermodal.trace import OUTCOMES, Event
from intermodal_backends.engines.driver import InstanceRecord
from intermodal_backends.engines.workers.airflow_words import STATES

if TYPE_CHECKING:
    from pathlib import Path

INSTANCES = """
    SELECT task_id, map_index, state, try_number, start_date, end_date FROM task_instance
    WHERE dag_id = ? AND run_id = ? ORDER BY task_id, map_index
"""
RETURNED = """
    SELECT task_id, map_index, value FROM xcom
    WHERE dag_id = ? AND run_id = ? AND key = 'return_value'
"""

CLASS, DATA = "__classname__", "__data__"
NOT_JSON = "$type"
"""The key of what stands for a value that JSON lacks; with it stands the name of its type."""

# Types that are lists in JSON: what a function returns as one, others read as the other.
SEQUENCES = frozenset({"builtins.tuple", "builtins.set", "builtins.frozenset"})


def read_records(database: Path, dag_id: str, run_id: str) -> tuple[InstanceRecord, ...]:
    """The task instances of one run.

    Args:
        database: Airflow's SQLite file.
        dag_id: The DAG.
        run_id: Its run.
    """
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(INSTANCES, (dag_id, run_id)).fetchall()
        returned = {
            (task, index): plain(_stored(value))
            for task, index, value in connection.execute(RETURNED, (dag_id, run_id))
        }
    return tuple(_record(row, returned.get(row[:2])) for row in rows)


def _record(row: tuple[Any, ...], returned: Any) -> InstanceRecord:
    task, index, state, tries, start, end = row
    started = start is not None and end is not None and tries > 0
    return InstanceRecord(
        task=task,
        index=() if index < 0 else (index,),
        state=STATES.get(str(state), str(state)),
        tries=tries,
        span=(_seconds(start), _seconds(end)) if started else None,
        outputs={} if returned is None else {"return": returned},
    )


def _stored(value: Any) -> Any:
    """What a column of JSON holds; SQLite makes a number of a text that looks like one."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def plain(value: Any) -> Any:
    """A stored value as JSON; an object is named by its type only, whose text is its version's own."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    name = value.get(CLASS)
    if not isinstance(name, str):
        return {key: plain(item) for key, item in value.items()}
    if name in SEQUENCES:
        items = [plain(item) for item in value.get(DATA) or []]
        # A set has no order to compare.
        return items if name == "builtins.tuple" else sorted(items, key=repr)
    return {NOT_JSON: name}


def events_of(record: InstanceRecord) -> list[Event]:
    """The record as events of a log, with as many starts as tries; none if it never started."""
    if record.span is None:
        return []
    outcome = record.state if record.state in OUTCOMES else "failed"
    return [
        *(_event(record, "start", record.span[0]) for _ in range(record.tries)),
        _event(record, "end", record.span[1], outcome, record.outputs),
    ]


def _event(
    record: InstanceRecord,
    event: str,
    time: float,
    outcome: str = "",
    outputs: Mapping[str, Any] | None = None,
) -> Event:
    return Event(
        event=event,
        task=record.task,
        index=record.index,
        time=time,
        source="engine",
        outcome=outcome,
        outputs=outputs or {},
        artifacts={},
    )
