"""Owners, labels, docs and display names reach the target and change nothing of what runs."""

from witness import attempt

from intermodal import pipeline, task


@task(
    display_name='Give a number: "7" {{ x }}',
    owners=["data", "o'hara"],
    labels={"tier": "gold", "cost-centre": "42"},
    docs="Gives **seven**.\n\n'''Not more''', \"\"\"not less\"\"\".",
)
def give() -> int:
    with attempt("give") as seen:
        return seen(7)


@pipeline(
    owners=["ml-platform", "o'hara"],
    labels={"team": "diagnosis", "stage": "prod"},
    description='Line one {{ not a template }}.\n\nLine two with "quotes", a \\ and {curly}.',
)
def everything_said():
    give()
