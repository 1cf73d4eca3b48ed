"""Forecast the sales of each region, and publish what is good enough."""

from datetime import timedelta

import numpy as np
import pandas as pd

from intermodal import (
    Cron,
    Retry,
    collect,
    for_each,
    on_exit,
    pipeline,
    run,
    task,
    text,
    when,
)


@task(retry=Retry(2, delay="10s"))
def load(region: str) -> pd.DataFrame:
    """Make two years of weekly sales: a trend, a season and noise of the region's own."""
    weeks = np.arange(104)
    noise = np.random.default_rng(len(region)).normal(0, 4, len(weeks))
    sales = 100 + weeks * len(region) / 10 + 20 * np.sin(weeks / 52 * 2 * np.pi) + noise
    return pd.DataFrame({"week": weeks, "sales": sales})


@task
def forecast(rows: pd.DataFrame, weeks: int) -> dict[str, float]:
    """Fit trend and season on all but the last weeks, and judge by these."""
    season = rows["week"] / 52 * 2 * np.pi
    terms = np.column_stack([np.ones(len(rows)), rows["week"], np.sin(season), np.cos(season)])
    known, later = terms[:-weeks], terms[-weeks:]
    factors, *_ = np.linalg.lstsq(known, rows["sales"].to_numpy()[:-weeks], rcond=None)
    wrong = np.abs(later @ factors - rows["sales"].to_numpy()[-weeks:])
    return {"error": round(float(wrong.mean()), 3), "next": round(float(later[-1] @ factors), 1)}


@task
def worst(forecasts: list[dict[str, float]]) -> float:
    """The largest error of all regions."""
    return max(entry["error"] for entry in forecasts)


@task
def publish(forecasts: list[dict[str, float]], path: str) -> str:
    """Say where the forecasts went."""
    return f"{len(forecasts)} forecasts to {path}"


@task
def warn(error: float, limit: float) -> str:
    """Say why nothing was published."""
    return f"an error of {error} is over {limit}: nothing was published"


@task
def report(what: str, state: str) -> None:
    """Print how it went."""
    print(f"{what} {state}")


@pipeline(schedule=Cron("0 5 * * 1", timezone="Europe/Paris"), owners=["sales"])
def forecasts(
    regions: list[str] = ["north", "south-west", "islands"],  # noqa: B006 - nothing changes it
    weeks: int = 12,
    limit: float = 10.0,
):
    """Forecast each region, and publish if the worst forecast is good enough."""
    with for_each(regions, max_parallel=2) as region:
        result = forecast(load(region), weeks)
    results = collect(result)
    error = worst(results)

    monday = run.logical_date + timedelta(days=1)
    with when(error <= limit) as good:
        published = publish(results, text("forecasts/{day:%Y-%m-%d}.json", day=monday))
    with good.otherwise():
        warned = warn(error, limit)
    message = good.merge(published, warned)

    on_exit(report, "forecasts", state=run.state)
    return {"error": error, "message": message}
