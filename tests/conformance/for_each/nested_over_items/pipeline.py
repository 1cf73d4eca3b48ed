"""The inner loop goes over the outer one's item."""

from witness import attempt

from intermodal import for_each, pipeline, task


@task
def cell(me: str, pair: list[int], j: int) -> int:
    with attempt(me, [pair[0], j]) as seen:
        return seen(sum(pair) + j)


@pipeline
def nested_over_items():
    with for_each([[0, 0], [1, 0], [1, 1]][:2]) as pair:
        with for_each([0, 1]) as j:
            cell.with_options(id="cell")("cell", pair, j)
