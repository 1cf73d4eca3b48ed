"""What a hosted operator asks of its surroundings: Airflow's own database, files, ways to skip itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from intermodal.analysis import graph
from intermodal.ir import Expression, Literal_, SourceExpression, Task
from intermodal_compilers.airflow.translate.context import Context

OWN_STORES = re.compile(r"\b(inlet_events|asset_state_store|task_state_store)\b")
TEMPLATE_FILE = re.compile(r"[\w./-]+\.(sql|hql|sh|bash)")
SKIP = "AirflowSkipException"


def tell_files(task: Task, given: Iterable[Expression], context: Context) -> None:
    """Note the files that an operator may read as templates, which are not taken along."""
    for one in given:
        for part in graph.parts(one):
            for text in _texts(part.value) if isinstance(part, Literal_) else ():
                if TEMPLATE_FILE.fullmatch(text):
                    context.tell(
                        "PORT207",
                        f"`{task.id}` may read the file `{text}`",
                        "Airflow looks for it beside its DAG file; it is not taken along",
                        "put it where the task runs, in the folder of what is compiled",
                    )


def _texts(value: object) -> Iterator[str]:
    """The texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def mentions_skip(sources: Iterable[SourceExpression]) -> bool:
    """Whether the user's own code raises what skips a task."""
    return any(SKIP in text for source in sources for text in (source.text, *source.definitions))


def refuse_stores(task: Task, given: Iterable[Expression], context: Context) -> None:
    """Note what a function or template asks of Airflow's own database."""
    texts = [repr(part) for one in given for part in graph.parts(one)]
    for word in dict.fromkeys(OWN_STORES.findall("\n".join(texts))):
        context.fail(
            f"`{task.id}` uses `{word}`, which only Airflow has",
            task.span,
            "it is kept in Airflow's own database",
            "keep such facts in storage of your own, or the DAG on Airflow",
        )
