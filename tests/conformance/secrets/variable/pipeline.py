"""A secret is an environment variable of a task."""

import hashlib
import os

from witness import attempt

from intermodal import pipeline, secret, shell, task


@task
def look() -> str:
    with attempt("look") as seen:
        value = os.environ["DB_PASSWORD"]
        return seen(hashlib.sha256(value.encode()).hexdigest()[:12])


@pipeline
def variable():
    look.with_options(secrets={"DB_PASSWORD": secret("warehouse")})()
    shell(
        'python3 "$WITNESS" start length; n=$(printf %s "$DB_PASSWORD" | wc -c); '
        'python3 "$WITNESS" end length $n; echo $n',
        id="length",
        returns=int,
        secrets={"DB_PASSWORD": secret("warehouse")},
    )
