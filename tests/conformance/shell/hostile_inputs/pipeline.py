"""Values reach a command as environment variables and are never run, whatever they hold."""

from witness import attempt

from intermodal import pipeline, shell, task

HOSTILE = "$(touch /tmp/pwned) `id` '; exit 3; ' \" {{ ds }} {% raw %} *"


@task
def give() -> str:
    with attempt("give") as seen:
        return seen(HOSTILE)


@task
def same(text: str, rest: str) -> list[bool]:
    with attempt("same") as seen:
        return seen([text == HOSTILE, rest == '3 ["a", "b c"]'])


@pipeline
def hostile_inputs():
    given = give()
    echoed = shell(
        'python3 "$WITNESS" start echo; python3 "$WITNESS" end echo; printf "%s" "$text"',
        id="echo",
        returns=str,
        inputs={"text": given},
    )
    rest = shell(
        'python3 "$WITNESS" start rest; python3 "$WITNESS" end rest; printf "%s %s" "$n" "$items"',
        id="rest",
        returns=str,
        inputs={"n": 3, "items": ["a", "b c"]},
    )
    same(echoed, rest)
