"""Tasks have the pipeline's cache; one has switched it off."""

from witness import attempt

from intermodal import Cache, TaskDefaults, pipeline, task
from intermodal.ir import Cache as CachePolicy


@task
def cached(n: int) -> int:
    with attempt("cached") as seen:
        return seen(n + 1)


@task(cache=CachePolicy(enabled=False))
def fresh(n: int) -> int:
    with attempt("fresh") as seen:
        return seen(n + 2)


@pipeline(defaults=TaskDefaults(cache=Cache(ttl="1h")))
def defaults():
    cached(1)
    fresh(1)
