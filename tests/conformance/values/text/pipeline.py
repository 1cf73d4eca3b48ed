"""Text with values in it: text as it is, the rest as JSON."""

from witness import attempt

from intermodal import pipeline, task, text


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def word(me: str, value: str) -> str:
    with attempt(me) as seen:
        return seen(value)


@pipeline
def texts(name: str = "it's {{ ds }}", share: float = 0.5):
    a = give.with_options(id="a")("a", 5)
    word.with_options(id="line")(
        "line",
        text(
            "{name}: {a} of {{all}}, {share}, {flags}",
            name=name,
            a=a,
            share=share,
            flags=[a, True],
        ),
    )
