"""What tasks of random pipelines do; imported on the engines, where the witness lies beside it."""

from witness import attempt, starts


def play(task, does, value, x0=0, x1=0, x2=0, i0=None, i1=None):
    """Succeed with a number, fail, or fail at the first attempt only.

    Args:
        task: The task's id.
        does: `succeed`, `fail`, `flaky` or `list`.
        value: What is added to the inputs; with `list` how long the list is.
        x0: A number of another task, and so are the next ones.
        i0: Position in the outermost loop, if there is one; `i1` in the next one.
    """
    index = [position for position in (i0, i1) if position is not None]
    with attempt(task, index) as seen:
        if does == "fail" or (does == "flaky" and starts(task, index) < 2):
            raise RuntimeError(f"{task} {does}")
        if does == "list":
            return seen(list(range(value)))
        return seen(value + _total(x0) + _total(x1) + _total(x2))


def _total(value):
    """Collected outputs are lists of numbers."""
    return sum(value) if isinstance(value, list) else value
