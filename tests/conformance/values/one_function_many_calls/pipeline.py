"""One function, called many times: in a row, and side by side with equal arguments."""

from witness import attempt

from intermodal import pipeline, task


@task
def add(n: int, more: int, who: str) -> int:
    with attempt(who) as seen:
        return seen(n + more)


@pipeline
def one_function_many_calls():
    first = add(1, more=1, who="add")
    second = add(first, more=1, who="add_2")
    add.with_options(id="same")(second, more=10, who="same")
    add.with_options(id="same_again")(second, more=10, who="same_again")
