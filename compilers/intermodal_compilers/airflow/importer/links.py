"""What ties a DAG to other ones: runs it starts or waits for, data, and modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from intermodal.importing import Links
from intermodal_compilers.airflow.importer.model import Built, ReadDag

# Arguments of operators whose text is the id of another DAG.
OTHER_DAG = ("trigger_dag_id", "external_dag_id")
DATA = ("Asset", "Dataset", "AssetAlias", "DatasetAlias")
NAMES = ("uri", "name")


def links_of(dag: ReadDag) -> Links:
    """The links of a DAG, as far as they are known."""
    needs: dict[str, None] = {}
    writes: dict[str, None] = {}
    for task in dag.tasks.values():
        for name in OTHER_DAG:
            other = task.arguments.get(name)
            if other is not None and isinstance(other.value, str) and other.value != dag.id:
                needs[other.value] = None
        if "outlets" in task.arguments:
            writes |= dict.fromkeys(_data(task.arguments["outlets"].value))
    schedule = dag.arguments.get("schedule")
    reads = dict.fromkeys(_data(schedule.value)) if schedule is not None else {}
    return Links(tuple(needs), tuple(reads), tuple(writes), tuple(sorted(dag.local - {dag.module})))


def _data(value: Any) -> Iterator[str]:
    """URIs, or names where there are none, of all data that a value holds."""
    if isinstance(value, Built):
        if value.path.rpartition(".")[2] in DATA:
            yield from _name(value)
        else:
            for part in (*value.arguments, *value.named.values()):
                yield from _data(part)
    elif isinstance(value, tuple | frozenset):
        for part in value:
            yield from _data(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _data(part)


def _name(value: Built) -> Iterator[str]:
    given = (*(value.named.get(name) for name in NAMES), *value.arguments[:1])
    yield from [text for text in given if isinstance(text, str)][:1]
