"""Fields and elements of what tasks and runs give."""

from typing import Any

from witness import attempt

from intermodal import pipeline, task


@task
def give(me: str, value: int) -> int:
    with attempt(me) as seen:
        return seen(value)


@task
def record() -> dict[str, Any]:
    with attempt("record") as seen:
        return seen({"inner": {"list": [7]}, "list": [1, 2, 9]})


@pipeline
def fields(config: dict[str, list[int]] = {"sizes": [4, 5]}):  # noqa: B006 - never changed
    made = record()
    give.with_options(id="size")("size", config["sizes"][1])
    give.with_options(id="inner")("inner", made["inner"]["list"][0])
    give.with_options(id="last")("last", made["list"][-1])
