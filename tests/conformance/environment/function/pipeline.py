"""Environment variables of a function; one task's are not the next one's."""

import os

from witness import attempt

from intermodal import pipeline, task


@task(environment={"PORT_COLOUR": "red $HOME {{ ds }}"})
def coloured() -> str:
    with attempt("coloured") as seen:
        return seen(os.environ["PORT_COLOUR"])


@task
def plain(before: str) -> bool:
    with attempt("plain") as seen:
        return seen("PORT_COLOUR" in os.environ)


@pipeline
def function():
    plain(coloured())
