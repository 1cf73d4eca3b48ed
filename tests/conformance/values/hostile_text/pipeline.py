"""Text that means something to a template, a shell or a parser arrives as it was written."""

import hashlib

from witness import attempt

from intermodal import pipeline, task

HOSTILE = '{{ params.x }} {% raw %} ${HOME} $(id) `id` \\ "double" \'single\' """ \n\ttab é 漢 🎉 #{x} <b> %s {0}'


@task
def give() -> str:
    with attempt("give") as seen:
        return seen(HOSTILE)


@task
def digest(passed: str, literal: str, parameter: str) -> list[bool]:
    with attempt("digest") as seen:
        wanted = hashlib.sha256(HOSTILE.encode()).hexdigest()
        texts = (passed, literal, parameter)
        return seen(
            [hashlib.sha256(text.encode()).hexdigest() == wanted for text in texts]
        )


@pipeline
def hostile_text(parameter: str = HOSTILE):
    """Says {{ hello }}, "quotes" and 'more' in its description, and a backslash: \\."""
    digest(give(), HOSTILE, parameter)
