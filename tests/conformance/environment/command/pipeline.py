"""Environment variables of a command."""

from witness import attempt

from intermodal import pipeline, shell, task


@task
def check(text: str) -> bool:
    with attempt("check") as seen:
        return seen(text == "dark $HOME {{ ds }} 'blue'")


@pipeline
def command():
    shown = shell(
        'python3 "$WITNESS" start show; python3 "$WITNESS" end show; echo "$PORT_SHADE"',
        id="show",
        returns=str,
        environment={"PORT_SHADE": "dark $HOME {{ ds }} 'blue'"},
    )
    check(shown)
