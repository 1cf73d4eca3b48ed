"""Items are text that means something to somebody else."""

from witness import attempt

from intermodal import for_each, pipeline, task

TEXTS = [
    "it's",
    '"quoted"',
    "{{ ds }}",
    "$HOME `id`",
    "tr\u00e8s\u2028",
    "{'a': 1}",
    "",
    "1",
    "null",
]


@task
def same(me: str, text: str) -> str:
    with attempt(me, [TEXTS.index(text)]) as seen:
        return seen(text)


@pipeline
def hostile_text():
    with for_each(TEXTS) as text:
        same.with_options(id="same")("same", text)
