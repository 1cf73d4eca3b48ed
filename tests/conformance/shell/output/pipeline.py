"""The last line of what a command prints is its result, read as its type."""

from witness import attempt

from intermodal import pipeline, shell, task


@task
def report(number: int, text: str) -> str:
    with attempt("report") as seen:
        return seen(f"{number + 1} {text}")


@pipeline
def output(word: str = "hello"):
    number = shell(
        'python3 "$WITNESS" start count; echo noise; python3 "$WITNESS" end count 5; printf %s "$word" | wc -c',
        id="count",
        returns=int,
        inputs={"word": word},
    )
    text = shell(
        'python3 "$WITNESS" start text; python3 "$WITNESS" end text \'"HELLO"\'; echo "$word" | tr a-z A-Z',
        id="text",
        returns=str,
        inputs={"word": word},
    )
    report(number, text)
