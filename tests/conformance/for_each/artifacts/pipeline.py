"""Tables made in a loop arrive together."""

import pandas as pd
from witness import attempt

from intermodal import collect, for_each, pipeline, task


@task
def table(me: str, n: int) -> pd.DataFrame:
    with attempt(me, [n]):
        return pd.DataFrame({"n": [n] * (n + 1)})


@task
def joined(me: str, tables: list[pd.DataFrame]) -> int:
    with attempt(me) as seen:
        return seen(int(pd.concat(tables)["n"].sum()))


@pipeline
def artifacts():
    with for_each([0, 1, 2]) as n:
        tables = table.with_options(id="table")("table", n)
    joined.with_options(id="joined")("joined", collect(tables))
